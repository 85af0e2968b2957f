/** Equal programs are one object; programs that differ in a bit are not. */
import 'cotangent';
import { full, type Tensor, tensor } from 'cotangent';
import { expect, test } from 'vitest';
import { Aval } from '../../src/core/aval.ts';
import { scalar } from '../../src/core/tensor.ts';
import type { Program } from '../../src/primitives/primitive.ts';
import { closed } from '../../src/transforms/derive.ts';
import { traceProgram } from '../../src/transforms/trace.ts';

const traced = (f: (x: Tensor) => Tensor, aval = new Aval('float32', [3])): Program =>
  closed(traceProgram(([x]) => [f(x)], [aval], { name: 'test' })).program;

const w = tensor([1, 2, 3]);

/** Each makes a program anew; no two of them are equal. */
const bodies: Record<string, () => Program> = {
  'an operation': () => traced(x => x.sin()),
  'another operation': () => traced(x => x.cos()),
  'other avals': () => traced(x => x.sin(), new Aval('float32', [4])),
  'another order of operands': () => traced(x => x.sin().sub(x)),
  'and back': () => traced(x => x.sub(x.sin())),
  parameters: () => traced(x => x.reshape([1, 3])),
  'other parameters': () => traced(x => x.reshape([3, 1])),
  'a number': () => traced(x => x.mul(2)),
  'another number': () => traced(x => x.mul(3)),
  zero: () => traced(x => x.mul(scalar('float32', 0))),
  'minus zero': () => traced(x => x.mul(scalar('float32', -0))),
  'not a number': () => traced(x => x.add(Number.NaN)),
  infinity: () => traced(x => x.add(Number.POSITIVE_INFINITY)),
  'a tensor closed over': () => traced(x => x.mul(w)),
  'a filled tensor': () => traced(x => x.mul(full([3], 5))),
};

test('a program made twice is one object, and no two different ones are', () => {
  const first = Object.values(bodies).map(make => make());
  const again = Object.values(bodies).map(make => make());
  first.forEach((program, i) => {
    expect(program === again[i], Object.keys(bodies)[i]).toBe(true);
  });
  expect(new Set(first).size).toBe(first.length);
});
