/** The laws that every primitive obeys, checked on the samples of its declaration. */
import { Aval } from '../core/aval.ts';
import { isFloat } from '../core/dtype.ts';
import { BrokenLaw } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Expression } from '../kernel/expression.ts';
import { bind, type Lowering, type Primitive, type Sample } from '../primitives/primitive.ts';
import { jit } from '../transforms/jit.ts';
import { jvp } from '../transforms/jvp.ts';
import { vjp } from '../transforms/vjp.ts';
import { vmap } from '../transforms/vmap.ts';
import { dot, fromValues, isDifferentiableSample, numbers, operandsOf, randomNumbers } from './samples.ts';

/** One law for one sample. */
export interface LawCheck {
  readonly name: string;
  /** @throws BrokenLaw */
  readonly run: () => void;
}

type Flat = (...operands: Tensor[]) => Tensor[];
type Untyped = (...args: never[]) => unknown;
type Precision = 'float32' | 'float64';

/** What a law is checked on. `fail` throws. */
interface Case {
  readonly primitive: Primitive;
  readonly sample: Sample<object>;
  readonly precision: Precision;
  readonly f: Flat;
  readonly fail: (did: string) => never;
}

interface Law {
  readonly name: string;
  readonly expected: string;
  readonly remedy: string;
  readonly precisions: readonly Precision[];
  /** It says something of derivatives. */
  readonly differentiates: boolean;
  readonly check: (given: Case) => void;
}

const both: readonly Precision[] = ['float64', 'float32'];
const precise: readonly Precision[] = ['float64'];

/** The function of the float operands alone, the others fixed, and of its results those of floats. */
function ofFloats(f: Flat, operands: readonly Tensor[]): { g: Flat; floats: Tensor[] } {
  const places = operands.flatMap((operand, i) => (isFloat(operand.dtype) ? [i] : []));
  const g: Flat = (...floats) => {
    const all = [...operands];
    places.forEach((place, i) => {
      all[place] = floats[i];
    });
    return f(...all).filter(result => isFloat(result.dtype));
  };
  return { g, floats: places.map(place => operands[place]) };
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

/** A function of its own for every use, so that nothing compiled before is used. */
const compiled = (f: Flat): Flat => jit((...all: Tensor[]) => f(...all)) as Flat;

function requireClose(
  { fail }: Case,
  found: readonly number[],
  expected: readonly number[],
  tolerance: number,
): void {
  if (found.length !== expected.length) fail(`${found.length} elements in place of ${expected.length}`);
  found.forEach((value, i) => {
    const scale = Math.max(1, Math.abs(expected[i]));
    if (!(Math.abs(value - expected[i]) <= tolerance * scale))
      fail(`element ${i} is ${value} in place of ${expected[i]}`);
  });
}

const describe = (tensors: readonly Tensor[]): string => tensors.map(one => String(one.aval)).join(', ');

function requireSame({ fail }: Case, found: readonly Tensor[], expected: readonly Tensor[]): void {
  if (describe(found) !== describe(expected))
    fail(`results ${describe(found)} in place of ${describe(expected)}`);
  found.forEach((one, k) => {
    const right = numbers(expected[k]);
    numbers(one).forEach((value, i) => {
      if (!Object.is(value, right[i]))
        fail(`element ${i} of result ${k} is ${value} in place of ${right[i]}`);
    });
  });
}

/** NaN and infinities as numbers that compare. */
function comparable(value: number): number {
  if (Number.isNaN(value)) return 1e301;
  return Number.isFinite(value) ? value : Math.sign(value) * 1e300;
}

/** Types and shapes of what a nest makes, where its form and its expressions tell them. */
function madeBy(nest: Lowering): string | null {
  const avals = (values: readonly Expression[], shape: readonly number[]): string =>
    values.map(({ type }) => String(new Aval(type, shape))).join(', ');
  switch (nest.form) {
    case 'map':
      return avals(nest.values, nest.extents);
    case 'reduce':
      return avals(nest.results, nest.extents.slice(0, nest.extents.length - nest.reduced));
    case 'scan':
      return avals(nest.results, nest.extents);
    default:
      return null;
  }
}

const step = 1e-5;

/** How much the results of f change along directions, by central differences. */
function centralDifference(f: Flat, at: readonly Tensor[], directions: readonly Tensor[]): number[][] {
  const [high, low] = [step, -step].map(h => f(...moved(at, directions, h)));
  return high.map((one, k) => numbers(one).map((value, i) => (value - numbers(low[k])[i]) / (2 * step)));
}

function checkBatch(given: Case): void {
  const { sample, f, fail } = given;
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
      const shape = [size, ...loop[0][k].shape];
      if (result.shape.join() !== shape.join()) fail(`shape [${result.shape}] in place of [${shape}]`);
      const right = loop.flatMap(one => numbers(one[k])).map(comparable);
      requireClose(given, numbers(result).map(comparable), right, 1e-13);
    });
  }
}

const laws: readonly Law[] = [
  {
    name: 'the abstract rule tells type and shape',
    expected: 'what `abstract` says of the results: as many, with their element types and shapes',
    remedy: 'correct `abstract`, or the extents and types that `lower` gives',
    precisions: both,
    differentiates: false,
    check: ({ primitive, sample, precision, f, fail }) => {
      const operands = operandsOf(sample, precision);
      const avals = operands.map(operand => operand.aval);
      const rule = primitive.abstract(avals, sample.params);
      const outputs: readonly Aval[] = Array.isArray(rule) ? rule : [rule];
      const said = outputs.map(String).join(', ');
      if (primitive.kind !== 'structured') {
        const made = madeBy(primitive.lower(avals, sample.params, outputs));
        if (made !== null && made !== said) fail(`lower makes ${made}, abstract says ${said}`);
      }
      const results = f(...operands);
      if (describe(results) !== said) fail(`results ${describe(results)}, abstract says ${said}`);
      for (const result of results)
        if (result.dataSync().length !== result.size)
          fail(`${result.dataSync().length} elements in a result ${result.aval}`);
    },
  },
  {
    name: 'jit gives the same bits',
    expected: 'the same bits from a compiled program as from the operation alone',
    remedy: 'let `lower` depend on nothing but its arguments; give sums of floats their `lanes`',
    precisions: both,
    differentiates: false,
    check: given => {
      const operands = operandsOf(given.sample, given.precision);
      requireSame(given, compiled(given.f)(...operands), given.f(...operands));
    },
  },
  {
    name: 'a batch is a loop',
    expected: 'from operands with a leading batch axis the results of each example, stacked',
    remedy: 'correct `batch`; mind operands without a batch axis, and parameters that count axes',
    precisions: precise,
    differentiates: false,
    check: checkBatch,
  },
  {
    name: 'the pushforward is the central difference',
    expected: 'J·v = (f(x + hv) − f(x − hv))/2h',
    remedy: 'correct `jvp`; of a linear primitive the kind, or which operands have a transpose',
    precisions: precise,
    differentiates: true,
    check: given => {
      const { g, floats } = ofFloats(given.f, operandsOf(given.sample, 'float64'));
      const directions = floats.map((float, i) => randomLike(float, 10 + i));
      const difference = centralDifference(g, floats, directions);
      pushforward(g, floats, directions).forEach((tangent, k) => {
        requireClose(given, numbers(tangent), difference[k], 2e-8);
      });
    },
  },
  {
    name: 'the pullback is the adjoint of the pushforward',
    expected: '⟨J·v, u⟩ = ⟨v, Jᵀ·u⟩',
    remedy: 'correct `transpose`, or the jvp rule, which must be linear in the tangent',
    precisions: both,
    differentiates: true,
    check: given => {
      const { precision, fail } = given;
      const { g, floats } = ofFloats(given.f, operandsOf(given.sample, precision));
      const directions = floats.map((float, i) => randomLike(float, 20 + i));
      const weights = g(...floats).map((out, i) => randomLike(out, 30 + i));
      const forward = dot(pushforward(g, floats, directions).flatMap(numbers), weights.flatMap(numbers));
      const pulled = pullback(g, floats, weights);
      if (describe(pulled) !== describe(floats))
        fail(`cotangents ${describe(pulled)} of operands ${describe(floats)}`);
      const backward = dot(pulled.flatMap(numbers), directions.flatMap(numbers));
      requireClose(given, [backward], [forward], precision === 'float64' ? 1e-12 : 2e-5);
    },
  },
  {
    name: 'second order, the pushforward of the pullback is the central difference',
    expected: 'the derivative of x ↦ Jᵀ(x)·u along v',
    remedy: 'make rules of operations that have derivatives themselves; close over no values',
    precisions: precise,
    differentiates: true,
    check: given => {
      const { g, floats } = ofFloats(given.f, operandsOf(given.sample, 'float64'));
      const directions = floats.map((float, i) => randomLike(float, 40 + i));
      const weights = g(...floats).map((out, i) => randomLike(out, 50 + i));
      const h: Flat = (...xs) => pullback(g, xs, weights);
      const difference = centralDifference(h, floats, directions);
      pushforward(h, floats, directions).forEach((tangent, k) => {
        requireClose(given, numbers(tangent), difference[k], 2e-7);
      });
    },
  },
  {
    name: 'derivatives are the same under jit and vmap',
    expected: 'the derivative that is computed at once',
    remedy: 'make rules of tensor operations only: inside jit and vmap values are not known',
    precisions: precise,
    differentiates: true,
    check: given => {
      const { g, floats } = ofFloats(given.f, operandsOf(given.sample, 'float64'));
      const weights = g(...floats).map((out, i) => randomLike(out, 60 + i));
      const eager = pullback(g, floats, weights);
      const h: Flat = (...xs) => pullback(g, xs, weights);
      requireSame(given, compiled(h)(...floats), eager);
      requireSame(
        given,
        pullback((...xs) => compiled(g)(...xs), floats, weights),
        eager,
      );
      const pair = floats.map(float =>
        fromValues([...numbers(float), ...numbers(float)], [2, ...float.shape], float.dtype),
      );
      const twice = vmap((...xs: Tensor[]) => h(...xs))(...pair) as Tensor[];
      twice.forEach((one, k) => {
        requireClose(given, numbers(one), [...numbers(eager[k]), ...numbers(eager[k])], 1e-12);
      });
    },
  },
];

/** Every law on every sample of a primitive, to be run one by one. */
export function lawsOf(primitive: Primitive): LawCheck[] {
  const samples = primitive.samples as readonly Sample<object>[];
  return samples.flatMap((sample, s) =>
    laws
      .filter(({ differentiates }) => !differentiates || isDifferentiableSample(primitive, sample))
      .flatMap(({ name: law, precisions, check, expected, remedy }) =>
        precisions.map(precision => {
          const name = `sample ${s}, ${precision}: ${law}`;
          const fail = (did: string): never => {
            throw new BrokenLaw({ did: `${primitive.name}, ${name}: ${did}`, expected, remedy });
          };
          const f: Flat = (...operands) => [...bind(primitive, operands, sample.params)];
          return { name, run: () => check({ primitive, sample, precision, f, fail }) };
        }),
      ),
  );
}

/**
 * Runs the laws of primitives on the samples of a declaration: `abstract` tells what evaluation gives; jvp is the
 * central difference, in float64; ⟨J·v, u⟩ = ⟨v, Jᵀ·u⟩; a batch is a loop over its examples; `jit` gives the same bits;
 * all of this for derivatives too. Derivatives are looked at where a sample has random floats, or none that is 0, −0,
 * infinite or NaN.
 *
 * @example test('softsign', () => checkPrimitive(softsign))
 * @param primitive a declaration, or the function that `op` made of it
 * @throws BrokenLaw for the first law that does not hold
 */
export function checkPrimitive(primitive: Primitive | { readonly primitive: Primitive }): void {
  const declared = 'primitive' in primitive ? primitive.primitive : primitive;
  const checks = lawsOf(declared);
  if (checks.length === 0)
    throw new BrokenLaw({
      did: `${declared.name} has no samples`,
      expected: 'at least one sample for the laws to be checked on',
      remedy: 'samples: [{ operands: [{ shape: [2, 3], low: -2, high: 2 }], params: {} }]',
    });
  for (const { run } of checks) run();
}
