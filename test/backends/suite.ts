/** What every backend must do: run each primitive's kernels as the interpreted reference does. */
import { describe, expect, test } from 'vitest';
import '../../src/setup.ts';
import type { Backend, Buffer } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/index.ts';
import { compileKernel } from '../../src/compiler/compile.ts';
import type { Aval } from '../../src/core/aval.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { primitives } from '../../src/primitives/index.ts';
import type { Sample } from '../../src/primitives/primitive.ts';
import { operandsOf, randomNumbers } from '../laws/samples.ts';
import { orderedKernels } from './ordered.ts';

const specification = referenceBackend({ interpreted: true });
const typed = (aval: Aval) => ({ type: aval.dtype, shape: aval.shape });

/** Results of sums may differ by their order of addition: by `ulps` roundings of the result's type. */
export function backendSuite(name: string, backend: Backend, ulps = 8): void {
  describe(`backend ${name}`, () => {
    for (const primitive of primitives) {
      if (primitive.kind === 'structured') continue;
      (primitive.samples as readonly Sample<object>[]).forEach((sample, s) => {
        test.each(['float64', 'float32'] as const)(`${primitive.name} sample ${s}, %s`, precision => {
          const operands = operandsOf(sample, precision);
          const avals = operands.map(operand => operand.aval);
          const rule = primitive.abstract(avals, sample.params);
          const outputs = (Array.isArray(rule) ? rule : [rule]) as readonly Aval[];
          const nest = primitive.lower(avals, sample.params, outputs);
          if (nest.form === 'alias') return;
          const kernel: Kernel = {
            name: primitive.name,
            inputs: avals.map(typed),
            outputs: outputs.map(typed),
            nest,
          };
          const results = [backend, specification].map(one => {
            const inputs = operands.map(operand => one.adopt(operand.storage as Buffer, operand.dtype));
            const buffers = outputs.map(output => one.allocate(output.dtype, output.size));
            one.compile(compileKernel(kernel))(inputs, buffers);
            return buffers.map(buffer => Array.from(buffer.read() as Iterable<number>));
          });
          results[0].forEach((found, k) => {
            const expected = results[1][k];
            const unit =
              outputs[k].dtype === 'float32' ? 2 ** -24 : outputs[k].dtype === 'float64' ? 2 ** -53 : 0;
            found.forEach((value, i) => {
              const exact = Object.is(value, expected[i]) || (value === 0 && expected[i] === 0);
              if (
                !exact &&
                !(Math.abs(value - expected[i]) <= ulps * unit * Math.max(1, Math.abs(expected[i])))
              )
                expect.fail(`result ${k}, element ${i}: ${value}, expected ${expected[i]}`);
            });
          });
        });
      });
    }

    describe.each(['float64', 'float32'] as const)('statements of %s', type => {
      test.each(orderedKernels)('%s', (_, build) => {
        const kernel = build(type);
        const [found, expected] = [backend, specification].map(one => {
          const inputs = kernel.inputs.map((input, i) => {
            const size = input.shape.reduce((a, b) => a * b, 1);
            const buffer = specification.allocate(input.type, size);
            const random = randomNumbers(i + 1);
            buffer
              .read()
              ?.set(
                Array.from({ length: size }, () =>
                  input.type === 'bool' ? Math.round(random()) : Math.round(random() * 16 - 8) / 4,
                ),
              );
            return one.adopt(buffer, input.type);
          });
          const outputs = kernel.outputs.map(({ type: own, shape }) =>
            one.allocate(
              own,
              shape.reduce((a, b) => a * b, 1),
            ),
          );
          one.compile(compileKernel(kernel))(inputs, outputs);
          return outputs.map(buffer => Array.from(buffer.read() as Iterable<number>));
        });
        const unit = type === 'float32' ? 2 ** -24 : 2 ** -53;
        found.forEach((list, k) => {
          list.forEach((value, i) => {
            const wanted = expected[k][i];
            if (!(Math.abs(value - wanted) <= ulps * unit * Math.max(1, Math.abs(wanted))))
              expect.fail(`result ${k}, element ${i}: ${value}, expected ${wanted}`);
          });
        });
      });
    });
  });
}
