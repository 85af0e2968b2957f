/** Compiled programs: the same bits as one kernel for each operation, in fewer kernels. */
import { grad, type Tensor, tag, tensor, valueAndGrad } from 'cotangent';
import { softmax } from 'cotangent/nn';
import { describe, expect, test } from 'vitest';
import type { Backend, Buffer } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/index.ts';
import { wasmBackend } from '../../src/backends/wasm/index.ts';
import { compile, compileKernel } from '../../src/compiler/compile.ts';
import { simplify } from '../../src/compiler/simplify.ts';
import type { ConcreteTensor } from '../../src/core/tensor.ts';
import { primitives } from '../../src/primitives/index.ts';
import type { Program } from '../../src/primitives/primitive.ts';
import { program } from '../../src/transforms/program.ts';
import { randomNumbers } from '../laws/samples.ts';

const backends: Record<string, Backend> = {
  reference: referenceBackend({ interpreted: false }),
  wasm: wasmBackend(),
};
const random = randomNumbers(7);
const numbers = (...shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random() * 2 - 1),
    { shape },
  );

function run(made: Program, args: readonly Tensor[], backend: Backend, fusion: boolean): number[][] {
  const { routine, constants, results } = compile(made, { fusion });
  const inputs = [...args, ...constants].map(one =>
    backend.adopt((one as ConcreteTensor).storage as Buffer, one.dtype),
  );
  const outputs = routine.outputs.map(({ type, size }) => backend.allocate(type, size));
  backend.compile(routine)(inputs, outputs);
  return results.map(({ kind, index }) =>
    Array.from((kind === 'output' ? outputs : inputs)[index].read() as Iterable<number>),
  );
}

type Model = { w1: Tensor; b1: Tensor; w2: Tensor; b2: Tensor };
const model: Model = { w1: numbers(9, 12), b1: numbers(12), w2: numbers(12, 5), b2: numbers(5) };
const leaves = [model.b1, model.b2, model.w1, model.w2];

function loss({ w1, b1, w2, b2 }: Model, x: Tensor, y: Tensor): Tensor {
  const hidden = tag('hidden', x.matmul(w1).add(b1).tanh());
  const logits = hidden.matmul(w2).add(b2);
  return logits
    .sub(logits.logsumexp({ axis: 1, keepdims: true }))
    .mul(y)
    .sum()
    .neg();
}

function step(p: Model, x: Tensor, y: Tensor): unknown {
  const [value, g] = valueAndGrad(loss)(p, x, y);
  return [
    value,
    p.w1.sub(g.w1.mul(0.1)),
    p.b1.sub(g.b1.mul(0.1)),
    p.w2.sub(g.w2.mul(0.1)),
    p.b2.sub(g.b2.mul(0.1)),
  ];
}

const layerNorm = (x: Tensor): Tensor => {
  const centred = x.sub(x.mean({ axis: 1, keepdims: true }));
  return centred.div(centred.square().mean({ axis: 1, keepdims: true }).add(1e-5).sqrt());
};

const x = numbers(7, 9);
const programs: Record<string, { made: Program; args: Tensor[]; most: number }> = {
  chain: { made: program((a: Tensor) => a.mul(2).add(1).tanh().exp().sub(a))(x), args: [x], most: 1 },
  softmax: { made: program((a: Tensor) => softmax(a))(x), args: [x], most: 4 },
  'layer norm': { made: program(layerNorm)(x), args: [x], most: 4 },
  'gradient of layer norm': {
    made: program(grad((a: Tensor) => layerNorm(a).mul(x).sum()))(x),
    args: [x],
    most: 12,
  },
  'transpose of a sum': {
    made: program((a: Tensor, b: Tensor) => a.add(b).transpose().reshape([-1]).mul(2))(x, numbers(9)),
    args: [x, numbers(9)],
    most: 2,
  },
  'concatenation of slices': {
    made: program((a: Tensor) => a.at(':', '::2').get().add(1).flip())(x),
    args: [x],
    most: 1,
  },
  'training step': {
    made: program(step)(model, x, numbers(7, 5)),
    args: [...leaves, x, numbers(7, 5)],
    most: 20,
  },
  'result twice and an input': {
    made: program((a: Tensor) => [a, a.add(1), a.add(1).reshape([-1])])(x),
    args: [x],
    most: 1,
  },
};

describe.each(Object.entries(programs))('%s', (_, { made, args, most }) => {
  test.each(Object.keys(backends))('fusion changes no bit (%s)', name => {
    expect(run(made, args, backends[name], true)).toEqual(run(made, args, backends[name], false));
  });

  test('the backends agree', () => {
    const [one, other] = [backends.reference, backends.wasm].map(backend => run(made, args, backend, true));
    one.forEach((row, k) => {
      row.forEach((value, i) =>
        expect(Math.abs(value - other[k][i])).toBeLessThanOrEqual(3e-6 * Math.max(1, Math.abs(value))),
      );
    });
  });

  test(`at most ${most} kernels, and less memory than without fusion`, () => {
    const fused = compile(made).routine;
    const plain = compile(made, { fusion: false }).routine;
    expect(fused.steps.length).toBeLessThanOrEqual(most);
    expect(fused.steps.length).toBeLessThan(Math.max(2, plain.steps.length));
    expect(fused.arena).toBeLessThanOrEqual(plain.arena);
  });
});

test('a routine of one kernel is the kernel', () => {
  const sin = primitives.find(one => one.name === 'sin');
  expect(sin).toBeDefined();
  const kernel = {
    name: 'k',
    inputs: [],
    outputs: [],
    nest: { form: 'map' as const, extents: [], values: [] },
  };
  expect(compileKernel(kernel).steps).toEqual([{ form: 'kernel', kernel, inputs: [], outputs: [] }]);
});

test('operations with equal numbers are done once, those with 0 and −0 are not', () => {
  const equations = (f: (a: Tensor) => Tensor[]): number => simplify(program(f)(x)).equations.length;
  const once = equations(a => [a.mul(0)]);
  expect(equations(a => [a.mul(0), a.mul(0)])).toBe(once);
  expect(equations(a => [a.mul(Number.NaN), a.mul(Number.NaN)])).toBe(once);
  expect(equations(a => [a.mul(0), a.mul(-0)])).toBe(2 * once);
  expect(equations(a => [a.mul(0), a.mul(Number.NaN)])).toBe(2 * once);
});
