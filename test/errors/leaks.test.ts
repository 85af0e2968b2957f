/** A leaked tracer's error names the line that made it and the transformations that it belongs to. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  cond,
  grad,
  jit,
  jvp,
  linearize,
  program,
  scan,
  type Tensor,
  TracerLeak,
  tensor,
  vmap,
  whileLoop,
} from 'cotangent';
import { describe, expect, test } from 'vitest';

const file = fileURLToPath(import.meta.url);
const lines = readFileSync(file, 'utf8').split('\n');
const placeOf = (mark: string): string =>
  `${file}:${lines.findIndex(line => line.includes(`// ${mark}`)) + 1}`;

let kept: Tensor | undefined;
function keeps(x: Tensor): Tensor {
  kept = x.mul(2).sum(); // the maker
  return x.mul(3).sum();
}
const keep = keeps;

function leakedBy(run: () => unknown): TracerLeak {
  kept = undefined;
  run();
  try {
    (kept as unknown as Tensor).add(1); // the use
  } catch (error) {
    expect(error).toBeInstanceOf(TracerLeak);
    return error as TracerLeak;
  }
  throw new Error('nothing was thrown');
}

const one = (): Tensor => tensor([1, 2]);

describe('the line and the transformation of a tracer kept from', () => {
  test.each<[string, string, () => unknown]>([
    ['grad', 'grad(keeps)', () => grad(keeps)(one())],
    ['jvp', 'jvp(keeps)', () => jvp(keeps, [one()], [one()])],
    ['linearize', 'linearize(keeps)', () => linearize(keeps, one())],
    ['vmap', 'vmap(keeps)', () => vmap(keeps)(tensor([[1], [2]]))],
    ['jit', 'jit(keeps)', () => jit(keeps)(one())],
    ['program', 'program(keeps)', () => program(keeps)(one())],
    [
      'a step of scan',
      'scan(step)',
      () =>
        scan(
          function step(c: Tensor, s: Tensor): [Tensor, null] {
            return [c.add(keep(s)), null];
          },
          tensor(0),
          one(),
        ),
    ],
    [
      'the body of whileLoop',
      'whileLoop(body)',
      () =>
        whileLoop(
          x => x.less(9),
          function body(x: Tensor): Tensor {
            return keep(x);
          },
          tensor(1),
        ),
    ],
    ['a branch of cond', 'cond(keeps)', () => cond(true, keeps, (x: Tensor) => x.sum(), one())],
    [
      'grad inside jit',
      'jit(outer) › grad(keeps)',
      () =>
        jit(function outer(x: Tensor): Tensor {
          return grad(keeps)(x);
        })(one()),
    ],
  ])('%s', (_, inside, run) => {
    const { did, where } = leakedBy(run);
    expect(did.replace(/:\d+ inside/, ' inside')).toBe(
      `used a tensor float32[] that was made at ${placeOf('the maker')} inside ${inside}, which has ended`,
    );
    expect(where.startsWith(`${placeOf('the use')}:`)).toBe(true);
  });

  test('a library function: the line that called it', () => {
    const { did } = leakedBy(() =>
      jit((x: Tensor) => {
        kept = x.std(); // deviates
        return x;
      })(one()),
    );
    expect(did).toContain(placeOf('deviates'));
  });
});

test('an argument that was kept is named by the call that made it', () => {
  let first: Tensor | undefined;
  grad((x: Tensor) => {
    first = x;
    return x.mul(x);
  })(3); // the call
  expect(() => jit((y: Tensor) => y.mul(first as Tensor))(tensor(1))).toThrow(placeOf('the call'));
});

test('a leak into another transformation, into a loop, and out of one as a result', () => {
  grad(keeps)(one());
  const lost = kept as unknown as Tensor;
  for (const run of [
    () => grad((x: Tensor) => x.mul(lost))(1),
    () => vmap((x: Tensor) => x.mul(lost))(one()),
    () => jit((x: Tensor) => x.mul(lost))(1),
    () => jit((x: Tensor) => [x, lost])(1),
    () => scan((c: Tensor) => [c.mul(lost), null], tensor(1), null, { length: 2 }),
    () =>
      cond(
        true,
        () => lost,
        () => tensor(1),
      ),
    () => lost.add(lost),
  ]) {
    expect(run).toThrow(TracerLeak);
    expect(run).toThrow(`made at ${placeOf('the maker')}`);
  }
});

test('places are noted in the first runs only, the transformation always', () => {
  const often = function often(x: Tensor): Tensor {
    kept = x.mul(2);
    return kept;
  };
  for (let i = 0; i < 40; i++) grad(often)(1);
  expect(leakedBy(() => grad(often)(1)).did).toBe(
    'used a tensor float32[] that was made inside grad(often), which has ended',
  );
});
