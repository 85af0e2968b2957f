// Wrong usage of the command line, and modules named there.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * An error that is shown with a hint at the help, and ends with exit code 2.
 *
 * @param {string} message
 */
export function usage(message) {
  return Object.assign(new Error(message), { code: 'USAGE' });
}

/**
 * @param {string} path
 * @returns {Promise<Record<string, unknown>>}
 */
export async function importFile(path) {
  const file = resolve(path);
  if (!existsSync(file)) throw usage(`there is no file ${path}`);
  return await import(pathToFileURL(file).href);
}
