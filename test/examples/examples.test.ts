/** The examples run as a reader would run them, check their own results, and draw their pictures. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);

/** Examples that take a second or two; what they print must match. */
const quick: readonly [folder: string, picture: string, prints: RegExp][] = [
  ['curve-fit', 'fit.svg', /certified 5642\.7082397/],
  ['physics', 'flights.svg', /misses the middle by \d\.\de-1\d m/],
];

test.each(quick)(
  '%s',
  async (folder, picture, prints) => {
    const file = new URL(`examples/${folder}/out/${picture}`, root);
    rmSync(file, { force: true });
    const { stdout } = await promisify(execFile)(process.execPath, [`examples/${folder}/main.js`], {
      cwd: root,
    });
    expect(stdout).toMatch(prints);
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, 'utf8')).not.toMatch(/NaN|Infinity|undefined/);
  },
  60_000,
);
