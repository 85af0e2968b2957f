// Charts and small images as SVG, for the pictures of the examples.
import { crc32, deflateSync } from 'node:zlib';

export const ink = '#1c2733';
export const grey = '#667380';
export const grid = '#e3e7eb';
export const blue = '#1f6fb2';
export const orange = '#c8551b';
export const green = '#2f8f4e';

/**
 * `line` joins its points, `points` draws them, `dots` does both, `band` fills between the lower and upper values.
 *
 * @typedef {{ name?: string, colour: string, kind?: 'line' | 'points' | 'dots' | 'band', dashed?: boolean,
 *   points: number[][] }} Series
 */

/**
 * @param {number} width
 * @param {number} height
 * @param {string[]} parts
 */
export const svg = (width, height, ...parts) =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="${ink}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');

/**
 * Series over a horizontal axis, with ticks, a grid and, where series have names, a legend.
 *
 * @param {{ x: number, y: number, width: number, height: number, title: string, label: string, series: Series[],
 *   from?: number, to?: number, left?: number, right?: number, unit?: string, equal?: boolean,
 *   legend?: 'left' | 'right' | 'below' }} options from and to, left and right: ends of the axes, else those of the data; equal:
 *   both axes have one scale
 */
export function chart(options) {
  const { x, y, width, height, title, label, series, unit = '', legend = 'right' } = options;
  const all = series.flatMap(({ points }) => points);
  const heights = all.flatMap(([, ...values]) => values).filter(Number.isFinite);
  const vertical = niceTicks(options.from ?? least(heights), options.to ?? greatest(heights));
  const acrossAll = all.map(([value]) => value);
  const [left, right] = [options.left ?? least(acrossAll), options.right ?? greatest(acrossAll)];
  const [low, high] = [vertical[0], vertical[vertical.length - 1]];
  const scale = options.equal ? Math.min(width / (right - left), height / (high - low)) : 0;
  const across = (/** @type {number} */ value) =>
    x + (right > left ? (value - left) * (scale || width / (right - left)) : width / 2);
  const up = (/** @type {number} */ value) => y + height - (value - low) * (scale || height / (high - low));
  const horizontal = niceTicks(left, right).filter(
    tick => tick >= left - 1e-9 && tick <= right + 1e-9 && (label !== 'epoch' || Number.isInteger(tick)),
  );
  const end = options.equal ? across(right) : x + width;
  const top = up(high);
  return [
    text(x, top - 24, title, 'font-size="16" font-weight="bold"'),
    ...vertical.flatMap(tick => [
      line(x, up(tick), end, up(tick), grid),
      text(x - 10, up(tick) + 4, written(tick, vertical) + unit, `text-anchor="end" fill="${grey}"`),
    ]),
    ...horizontal.flatMap(tick => [
      line(across(tick), y + height, across(tick), y + height + 5, grey),
      text(across(tick), y + height + 20, written(tick, horizontal), `text-anchor="middle" fill="${grey}"`),
    ]),
    line(x, y + height, end, y + height, grey),
    text((x + end) / 2, y + height + 40, label, `text-anchor="middle" fill="${grey}"`),
    ...series.map(one => drawn(one, across, up)),
    ...series
      .filter(({ name }) => name !== undefined)
      .flatMap(({ name, colour, kind = 'line', dashed = false }, i, named) => {
        const at = legend === 'below' ? y + height - 20 * (named.length - i) : top + 14 + 20 * i;
        const start = legend === 'left' ? x + 12 : end - 120;
        return [
          kind === 'points'
            ? circle(start + 11, at - 4, colour)
            : line(
                start,
                at - 4,
                start + 22,
                at - 4,
                colour,
                kind === 'band' ? 8 : 2,
                dashed,
                kind === 'band',
              ),
          text(start + 30, at, name ?? ''),
        ];
      }),
  ].join('\n');
}

/**
 * @param {Series} series
 * @param {(value: number) => number} across
 * @param {(value: number) => number} up
 */
function drawn({ colour, kind = 'line', dashed = false, points }, across, up) {
  const places = (/** @type {number[][]} */ list) =>
    list.map(([px, py]) => `${rounded(across(px))},${rounded(up(py))}`).join(' ');
  if (kind === 'band') {
    const upper = points.map(([px, , high]) => [px, high]).reverse();
    return `<polygon points="${places([...points, ...upper])}" fill="${colour}" opacity="0.25"/>`;
  }
  const dash = dashed ? ' stroke-dasharray="6 4"' : '';
  return [
    kind === 'points'
      ? ''
      : `<polyline points="${places(points)}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`,
    ...(kind === 'line' ? [] : points.map(([px, py]) => circle(across(px), up(py), colour))),
  ].join('\n');
}

/**
 * Images in a row, each with a text below.
 *
 * @param {{ pixels: ArrayLike<number>, width: number, height: number, below: string }[]} images grey, dark where 1
 * @param {{ x: number, y: number, width: number, title: string, count?: number }} place
 */
export function gallery(images, { x, y, width, title, count = 12 }) {
  const gap = 10;
  const side = (width + gap) / count - gap;
  return [
    text(x, y, title, 'font-size="16" font-weight="bold"'),
    ...images.slice(0, count).flatMap((image, i) => {
      const left = rounded(x + i * (side + gap));
      const box = `x="${left}" y="${y + 16}" width="${rounded(side)}" height="${rounded((side * image.height) / image.width)}"`;
      const below = y + 36 + (side * image.height) / image.width;
      return [
        `<image ${box} style="image-rendering: pixelated" href="${png(image)}"/>`,
        `<rect ${box} fill="none" stroke="${grid}"/>`,
        text(left + side / 2, below, image.below, 'text-anchor="middle"'),
      ];
    }),
  ].join('\n');
}

/**
 * A grey image, dark where the pixels are 1, as the address of a PNG.
 *
 * @param {{ pixels: ArrayLike<number>, width: number, height: number }} image
 */
export function png({ pixels, width, height }) {
  const rows = new Uint8Array(height * (width + 1));
  for (let i = 0; i < height; i++)
    for (let j = 0; j < width; j++)
      rows[i * (width + 1) + 1 + j] = 255 - Math.round(255 * pixels[i * width + j]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
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

/** @param {number[]} values */
const least = values => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
/** @param {number[]} values */
const greatest = values => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);

/** @param {number} min @param {number} max */
function niceTicks(min, max) {
  const rough = (max - min || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(n => n * power).find(n => n >= rough * 0.999) ?? 10 * power;
  const first = Math.floor(min / step + 1e-9);
  const last = Math.ceil(max / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** A tick with as many decimals as the others need. @param {number} tick @param {number[]} ticks */
function written(tick, ticks) {
  const decimals = Math.max(...ticks.map(one => String(one).split('.')[1]?.length ?? 0));
  return tick.toFixed(Math.min(decimals, 6));
}

/** @param {number} value */
const rounded = value => Math.round(value * 10) / 10;

/** @param {number} x @param {number} y @param {string} content */
export const text = (x, y, content, style = '') =>
  `<text x="${rounded(x)}" y="${rounded(y)}" ${style}>${content}</text>`;

/** @param {number} x @param {number} y @param {string} colour */
export const circle = (x, y, colour, radius = 3) =>
  `<circle cx="${rounded(x)}" cy="${rounded(y)}" r="${radius}" fill="${colour}"/>`;

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {string} colour */
export const line = (x1, y1, x2, y2, colour, width = 1, dashed = false, faint = false) =>
  `<line x1="${rounded(x1)}" y1="${rounded(y1)}" x2="${rounded(x2)}" y2="${rounded(y2)}" stroke="${colour}" stroke-width="${width}"${dashed ? ' stroke-dasharray="6 4"' : ''}${faint ? ' opacity="0.25"' : ''}/>`;
