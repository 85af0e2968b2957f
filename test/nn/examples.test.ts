/** `@example expression // value` in the docstrings of layers gives the value, where that is a number, list or truth value. */
import { readdirSync, readFileSync } from 'node:fs';
import * as ct from 'cotangent';
import * as nn from 'cotangent/nn';
import * as random from 'cotangent/random';
import { expect, test } from 'vitest';

const folder = new URL('../../src/nn/', import.meta.url);
const examples: [place: string, expression: string, value: string][] = [];
for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name =>
  name.endsWith('.ts'),
))
  for (const [, expression, value] of readFileSync(new URL(file, folder), 'utf8').matchAll(
    /@example (.+?) \/\/ ([-\d.[\], ]+|(?:[\s,[\]]|true|false)+)(?: @\w.*)?(?: \*\/)?$/gm,
  ))
    if (!/^(const|let) /.test(expression)) examples.push([`${file}: ${expression}`, expression, value]);

const reserved = new Set(['delete', 'var']);
const scope = Object.entries({ ...ct, ...random, ...nn }).filter(([name]) => !reserved.has(name));

test('there are some', () => expect(examples.length).toBeGreaterThan(8));

test.each(examples)('%s', (_, expression, value) => {
  const run = new Function(...scope.map(([name]) => name), `return ${expression}`) as (
    ...all: unknown[]
  ) => unknown;
  const result = run(...scope.map(([, member]) => member));
  const found = [result instanceof ct.Tensor ? result.arraySync() : result].flat(9 as 1) as unknown[];
  const expected = [JSON.parse(value) as unknown].flat(9 as 1) as unknown[];
  expect(found.length).toBe(expected.length);
  expected.forEach((x, i) => {
    // To as many decimals as are written down.
    if (typeof x === 'number') expect(found[i]).toBeCloseTo(x, String(x).split('.')[1]?.length ?? 5);
    else expect(found[i]).toBe(x);
  });
});
