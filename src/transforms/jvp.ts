/** Forward mode: every value carries the derivative along one direction, its tangent. */
import { inRole } from '../core/origin.ts';
import { labelOf } from '../core/path.ts';
import type { ConcreteTensor, Tensor } from '../core/tensor.ts';
import {
  asRule,
  assertAlive,
  ConditionWatch,
  currentTrace,
  isEarly,
  markUsed,
  Trace,
  Tracer,
  withTrace,
} from '../core/trace.ts';
import {
  bind,
  type JointJvpRule,
  type JvpRule,
  type PerOperand,
  type Primitive,
  ruleFor,
} from '../primitives/primitive.ts';
import { add, zerosLike } from '../primitives/vectorspace.ts';
import {
  type Arguments,
  callWithTree,
  differentiableArguments,
  type Gradient,
  type Outputs,
  tangentArguments,
} from './arguments.ts';

/** A zero tangent is null: most values do not depend on what is differentiated. */
export type Tangent = Tensor | null;

export class JvpTracer extends Tracer {
  readonly primal: Tensor;
  readonly tangent: Tensor;

  constructor(trace: Trace, primal: Tensor, tangent: Tensor) {
    super(trace, primal.aval);
    this.primal = primal;
    this.tangent = tangent;
  }

  /** The primal is a real value where no tracing encloses the transformation. */
  override concrete(use: string): ConcreteTensor {
    return this.primal.concrete(use);
  }

  override [Symbol.toPrimitive](hint: string): number | string {
    return this.primal[Symbol.toPrimitive](hint);
  }

  override toString(): string {
    return this.primal.toString();
  }
}

export class JvpTrace extends Trace {
  readonly name: string;
  readonly parent: Trace;
  readonly watch: ConditionWatch | null;

  constructor(name: string, parent: Trace, watch = false) {
    super(watch && isEarly(name));
    this.name = name;
    this.parent = parent;
    this.sources = parent.sources;
    this.watch = watch ? new ConditionWatch() : null;
  }

  tracer(primal: Tensor, tangent: Tangent): Tensor {
    return tangent === null ? primal : new JvpTracer(this, primal, tangent);
  }

  /** A value's primal and tangent here. */
  split(tensor: Tensor): { primal: Tensor; tangent: Tangent } {
    if (tensor instanceof JvpTracer && tensor.owner === this) return tensor;
    assertAlive(tensor);
    return { primal: tensor, tangent: null };
  }

  bind(primitive: Primitive, operands: readonly Tensor[], params: object): readonly Tensor[] {
    markUsed(operands);
    const primals: Tensor[] = [];
    const tangents: Tangent[] = [];
    let moving = false;
    for (const operand of operands) {
      const { primal, tangent } = this.split(operand);
      primals.push(primal);
      tangents.push(tangent);
      moving ||= tangent !== null;
    }
    let results: readonly Tensor[];
    if (!moving) results = this.parent.bind(primitive, primals, params);
    else {
      const out = asRule(() =>
        withTrace(this.parent, () => jvpOfPrimitive(primitive, primals, tangents, params)),
      );
      results = out.outputs.map((output, i) => this.tracer(output, out.tangents[i]));
    }
    if (primitive.kind !== 'structured') this.watch?.add(results);
    return results;
  }
}

type SmoothJvp = PerOperand<JvpRule<object>> | JointJvpRule<object>;

const isJoint = (jvp: SmoothJvp): jvp is JointJvpRule<object> => typeof jvp === 'function';

/** One application of a primitive to values with tangents. */
function jvpOfPrimitive(
  primitive: Primitive,
  primals: readonly Tensor[],
  tangents: readonly Tangent[],
  params: object,
): { outputs: readonly Tensor[]; tangents: readonly Tangent[] } {
  if (primitive.kind === 'structured') return primitive.jvp(primals, tangents, params);
  const outputs = bind(primitive as Primitive<object>, primals, params);
  const derive = (): readonly Tangent[] => {
    if (primitive.kind === 'smooth' && isJoint(primitive.jvp))
      return primitive.jvp(tangents, primals, outputs, params);
    if (primitive.kind === 'flat' || !outputs[0].aval.isFloat) return outputs.map(() => null);
    return [tangentOf(primitive, primals, tangents, outputs[0], params)];
  };
  return {
    outputs,
    tangents: currentTrace().sources ? inRole('forward', primitive.name, derive) : derive(),
  };
}

/** The derived rule of each kind. */
function tangentOf(
  primitive: Exclude<Primitive, { kind: 'structured' | 'flat' }>,
  primals: readonly Tensor[],
  tangents: readonly Tangent[],
  output: Tensor,
  params: object,
): Tangent {
  let total: Tangent = null;
  const accumulate = (part: Tensor): void => {
    total = total === null ? part : add(total, part);
  };
  const byRules = (rules: Parameters<typeof ruleFor>[0]): void =>
    tangents.forEach((tangent, i) => {
      const rule = ruleFor(rules, i) as ((...given: unknown[]) => Tensor) | null;
      if (tangent !== null && rule !== null) accumulate(rule(tangent, primals, output, params, i));
    });
  switch (primitive.kind) {
    case 'smooth':
      byRules(primitive.jvp as PerOperand<JvpRule<object>>);
      break;
    case 'multilinear':
      tangents.forEach((tangent, i) => {
        if (tangent !== null)
          accumulate(
            bind(
              primitive,
              primals.map((primal, j) => (i === j ? tangent : primal)),
              params,
            )[0],
          );
      });
      break;
    case 'linear': {
      const linear = primals.map((_, i) => ruleFor(primitive.transpose, i) !== null);
      const moving = linear.map((is, i) => is && tangents[i] !== null);
      if (moving.includes(true)) {
        const complete = linear.every((is, i) => !is || moving[i]);
        if (!complete && primitive.alone !== undefined) byRules(primitive.alone);
        else
          accumulate(
            bind(
              primitive,
              primals.map((primal, i) => (linear[i] ? (tangents[i] ?? zerosLike(primal)) : primal)),
              params,
            )[0],
          );
      }
      if (primitive.jvp !== undefined) byRules(primitive.jvp);
    }
  }
  return total;
}

/** Runs `f` on values with tangents; what it returns is split again. */
export function runJvp(
  trace: JvpTrace,
  f: (inputs: readonly Tensor[]) => readonly Tensor[],
  primals: readonly Tensor[],
  tangents: readonly Tangent[],
): { primals: Tensor[]; tangents: Tangent[] } {
  try {
    const results = withTrace(trace, () => f(primals.map((primal, i) => trace.tracer(primal, tangents[i]))));
    const split = results.map(result => trace.split(result));
    trace.watch?.finish([...results, ...split.map(one => one.primal)]);
    return { primals: split.map(one => one.primal), tangents: split.map(one => one.tangent) };
  } finally {
    trace.watch?.abandon();
    trace.alive = false;
  }
}

/**
 * The Jacobian–vector product: [f(x), ∂f(x)·ẋ] for primals x and tangents ẋ, in one pass, at about twice the cost of f.
 *
 * @param primals the arguments of f, trees of floats
 * @param tangents trees of the same structure and shapes; numbers are taken as they are, null is zero
 * @example const [y, dy] = jvp((x) => sin(x), [1], [1]) // dy = cos(1)
 * @throws NotDifferentiable for integer arguments, WrongTree where tangents do not match primals
 */
export function jvp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  primals: Arguments<A>,
  tangents: { [K in keyof A]: Gradient<A[K]> | Arguments<A>[K] },
): [Outputs<R>, Outputs<R>] {
  const call = callWithTree('jvp', f);
  const args = differentiableArguments('jvp', f, primals as readonly unknown[]);
  const moving = tangentArguments('jvp', args, tangents as readonly unknown[]);
  const trace = new JvpTrace(labelOf('jvp', f), currentTrace(), true);
  const out = runJvp(trace, inputs => call.run(args.rebuild(inputs)), args.leaves, moving);
  const filled = out.tangents.map((tangent, i) => tangent ?? zerosLike(out.primals[i]));
  return [call.result(out.primals) as Outputs<R>, call.result(filled) as Outputs<R>];
}
