/** Tiles: cutting into blocks, and running these on any number of threads, changes no bit. */
import { createHash } from 'node:crypto';
import { grad, type Tensor, tensor } from 'cotangent';
import { det, lu, qr } from 'cotangent/linalg';
import { softmax } from 'cotangent/nn';
import { afterAll, describe, expect, test } from 'vitest';
import type { Backend, Buffer } from '../../src/backends/backend.ts';
import { WorkerFailed } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/index.ts';
import { wasmBackend } from '../../src/backends/wasm/index.ts';
import { availableThreads, control } from '../../src/backends/wasm/threads.ts';
import { type CompileOptions, compile } from '../../src/compiler/compile.ts';
import type { ConcreteTensor } from '../../src/core/tensor.ts';
import type { Step } from '../../src/kernel/routine.ts';
import type { Program } from '../../src/primitives/primitive.ts';
import { program } from '../../src/transforms/program.ts';
import { randomNumbers } from '../laws/samples.ts';

const random = randomNumbers(11);
const numbers = (...shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random() * 2 - 1),
    { shape },
  );

const threads = wasmBackend({ threads: 3 });
const one = wasmBackend({ threads: 1 });
const reference = referenceBackend();
const words = new Int32Array(threads.heap.memory.buffer, 0, 16384);

/** The results' bytes, as digests: two of them are equal if all bits are. */
function run(made: Program, args: readonly Tensor[], backend: Backend, options: CompileOptions): string[] {
  const { routine, constants, results } = compile(made, options);
  const inputs = [...args, ...constants].map(arg =>
    backend.adopt((arg as ConcreteTensor).storage as Buffer, arg.dtype),
  );
  const outputs = routine.outputs.map(({ type, size }) => backend.allocate(type, size));
  backend.compile(routine)(inputs, outputs);
  return results.map(({ kind, index }) => {
    const elements = (kind === 'output' ? outputs : inputs)[index].read() as Float32Array;
    const bytes = Uint8Array.from(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength));
    return createHash('sha1').update(bytes).digest('hex');
  });
}

const layerNorm = (x: Tensor): Tensor => {
  const centred = x.sub(x.mean({ axis: 1, keepdims: true }));
  return centred.div(centred.square().mean({ axis: 1, keepdims: true }).add(1e-5).sqrt());
};
const crossEntropy = (x: Tensor, y: Tensor): Tensor =>
  x
    .sub(x.logsumexp({ axis: 1, keepdims: true }))
    .mul(y)
    .sum({ axis: 1 })
    .neg();

const wide = numbers(700, 513);
const square = numbers(520, 520);
const long = numbers(400_001);
const blocks = numbers(6, 130, 130);

/** The programs, and into how many groups of blocks their kernels go (null: it depends on the threads). */
const programs: Record<string, { made: Program; args: Tensor[]; passes: number | null }> = {
  softmax: { made: program((a: Tensor) => softmax(a))(wide), args: [wide], passes: 1 },
  'layer norm': { made: program(layerNorm)(wide), args: [wide], passes: 1 },
  'cross-entropy': { made: program(crossEntropy)(wide, wide), args: [wide, wide], passes: 1 },
  'gradient of softmax': {
    made: program(grad((a: Tensor) => softmax(a).mul(wide).sum()))(wide),
    args: [wide],
    passes: null,
  },
  'elementwise chain': {
    made: program((a: Tensor) => a.exp().mul(a).tanh())(long),
    args: [long],
    passes: null,
  },
  'product and bias': {
    made: program((a: Tensor, b: Tensor) => a.matmul(b).add(b).tanh())(square, square),
    args: [square, square],
    passes: null,
  },
  'product with a transposed operand': {
    made: program((a: Tensor, b: Tensor) => a.transpose().matmul(b))(wide, wide),
    args: [wide, wide],
    passes: null,
  },
  'batched product': {
    made: program((a: Tensor) => a.matmul(a).add(1))(blocks),
    args: [blocks],
    passes: null,
  },
  'batched decompositions': {
    made: program((a: Tensor) => [...lu(a), ...qr(a), det(a)])(blocks),
    args: [blocks],
    passes: null,
  },
  'sums along both axes': {
    made: program((a: Tensor) => [a.sum({ axis: 0 }), a.sum({ axis: 1 }), a.exp().max({ axis: 0 })])(wide),
    args: [wide],
    passes: null,
  },
  'rows sorted and accumulated': {
    made: program((a: Tensor) => a.sort({ axis: 1 }).cumsum({ axis: 1 }))(wide),
    args: [wide],
    passes: null,
  },
  'transposed, flipped and cut': {
    made: program((a: Tensor) => a.transpose().mul(2).flip({ axis: 1 }).at(':', '3:').get().exp())(wide),
    args: [wide],
    passes: null,
  },
};

const parallelLoops = (steps: readonly Step[]): number =>
  steps.filter(step => step.form === 'parallel').length;

/** Until the workers are there; they start when the first parallel loop is compiled. */
async function workers(count: number): Promise<void> {
  while (Atomics.load(words, control.ready >> 2) < count) await new Promise(done => setTimeout(done, 10));
}

describe.each(Object.entries(programs))('%s', (_, { made, args, passes }) => {
  let whole: string[] = [];
  test('as a whole', () => {
    whole = run(made, args, one, { tiling: false });
  });

  test('in blocks', () => {
    expect(run(made, args, one, { threads: 1 })).toEqual(whole);
  });

  test.runIf(availableThreads() > 1)('on threads', async () => {
    expect(parallelLoops(compile(made, { threads: 3 }).routine.steps)).toBeGreaterThan(0);
    run(made, args, threads, { threads: 3 });
    await workers(2);
    for (let i = 0; i < 5; i++) expect(run(made, args, threads, { threads: 3 })).toEqual(whole);
  });

  test('on the reference backend', () => {
    const plain = run(made, args, reference, { tiling: false });
    expect(run(made, args, reference, { threads: 3 })).toEqual(plain);
  });

  if (passes !== null)
    test(`everything in ${passes} loop over blocks, and temporaries of a block's size`, () => {
      const { routine } = compile(made);
      expect(parallelLoops(routine.steps)).toBe(passes);
      expect(routine.steps).toHaveLength(passes);
      expect(routine.arena).toBe(0);
      expect(routine.privateArena).toBeLessThan(2 ** 18);
    });
});

test.runIf(availableThreads() > 1)('a worker that fails is an error of the call', async () => {
  const broken = wasmBackend({ threads: 2 });
  const { made, args } = programs.softmax;
  run(made, args, broken, { threads: 2 });
  const flags = new Int32Array(broken.heap.memory.buffer, 0, 16384);
  while (Atomics.load(flags, control.ready >> 2) < 1) await new Promise(done => setTimeout(done, 10));
  // A module of which no code can be read.
  Atomics.store(flags, (control.moduleList >> 2) + 2 * flags[control.modules >> 2], 64);
  Atomics.add(flags, control.modules >> 2, 1);
  expect(() => {
    for (let i = 0; i < 1000; i++) run(made, args, broken, { threads: 2 });
  }).toThrow(WorkerFailed);
});

afterAll(() => {
  // Workers sleep and are no reason for the process to stay.
  expect(Atomics.load(words, control.gate >> 2)).toBeLessThan(0);
});
