/**
 * Operations of random programs. Each takes any tensors and any whole numbers and makes something of them, so that
 * every list of operations is a program, and so is every part of it. Values and slopes stay moderate.
 */
import * as ct from 'cotangent';
import { grad, jit, jvp, type Tensor, vmap } from 'cotangent';
import * as linalg from 'cotangent/linalg';
import * as nn from 'cotangent/nn';

/** A part of a program inside an operation: the body of a loop, a branch, a compiled function. */
export type Part = (...operands: Tensor[]) => Tensor;

export interface Given {
  /** Whole numbers from 0 on, as many as are asked for. */
  readonly p: (i: number) => number;
  readonly part: (i: number) => Part;
}

export type Operation = (x: Tensor, y: Tensor, z: Tensor, given: Given) => Tensor;

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The elements of x, row by row, as often as fills the shape. */
export function sized(x: Tensor, shape: readonly number[]): Tensor {
  if (x.shape.join() === shape.join()) return x;
  const count = product(shape);
  if (x.size === 0) return ct.full(shape, 0.3, { dtype: x.dtype });
  const places = Array.from({ length: count }, (_, i) => i % x.size);
  return ct.take(x.reshape([x.size]), ct.tensor(places, { dtype: 'int32', shape: [count] })).reshape(shape);
}

/** Away from ties: different constants are added, so that kinks are not met by accident. */
export function apart(x: Tensor): Tensor {
  const steps = Array.from({ length: x.size }, (_, i) => 0.0137 + 0.3719 * ((i * 7) % 11) + 0.01 * i);
  return x.add(ct.tensor(steps, { dtype: x.dtype, shape: [...x.shape] }));
}

const tame = (x: Tensor): Tensor => x.mul(0.5).tanh();
const axisOf = (x: Tensor, n: number): number => n % x.ndim;
/** An axis, or all, or the first two. */
const someAxes = (x: Tensor, n: number): number | null | number[] => {
  const chosen = n % (x.ndim + 2);
  if (chosen < x.ndim) return chosen;
  return chosen === x.ndim || x.ndim < 2 ? null : [0, 1];
};
const positive = (x: Tensor): Tensor => x.square().add(0.5);
const matrix = (x: Tensor, n: number, m = n): Tensor => sized(x, [n, m]);
const regular = (x: Tensor, n: number): Tensor =>
  ct
    .eye(n, { dtype: x.dtype })
    .mul(3)
    .add(tame(matrix(x, n)));
const everyAxis = (x: Tensor): number[] => Array.from({ length: x.ndim }, (_, i) => i);

/** Shapes that broadcast together, from two that do not. */
function together(x: Tensor, y: Tensor, n: number): [Tensor, Tensor] {
  const right = Array.from({ length: Math.min(y.ndim, x.ndim) }, (_, i) => {
    const extent = x.shape[x.ndim - Math.min(y.ndim, x.ndim) + i];
    return (n >> i) & 1 ? 1 : extent;
  });
  return n % 3 === 0 ? [x, sized(y, right)] : [sized(y, right), x];
}

const binary =
  (f: (x: Tensor, y: Tensor) => Tensor): Operation =>
  (x, y, _, { p }) =>
    f(...together(x, y, p(0)));

const unary =
  (f: (x: Tensor) => Tensor): Operation =>
  x =>
    f(x);

/** Operations with an axis; numbers are left alone. */
const along =
  (f: (x: Tensor, axis: number, given: Given, y: Tensor) => Tensor): Operation =>
  (x, y, _, given) =>
    x.ndim === 0 ? x : f(x, axisOf(x, given.p(0)), given, y);

const reduction =
  (f: (x: Tensor, options: { axis: number | null | number[]; keepdims: boolean }) => Tensor): Operation =>
  (x, _, __, { p }) =>
    f(x, { axis: someAxes(x, p(0)), keepdims: p(1) % 2 === 0 });

export const operations: Readonly<Record<string, Operation>> = {
  sin: unary(x => x.sin()),
  cos: unary(x => x.cos()),
  tan: unary(x => tame(x).tan()),
  tanh: unary(x => x.tanh()),
  sigmoid: unary(x => x.sigmoid()),
  exp: unary(x => x.tanh().exp()),
  expm1: unary(x => x.tanh().expm1()),
  log: unary(x => positive(x).log()),
  log1p: unary(x => x.square().log1p()),
  sqrt: unary(x => positive(x).sqrt()),
  cbrt: unary(x => positive(x).cbrt()),
  square: unary(x => tame(x).square()),
  cube: unary(x => tame(x).power(3)),
  inverseSquare: unary(x => positive(x).power(-2)),
  reciprocal: unary(x => positive(x).reciprocal()),
  asin: unary(x => ct.asin(tame(x).mul(0.9))),
  atan: unary(x => x.atan()),
  sinh: unary(x => tame(x).sinh()),
  asinh: unary(x => x.asinh()),
  atanh: unary(x => tame(x).mul(0.9).atanh()),
  erf: unary(x => ct.erf(x)),
  erfinv: unary(x => ct.erfinv(tame(x).mul(0.9))),
  lgamma: unary(x => ct.lgamma(positive(x))),
  digamma: unary(x => ct.digamma(positive(x).add(0.5))),
  softplus: unary(x => nn.softplus(x)),
  gelu: unary(x => nn.gelu(x)),
  neg: unary(x => x.neg()),
  abs: unary(x => apart(x).abs()),
  relu: unary(x => nn.relu(apart(x).sub(1))),
  floor: unary(x => x.add(x.mul(3).floor().mul(0.25))),
  clip: unary(x => ct.clip(apart(x), 0.2, 1.9)),
  toSingle: unary(x => x.astype('int32').astype(x.dtype).add(x)),
  scaled: (x, _, __, { p }) => x.mul(0.25 + (p(0) % 7) / 4).add((p(1) % 5) - 2),

  add: binary((x, y) => x.add(y)),
  sub: binary((x, y) => x.sub(y)),
  mul: binary((x, y) => tame(x.mul(y))),
  div: binary((x, y) => tame(x).div(positive(y))),
  power: binary((x, y) => positive(tame(x)).power(tame(y))),
  maximum: binary((x, y) => ct.maximum(apart(x), y)),
  minimum: binary((x, y) => ct.minimum(x, apart(y))),
  atan2: binary((x, y) => ct.atan2(x, positive(y))),
  logaddexp: binary((x, y) => ct.logaddexp(x, y)),
  hypot: binary((x, y) => ct.hypot(positive(x), y)),
  remainder: binary((x, y) => ct.remainder(x, positive(y))),
  where: binary((x, y) => ct.where(x.less(apart(y)), x.sin(), y)),
  xlogy: binary((x, y) => ct.xlogy(tame(x), positive(y))),

  sum: reduction((x, options) => tame(x.sum(options))),
  mean: reduction((x, options) => x.mean(options)),
  prod: reduction((x, options) => ct.prod(tame(x).add(1), options).tanh()),
  max: reduction((x, options) => ct.max(apart(x), options)),
  min: reduction((x, options) => ct.min(apart(x), options)),
  logsumexp: reduction((x, options) => ct.logsumexp(x, options)),
  std: reduction((x, options) => ct.std(apart(x), options)),
  norm: unary(x => ct.norm(apart(x).ravel())),
  softmax: along((x, axis) => nn.softmax(x, { axis })),
  standardize: along((x, axis) => nn.standardize(apart(x), { axis })),
  cumsum: along((x, axis) => tame(x.cumsum(axis))),
  cumprod: along((x, axis) => tame(ct.cumprod(tame(x).add(1), axis))),
  cummax: along((x, axis) => ct.cummax(apart(x), axis)),
  cumlogsumexp: along((x, axis) => ct.cumlogsumexp(x, axis)),
  sort: along((x, axis) => ct.sort(apart(x), axis)),
  argmax: along((x, axis) => ct.takeAlongAxis(x, ct.argmax(apart(x), { axis, keepdims: true }), axis)),
  diff: along((x, axis) => (x.shape[axis] < 2 ? x : ct.diff(x, { axis }))),

  ravel: unary(x => x.ravel()),
  transpose: (x, _, __, { p }) => {
    const order = everyAxis(x);
    for (let i = order.length - 1; i > 0; i--) {
      const j = p(i) % (i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return x.transpose(order);
  },
  expandDims: (x, _, __, { p }) => (x.ndim > 3 ? x.ravel() : ct.expandDims(x, p(0) % (x.ndim + 1))),
  broadcast: (x, _, __, { p }) => (x.size > 24 ? x : ct.broadcastTo(x, [1 + (p(0) % 3), ...x.shape])),
  resize: (x, _, __, { p }) => sized(x, p(0) % 2 ? [1 + (p(1) % 4)] : [1 + (p(1) % 3), 1 + (p(2) % 4)]),
  flip: along((x, axis) => ct.flip(x, axis)),
  roll: along((x, axis, { p }) => ct.roll(x, (p(1) % 5) - 2, axis)),
  slice: along((x, axis, { p }) => {
    const n = x.shape[axis];
    const start = p(1) % Math.max(1, n);
    const stop = Math.min(n, start + 1 + (p(2) % 3));
    const items = everyAxis(x).map(i => (i === axis ? { start, stop, step: 1 + (p(3) % 2) } : { start: 0 }));
    return ct.at(x, ...items).get();
  }),
  pad: along((x, axis, { p }) =>
    ct.pad(
      x,
      everyAxis(x).map(i => (i === axis ? [p(1) % 3, p(2) % 3] : [0, 0])),
      p(3) % 2 === 0 || x.shape[axis] < 3 ? { mode: 'constant' } : { mode: 'reflect' },
    ),
  ),
  concatenate: along((x, axis, { p }, y) => {
    const shape = x.shape.map((n, i) => (i === axis ? 1 + (p(1) % 2) : n));
    return ct.concatenate(p(2) % 2 ? [x, sized(y, shape)] : [sized(y, shape), x], axis);
  }),
  stack: (x, y, _, { p }) => (x.ndim > 3 ? x : ct.stack([x, sized(y, x.shape)], p(0) % (x.ndim + 1))),
  tile: (x, _, __, { p }) => (x.size > 24 ? x : ct.tile(x, [1 + (p(0) % 2), 1 + (p(1) % 2)])),
  repeat: along((x, axis, { p }) => (x.size > 24 ? x : ct.repeat(x, 1 + (p(1) % 3), axis))),
  take: along((x, axis, { p }) => {
    const n = x.shape[axis];
    const places = Array.from({ length: 1 + (p(1) % 3) }, (_, i) => p(i + 2) % Math.max(1, n));
    return n === 0 ? x : ct.take(x, ct.tensor(places, 'int32'), { axis });
  }),
  scatter: along((x, axis, { p }, y) => {
    const n = x.shape[axis];
    if (n === 0 || axis !== 0) return x;
    const places = ct.tensor([p(1) % n, p(2) % n], 'int32');
    return ct.at(x, places).add(sized(y, [2, ...x.shape.slice(1)]));
  }),
  setRow: along((x, _, { p }, y) => {
    const n = x.shape[0];
    return n === 0 ? x : ct.at(x, p(1) % n).set(sized(y, x.shape.slice(1)));
  }),
  triangle: (x, _, __, { p }) => (x.ndim < 2 ? x : ct.tril(x, (p(0) % 3) - 1)),
  diagonal: unary(x => (x.ndim < 2 ? x : ct.diagonal(x))),

  matmul: (x, y, _, { p }) => {
    const [n, m, k] = [0, 1, 2].map(i => 1 + (p(i) % 3));
    return tame(matrix(x, n, m).matmul(matrix(y, m, k)));
  },
  contract: along((x, axis, { p }, y) => {
    const k = x.shape[axis];
    const other = sized(y, [k, 1 + (p(1) % 3)]);
    return tame(ct.tensordot(x, other, [[axis], [0]]));
  }),
  batched: (x, y, _, { p }) => {
    const [b, n, m] = [0, 1, 2].map(i => 1 + (p(i) % 3));
    return tame(ct.einsum('bij,bkj->bik', sized(x, [b, n, m]), sized(y, [b, 2, m])));
  },
  conv: (x, y, _, { p }) => {
    const [size, strides] = [1 + (p(0) % 3), 1 + (p(1) % 2)];
    const image = sized(x, [1, 2, 4, 3]);
    return tame(nn.conv(image, sized(y, [2, 2, size, 2]), { strides, padding: p(2) % 2 ? 'same' : 'valid' }));
  },
  pool: (x, _, __, { p }) => {
    const image = apart(sized(x, [1, 1, 4, 4]));
    return p(0) % 2 ? nn.maxPool(image, { window: 2 }) : nn.avgPool(image, { window: 2 });
  },
  solve: (x, y, _, { p }) => {
    const n = 1 + (p(0) % 3);
    return linalg.solve(regular(x, n), matrix(y, n, 2));
  },
  cholesky: (x, _, __, { p }) => {
    const a = regular(x, 1 + (p(0) % 3));
    return linalg.cholesky(a.matmul(a.T));
  },

  scan: (x, y, z, { p, part }) => {
    const xs = x.ndim === 0 ? x.reshape([1]) : x;
    const init = sized(y, p(0) % 2 ? [2] : []);
    const [last, ys] = ct.scan(
      (carry: Tensor, slice: Tensor) => {
        const next = tame(sized(part(0)(carry, slice, z), init.shape));
        return [next, p(1) % 2 ? next.add(sized(slice, init.shape)) : slice.mul(next.sum())];
      },
      init,
      xs,
      { reverse: p(2) % 2 === 0 },
    ) as unknown as [Tensor, Tensor];
    return p(3) % 2 ? sized(last, [2]).add(ys.mean()) : ys;
  },
  forLoop: (x, y, _, { p, part }) =>
    ct.forLoop(
      0,
      p(0) % 4,
      (i, carry) => tame(sized(part(0)(carry as Tensor, y, i.astype(x.dtype)), x.shape)),
      x,
    ),
  whileLoop: (x, y, _, { p, part }) => {
    const last = ct.whileLoop(
      ({ step }) => step.less(p(0) % 4),
      ({ step, value }) => ({ step: step.add(1), value: tame(sized(part(0)(value, y), x.shape)) }),
      { step: ct.tensor(0, 'int32'), value: x },
    );
    return last.value;
  },
  cond: (x, y, _, { part }) =>
    ct.cond(
      apart(x).mean().less(0.9),
      (a: Tensor, b: Tensor) => sized(part(0)(a, b), x.shape),
      (a: Tensor, b: Tensor) => sized(part(1)(a, b), x.shape),
      x,
      y,
    ),
  jit: (x, y, z, { part }) => jit((a: Tensor, b: Tensor) => part(0)(a, b, z))(x, y),
  vmap: (x, y, _, { part }) =>
    x.ndim === 0 || x.shape[0] === 0 ? x : (vmap((a: Tensor) => part(0)(a, y))(x) as Tensor),
  grad: (x, y, _, { part }) => tame(grad((a: Tensor) => part(0)(a, y).sum())(x) as Tensor),
  jvp: (x, y, _, { part }) => tame(jvp((a: Tensor) => part(0)(a, y), [x], [sized(y, x.shape)])[1] as Tensor),
};

/** Those with parts of programs inside. */
export const structured: readonly string[] = [
  'scan',
  'forLoop',
  'whileLoop',
  'cond',
  'jit',
  'vmap',
  'grad',
  'jvp',
];
