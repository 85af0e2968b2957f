/** The functions of generate/composites.py: of one vector, made of many operations or of loops and choices. */
import * as ct from 'cotangent';
import {
  arange,
  cond,
  forLoop,
  hvp,
  jacfwd,
  jacrev,
  type NestedArray,
  scan,
  type Tensor,
  tensor,
  vmap,
  whileLoop,
} from 'cotangent';
import * as linalg from 'cotangent/linalg';
import * as nn from 'cotangent/nn';

type Composite = (x: Tensor) => Tensor;

const like = (x: Tensor, values: NestedArray): Tensor => tensor(values, x.dtype);
const A = (x: Tensor): Tensor =>
  like(x, [
    [0.5, -0.25, 0.125, 0.75],
    [0.25, 0.5, -0.5, 0.125],
    [-0.75, 0.25, 0.5, 0.375],
    [0.125, 0.625, -0.25, 0.5],
  ]);
const B = (x: Tensor): Tensor => like(x, [0.25, -0.5, 0.75, 0.125]);
const item = (x: Tensor, i: number): Tensor => ct.at(x, i).get();
const from = (x: Tensor, start: number, stop: number): Tensor => ct.at(x, { start, stop }).get();
const system = (x: Tensor): Tensor => A(x).add(ct.diag(x.square().add(2)));

const branch = (test: Tensor, x: Tensor): Tensor =>
  cond(
    test,
    (y: Tensor) => y.sin().mul(item(y, 0)),
    (y: Tensor) => y.exp().sub(item(y, 1)),
    x,
  );

export const composites: Readonly<Record<string, Composite>> = {
  rosenbrock: x => {
    const [left, right] = [from(x, 0, 3), from(x, 1, 4)];
    return right.sub(left.square()).square().mul(100).add(ct.subtract(1, left).square()).sum();
  },
  speelpenning: x => ct.prod(x),
  logSumExp: x => ct.logsumexp(A(x).matmul(x)).add(x.dot(x).mul(0.5)),
  unit: x => x.div(ct.norm(x)),
  softmax: x => nn.softmax(x.mul(3)),
  network: x => {
    const h = A(x).matmul(x).add(B(x)).tanh();
    return nn.softplus(A(x).T.matmul(h)).square().sum();
  },
  kernel: x => {
    const d = ct.expandDims(x, 1).sub(ct.expandDims(x, 0));
    return d
      .square()
      .neg()
      .exp()
      .mul(ct.outer(B(x), B(x)))
      .sum();
  },
  determinant: x => linalg.slogdet(system(x)).logabsdet,
  solution: x => linalg.solve(system(x), B(x)),
  broyden: x => {
    const padded = ct.pad(x, 1);
    const own = ct.subtract(3, x.mul(2)).mul(x);
    return own
      .sub(from(padded, 0, 4))
      .sub(from(padded, 2, 6).mul(2))
      .add(1);
  },
  polar: x => {
    const [r, t, z, y] = ct.unstack(x);
    return ct.stack([r.mul(t.cos()), r.mul(t.sin()), r.square().mul(z), ct.atan2(y, r)]);
  },
  attention: x => {
    const q = ct.outer(x, B(x));
    return nn
      .softmax(q.matmul(A(x).mul(x).T))
      .matmul(A(x))
      .sum(0);
  },
  variance: x =>
    ct
      .variance(x)
      .log()
      .add(ct.std(x.cumsum(0)).mul(ct.max(x))),
  convolved: x => ct.convolve(x.sin(), from(x, 0, 2).exp()),

  recurrent: x => {
    const [last, ys] = scan(
      (h, u: Tensor) => {
        const next = A(x)
          .matmul(h)
          .add(u.mul(B(x)))
          .tanh();
        return [next, next.mul(x).sum()];
      },
      B(x),
      x,
    );
    return ct.concatenate([last, ys]);
  },
  backwards: x => {
    const step = (c: Tensor, u: Tensor): [Tensor, Tensor] => {
      const next = c.mul(u.cos()).add(u);
      return [next, next.mul(u)];
    };
    return scan(step, item(x, 0), x, { reverse: true })[1];
  },
  nested: x => {
    const outer = (c: Tensor, u: Tensor): [Tensor, Tensor] => {
      const inner = (d: Tensor, v: Tensor): [Tensor, null] => [d.mul(0.5).add(v.mul(u).sin()), null];
      const last = scan(inner, c, x)[0];
      return [last, last.square()];
    };
    return scan(outer, item(x, 1), x)[1];
  },
  counted: x => forLoop(0, 5, (i, c) => c.sin().add(x.mul(i.add(1)).div(5)), x),
  logistic: x => forLoop(0, 6, (_, c) => c.mul(3.5).mul(ct.subtract(1, c)), x.sigmoid()),
  newton: x => {
    const a = x.square().add(1);
    return whileLoop(
      y => ct.max(y.square().sub(a).abs()).greater(1e-6),
      y => y.add(a.div(y)).mul(0.5),
      a,
    );
  },
  doubled: x =>
    whileLoop(
      c => c.square().sum().less(100),
      c => c.mul(1.7).add(c.sin()),
      x,
    ),
  positiveBranch: x => branch(x.sum().greater(0), x),
  negativeBranch: x => branch(x.sum().less(0), x),
  choices: x => {
    const step = (c: Tensor, u: Tensor): [Tensor, Tensor] => {
      const next = cond(
        u.greater(0),
        (a: Tensor) => a.mul(u).add(1),
        (a: Tensor) => a.sin().sub(u.square()),
        c,
      );
      return [next, next];
    };
    return scan(step, item(x, 2), x)[1];
  },
  batchedChoices: x =>
    vmap((u: Tensor) =>
      cond(
        u.greater(0),
        (v: Tensor) => v.log1p(),
        (v: Tensor) => v.square().mul(item(x, 0)),
        u,
      ),
    )(x),
  loopInLoop: x =>
    forLoop(
      0,
      3,
      (i, c) =>
        whileLoop(
          d => d.square().sum().less(i.add(1).mul(4)),
          d => d.mul(1.5).add(x.mul(0.1)),
          c,
        ),
      x,
    ),
};

const weighted =
  (f: Composite): Composite =>
  x => {
    const y = f(x).ravel();
    return y.mul(arange(1, y.size + 1, { dtype: x.dtype })).sum();
  };

/** What the cases do with them. */
export const derivatives: Readonly<Record<string, (f: Composite) => (...args: Tensor[]) => unknown>> = {
  value: f => f,
  jacfwd: f => jacfwd(f),
  jacrev: f => jacrev(f),
  hessian: f => jacfwd(jacrev(f) as Composite),
  hvp: f => (x, v) => hvp(weighted(f), [x], [v]),
};
