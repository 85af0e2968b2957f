/** Every intermediate variable with its value and its adjoint: reverse mode made visible. */
import type { Aval } from '../core/aval.ts';
import { columns } from '../core/columns.ts';
import { NonScalarOutput } from '../core/errors.ts';
import { currentOrigin } from '../core/origin.ts';
import { labelOf } from '../core/path.ts';
import { Variable } from '../core/program.ts';
import { ConcreteTensor, type Tensor } from '../core/tensor.ts';
import { markUsed, withTrace } from '../core/trace.ts';
import { unflatten } from '../core/tree.ts';
import type {
  CondParams,
  InlineParams,
  Primitive,
  Program,
  ScanParams,
  WhileParams,
} from '../primitives/primitive.ts';
import { add, onesLike, zerosLike } from '../primitives/vectorspace.ts';
import {
  type Arguments,
  callWithTree,
  differentiableArguments,
  type Gradient,
  requireFunction,
} from './arguments.ts';
import { scanPrimitive } from './control/scan.ts';
import { stepsOf } from './control/while.ts';
import { parts } from './derive.ts';
import { JvpTrace } from './jvp.ts';
import { linearizeFlat, type PartialTrace } from './linearize.ts';
import { equationText, type Known, labelInside, observeInside, Scope } from './observe.ts';
import { replay } from './trace.ts';
import { transposeProgram } from './transpose.ts';

/** One variable of the computation. */
export interface AdjointVariable {
  /** A tag's name, an argument's path, or a letter; inside of control flow after its name: `scan.h`. */
  readonly name: string;
  /** How it was computed: `mul a b`; `input` for an argument. */
  readonly equation: string;
  /** Inside of loops all its values, stacked along one leading axis for each loop. */
  readonly value: Tensor;
  /** ∂ output / ∂ variable; null where the output does not depend on it smoothly. Stacked like the value. */
  readonly adjoint: Tensor | null;
  /** The user's line, where the engine tells it. */
  readonly source: string;
  /** The lengths of the loops that it is in, the outermost first. */
  readonly steps: readonly number[];
}

interface Observed extends Omit<AdjointVariable, 'adjoint'> {
  readonly perturbation: Variable | null;
}

/** Forward mode that notes every operation of the user's function and adds a perturbation to its result. */
class ObservingTrace extends JvpTrace {
  readonly observed: Observed[];
  readonly perturbations: Variable[];
  readonly #partial: PartialTrace;
  readonly #known = new Map<Tensor, Known>();
  #scope = new Scope();

  constructor(partial: PartialTrace, observed: Observed[], perturbations: Variable[]) {
    super('adjoints', partial, true);
    this.sources = true;
    this.#partial = partial;
    this.observed = observed;
    this.perturbations = perturbations;
  }

  #nameOf(tensor: Tensor): string {
    const known = this.#known.get(tensor);
    if (known !== undefined) return known.name;
    return tensor.size === 1 ? String(tensor.item()) : String(tensor.aval);
  }

  note(tensor: Tensor, name: string, equation: string, perturbation: Variable | null): void {
    const { primal, tangent } = this.split(tensor);
    const source = equation === 'input' ? '' : currentOrigin().source;
    this.observed.push({ name, equation, value: primal, perturbation, source, steps: [] });
    this.#known.set(tensor, { name, moves: tangent !== null });
  }

  #perturbation(aval: Aval): Variable {
    const perturbation = new Variable(aval);
    this.perturbations.push(perturbation);
    return perturbation;
  }

  override bind(primitive: Primitive, operands: readonly Tensor[], params: object): readonly Tensor[] {
    // Constants that nothing differentiable goes into are operands, not steps.
    if (!operands.some(operand => this.#known.has(operand))) return super.bind(primitive, operands, params);
    if (primitive.kind === 'structured') {
      const known = this.#step(primitive, operands, params);
      if (known !== null) return known;
    }
    const text = equationText(
      primitive,
      params,
      operands.map(operand => this.#nameOf(operand)),
    );
    return this.#within(primitive, operands, params).map(result => {
      const { primal, tangent } = this.split(result);
      let perturbed = result;
      let perturbation: Variable | null = null;
      if (tangent !== null) {
        perturbation = this.#perturbation(primal.aval);
        const [moved] = this.#partial.record(
          add.primitive,
          [tangent, this.#partial.unknown(perturbation)],
          {},
        );
        perturbed = this.tracer(primal, moved);
      }
      const name = this.#scope.nameOf(primitive, params);
      this.note(perturbed, name, text, perturbation);
      return perturbed;
    });
  }

  /** Applies an operation; what is inside a loop is noted before the results. */
  #within(primitive: Primitive, operands: readonly Tensor[], params: object): readonly Tensor[] {
    const inside =
      primitive.kind === 'structured'
        ? observeInside(
            primitive,
            params,
            operands.map(operand => this.#known.get(operand) ?? null),
            this.#scope.take(labelInside(primitive, params)),
          )
        : null;
    if (inside === null) return super.bind(primitive, operands, params);
    const added = inside.inner.map(({ moves, aval }) => (moves ? this.#perturbation(aval) : null));
    const zeros = withTrace(this.parent, () =>
      added.flatMap(variable =>
        variable === null ? [] : [this.tracer(zerosLike(variable.aval), this.#partial.unknown(variable))],
      ),
    );
    const results = super.bind(primitive, [...operands, ...zeros], inside.params);
    const [own, values] = parts(results, results.length - inside.inner.length);
    inside.inner.forEach(({ name, equation, source, steps }, i) => {
      const value = this.split(values[i]).primal;
      this.observed.push({ name, equation, source, steps, value, perturbation: added[i] });
    });
    return own;
  }

  /** Control flow that needs no program of its own here: what runs is known. Null where it is not. */
  #step(
    primitive: Primitive & { kind: 'structured' },
    operands: readonly Tensor[],
    params: object,
  ): readonly Tensor[] | null {
    const { form } = primitive.lower;
    const label = (): string => this.#scope.take(labelInside(primitive, params));
    if (form === 'inline') return this.#replay(label(), (params as InlineParams).program, operands);
    if (form === 'cond') {
      const test = this.split(operands[0]).primal;
      if (!(test instanceof ConcreteTensor)) return null;
      const taken = test.item();
      return this.#replay(
        `${label()}.${taken ? 'true' : 'false'}`,
        (params as CondParams).branches[taken ? 1 : 0],
        operands.slice(1),
      );
    }
    if (form !== 'while') return null;
    // A loop whose number of steps is known by now is a scan.
    const { body, conditionConstants, bodyConstants } = params as WhileParams;
    const primals = operands.map(operand => this.split(operand).primal);
    const [length] = withTrace(this.parent, () => stepsOf(primals, params as WhileParams));
    if (!(length instanceof ConcreteTensor)) return null;
    const scan: ScanParams & { readonly name: string } = {
      name: labelInside(primitive, params),
      program: body,
      constants: bodyConstants,
      carries: body.outputs.length,
      length: length.item(),
      reverse: false,
    };
    return this.bind(scanPrimitive, operands.slice(conditionConstants), scan);
  }

  /** The equations of a program, one by one, in a scope of their own. */
  #replay(label: string, program: Program, operands: readonly Tensor[]): readonly Tensor[] {
    const outer = this.#scope;
    this.#scope = new Scope(`${label}.`, program);
    try {
      const results = withTrace(this, () => replay(program, operands));
      // A call need not use all results.
      markUsed(results);
      return results;
    } finally {
      this.#scope = outer;
    }
  }
}

export interface Adjoints<A extends readonly unknown[]> {
  readonly value: Tensor;
  /** The gradient with respect to every argument. */
  readonly gradients: { [K in keyof A]: Gradient<A[K]> };
  /** Arguments first, then the intermediate variables in the order of computation. */
  readonly variables: readonly AdjointVariable[];
  /** The table as text. */
  toString(): string;
}

/**
 * Runs a scalar function and its reverse pass and shows all of it: v̄ = ∂f/∂v for every variable v. The adjoint of a
 * variable is the derivative of the output with respect to something added to it.
 *
 * The function runs on real values, so that `if` and loops over `x.item()` work. What is inside of `jit`, `cond`, `scan`,
 * `forLoop` and `whileLoop` is shown too. A variable of a loop's body has a value and an adjoint for every step, stacked
 * along a leading axis; nested loops have one axis each. A branch that a step does not take has the value NaN and the
 * adjoint 0 there. Loops within loops whose number of steps differs are one variable.
 *
 * @example console.log(String(adjoints((x) => x.mul(x).sin())(2)))
 * @throws NonScalarOutput, NotDifferentiable
 */
export function adjoints<A extends readonly unknown[]>(
  f: (...args: A) => Tensor | number,
): (...args: Arguments<A>) => Adjoints<A> {
  requireFunction('adjoints', f);
  return (...args) => {
    const call = callWithTree('adjoints', f);
    const flat = differentiableArguments('adjoints', f, args as readonly unknown[]);
    const observed: Observed[] = [];
    const perturbations: Variable[] = [];
    let trace: ObservingTrace | undefined;
    const paths = flat
      .paths()
      .map(path =>
        path.replace(/^argument (\d+)/, (_, i: string) =>
          flat.structure.children.length === 1 ? 'x' : `x${i}`,
        ),
      );
    const at = linearizeFlat(
      'adjoints',
      inputs => {
        inputs.forEach((input, i) => trace?.note(input, paths[i], 'input', null));
        return call.run(flat.rebuild(inputs));
      },
      flat.leaves,
      partial => {
        trace = new ObservingTrace(partial, observed, perturbations);
        return trace;
      },
      perturbations,
    );
    const [value] = at.outputs;
    if (at.outputs.length !== 1 || value.ndim !== 0 || !value.aval.isFloat)
      throw new NonScalarOutput({
        did: `${labelOf('adjoints', f)}: the function returned ${at.outputs.length === 1 ? `a tensor ${value.aval}` : 'a tree'}`,
        expected: 'one 0-dimensional float tensor',
        remedy: 'sum or average it: loss.sum(), loss.mean()',
      });
    const cotangents = transposeProgram(at.linear, at.places[0] === null ? [] : [onesLike(value)]);
    const inputs = flat.leaves.map((leaf, i) => cotangents[i] ?? zerosLike(leaf));
    const adjointOf = new Map<Variable, Tensor | null>(
      at.linear.inputs.map((variable, i) => [variable, cotangents[i]]),
    );
    const variables = observed.map(({ perturbation, ...one }, i) => ({
      ...one,
      adjoint:
        i < inputs.length ? inputs[i] : perturbation === null ? null : (adjointOf.get(perturbation) ?? null),
    }));
    return {
      value,
      gradients: unflatten(flat.structure, inputs) as { [K in keyof A]: Gradient<A[K]> },
      variables,
      toString: () => table(variables),
    };
  };
}

function brief(tensor: Tensor | null): string {
  if (tensor === null) return '–';
  const text = tensor
    .toString()
    .replace(/^Tensor\(/, '')
    .replace(/, [a-z0-9]+\[[^[]*\]\)$/, '')
    .replace(/\s+/g, ' ');
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}

function table(variables: readonly AdjointVariable[]): string {
  return columns([
    ['variable', 'equation', 'value', 'adjoint'],
    ...variables.map(one => [one.name, one.equation, brief(one.value), brief(one.adjoint)]),
  ]);
}
