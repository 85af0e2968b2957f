/** What is computed again on purpose stays where the reverse pass needs it: seen by the bytes of the plan. */
import { checkpoint, grad, jit, type Tensor, zeros } from 'cotangent';
import { describe, expect, test } from 'vitest';

const n = 4096;

/** How many vectors of n numbers the intermediate values take. */
const vectors = (f: (x: Tensor) => Tensor): number =>
  jit(grad(f)).plan(zeros([n])).bytes.temporaries / (4 * n);

const layers = (count: number, x: Tensor): Tensor => {
  let y = x;
  for (let i = 0; i < count; i++) y = y.cumsum(0).tanh();
  return y;
};

describe('a chain of L layers', () => {
  for (const root of [4, 6, 8])
    test(`needs ${root * root} vectors, or with a checkpoint every ${root} layers about ${2 * root}`, () => {
      const plain = vectors(x => layers(root * root, x).sum());
      const segmented = vectors(x => {
        let y = x;
        for (let i = 0; i < root; i++) y = checkpoint((z: Tensor) => layers(root, z))(y);
        return y.sum();
      });
      expect(plain).toBeGreaterThan(root * root);
      expect(segmented).toBeLessThanOrEqual(2 * root + 1);
    });

  test('of additions that fusion would move across the checkpoint', () => {
    const branch = (y: Tensor): Tensor => y.add(y.cumsum(0).tanh());
    const four = (y: Tensor): Tensor => branch(branch(branch(branch(y))));
    const again = checkpoint(four);
    expect(vectors(x => again(again(again(again(x)))).sum())).toBeLessThanOrEqual(10);
  });

  test('kernels that compute again are kernels of their own', () => {
    const f = (x: Tensor) => layers(3, x).sum();
    const counted = (g: (x: Tensor) => Tensor) => jit(grad(g)).plan(zeros([n])).kernels;
    expect(counted(x => checkpoint(f)(x).mul(checkpoint(f)(x)))).toBeGreaterThan(
      counted(x => f(x).mul(f(x))) + 3,
    );
  });
});
