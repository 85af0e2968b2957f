/** + − × ÷ and what is made of comparing magnitudes; conversions of type; marks. */
import { Aval } from '../core/aval.ts';
import { type DType, isFloat } from '../core/dtype.ts';
import { NotDifferentiable } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { constantLike } from './broadcast.ts';
import { type Binary, equal, less, select, sign, type Unary } from './compare.ts';
import { type Declaration, type Op, op, type Sample, type SampleOperand, type Seen } from './primitive.ts';
import { elements, elementwiseRule, floats, given } from './signature.ts';

type None = Record<string, never>;
/** A declaration less what all elementwise operations have in common. */
type Elementwise<D> = D extends unknown
  ? Omit<D, 'name' | 'abstract' | 'batch' | 'lower' | 'samples'>
  : never;

const ints = given('int32', [4], [-7, 0, 3, 2147483647]);
const moreInts = given('int32', [4], [2, 5, -3, 2]);
const small = given('uint8', [3], [255, 7, 1]);
const awkward = given(
  'float64',
  [8],
  [-1.5, 0, -0, 2, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324],
);
const apart: readonly Sample<None>[] = [
  { operands: [floats([2, 3], -2, 0), floats([2, 3], 0.5, 2)], params: {} },
  { operands: [floats([2, 3], 0.5, 2), floats([2, 3], -2, 0)], params: {} },
];

function arithmetic(
  name: string,
  scalar: (x: k.Expression, y: k.Expression) => k.Expression,
  samples: readonly Sample<None>[],
  rules: Elementwise<Declaration<None>>,
): Binary {
  const declaration = {
    name,
    abstract: elementwiseRule(name, 'number'),
    batch: 'elementwise',
    lower: (operands: readonly Aval[], _: None, [out]: readonly Aval[]) => {
      const [x, y] = elements(operands);
      return { form: 'map', extents: out.shape, values: [scalar(x, y)] };
    },
    samples: [
      ...samples,
      { operands: [ints, moreInts], params: {} },
      { operands: [small, given('uint8', [3], [3, 2, 200])], params: {} },
    ],
    ...rules,
  };
  return op(
    declaration as Declaration<None>,
    (x, y) => [x, y],
    () => ({}),
  );
}

function magnitude(
  name: string,
  scalar: (x: k.Expression) => k.Expression,
  samples: SampleOperand[],
  rules: Elementwise<Declaration<None>>,
): Unary {
  const declaration = {
    name,
    abstract: elementwiseRule(name, 'number'),
    batch: 'elementwise',
    lower: (operands: readonly Aval[], _: None, [out]: readonly Aval[]) => ({
      form: 'map',
      extents: out.shape,
      values: [scalar(elements(operands)[0])],
    }),
    samples: [...samples, ints, small].map(operand => ({ operands: [operand], params: {} })),
    ...rules,
  };
  return op(
    declaration as Declaration<None>,
    x => [x],
    () => ({}),
  );
}

const pair: Sample<None> = { operands: [floats([2, 3]), floats([2, 3])], params: {} };
const binary =
  (name: k.BinaryOp) =>
  (x: k.Expression, y: k.Expression): k.Expression =>
    k.binary(name, x, y);

/** Whether adding or subtracting this changes no bit: −0 or 0, of integers either. */
function isNone(x: Tensor, none: 0 | -0, seen: Seen): boolean {
  const value = seen.constant(x);
  return value === 0 && (Object.is(value, none) || !isFloat(x.dtype));
}

/** What `f` makes of z where x = −z. */
function negated(x: Tensor, seen: Seen, f: (z: Tensor) => Tensor | null): Tensor | null {
  const made = seen.by(x, neg);
  return made === null ? null : f(made.operands[0]);
}

export const neg: Unary = magnitude('neg', x => k.unary('neg', x), [floats([3])], {
  kind: 'linear',
  transpose: [ct => neg(ct)],
  rewrites: [{ law: '−(−x) = x', apply: ([x], _, seen) => seen.by(x, neg)?.operands[0] ?? null }],
});

export const add: Binary = arithmetic('add', binary('add'), [pair], {
  kind: 'linear',
  transpose: [ct => ct],
  alone: [dx => dx],
  commutes: true,
  rewrites: [
    { law: 'x + (−0) = x', apply: ([x, y], _, seen) => (isNone(y, -0, seen) ? x : null) },
    { law: '(−0) + y = y', apply: ([x, y], _, seen) => (isNone(x, -0, seen) ? y : null) },
    { law: 'x + (−y) = x − y', apply: ([x, y], _, seen) => negated(y, seen, z => sub(x, z)) },
    { law: '(−x) + y = y − x', apply: ([x, y], _, seen) => negated(x, seen, z => sub(y, z)) },
  ],
});

export const sub: Binary = arithmetic('sub', binary('sub'), [pair], {
  kind: 'linear',
  transpose: [ct => ct, ct => neg(ct)],
  alone: [dx => dx, dy => neg(dy)],
  rewrites: [
    { law: 'x − 0 = x', apply: ([x, y], _, seen) => (isNone(y, 0, seen) ? x : null) },
    { law: 'x − (−y) = x + y', apply: ([x, y], _, seen) => negated(y, seen, z => add(x, z)) },
  ],
});

export const mul: Binary = arithmetic('mul', binary('mul'), [pair], {
  kind: 'multilinear',
  transpose: [(ct, [, y]) => mul(ct, y), (ct, [x]) => mul(x, ct)],
  commutes: true,
  rewrites: [
    { law: 'x·1 = x', apply: ([x, y], _, seen) => (seen.constant(y) === 1 ? x : null) },
    { law: '1·y = y', apply: ([x, y], _, seen) => (seen.constant(x) === 1 ? y : null) },
    {
      law: '(−x)·(−y) = x·y',
      apply: ([x, y], _, seen) => negated(x, seen, a => negated(y, seen, b => mul(a, b))),
    },
  ],
});

/** Division; integers truncate. Linear in the numerator. */
export const div: Binary = arithmetic(
  'div',
  binary('div'),
  [{ operands: [floats([2, 3]), floats([2, 3], 0.5, 2)], params: {} }],
  {
    kind: 'linear',
    transpose: [(ct, [, y]) => div(ct, y), null],
    jvp: [null, (dy, [, y], z) => neg(mul(dy, div(z, y)))],
    rewrites: [
      { law: 'x/1 = x', apply: ([x, y], _, seen) => (seen.constant(y) === 1 ? x : null) },
      {
        law: '(−x)/(−y) = x/y',
        apply: ([x, y], _, seen) =>
          isFloat(x.dtype) ? negated(x, seen, a => negated(y, seen, b => div(a, b))) : null,
      },
    ],
  },
);

/** Remainder with the sign of the dividend: x − y·trunc(x/y). */
export const rem: Binary = arithmetic(
  'rem',
  binary('rem'),
  [{ operands: [floats([3], 2.2, 2.8), floats([3], 0.8, 1.05)], params: {} }],
  {
    kind: 'smooth',
    jvp: [dx => dx, (dy, [x, y]) => neg(mul(dy, div(sub(x, rem(x, y)), y)))],
  },
);

const tie = (dx: Tensor, x: Tensor, y: Tensor): Tensor =>
  select(equal(x, y), mul(dx, constantLike(dx, 0.5)), constantLike(dx, 0));

/** The larger; NaN if either is. At a tie each operand has half the derivative. */
export const max: Binary = arithmetic('max', binary('max'), apart, {
  kind: 'smooth',
  jvp: [
    (dx, [x, y]) => select(less(y, x), dx, tie(dx, x, y)),
    (dy, [x, y]) => select(less(x, y), dy, tie(dy, x, y)),
  ],
});

/** The smaller; NaN if either is. At a tie each operand has half the derivative. */
export const min: Binary = arithmetic('min', binary('min'), apart, {
  kind: 'smooth',
  jvp: [
    (dx, [x, y]) => select(less(x, y), dx, tie(dx, x, y)),
    (dy, [x, y]) => select(less(y, x), dy, tie(dy, x, y)),
  ],
});

/** |x|; the derivative at 0 is 0. */
export const abs: Unary = magnitude(
  'abs',
  x => k.unary('abs', x),
  [floats([3], -2, -0.5), floats([3], 0.5, 2), awkward],
  {
    kind: 'smooth',
    jvp: [(dx, [x]) => mul(dx, sign(x))],
  },
);

interface CastParams {
  readonly dtype: DType;
}

/** To another element type. Floats become integers by truncation, saturating, NaN becoming 0. */
export const cast: Op<[x: Tensor, dtype: DType], CastParams> = op(
  {
    name: 'cast',
    kind: 'linear',
    abstract: ([x], { dtype }) => new Aval(dtype, x.shape),
    transpose: [(ct, [x]) => cast(ct, x.dtype)],
    rewrites: [
      {
        law: 'x is of its type already',
        apply: ([x], { dtype }) => (x.dtype === dtype && x.aval.weak === null ? x : null),
      },
    ],
    batch: 'elementwise',
    lower: (operands, { dtype }, [out]) => ({
      form: 'map',
      extents: out.shape,
      values: [k.cast(dtype, elements(operands)[0])],
    }),
    samples: [
      { operands: [floats([3])], params: { dtype: 'float64' } },
      { operands: [awkward], params: { dtype: 'int32' } },
      { operands: [given('float64', [4], [-3.7, 300, 3e9, 0.4])], params: { dtype: 'uint8' } },
      { operands: [awkward], params: { dtype: 'bool' } },
      { operands: [ints], params: { dtype: 'uint32' } },
      { operands: [ints], params: { dtype: 'int8' } },
      { operands: [given('bool', [2], [0, 1])], params: { dtype: 'float64' } },
    ],
  },
  x => [x],
  (_, dtype) => ({ dtype }),
);

/** The same bits read as another type of the same width. */
export const bitcast: Op<[x: Tensor, dtype: DType], CastParams> = op(
  {
    name: 'bitcast',
    kind: 'flat',
    because: 'it works on bits',
    abstract: ([x], { dtype }) => new Aval(dtype, x.shape),
    batch: 'elementwise',
    lower: (operands, { dtype }, [out]) => ({
      form: 'map',
      extents: out.shape,
      values: [k.bitcast(dtype, elements(operands)[0])],
    }),
    samples: [
      { operands: [given('float32', [3], [1, -0, 3.5])], params: { dtype: 'uint32' } },
      { operands: [given('uint32', [3], [0, 1065353216, 2147483648])], params: { dtype: 'float32' } },
      { operands: [ints], params: { dtype: 'uint32' } },
    ],
  },
  x => [x],
  (_, dtype) => ({ dtype }),
);

/** The value as a constant: its derivative is zero by the caller's wish. */
export const stop: Unary = op(
  {
    name: 'stop',
    kind: 'flat',
    because: 'stopGradient says so',
    abstract: elementwiseRule('stopGradient', 'any'),
    batch: 'elementwise',
    lower: () => ({ form: 'alias', source: 0 }),
    samples: [{ operands: [floats([2, 3])], params: {} }],
  },
  x => [x],
  () => ({}),
);

interface TagParams {
  readonly name: string;
}

/** The value under a name, for adjoints, policies and pictures. */
export const tag: Op<[name: string, x: Tensor], TagParams> = op(
  {
    name: 'tag',
    kind: 'linear',
    abstract: elementwiseRule('tag', 'any'),
    transpose: [ct => ct],
    batch: 'elementwise',
    lower: () => ({ form: 'alias', source: 0 }),
    samples: [{ operands: [floats([2, 3])], params: { name: 'hidden' } }],
    label: ({ name }) => name,
  },
  (_, x) => [x],
  name => ({ name }),
);

/** Throws where a value has no derivative for want of a float type. */
export function requireDifferentiable(aval: Aval, what: string): void {
  if (!isFloat(aval.dtype))
    throw new NotDifferentiable({
      did: `${what} is ${aval}`,
      expected: 'float32 or float64: a derivative with respect to integers or booleans does not exist',
      remedy:
        "convert it with x.astype('float32'), or leave the argument out of the differentiated ones: grad(f, { argnums: [0] })",
    });
}
