/** What runs in the page: the same computations that the test makes in Node. */
import * as ct from 'cotangent';
import * as nn from 'cotangent/nn';

/** Numbers in [−1, 1) from a hash of their position. */
function numbers(n: number, seed: number): Float32Array {
  return Float32Array.from({ length: n }, (_, i) => {
    let h = Math.imul(i + 1 + seed * 7919, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15), 0x85ebca77);
    return ((h ^ (h >>> 13)) >>> 8) / 2 ** 23 - 1;
  });
}

/** A digest of all bits, to compare results across engines and threads. */
function digest(values: ArrayLike<number>): number {
  const bits = new Int32Array(Float32Array.from(values).buffer);
  return bits.reduce((sum, word) => Math.imul(sum, 31) + word, 7) | 0;
}

export interface Report {
  readonly device: string;
  readonly isolated: boolean;
  /** Digests of the same result, computed several times. */
  readonly large: readonly number[];
  readonly rnn: number;
  readonly before: number;
  readonly after: number;
  readonly sine: number;
}

interface Model {
  readonly w1: ct.Tensor;
  readonly w2: ct.Tensor;
}

export async function compute(rows = 600): Promise<Report> {
  const matrix = ct.tensor(numbers(rows * 512, 1), { shape: [rows, 512] });
  const other = ct.tensor(numbers(512 * 256, 2), { shape: [512, 256] });
  const large = ct.jit((a: ct.Tensor, b: ct.Tensor) => nn.softmax(a.matmul(b)));
  const xs = ct.tensor(numbers(50 * 8 * 4, 3), { shape: [50, 8, 4] });
  const w = ct.tensor(numbers(16, 4), { shape: [4, 4] });
  const rnn = ct.jit(
    ct.grad((v: ct.Tensor) => {
      const [h] = ct.scan(
        (h: ct.Tensor, x: ct.Tensor) => [h.matmul(v).add(x).tanh(), h],
        ct.zeros([8, 4]),
        xs,
      );
      return h.square().sum();
    }),
  );
  // Workers start in their own time: several calls, the last ones on all threads.
  const bits = new Set<number>();
  for (let i = 0; i < 20; i++) {
    bits.add(digest(large(matrix, other).dataSync()));
    await new Promise(done => setTimeout(done, 20));
  }
  const x = ct.tensor(numbers(64 * 3, 5), { shape: [64, 3] });
  const y = x.square().sum({ axis: 1, keepdims: true });
  const loss = ({ w1, w2 }: Model): ct.Tensor => x.matmul(w1).tanh().matmul(w2).sub(y).square().mean();
  const step = ct.jit((p: Model): Model => {
    const { w1, w2 } = ct.grad(loss)(p);
    return { w1: p.w1.sub(w1.mul(0.1)), w2: p.w2.sub(w2.mul(0.1)) };
  });
  let model: Model = {
    w1: ct.tensor(numbers(3 * 16, 6), { shape: [3, 16] }),
    w2: ct.tensor(numbers(16, 7), { shape: [16, 1] }),
  };
  const before = loss(model).item();
  for (let i = 0; i < 100; i++) model = step(model);
  return {
    device: ct.defaultDevice(),
    isolated: (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true,
    large: [...bits],
    rnn: digest(rnn(w).dataSync()),
    before,
    after: loss(model).item(),
    sine: ct.grad(ct.grad(ct.sin))(0.5).item(),
  };
}
