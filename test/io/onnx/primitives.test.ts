/** Every primitive's samples, exported and run by ONNX Runtime, give what evaluation gives. */
import { describe, expect, test } from 'vitest';
import '../../../src/setup.ts';
import { BadArgument } from '../../../src/core/errors.ts';
import type { Tensor } from '../../../src/core/tensor.ts';
import { exportOnnx } from '../../../src/io/onnx/export.ts';
import { operandsOf } from '../../../src/primitive/samples.ts';
import { primitives, primitivesByFamily } from '../../../src/primitives/index.ts';
import { bind, type Primitive } from '../../../src/primitives/primitive.ts';
import { distance } from './compare.ts';
import { runModel, runtime } from './runtime.ts';

/**
 * One operation, or a formula of a few, each with an error of some units in the last place: 2⁻²³ and 2⁻⁵² times that.
 * Where |result| < 1 the error is absolute: the tail of erfc, and powers of e by approximations for vectors.
 */
const tolerance = { float32: 2e-6, float64: 1e-13 };
const precisions = ['float32', 'float64'] as const;

const applied =
  (primitive: Primitive, params: object) =>
  (...operands: Tensor[]): Tensor[] => [...bind(primitive, operands, params)];

/** Primitives without a translation, and what is missing. */
const refused: Readonly<Record<string, string>> = {
  bitcast: 'bitcast between floats and integers',
  erfinv: 'erfinv',
  ndtri: 'erfinv',
  lgamma: 'lgamma',
  digamma: 'digamma',
  gammaDensity: 'steps',
  incompleteGamma: 'steps',
  betaDensity: 'steps',
  incompleteBeta: 'steps',
  triangularSolve: 'steps',
  cholesky: 'steps',
  lu: 'steps',
  permutationOf: 'steps',
  qr: 'steps',
  solveFactored: 'steps',
};

/** Operators of the standard that ONNX Runtime has no kernel for, in the precision of the samples. */
const withoutKernel: Readonly<Record<string, string>> = {
  'conv float64': 'Conv',
  'asin float64': 'Asin',
  'acos float64': 'Acos',
  'atan float64': 'Atan',
  'atan2 float64': 'Atan',
  'erf float64': 'Erf',
  'erfc float64': 'Erf',
  // These compute in double whatever their operands are.
  'hazard float32': 'Erf',
  'hazard float64': 'Erf',
  'logNdtr float32': 'Erf',
  'logNdtr float64': 'Erf',
};

test('what has no translation is refused with its name', () => {
  const found: Record<string, string> = {};
  for (const primitive of primitives)
    for (const sample of primitive.samples)
      try {
        exportOnnx(applied(primitive, sample.params), operandsOf(sample, 'float32'));
      } catch (error) {
        if (!(error instanceof BadArgument)) throw error;
        expect(error.did).toContain(`'${primitive.name}'`);
        expect(error.where).toContain('primitives.test.ts');
        found[primitive.name] = /which needs (.*)$/.exec(error.did)?.[1] ?? 'steps';
      }
  console.log(
    `not exported: ${Object.entries(found)
      .map(entry => entry.join(' ('))
      .join('), ')})`,
  );
  expect(found).toEqual(refused);
});

if (runtime !== null) {
  const missing: Record<string, string> = {};

  for (const [family, members] of Object.entries(primitivesByFamily)) {
    const exported = members.filter(({ name }) => !(name in refused));
    if (exported.length === 0) continue;
    describe(family, () => {
      for (const primitive of exported)
        test(primitive.name, async () => {
          for (const precision of precisions)
            for (const sample of primitive.samples) {
              const f = applied(primitive, sample.params);
              const operands = operandsOf(sample, precision);
              try {
                const found = await runModel(exportOnnx(f, operands), operands);
                const expected = f(...operands);
                const label = `${operands.map(operand => operand.aval)} ${JSON.stringify(sample.params)}`;
                expect(distance(expected, found), label).toBeLessThanOrEqual(tolerance[precision]);
              } catch (error) {
                const operator = /Could not find an implementation for (\w+)/.exec(String(error))?.[1];
                if (operator === undefined) throw error;
                missing[`${primitive.name} ${precision}`] = operator;
              }
            }
        });
    });
  }

  test('the runtime has kernels for all operators but these', () => {
    console.log(
      `no kernel in ONNX Runtime: ${Object.entries(missing)
        .map(([of, operator]) => `${operator} (${of})`)
        .join(', ')}`,
    );
    expect(missing).toEqual(withoutKernel);
  });
}
