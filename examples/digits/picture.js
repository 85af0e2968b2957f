// The picture of a training: two charts over the epochs, and digits that were read wrongly. Written as SVG.
import { crc32, deflateSync } from 'node:zlib';

const ink = '#1c2733';
const grey = '#667380';
const grid = '#e3e7eb';
const blue = '#1f6fb2';
const orange = '#c8551b';

/**
 * @typedef {{ epoch: number, loss: number, heldLoss: number, accuracy: number }} Epoch
 * @typedef {{ pixels: ArrayLike<number>, label: number, guess: number }} Mistake
 * @typedef {{ name: string, colour: string, values: number[] }} Series
 */

/**
 * @param {Epoch[]} history
 * @param {Mistake[]} wrong
 * @param {number} side of an image, in pixels
 * @returns {string}
 */
export function drawTraining(history, wrong, side) {
  const [width, height] = [960, 560];
  const last = history[history.length - 1];
  const losses = [
    { name: 'training', colour: blue, values: history.map(({ loss }) => loss) },
    { name: 'held out', colour: orange, values: history.map(({ heldLoss }) => heldLoss) },
  ];
  const accuracies = [
    { name: 'held out', colour: orange, values: history.map(({ accuracy }) => 100 * accuracy) },
  ];
  const place = { y: 76, width: 384, height: 250 };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="${ink}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    chart({ ...place, x: 64, title: 'Loss (cross-entropy)', series: losses, from: 0, digits: 1 }),
    chart({
      ...place,
      x: 544,
      title: `Held-out accuracy: ${(100 * last.accuracy).toFixed(1)} %`,
      series: accuracies,
      to: 100,
      unit: ' %',
    }),
    mistakes(wrong, side, { x: 64, y: 424, width: 864 }),
    '</svg>',
    '',
  ].join('\n');
}

/**
 * Lines over the epochs 1, 2, …, with ticks, a grid and, for several lines, a legend.
 * @param {{ x: number, y: number, width: number, height: number, title: string, series: Series[],
 *   from?: number, to?: number, unit?: string, digits?: number }} options
 */
function chart({ x, y, width, height, title, series, from, to, unit = '', digits = 0 }) {
  const values = series.flatMap(one => one.values);
  const ticks = niceTicks(from ?? Math.min(...values), to ?? Math.max(...values));
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const count = series[0].values.length;
  const across = (/** @type {number} */ epoch) => x + (count > 1 ? (epoch - 1) / (count - 1) : 0.5) * width;
  const up = (/** @type {number} */ value) => y + height - ((value - low) / (high - low)) * height;
  const parts = [text(x, y - 24, title, `font-size="16" font-weight="bold"`)];
  const decimals = Math.max(digits, ticks.some(tick => !Number.isInteger(tick)) ? 1 : 0);
  for (const tick of ticks) {
    parts.push(line(x, up(tick), x + width, up(tick), grid));
    parts.push(text(x - 10, up(tick) + 4, tick.toFixed(decimals) + unit, `text-anchor="end" fill="${grey}"`));
  }
  for (let epoch = 1; epoch <= count; epoch++) {
    parts.push(line(across(epoch), y + height, across(epoch), y + height + 5, grey));
    parts.push(text(across(epoch), y + height + 20, String(epoch), `text-anchor="middle" fill="${grey}"`));
  }
  parts.push(line(x, y + height, x + width, y + height, grey));
  parts.push(text(x + width / 2, y + height + 40, 'epoch', `text-anchor="middle" fill="${grey}"`));
  series.forEach(({ name, colour, values: heights }, i) => {
    const points = heights.map((value, j) => [across(j + 1), up(value)].map(rounded));
    parts.push(
      `<polyline points="${points.map(point => point.join(',')).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`),
    );
    if (series.length === 1) return;
    const at = y + 14 + 20 * i;
    parts.push(
      line(x + width - 96, at - 4, x + width - 74, at - 4, colour, 2),
      text(x + width - 66, at, name),
    );
  });
  return parts.join('\n');
}

/** @param {number} min @param {number} max */
function niceTicks(min, max) {
  const rough = (max - min || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(n => n * power).find(n => n >= rough) ?? 10 * power;
  const first = Math.floor(min / step + 1e-9);
  const last = Math.ceil(max / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/**
 * Wrongly read digits in a row, with what they are and what they were read as below each.
 * @param {Mistake[]} wrong
 * @param {number} side
 * @param {{ x: number, y: number, width: number }} place
 */
function mistakes(wrong, side, { x, y, width }) {
  const title =
    wrong.length === 0
      ? 'No digit was read wrongly'
      : 'Held-out digits that were read wrongly: what they are → what they were read as';
  const gap = 10;
  const drawn = (width + gap) / 12 - gap;
  const parts = [text(x, y, title, `font-size="16" font-weight="bold"`)];
  wrong.forEach(({ pixels, label, guess }, i) => {
    const left = rounded(x + i * (drawn + gap));
    const middle = rounded(left + drawn / 2);
    parts.push(
      `<image x="${left}" y="${y + 16}" width="${rounded(drawn)}" height="${rounded(drawn)}" style="image-rendering: pixelated" href="${png(pixels, side)}"/>`,
      `<rect x="${left}" y="${y + 16}" width="${rounded(drawn)}" height="${rounded(drawn)}" fill="none" stroke="${grid}"/>`,
      `<text x="${middle}" y="${rounded(y + 36 + drawn)}" text-anchor="middle">${label} <tspan fill="${grey}">→</tspan> <tspan fill="${orange}" font-weight="bold">${guess}</tspan></text>`,
    );
  });
  return parts.join('\n');
}

/**
 * A grey image, dark where the pixels are 1, as the address of a PNG.
 * @param {ArrayLike<number>} pixels
 * @param {number} side
 */
function png(pixels, side) {
  const rows = new Uint8Array(side * (side + 1));
  for (let i = 0; i < side; i++)
    for (let j = 0; j < side; j++)
      rows[i * (side + 1) + 1 + j] = 255 - Math.round(255 * pixels[i * side + j]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 8;
  const chunk = (/** @type {string} */ name, /** @type {Uint8Array} */ data) => {
    const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    size.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([size, body, sum]);
  };
  const file = Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return `data:image/png;base64,${file.toString('base64')}`;
}

const rounded = (/** @type {number} */ value) => Math.round(value * 10) / 10;

/** @param {number} x @param {number} y @param {string} content */
const text = (x, y, content, style = '') =>
  `<text x="${rounded(x)}" y="${rounded(y)}" ${style}>${content}</text>`;

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {string} colour */
const line = (x1, y1, x2, y2, colour, width = 1) =>
  `<line x1="${rounded(x1)}" y1="${rounded(y1)}" x2="${rounded(x2)}" y2="${rounded(y2)}" stroke="${colour}" stroke-width="${width}"/>`;
