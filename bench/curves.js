// A picture of curves over a logarithmic axis, as SVG.

const [width, height] = [720, 420];
const box = { left: 60, right: 560, top: 20, bottom: 370 };
const colours = ['#1b6ca8', '#c0392b', '#27864e', '#8e44ad', '#b7791f', '#16807a', '#555b66', '#d1478c'];

/**
 * @param {readonly { name: string, points: readonly (readonly number[])[] }[]} lines Points are [x, y], x > 0, y ≥ 0.
 * @param {string} across
 * @param {string} up
 */
export function curves(lines, across, up) {
  const all = lines.flatMap(line => line.points);
  const [low, high] = [Math.min, Math.max].map(f => f(...all.map(([x]) => Math.log10(x))));
  const top = Math.max(5, Math.ceil(Math.max(...all.map(([, y]) => y))));
  const x = (/** @type {number} */ value) =>
    box.left + ((Math.log10(value) - low) / (high - low || 1)) * (box.right - box.left);
  const y = (/** @type {number} */ value) => box.bottom - (value / top) * (box.bottom - box.top);
  const text = (
    /** @type {number} */ atX,
    /** @type {number} */ atY,
    /** @type {string} */ words,
    more = 'text-anchor="middle"',
  ) => `<text x="${atX.toFixed(1)}" y="${atY.toFixed(1)}" ${more}>${words}</text>`;
  const marks = [];
  for (let power = Math.ceil(low); power <= high; power++)
    marks.push(text(x(10 ** power), box.bottom + 18, `10<tspan dy="-5" font-size="9">${power}</tspan>`));
  for (let value = 0; value <= top; value += Math.ceil(top / 8)) {
    const at = y(value).toFixed(1);
    marks.push(`<path d="M${box.left} ${at}H${box.right}" stroke="#ddd"/>`);
    marks.push(text(box.left - 8, y(value) + 4, String(value), 'text-anchor="end"'));
  }
  const drawn = lines.flatMap(({ name, points }, i) => {
    const colour = colours[i % colours.length];
    const places = points.map(([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`);
    const row = box.top + 14 + 20 * i;
    return [
      `<path d="M${places.join('L')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...places.map(place => `<circle cx="${place.replace(' ', '" cy="')}" r="3" fill="${colour}"/>`),
      `<path d="M${box.right + 20} ${row - 4}h22" stroke="${colour}" stroke-width="2"/>`,
      text(box.right + 48, row, name, 'text-anchor="start"'),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...marks,
    ...drawn,
    text((box.left + box.right) / 2, box.bottom + 40, across),
    text(
      16,
      (box.top + box.bottom) / 2,
      up,
      `text-anchor="middle" transform="rotate(-90 16 ${(box.top + box.bottom) / 2})"`,
    ),
    '</svg>\n',
  ].join('\n');
}
