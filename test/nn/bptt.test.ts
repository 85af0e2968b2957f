/**
 * Backpropagation through time: the generic gradient of recurrent nets is the recursion of adjoints in textbooks, which
 * is written out here on plain numbers; the norms of the adjoints fall and rise at the rate that theory predicts.
 */
import { grad, stack, type Tensor, tensor, tree, valueAndGrad } from 'cotangent';
import * as nn from 'cotangent/nn';
import * as random from 'cotangent/random';
import { describe, expect, it, test } from 'vitest';

type Vector = number[];
type Matrix = number[][];

const dtype = 'float64';
const normal = (seed: number, shape: readonly number[]): Tensor =>
  random.normal(random.key(seed), shape, { dtype });
const matrix = (x: Tensor): Matrix => x.arraySync() as Matrix;
const vector = (x: Tensor): Vector => x.arraySync() as Vector;

// Plain linear algebra: columns, as in the book.
const times = (a: Matrix, x: Vector): Vector => a.map(row => row.reduce((sum, w, j) => sum + w * x[j], 0));
const transposed = (a: Matrix): Matrix => a[0].map((_, j) => a.map(row => row[j]));
const plus = (...list: Vector[]): Vector => list[0].map((_, i) => list.reduce((sum, x) => sum + x[i], 0));
const hadamard = (...list: Vector[]): Vector => list[0].map((_, i) => list.reduce((all, x) => all * x[i], 1));
const outer = (x: Vector, y: Vector): Matrix => x.map(a => y.map(b => a * b));
const sumOf = (list: Matrix[]): Matrix =>
  list[0].map((row, i) => row.map((_, j) => list.reduce((s, a) => s + a[i][j], 0)));
const sigmoid = (x: Vector): Vector => x.map(v => 1 / (1 + Math.exp(-v)));

function close(found: Tensor, expected: number[] | Matrix | number[][][], tolerance = 1e-12): void {
  const want = (expected as unknown[]).flat(3 as 1) as number[];
  const got = [...found.dataSync()];
  expect(got.length).toBe(want.length);
  const scale = Math.max(1, ...want.map(Math.abs));
  expect(Math.max(...got.map((x, i) => Math.abs(x - want[i]))) / scale).toBeLessThan(tolerance);
}

/** A net with this weight of the state, this of the input and this bias, in its only cell. */
function withWeights<N extends { readonly cells: readonly (readonly object[])[] }>(
  net: N,
  fields: Record<string, Tensor>,
): N {
  const [[cell]] = net.cells;
  const changed = Object.assign(Object.create(Object.getPrototypeOf(cell) as object), cell, fields) as object;
  return Object.assign(Object.create(Object.getPrototypeOf(net) as object), net, { cells: [[changed]] }) as N;
}

const [T, inputs, size, classes] = [6, 3, 4, 5];
const labels = [1, 4, 0, 2, 2, 3];

describe('an Elman net with a loss at each time (Goodfellow, Bengio and Courville, section 10.2.2)', () => {
  // a = b + W·h₋ + U·x, h = tanh a, o = c + V·h, ŷ = softmax o, L = −Σ log ŷ[y].
  const rnn = withWeights(new nn.RNN(random.key(1), inputs, size, { dtype }), { bias: normal(2, [size]) });
  const model = { rnn, V: normal(3, [size, classes]), c: normal(4, [classes]) };
  const x = normal(5, [T, inputs]);

  const { W, U, b } = {
    W: transposed(matrix(rnn.cells[0][0].stateWeight)),
    U: transposed(matrix(rnn.cells[0][0].inputWeight)),
    b: vector(rnn.cells[0][0].bias as Tensor),
  };
  const [V, c] = [transposed(matrix(model.V)), vector(model.c)];

  /** The equations 10.8 to 10.11 and 10.18 to 10.28; with `chunk` no adjoint comes back across its multiples. */
  function textbook(chunk = Number.POSITIVE_INFINITY) {
    const xs = matrix(x);
    const h: Vector[] = [];
    const yHat: Vector[] = [];
    let loss = 0;
    for (let t = 0; t < T; t++) {
      const before = t === 0 ? new Array<number>(size).fill(0) : h[t - 1];
      h[t] = plus(b, times(W, before), times(U, xs[t])).map(Math.tanh);
      const e = plus(c, times(V, h[t])).map(Math.exp);
      const total = e.reduce((sum, v) => sum + v, 0);
      yHat[t] = e.map(v => v / total);
      loss -= Math.log(yHat[t][labels[t]]);
    }
    // 10.18: ∂L/∂o = ŷ − 1_y.  10.19 and 10.21: ∂L/∂h = Wᵀ·diag(1 − h₊²)·∂L/∂h₊ + Vᵀ·∂L/∂o.
    const dO = yHat.map((y, t) => y.map((p, i) => p - Number(i === labels[t])));
    const dH: Vector[] = [];
    const slope = h.map(one => one.map(v => 1 - v * v));
    for (let t = T - 1; t >= 0; t--) {
      const here = times(transposed(V), dO[t]);
      const cut = t === T - 1 || (t + 1) % chunk === 0;
      dH[t] = cut ? here : plus(times(transposed(W), hadamard(slope[t + 1], dH[t + 1])), here);
    }
    const dA = dH.map((one, t) => hadamard(slope[t], one));
    const zero = new Array<number>(size).fill(0);
    return {
      loss,
      h,
      dH,
      dc: plus(...dO), // 10.22
      db: plus(...dA), // 10.23
      dV: sumOf(dO.map((one, t) => outer(one, h[t]))), // 10.24
      dW: sumOf(dA.map((one, t) => outer(one, t === 0 ? zero : h[t - 1]))), // 10.26
      dU: sumOf(dA.map((one, t) => outer(one, xs[t]))), // 10.28
      dx: dA.map(one => times(transposed(U), one)),
    };
  }

  const logits = (m: typeof model, x: Tensor, truncate?: number): Tensor => {
    const [h] = m.rnn.run(x.expandDims(0), truncate === undefined ? {} : { truncate });
    return h.at(0).get().matmul(m.V).add(m.c);
  };
  const loss = (m: typeof model, x: Tensor): Tensor =>
    nn.crossEntropy(logits(m, x), labels, { reduction: 'sum' });

  function same(gradient: typeof model, dx: Tensor, expected: ReturnType<typeof textbook>): void {
    const [[cell]] = gradient.rnn.cells;
    close(cell.stateWeight, transposed(expected.dW));
    close(cell.inputWeight, transposed(expected.dU));
    close(cell.bias as Tensor, expected.db);
    close(gradient.V, transposed(expected.dV));
    close(gradient.c, expected.dc);
    close(dx, expected.dx);
  }

  it('the gradient of the net is the recursion of the adjoints', () => {
    const expected = textbook();
    const [value, [dmodel, dx]] = valueAndGrad(loss, { argnums: [0, 1] })(model, x);
    expect(value.item()).toBeCloseTo(expected.loss, 12);
    same(dmodel as unknown as typeof model, dx as Tensor, expected);
  });

  it('so is the gradient of the same net written as a plain loop', () => {
    const plain = (m: typeof model, x: Tensor): Tensor => {
      const [[cell]] = m.rnn.cells;
      let h = cell.initialCarry(1);
      const outputs: Tensor[] = [];
      for (let t = 0; t < T; t++) {
        const a = x.at([t]).get().matmul(cell.inputWeight).add(h.matmul(cell.stateWeight));
        h = a.add(cell.bias as Tensor).tanh();
        outputs.push(h.matmul(m.V).add(m.c).at(0).get());
      }
      return nn.crossEntropy(stack(outputs), labels, { reduction: 'sum' });
    };
    const [dmodel, dx] = grad(plain, { argnums: [0, 1] })(model, x);
    same(dmodel as unknown as typeof model, dx as Tensor, textbook());
  });

  it('stateAdjoints shows the adjoint of each state, and the same gradients', () => {
    const expected = textbook();
    const run = nn.stateAdjoints(loss)(model, x);
    expect(run.states.map(state => state.name)).toEqual(['scan.h']);
    const [{ value, adjoint, norms }] = run.states;
    expect(adjoint.shape).toEqual([T, 1, size]);
    close(value, expected.h);
    close(adjoint, expected.dH);
    close(
      norms,
      expected.dH.map(one => Math.hypot(...one)),
    );
    same(run.gradients[0] as unknown as typeof model, run.gradients[1] as Tensor, expected);
    expect(run.value.item()).toBeCloseTo(expected.loss, 12);
  });

  test.each([1, 2, 4])('truncated to chunks of %i steps, the recursion ends where a chunk does', chunk => {
    const truncated = (m: typeof model, x: Tensor): Tensor =>
      nn.crossEntropy(logits(m, x, chunk), labels, { reduction: 'sum' });
    const [value, [dmodel, dx]] = valueAndGrad(truncated, { argnums: [0, 1] })(model, x);
    const expected = textbook(chunk);
    expect(value.item()).toBeCloseTo(expected.loss, 12);
    same(dmodel as unknown as typeof model, dx as Tensor, expected);
  });
});

describe('long short-term memory with a loss at each time', () => {
  const net = withWeights(new nn.LSTM(random.key(6), inputs, size, { dtype }), {
    bias: normal(7, [4 * size]),
  });
  const x = normal(8, [T, inputs]);
  const targets = normal(9, [T, size]);
  const loss = (m: nn.LSTM, x: Tensor): Tensor =>
    m.forward(x.expandDims(0)).at(0).get().sub(targets).square().sum().mul(0.5);

  /** The chain rule through the six equations of a step, from the last to the first. */
  function textbook() {
    const [[cell]] = net.cells;
    const gate = (a: Matrix, k: number): Matrix => a.map(row => row.slice(k * size, (k + 1) * size));
    const W = [0, 1, 2, 3].map(k => transposed(gate(matrix(cell.inputWeight), k)));
    const U = [0, 1, 2, 3].map(k => transposed(gate(matrix(cell.stateWeight), k)));
    const bias = [0, 1, 2, 3].map(k => gate([vector(cell.bias as Tensor)], k)[0]);
    const [xs, ys] = [matrix(x), matrix(targets)];
    const zero = new Array<number>(size).fill(0);
    const steps: { i: Vector; f: Vector; g: Vector; o: Vector; c: Vector; h: Vector }[] = [];
    for (let t = 0; t < T; t++) {
      const before = steps[t - 1] ?? { h: zero, c: zero };
      const a = [0, 1, 2, 3].map(k => plus(times(W[k], xs[t]), bias[k], times(U[k], before.h)));
      const [i, f, g, o] = [sigmoid(a[0]), sigmoid(a[1]), a[2].map(Math.tanh), sigmoid(a[3])];
      const c = plus(hadamard(f, before.c), hadamard(i, g));
      steps.push({ i, f, g, o, c, h: hadamard(o, c.map(Math.tanh)) });
    }
    const dU = [0, 1, 2, 3].map((): Matrix[] => []);
    const dW = [0, 1, 2, 3].map((): Matrix[] => []);
    const db = [0, 1, 2, 3].map((): Vector[] => []);
    const dH: Vector[] = [];
    const dC: Vector[] = [];
    const dx: Vector[] = [];
    let [later, laterC] = [zero, zero];
    for (let t = T - 1; t >= 0; t--) {
      const { i, f, g, o, c, h } = steps[t];
      const before = steps[t - 1] ?? { h: zero, c: zero };
      const tanh = c.map(Math.tanh);
      dH[t] = plus(
        later,
        h.map((v, k) => v - ys[t][k]),
      );
      dC[t] = plus(
        laterC,
        hadamard(
          dH[t],
          o,
          tanh.map(v => 1 - v * v),
        ),
      );
      const logistic = (s: Vector): Vector => s.map(v => v * (1 - v));
      const dA = [
        hadamard(dC[t], g, logistic(i)),
        hadamard(dC[t], before.c, logistic(f)),
        hadamard(
          dC[t],
          i,
          g.map(v => 1 - v * v),
        ),
        hadamard(dH[t], tanh, logistic(o)),
      ];
      dA.forEach((one, k) => {
        dU[k].push(outer(one, before.h));
        dW[k].push(outer(one, xs[t]));
        db[k].push(one);
      });
      later = plus(...dA.map((one, k) => times(transposed(U[k]), one)));
      dx[t] = plus(...dA.map((one, k) => times(transposed(W[k]), one)));
      laterC = hadamard(dC[t], f);
    }
    const beside = (list: Matrix[][]): Matrix => transposed(list.flatMap(one => sumOf(one)));
    return { dU: beside(dU), dW: beside(dW), db: db.flatMap(one => plus(...one)), dH, dC, dx };
  }

  it('the gradient, and the adjoints of h and c, are those of the equations', () => {
    const expected = textbook();
    const run = nn.stateAdjoints(loss)(net, x);
    const [[cell]] = (run.gradients[0] as unknown as nn.LSTM).cells;
    close(cell.stateWeight, expected.dU);
    close(cell.inputWeight, expected.dW);
    close(cell.bias as Tensor, expected.db);
    close(run.gradients[1] as Tensor, expected.dx);
    const states = Object.fromEntries(run.states.map(state => [state.name, state]));
    expect(Object.keys(states).sort()).toEqual(['scan.c', 'scan.h']);
    close(states['scan.h'].adjoint, expected.dH);
    close(states['scan.c'].adjoint, expected.dC);
    // And without the view into it.
    const [dnet, dx] = grad(loss, { argnums: [0, 1] })(net, x);
    tree.map((a: Tensor, b: Tensor) => close(a, [...b.dataSync()], 1e-14), dnet, run.gradients[0]);
    close(dx as Tensor, expected.dx);
  });
});

describe('vanishing and exploding gradients', () => {
  const steps = 60;
  const zeros = tensor(new Float64Array(steps * inputs), { shape: [1, steps, inputs] });
  /** Zero inputs keep h = 0, where tanh has slope 1: the step's Jacobian is the matrix of the state itself. */
  const netOf = (u: Tensor): nn.RNN =>
    withWeights(new nn.RNN(random.key(1), inputs, u.shape[0], { dtype }), { stateWeight: u });
  const lastOnly = (net: nn.RNN | nn.LSTM, x: Tensor): Tensor => net.forward(x).at(0, -1).get().sum();

  test.each([0.8, 1, 1.25])('an orthogonal matrix times %f: the norms are exact powers of it', rho => {
    const u = nn.orthogonal()(random.key(2), [8, 8], { dtype }).mul(rho);
    const run = nn.stateAdjoints(lastOnly)(netOf(u), zeros);
    const [{ norms, growth }] = run.states;
    const expected = Array.from({ length: steps }, (_, t) => Math.sqrt(8) * rho ** (steps - 1 - t));
    [...norms.dataSync()].forEach((value, t) => expect(value / expected[t]).toBeCloseTo(1, 12));
    expect(growth).toBeCloseTo(rho, 12);
    expect(String(run)).toMatch(/^state +first +last +growth per step back\nscan\.h +[\d.e+-]+ +2\.828 +\d/);
  });

  test.each([0.7, 1.3])('any matrix: far back the norms change by its spectral radius %f', rho => {
    // A triangular matrix has its eigenvalues on the diagonal; its norm is much larger than these.
    const u = tensor(
      [
        [rho, 0, 0],
        [3, 0.3 * rho, 0],
        [-2, 4, -0.5 * rho],
      ],
      dtype,
    );
    const norms = [...nn.stateAdjoints(lastOnly)(netOf(u), zeros).states[0].norms.dataSync()];
    expect(norms[0] / norms[1]).toBeCloseTo(rho, 10);
    expect(norms[steps - 2] / norms[steps - 1]).toBeGreaterThan(1.5 * rho);
  });

  test.each([0, 1, 5])('the memory of an LSTM fades by its forget gate, at bias %i', forgetBias => {
    const made = new nn.LSTM(random.key(3), inputs, size, { dtype, forgetBias });
    const net = withWeights(made, { stateWeight: made.cells[0][0].stateWeight.mul(0) });
    const { states } = nn.stateAdjoints(lastOnly)(net, zeros);
    const c = states.find(state => state.name === 'scan.c') as nn.StateAdjoint;
    expect(c.growth).toBeCloseTo(1 / (1 + Math.exp(-forgetBias)), 12);
  });

  it('an example that has ended has adjoints 0 after its end', () => {
    const net = new nn.LSTM(random.key(5), inputs, 2, { dtype });
    const loss = (m: nn.LSTM, x: Tensor): Tensor =>
      m
        .run(x, { lengths: [4, 2] })[0]
        .square()
        .sum();
    for (const { adjoint } of nn.stateAdjoints(loss)(net, normal(2, [2, 4, inputs])).states) {
      const zero = (t: number, example: number): boolean =>
        vector(adjoint.at(t, example).get()).every(v => v === 0);
      expect([0, 1, 2, 3].map(t => zero(t, 0))).toEqual([false, false, false, false]);
      expect([0, 1, 2, 3].map(t => zero(t, 1))).toEqual([false, false, true, true]);
    }
  });

  it('layers and directions have names of their own', () => {
    const net = new nn.GRU(random.key(4), inputs, 2, { dtype, layers: 2, bidirectional: true });
    const { states } = nn.stateAdjoints((m: nn.GRU, x: Tensor) => m.forward(x).square().sum())(
      net,
      normal(1, [2, 3, inputs]),
    );
    expect(states.map(state => state.name)).toEqual(['scan.h', 'scan2.h', 'scan3.h', 'scan4.h']);
    expect(states.every(({ adjoint }) => adjoint.shape.join() === '3,2,2')).toBe(true);
  });

  it('sequences without a step have no norms', () => {
    const net = new nn.GRU(random.key(5), inputs, 2, { dtype });
    const run = nn.stateAdjoints((m: nn.GRU, x: Tensor) => m.forward(x).sum())(
      net,
      normal(2, [2, 0, inputs]),
    );
    expect(run.states.map(({ name, norms }) => [name, norms.shape])).toEqual([['scan.h', [0]]]);
  });

  it('what the loss does not depend on has adjoints 0', () => {
    const net = new nn.RNN(random.key(5), inputs, 2, { dtype });
    const first = (m: nn.RNN, x: Tensor): Tensor => m.forward(x).at(0, 0).get().sum();
    const [{ norms }] = nn.stateAdjoints(first)(net, normal(2, [1, 4, inputs])).states;
    expect([...norms.dataSync()].slice(1)).toEqual([0, 0, 0]);
    expect(norms.at(0).item()).toBeCloseTo(Math.SQRT2, 12);
  });
});
