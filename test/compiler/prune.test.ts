/** Loops compute only what is read of them. */
import { jit, scan, type Tensor, tensor, zeros } from 'cotangent';
import { describe, expect, test } from 'vitest';

const n = 256;

/** Two carries, of which the second does not depend on the first, and a result at every step. */
const loop = (x: Tensor, xs: Tensor): { a: Tensor; b: Tensor; ys: Tensor } => {
  const step = ({ a, b }: { a: Tensor; b: Tensor }, u: Tensor) =>
    [{ a: a.add(b).cumsum(0).sin(), b: b.mul(u).cos() }, a.exp()] as const;
  const [{ a, b }, ys] = scan(step, { a: x, b: x.add(1) }, xs);
  return { a, b, ys };
};
const xs = tensor([0.5, -1, 2, 0.25]);

describe('a loop of which only a part is read', () => {
  test('leaves out a stack that nothing reads', () => {
    const temporaries = (f: (x: Tensor) => Tensor): number =>
      jit(f).plan(zeros([n])).bytes.temporaries / (4 * n);
    expect(temporaries(x => loop(x, xs).a)).toBeLessThan(6);
    expect(temporaries(x => loop(x, xs).ys.sum())).toBeGreaterThan(4);
  });

  test('leaves out a carry that nothing read depends on', () => {
    const text = String(jit((x: Tensor) => loop(x, xs).b).plan(zeros([n])));
    expect(text).toContain('cos');
    expect(text).not.toContain('cumsum');
    // The first carry needs the second.
    expect(String(jit((x: Tensor) => loop(x, xs).a).plan(zeros([n])))).toContain('cos');
  });

  test('gives the same numbers for every choice of results', () => {
    const x = tensor([0.1, -0.7, 2]);
    const all = loop(x, xs);
    for (const names of [['a'], ['b'], ['ys'], ['a', 'ys'], ['b', 'ys'], ['a', 'b']] as const) {
      const found = jit((y: Tensor) => names.map(name => loop(y, xs)[name]))(x);
      names.forEach((name, i) => {
        expect(found[i].arraySync()).toEqual(all[name].arraySync());
      });
    }
  });
});
