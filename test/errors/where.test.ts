/** Where an error says that it happened: the user's own line, and the transformations around it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CotangentError, grad, jacfwd, jit, jvp, ShapeMismatch, type Tensor, tensor, vmap } from 'cotangent';
import { describe, expect, test, vi } from 'vitest';
import { userLine } from '../../src/core/errors.ts';

const file = fileURLToPath(import.meta.url);
const text = readFileSync(file, 'utf8');

/** The place of the first occurrence in this file. */
function placeOf(code: string): string {
  return `${file}:${text.slice(0, text.indexOf(code)).split('\n').length}`;
}

function thrownBy(run: () => unknown): CotangentError {
  try {
    run();
  } catch (error) {
    return error as CotangentError;
  }
  throw new Error('nothing was thrown');
}

const withoutColumn = (where: string): string => where.replace(/:\d+(?=,|$)/, '');

describe('the place', () => {
  test('is the innermost line of the user, the path the transformations from outside in', () => {
    const loss = (x: Tensor): Tensor => x.add(tensor([1, 2, 3])).sum();
    const each = (x: Tensor): Tensor => grad(loss)(x);
    const all = jit(function all(x: Tensor): Tensor {
      return vmap(each)(x);
    });
    const error = thrownBy(() => all(tensor([[1, 2]])));
    expect(error).toBeInstanceOf(ShapeMismatch);
    expect(withoutColumn(error.where)).toBe(
      `${placeOf('x.add(tensor([1, 2, 3]))')}, in jit(all) › vmap(each) › grad(loss)`,
    );
  });

  test('is found through many transformations', () => {
    let f = (x: Tensor): Tensor =>
      x
        .sin()
        .add(tensor([0, 0, 0]).add(tensor([0, 0])))
        .sum();
    for (let i = 0; i < 6; i++) {
      const inner = f;
      f = x => jvp(inner, [x], [x])[1];
    }
    expect(withoutColumn(thrownBy(() => jit(f)(tensor(1))).where)).toContain(
      `${placeOf('add(tensor([0, 0]))')}, in jit(f) › jvp(f) ›`,
    );
  });

  test('of a condition is the line that made it, though it is missed only at the end', () => {
    const relu = (x: Tensor): Tensor => {
      if (x.greater(0)) return x;
      return x.mul(0);
    };
    expect(withoutColumn(thrownBy(() => grad(relu)(tensor(1))).where)).toBe(placeOf('if (x.greater(0))'));
  });

  test('is "outside any transformation" where the engine tells no line', () => {
    const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit') as PropertyDescriptor;
    Object.defineProperty(Error, 'stackTraceLimit', { get: () => 0, set: () => {}, configurable: true });
    try {
      expect(thrownBy(() => tensor([1, 2]).add([1, 2, 3])).where).toBe('outside any transformation');
    } finally {
      Object.defineProperty(Error, 'stackTraceLimit', limit);
    }
  });

  test('leaves the limit of stack traces as it was', () => {
    const before = Error.stackTraceLimit;
    thrownBy(() => tensor([1, 2]).add([1, 2, 3]));
    expect(Error.stackTraceLimit).toBe(before);
  });

  const here = new URL('../../src/numpy/array.ts', import.meta.url);
  const inside = `    at add (${here}:1:1)\n    at x.<computed> [as add] (${fileURLToPath(here)}:1:1)\n`;
  test.each([
    ['Node', '    at f (file:///home/me/app/main.js:3:5)', '/home/me/app/main.js:3:5'],
    ['Node, CommonJS', '    at Object.<anonymous> (/home/me/main.cjs:3:5)', '/home/me/main.cjs:3:5'],
    ['Node, at the top of a module', '    at file:///home/me/main.js:3:5', '/home/me/main.js:3:5'],
    ['Node, after an await', '    at async file:///home/me/main.js:3:5', '/home/me/main.js:3:5'],
    ['an async function', '    at async f (file:///home/me/main.js:3:5)', '/home/me/main.js:3:5'],
    ['Windows', '    at f (file:///C:/app/main.js:3:5)', '/C:/app/main.js:3:5'],
    ['Windows, CommonJS', '    at f (C:\\app\\main.cjs:3:5)', 'C:\\app\\main.cjs:3:5'],
    ['Chrome', '    at f (https://me.org/app.js?v=12:3:5)', 'https://me.org/app.js:3:5'],
    ['Firefox', 'f@https://me.org/app.js:3:5', 'https://me.org/app.js:3:5'],
    ['Safari', 'module code@https://me.org/app.js:3:5', 'https://me.org/app.js:3:5'],
    [
      'a folder with parentheses',
      '    at f (file:///home/me (old)/main.js:3:5)',
      '/home/me (old)/main.js:3:5',
    ],
    [
      'code made from text',
      '    at eval (eval at f (file:///home/me/main.js:1:1), <anonymous>:1:1)\n    at h (file:///h.js:3:5)',
      '/h.js:3:5',
    ],
    ['an array method', '    at Array.map (<anonymous>)\n    at h (file:///h.js:3:5)', '/h.js:3:5'],
  ])('is read from a stack of %s', (_, line, place) => {
    expect(userLine({ stack: `Error\n${inside}${line}\n    at g (file:///g.js:9:9)` })).toBe(place);
  });

  test.each([{}, { stack: '' }, { stack: 'Error\n    at f (native)' }, { stack: `Error\n${inside}` }])(
    'is empty where there is none: %o',
    stack => {
      expect(userLine(stack)).toBe('');
    },
  );
});

describe('which value', () => {
  const did = (run: () => unknown): string => thrownBy(run).did;

  test('is named by the number of the argument and the path in it', () => {
    const loss = (_: unknown, q: { w: Tensor }): Tensor => q.w.sum();
    const ints = { w: tensor([1], 'int32') };
    expect(did(() => grad(loss, { argnums: 1 })(null, ints))).toBe('grad(loss): argument 1.w is int32[1]');
    expect(did(() => jacfwd(loss, { argnums: 1 })(null, ints))).toBe(
      'jacfwd(loss): argument 1.w is int32[1]',
    );
    expect(did(() => grad(loss, { argnums: 1 })(null, { w: new Date() as never }))).toBe(
      'met an instance of Date at argument 1.w, which is not a tree',
    );
    expect(did(() => jit((x: Tensor) => ({ x, at: new Date() }))(tensor(1)))).toBe(
      'met an instance of Date at result.at, which is not a tree',
    );
  });
});

describe('an error', () => {
  test('prints itself whole, under its own name', () => {
    const error = thrownBy(() => tensor([1, 2]).add([1, 2, 3]));
    expect(error.stack?.split('\n    at ')[0]).toBe(`ShapeMismatch: ${error.message}`);
    expect(String(error)).toBe(`ShapeMismatch: ${error.message}`);
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      id: 'CT101',
      did: error.did,
      expected: error.expected,
      where: error.where,
      remedy: error.remedy,
    });
  });

  test('can be made by other packages, with an id of their own', () => {
    class Stiff extends CotangentError {
      static override readonly id = 'ODE1';
      static override readonly title = 'Stiff equation';
    }
    const error = new Stiff({ did: 'took 1e6 steps', expected: 'fewer', remedy: 'implicit steps' });
    expect(error.name).toBe('Stiff');
    expect(error.message).toMatch(
      /^ODE1 Stiff equation: took 1e6 steps\n {2}expected: fewer\n {2}where: {4}\/.*\n {2}do: {7}implicit steps$/,
    );
  });
});

test('without a device, computing says so', async () => {
  vi.resetModules();
  const { tensor: make } = await import('../../src/numpy/array.ts');
  const { add } = await import('../../src/primitives/arithmetic.ts');
  const x = make([1, 2]);
  const error = thrownBy(() => add(x, x));
  expect([error.name, error.id]).toEqual(['NoBackend', 'CT121']);
  vi.resetModules();
});
