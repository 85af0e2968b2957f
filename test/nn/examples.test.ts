/** `@example expression // value` in the docstrings of layers gives the value, where that is a number, list or truth value. */
import { readdirSync, readFileSync } from 'node:fs';
import * as ct from 'cotangent';
import * as nn from 'cotangent/nn';
import * as random from 'cotangent/random';
import { expect, test } from 'vitest';
import { expectWritten } from '../docs/written.ts';

const folder = new URL('../../src/nn/', import.meta.url);
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'));

/** Of each docstring the examples with a value, after the constants of the same docstring that they name. */
const examples = files.flatMap(file =>
  [...readFileSync(new URL(file, folder), 'utf8').matchAll(/\/\*\*.*?\*\//gs)].flatMap(([docstring]) => {
    const constants: string[] = [];
    return [...docstring.matchAll(/@example (.+?)(?: \/\/ (.+?))?(?: @\w.*)?(?: \*\/)?$/gm)].flatMap(
      ([, expression, value]): [place: string, code: string, value: string][] => {
        const name = /^const (\w+) = /.exec(expression)?.[1];
        if (name !== undefined) constants.push(expression);
        if (name !== undefined || !/^(?:[-\d.[\], ]+|(?:[\s,[\]]|true|false)+)$/.test(value ?? '')) return [];
        const needed = constants.filter(one => new RegExp(`\\b${one.split(' ')[1]}\\b`).test(expression));
        return [[`${file}: ${expression}`, `${needed.join(';')};return ${expression}`, value]];
      },
    );
  }),
);

const reserved = new Set(['delete', 'var']);
const scope = Object.entries({ ...ct, ...random, ...nn }).filter(([name]) => !reserved.has(name));

test('there are some', () => expect(examples.length).toBeGreaterThan(8));

test.each(examples)('%s', (_, code, value) => {
  const run = new Function(...scope.map(([name]) => name), code) as (...all: unknown[]) => unknown;
  expectWritten(run(...scope.map(([, member]) => member)), value);
});
