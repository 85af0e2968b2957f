/** einsum against a loop over all values of all letters, for random descriptions. */
import {
  BadArgument,
  checkGrads,
  einsum,
  grad,
  jit,
  ShapeMismatch,
  type Tensor,
  tensor,
  vmap,
} from 'cotangent';
import { describe, expect, it } from 'vitest';
import { position, product, type Random, random, tuples } from './sampling.ts';

interface Case {
  readonly spec: string;
  /** The terms and the output with every axis lettered. */
  readonly terms: readonly string[];
  readonly output: string;
  readonly operands: readonly Tensor[];
}

function sample(r: Random, shape: readonly number[]): Tensor {
  return tensor(
    Float64Array.from({ length: product(shape) }, () => r.real()),
    { shape },
  );
}

/** Σ over all letters, by a loop. An axis of extent 1 repeats. */
function bruteForce({ terms, output, operands }: Case): { shape: number[]; data: number[] } {
  const letters = [...new Set(terms.join(''))];
  const extents = letters.map(letter =>
    Math.max(
      ...terms.flatMap((term, i) =>
        [...term].flatMap((l, axis) => (l === letter ? [operands[i].shape[axis]] : [])),
      ),
    ),
  );
  const shape = [...output].map(letter => extents[letters.indexOf(letter)]);
  const data = new Array<number>(product(shape)).fill(0);
  const values = operands.map(operand => operand.dataSync());
  for (const tuple of tuples(extents)) {
    const of = (letter: string): number => tuple[letters.indexOf(letter)];
    const factor = terms.reduce((all, term, i) => {
      const { shape: own } = operands[i];
      const at = [...term].map((letter, axis) => (own[axis] === 1 ? 0 : of(letter)));
      return all * values[i][position(at, own)];
    }, 1);
    data[position([...output].map(of), shape)] += factor;
  }
  return { shape, data };
}

function randomCase(seed: number): Case {
  const r = random(seed);
  const letters = [...'abcdE'];
  const extents = letters.map(() => r.integer(1, 3));
  const terms = Array.from({ length: r.integer(1, 4) }, () =>
    Array.from({ length: r.integer(0, 3) }, () => r.pick(letters)).join(''),
  );
  const used = [...new Set(terms.join(''))];
  const implicit = r.integer(0, 2) === 0;
  const all = terms.join('');
  const output = implicit
    ? used
        .filter(letter => all.indexOf(letter) === all.lastIndexOf(letter))
        .sort()
        .join('')
    : used
        .filter(() => r.integer(0, 1) === 0)
        .sort(() => r.real())
        .join('');
  return {
    spec: terms.join(',') + (implicit ? '' : `->${output}`),
    terms,
    output,
    operands: terms.map(term =>
      sample(
        r,
        [...term].map(letter => extents[letters.indexOf(letter)]),
      ),
    ),
  };
}

function expectSame(got: Tensor, one: Case): void {
  const wanted = bruteForce(one);
  expect(got.shape, one.spec).toEqual(wanted.shape);
  got.dataSync().forEach((value, i) => {
    expect(Math.abs(value - wanted.data[i]), one.spec).toBeLessThan(1e-12);
  });
}

const cases = Array.from({ length: 300 }, (_, seed) => randomCase(seed + 1));

describe('einsum', () => {
  it('equals the sum over all letters', () => {
    for (const one of cases) expectSame(einsum(one.spec, ...one.operands), one);
  });

  it('lets axes under an ellipsis broadcast', () => {
    const r = random(3);
    const written: readonly [string, readonly string[], string, readonly number[][]][] = [
      [
        '...ij,...jk->...ik',
        ['abij', 'bjk'],
        'abik',
        [
          [2, 1, 2, 3],
          [3, 3, 2],
        ],
      ],
      ['i...->...i', ['iab'], 'abi', [[2, 3, 2]]],
      ['...i,i', ['abi', 'i'], 'ab', [[2, 3, 2], [2]]],
      ['...,...', ['ab', 'b'], 'ab', [[2, 3], [3]]],
      ['...ii->...', ['aii'], 'a', [[2, 3, 3]]],
      [
        'ij,kj->ki',
        ['ij', 'kj'],
        'ki',
        [
          [2, 1],
          [3, 4],
        ],
      ],
    ];
    for (const [spec, terms, output, shapes] of written) {
      const operands = shapes.map(shape => sample(r, shape));
      expectSame(einsum(spec, ...operands), { spec, terms, output, operands });
    }
  });

  it('has the derivatives of what it computes', () => {
    for (const { spec, operands } of cases.slice(0, 60))
      checkGrads((...xs: Tensor[]) => einsum(spec, ...xs), [...operands]);
  });

  it('works under jit, vmap and grad', () => {
    const r = random(5);
    const [batch, w] = [sample(r, [4, 2, 3]), sample(r, [3, 2])];
    const trace = (x: Tensor, y: Tensor): Tensor => einsum('ij,ji', x, y);
    const each = vmap(trace, { inAxes: [0, null] })(batch, w);
    const all = einsum('bij,ji->b', batch, w);
    each.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(all.dataSync()[i], 12);
    });
    const slope = jit(grad((x: Tensor) => einsum('ij,ij->', x, x)))(w);
    slope.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(2 * w.dataSync()[i], 12);
    });
  });

  it('says what is wrong with a description', () => {
    const x = tensor([[1, 2, 3]]);
    for (const spec of ['i-j', 'ij->k', 'ij->ii', 'i1', 'ij->i->j', '.ij', 'i...j...', 'ij,jk', '...->'])
      expect(() => einsum(spec, x), spec).toThrow(BadArgument);
    for (const spec of ['i', 'ijk', 'ii', 'ijk...'])
      expect(() => einsum(spec, x), spec).toThrow(ShapeMismatch);
    expect(() => einsum('ij,jk', x, tensor([[1], [2]]))).toThrow(ShapeMismatch);
    expect(() => einsum('ij,ij->', x, tensor([[1, 2]]))).toThrow(/'j'/);
  });
});
