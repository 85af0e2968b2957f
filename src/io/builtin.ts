/** Node's own modules, without an import that a bundler for browsers would have to resolve. */
import { BadArgument } from '../core/errors.ts';

interface Builtins {
  readonly 'node:crypto': typeof import('node:crypto');
  readonly 'node:fs/promises': typeof import('node:fs/promises');
  readonly 'node:os': typeof import('node:os');
  readonly 'node:path': typeof import('node:path');
  readonly 'node:url': typeof import('node:url');
}

/** @throws BadArgument where there is no Node: paths mean nothing there */
export function builtin<K extends keyof Builtins>(name: K): Builtins[K] {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  const found = process?.getBuiltinModule?.(name);
  if (found === undefined)
    throw new BadArgument({
      did: 'a path or URL of a file, outside Node',
      expected: 'bytes, or a Blob such as a File',
      remedy: 'load from await (await fetch(url)).blob(); write bytes with the write… functions',
    });
  return found as Builtins[K];
}
