/** The examples run as a reader would run them, check their own results, and draw their pictures. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'cotangent-examples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Of pictures whose class is where their bright stripe is: what Fashion-MNIST's files look like. */
function clothes(name: string, count: number): void {
  const images = Buffer.alloc(16 + count * 784);
  const labels = Buffer.alloc(8 + count);
  images.writeUInt32BE(0x803, 0);
  [count, 28, 28].forEach((extent, i) => images.writeUInt32BE(extent, 4 + 4 * i));
  labels.writeUInt32BE(0x801, 0);
  labels.writeUInt32BE(count, 4);
  for (let i = 0; i < count; i++) {
    labels[8 + i] = i % 10;
    const stripe = 16 + i * 784 + 28 * (2 + 2 * (i % 10));
    images.fill(200 + (i % 50), stripe, stripe + 56);
  }
  writeFileSync(join(folder, 'clothes', `${name}-images-idx3-ubyte.gz`), gzipSync(images));
  writeFileSync(join(folder, 'clothes', `${name}-labels-idx1-ubyte.gz`), gzipSync(labels));
}
mkdirSync(join(folder, 'clothes'));
clothes('train', 1280);
clothes('t10k', 256);

/** What they print, whole or after one epoch of training. */
const examples: readonly [name: string, picture: string, prints: RegExp, environment?: object][] = [
  ['curve-fit', 'fit.svg', /certified 5642\.7082397/],
  ['physics', 'flights.svg', /misses the middle by \d\.\de-1\d m/],
  ['mnist', 'mnist.svg', /^9\d\.\d\d % of 2000 held-out digits are right/m, { EPOCHS: '1' }],
  ['transformer', 'sorting.svg', /validation\.numbers 0\.[6-9]/, { EPOCHS: '1' }],
  ['characters', 'characters.svg', /^[23]\.\d+ bits per character/m, { EPOCHS: '1' }],
  [
    'fashion-mnist',
    'clothes.svg',
    /% of 256 held-out pictures are right/,
    { EPOCHS: '1', FASHION_MNIST: join(folder, 'clothes') },
  ],
];

test.each(examples)(
  '%s',
  async (name, picture, prints, environment = {}) => {
    const file = new URL(`examples/${name}/out/${picture}`, root);
    rmSync(file, { force: true });
    const { stdout } = await promisify(execFile)(process.execPath, [`examples/${name}/main.js`], {
      cwd: root,
      env: { ...process.env, ...environment },
    });
    expect(stdout).toMatch(prints);
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, 'utf8')).not.toMatch(/NaN|Infinity|undefined/);
  },
  120_000,
);
