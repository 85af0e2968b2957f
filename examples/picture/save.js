// Where the examples put their pictures.
import { mkdirSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Writes a picture into the folder `out` beside a program.
 *
 * @param {string} program import.meta.url of it
 * @param {string} name
 * @param {string} picture SVG
 * @returns {string} the path from the current folder
 */
export function savePicture(program, name, picture) {
  const folder = new URL('out/', program);
  mkdirSync(folder, { recursive: true });
  const file = fileURLToPath(new URL(name, folder));
  writeFileSync(file, picture);
  return relative(process.cwd(), file);
}
