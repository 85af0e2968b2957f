/** Loop nests of all widths: whole turns, single vectors, the lanes that remain, squares and what they leave. */
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/index.ts';
import { wasmBackend } from '../../src/backends/wasm/index.ts';
import { reciprocal } from '../../src/backends/wasm/integers.ts';
import { compileKernel } from '../../src/compiler/compile.ts';
import * as k from '../../src/kernel/expression.ts';
import type { Kernel, Nest, Reducer } from '../../src/kernel/kernel.ts';

type Float = 'float32' | 'float64';
const reference = referenceBackend({ interpreted: true });
const backends: readonly Backend[] = [wasmBackend(), reference];
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Small integers, so that sums are exact in every order; some operands have NaN and signs of all kinds. */
const numbers = (size: number, withNaN = false): number[] =>
  Array.from({ length: size }, (_, i) => (withNaN && i % 37 === 5 ? Number.NaN : ((i * 7919) % 61) - 30));

/** Both backends' results of a kernel of one output. */
function results(kernel: Kernel, withNaN = false): number[][] {
  return backends.map(backend => {
    const inputs = kernel.inputs.map(({ type, shape }) => {
      const buffer = reference.allocate(type, sizeOf(shape));
      buffer.read()?.set(numbers(sizeOf(shape), withNaN));
      return backend.adopt(buffer, type);
    });
    const [{ type, shape }] = kernel.outputs;
    const output = backend.allocate(type, sizeOf(shape));
    backend.compile(compileKernel(kernel))(inputs, [output]);
    return Array.from(output.read() as Iterable<number>);
  });
}

function agree(
  inputs: readonly (readonly number[])[],
  out: readonly number[],
  nest: Nest,
  type: Float = 'float32',
  withNaN = false,
): void {
  const outType = nest.form === 'reduce' ? nest.results[0].type : type;
  const [found, wanted] = results(
    {
      name: 'test',
      inputs: inputs.map(shape => ({ type, shape })),
      outputs: [{ type: outType, shape: out }],
      nest,
    },
    withNaN,
  );
  expect(found, `${inputs.join(' and ')} to ${out}`).toEqual(wanted);
}

const widths = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 35, 64, 67];

describe.each<Float>(['float32', 'float64'])('%s', type => {
  const x = (at: readonly k.Expression[]): k.Expression => k.load(0, type, at);

  it('reads operands across, with and without one read along', () => {
    for (const rows of [1, 3, 4, 6, 17, 33])
      for (const columns of widths) {
        const crossed = x([k.axis(1), k.axis(0)]);
        const along = k.load(1, type, [k.axis(0), k.axis(1)]);
        for (const value of [crossed, k.binary('add', k.binary('mul', crossed, along), crossed)])
          agree(
            [
              [columns, rows],
              [rows, columns],
            ],
            [rows, columns],
            {
              form: 'map',
              extents: [rows, columns],
              values: [value],
            },
            type,
          );
      }
  });

  it('turns three axes', () => {
    for (const columns of [4, 5, 18]) {
      const extents = [columns, 3, 9];
      for (const order of [
        [2, 1, 0],
        [1, 2, 0],
        [2, 0, 1],
        [0, 2, 1],
      ]) {
        const shape = order.map(i => extents[i]);
        agree([shape], extents, { form: 'map', extents, values: [x(order.map(k.axis))] }, type);
      }
    }
  });

  it.each([2, -1, -2, 3])('reads with stride %d', stride => {
    for (const n of widths) {
      const size = (n - 1) * Math.abs(stride) + 1;
      const first = stride < 0 ? size - 1 : 0;
      const at = k.plus(k.times(k.axis(0), k.int(stride)), k.int(first));
      agree([[size]], [n], { form: 'map', extents: [n], values: [x([at])] }, type);
    }
  });

  it.each<Reducer>(['sum', 'max', 'min', 'argmax', 'argmin'])(
    '%s over the first, the last and both axes',
    reducer => {
      const position = reducer.startsWith('arg');
      const results = [k.carry(position ? 'int32' : type)];
      for (const withNaN of [false, true])
        for (const rows of [1, 3, 130])
          for (const columns of widths) {
            const extents = [rows, columns];
            const along = { form: 'reduce', extents, results } as const;
            const term = x([k.axis(0), k.axis(1)]);
            agree(
              [extents],
              [rows],
              { ...along, reduced: 1, lanes: 'reduced', accumulators: [{ reducer, term }] },
              type,
              withNaN,
            );
            agree(
              [extents],
              [],
              { ...along, reduced: 2, lanes: 'reduced', accumulators: [{ reducer, term }] },
              type,
              withNaN,
            );
            const across = x([k.axis(1), k.axis(0)]);
            const nest = {
              ...along,
              extents: [columns, rows],
              reduced: 1,
              lanes: 'kept',
              accumulators: [{ reducer, term: across }],
            } as const;
            agree([extents], [columns], nest, type, withNaN);
          }
    },
  );

  it('scans along either axis, both ways', () => {
    for (const reverse of [false, true])
      for (const along of [0, 1])
        for (const columns of widths) {
          const extents = [5, columns];
          agree(
            [extents],
            extents,
            {
              form: 'scan',
              extents,
              along,
              reverse,
              initial: [k.constant(type, 1)],
              step: [k.binary('add', k.carry(type), x([k.axis(0), k.axis(1)]))],
              results: [k.binary('sub', k.carry(type), k.constant(type, 2))],
            },
            type,
          );
        }
  });
});

it('divides indices by constants', () => {
  for (const m of [1, 2, 3, 5, 7, 28, 60, 1000])
    for (const op of ['div', 'rem'] as const) {
      const index = k.minus(k.axis(0), k.int(90));
      const value = k.cast('float32', k.binary(op, index, k.int(m)));
      agree([], [200], { form: 'map', extents: [200], values: [value] });
    }
});

it('finds reciprocals that are exact', () => {
  for (const m of [1, 2, 3, 6, 7, 9, 10, 100, 641])
    for (const most of [1, 10, 1000, 20000]) {
      const made = reciprocal(m, most);
      if (made === null) continue;
      const [multiplier, shift] = made;
      for (let n = 0; n <= most; n++) {
        const quotient = Math.imul(n, multiplier) >>> shift;
        if (quotient !== Math.floor(n / m)) expect.fail(`${n} / ${m} = ${quotient}`);
      }
    }
  expect(reciprocal(7, 20000)).not.toBeNull();
  expect(reciprocal(3, Number.POSITIVE_INFINITY)).toBeNull();
});
