/** The laws that every primitive obeys, from the samples of its declaration. */
import { describe, expect, test } from 'vitest';
import '../../src/setup.ts';
import { isFloat } from '../../src/core/dtype.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { primitivesByFamily } from '../../src/primitives/index.ts';
import { bind, type Primitive, type Sample } from '../../src/primitives/primitive.ts';
import { jit } from '../../src/transforms/jit.ts';
import { jvp } from '../../src/transforms/jvp.ts';
import { vjp } from '../../src/transforms/vjp.ts';
import { vmap } from '../../src/transforms/vmap.ts';
import { dot, fromValues, isDifferentiableSample, numbers, operandsOf, randomNumbers } from './samples.ts';

type Flat = (...operands: Tensor[]) => Tensor[];
type Untyped = (...args: never[]) => unknown;

const asFunction =
  (primitive: Primitive, params: object): Flat =>
  (...operands) => [...bind(primitive, operands, params)];

/** The function of the float operands alone, the others fixed, and of its results those of floats. */
function ofFloats(f: Flat, operands: readonly Tensor[]): { f: Flat; floats: Tensor[] } {
  const places = operands.flatMap((operand, i) => (isFloat(operand.dtype) ? [i] : []));
  return {
    f: (...floats) => {
      const all = [...operands];
      places.forEach((place, i) => {
        all[place] = floats[i];
      });
      return f(...all).filter(result => isFloat(result.dtype));
    },
    floats: places.map(place => operands[place]),
  };
}

function randomLike(tensor: Tensor, seed: number): Tensor {
  const random = randomNumbers(seed);
  return fromValues(
    Array.from({ length: tensor.size }, () => random() * 2 - 1),
    tensor.shape,
    tensor.dtype,
  );
}

function moved(tensors: readonly Tensor[], directions: readonly Tensor[], h: number): Tensor[] {
  return tensors.map((tensor, i) => {
    const direction = numbers(directions[i]);
    return fromValues(
      numbers(tensor).map((value, j) => value + h * direction[j]),
      tensor.shape,
      tensor.dtype,
    );
  });
}

const pushforward = (f: Flat, primals: readonly Tensor[], tangents: readonly Tensor[]): Tensor[] =>
  (jvp as unknown as (f: Untyped, p: unknown, t: unknown) => [Tensor[], Tensor[]])(
    f as Untyped,
    primals,
    tangents,
  )[1];

function pullback(f: Flat, primals: readonly Tensor[], cotangents: readonly Tensor[]): Tensor[] {
  const [, pull] = (vjp as unknown as (f: Untyped, ...p: unknown[]) => [Tensor[], (ct: unknown) => Tensor[]])(
    f as Untyped,
    ...primals,
  );
  return pull(cotangents);
}

function expectClose(found: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(found.length).toBe(expected.length);
  found.forEach((value, i) => {
    const scale = Math.max(1, Math.abs(expected[i]));
    if (!(Math.abs(value - expected[i]) <= tolerance * scale))
      expect.fail(`element ${i}: ${value}, expected ${expected[i]}; all: ${found} against ${expected}`);
  });
}

function expectSame(found: readonly Tensor[], expected: readonly Tensor[]): void {
  expect(found.map(one => String(one.aval))).toEqual(expected.map(one => String(one.aval)));
  found.forEach((one, i) => {
    expect(numbers(one), `result ${i}`).toEqual(numbers(expected[i]));
  });
}

const step = 1e-5;

for (const [family, primitives] of Object.entries(primitivesByFamily)) {
  describe(family, () => {
    test('is not empty', () => expect(primitives.length).toBeGreaterThan(0));
    for (const primitive of primitives) {
      describe(primitive.name, () => {
        (primitive.samples as readonly Sample<object>[]).forEach((sample, s) => {
          const f = asFunction(primitive, sample.params);
          const label = `sample ${s}`;

          test.each(['float64', 'float32'] as const)(
            `${label}, %s: the abstract rule tells type and shape`,
            precision => {
              const operands = operandsOf(sample, precision);
              const rule = primitive.abstract(
                operands.map(operand => operand.aval),
                sample.params,
              );
              const results = f(...operands);
              expect(results.map(result => String(result.aval))).toEqual(
                (Array.isArray(rule) ? rule : [rule]).map(String),
              );
              for (const result of results) expect(result.dataSync().length).toBe(result.size);
            },
          );

          test.each(['float64', 'float32'] as const)(`${label}, %s: jit gives the same bits`, precision => {
            const operands = operandsOf(sample, precision);
            expectSame(jit((...all: Tensor[]) => f(...all))(...operands), f(...operands));
          });

          test(`${label}: a batch is a loop`, () => {
            const size = 3;
            const examples = Array.from({ length: size }, (_, i) => operandsOf(sample, 'float64', i + 1));
            for (let subset = 1; subset < 1 << sample.operands.length; subset++) {
              const batched = sample.operands.map((_, i) => (subset & (1 << i)) !== 0);
              const stacked = sample.operands.map((spec, i) =>
                batched[i]
                  ? fromValues(
                      examples.flatMap(example => numbers(example[i])),
                      [size, ...spec.shape],
                      examples[0][i].dtype,
                    )
                  : examples[0][i],
              );
              const all = vmap((...operands: Tensor[]) => f(...operands), {
                inAxes: batched.map(is => (is ? 0 : null)),
              })(...stacked) as Tensor[];
              const loop = examples.map(example =>
                f(...example.map((operand, i) => (batched[i] ? operand : examples[0][i]))),
              );
              all.forEach((result, k) => {
                expect(result.shape).toEqual([size, ...loop[0][k].shape]);
                expectClose(
                  numbers(result).map(nanToNumber),
                  loop.flatMap(one => numbers(one[k])).map(nanToNumber),
                  1e-13,
                );
              });
            }
          });

          if (!isDifferentiableSample(primitive, sample)) return;

          test(`${label}: the pushforward is the central difference`, () => {
            const { f: g, floats } = ofFloats(f, operandsOf(sample, 'float64'));
            const directions = floats.map((float, i) => randomLike(float, 10 + i));
            const [high, low] = [step, -step].map(h => g(...moved(floats, directions, h)));
            const difference = high.map((one, k) =>
              numbers(one).map((value, i) => (value - numbers(low[k])[i]) / (2 * step)),
            );
            pushforward(g, floats, directions).forEach((tangent, k) => {
              expectClose(numbers(tangent), difference[k], 2e-8);
            });
          });

          test.each(['float64', 'float32'] as const)(
            `${label}, %s: the pullback is the adjoint of the pushforward`,
            precision => {
              const { f: g, floats } = ofFloats(f, operandsOf(sample, precision));
              const directions = floats.map((float, i) => randomLike(float, 20 + i));
              const weights = g(...floats).map((out, i) => randomLike(out, 30 + i));
              const forward = dot(
                pushforward(g, floats, directions).flatMap(numbers),
                weights.flatMap(numbers),
              );
              const pulled = pullback(g, floats, weights);
              expect(pulled.map(one => String(one.aval))).toEqual(floats.map(one => String(one.aval)));
              expectClose(
                [dot(pulled.flatMap(numbers), directions.flatMap(numbers))],
                [forward],
                precision === 'float64' ? 1e-12 : 2e-5,
              );
            },
          );

          test(`${label}: second order, the pushforward of the pullback is the central difference`, () => {
            const { f: g, floats } = ofFloats(f, operandsOf(sample, 'float64'));
            const directions = floats.map((float, i) => randomLike(float, 40 + i));
            const weights = g(...floats).map((out, i) => randomLike(out, 50 + i));
            const h: Flat = (...xs) => pullback(g, xs, weights);
            const [high, low] = [step, -step].map(by => h(...moved(floats, directions, by)));
            const difference = high.map((one, k) =>
              numbers(one).map((value, i) => (value - numbers(low[k])[i]) / (2 * step)),
            );
            pushforward(h, floats, directions).forEach((tangent, k) => {
              expectClose(numbers(tangent), difference[k], 2e-7);
            });
          });

          test(`${label}: derivatives are the same under jit and vmap`, () => {
            const { f: g, floats } = ofFloats(f, operandsOf(sample, 'float64'));
            const weights = g(...floats).map((out, i) => randomLike(out, 60 + i));
            const eager = pullback(g, floats, weights);
            const h: Flat = (...xs) => pullback(g, xs, weights);
            expectSame(jit((...xs: Tensor[]) => h(...xs))(...floats), eager);
            expectSame(
              pullback((...xs) => jit((...ys: Tensor[]) => g(...ys))(...xs) as Tensor[], floats, weights),
              eager,
            );
            const pair = floats.map(float =>
              fromValues([...numbers(float), ...numbers(float)], [2, ...float.shape], float.dtype),
            );
            const both = vmap((...xs: Tensor[]) => h(...xs))(...pair) as Tensor[];
            both.forEach((one, k) => {
              expectClose(numbers(one), [...numbers(eager[k]), ...numbers(eager[k])], 1e-12);
            });
          });
        });
      });
    }
  });
}

/** NaN and infinities as numbers that compare. */
function nanToNumber(value: number): number {
  if (Number.isNaN(value)) return 1e301;
  return Number.isFinite(value) ? value : Math.sign(value) * 1e300;
}
