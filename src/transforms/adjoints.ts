/** Every intermediate variable with its value and its adjoint: reverse mode made visible. */
import { NonScalarOutput, userLine } from '../core/errors.ts';
import { labelOf } from '../core/path.ts';
import { letters, showParams } from '../core/print.ts';
import { Variable } from '../core/program.ts';
import type { Tensor } from '../core/tensor.ts';
import { unflatten } from '../core/tree.ts';
import type { Primitive } from '../primitives/primitive.ts';
import { add, onesLike, zerosLike } from '../primitives/vectorspace.ts';
import {
  type Arguments,
  callWithTree,
  differentiableArguments,
  type Gradient,
  requireFunction,
} from './arguments.ts';
import { JvpTrace } from './jvp.ts';
import { linearizeFlat, type PartialTrace } from './linearize.ts';
import { transposeProgram } from './transpose.ts';

/** One variable of the computation. */
export interface AdjointVariable {
  /** A tag's name, an argument's path, or a letter. */
  readonly name: string;
  /** How it was computed: `mul a b`; `input` for an argument. */
  readonly equation: string;
  readonly value: Tensor;
  /** ∂ output / ∂ variable; null where the output does not depend on it smoothly. */
  readonly adjoint: Tensor | null;
  /** The user's line, where the engine tells it. */
  readonly source: string;
}

interface Observed {
  name: string;
  readonly equation: string;
  readonly value: Tensor;
  readonly perturbation: Variable | null;
  readonly source: string;
}

/** Forward mode that notes every operation of the user's function and adds a perturbation to its result. */
class ObservingTrace extends JvpTrace {
  readonly observed: Observed[];
  readonly perturbations: Variable[];
  readonly #partial: PartialTrace;
  readonly #names = new Map<Tensor, Observed>();
  #lettered = 0;

  constructor(partial: PartialTrace, observed: Observed[], perturbations: Variable[]) {
    super('adjoints', partial, true);
    this.#partial = partial;
    this.observed = observed;
    this.perturbations = perturbations;
  }

  #nameOf(tensor: Tensor): string {
    const known = this.#names.get(tensor);
    if (known !== undefined) return known.name;
    return tensor.size === 1 ? String(tensor.item()) : String(tensor.aval);
  }

  /** The next letters that no tag has taken. */
  #freeLetters(): string {
    let name = letters(this.#lettered++);
    while (this.observed.some(one => one.name === name)) name = letters(this.#lettered++);
    return name;
  }

  note(tensor: Tensor, name: string, equation: string, perturbation: Variable | null): void {
    const observed = {
      name,
      equation,
      value: this.split(tensor).primal,
      perturbation,
      source: equation === 'input' ? '' : userLine(),
    };
    this.observed.push(observed);
    this.#names.set(tensor, observed);
  }

  override bind(primitive: Primitive, operands: readonly Tensor[], params: object): readonly Tensor[] {
    const results = super.bind(primitive, operands, params);
    // Constants that nothing differentiable goes into are operands, not steps.
    if (!operands.some(operand => this.#names.has(operand))) return results;
    const label = primitive.label?.(params);
    const shown = label === undefined ? showParams(params) : '';
    const words = [
      primitive.name + (shown && `[${shown}]`),
      ...operands.map(operand => this.#nameOf(operand)),
    ];
    return results.map(result => {
      const { primal, tangent } = this.split(result);
      let perturbed = result;
      let perturbation: Variable | null = null;
      if (tangent !== null) {
        perturbation = new Variable(primal.aval);
        this.perturbations.push(perturbation);
        const [moved] = this.#partial.record(
          add.primitive,
          [tangent, this.#partial.unknown(perturbation)],
          {},
        );
        perturbed = this.tracer(primal, moved);
      }
      const name = label ?? this.#freeLetters();
      this.note(perturbed, name, words.join(' '), perturbation);
      return perturbed;
    });
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
 * The function runs on real values, so that `if` and loops over `x.item()` work.
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
    const variables = observed.map(({ name, equation, value, perturbation, source }, i) => ({
      name,
      equation,
      value,
      adjoint:
        i < inputs.length ? inputs[i] : perturbation === null ? null : (adjointOf.get(perturbation) ?? null),
      source,
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
  const rows = [
    ['variable', 'equation', 'value', 'adjoint'],
    ...variables.map(one => [one.name, one.equation, brief(one.value), brief(one.adjoint)]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)));
  return rows
    .map(row =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
