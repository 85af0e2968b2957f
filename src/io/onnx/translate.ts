/** From a program to a graph, equation by equation. */
import { inlineCalls, simplify } from '../../compiler/simplify.ts';
import { BadArgument } from '../../core/errors.ts';
import type { Variable } from '../../core/program.ts';
import type { ConcreteTensor, Tensor } from '../../core/tensor.ts';
import type { Equation, Primitive, Program } from '../../primitives/primitive.ts';
import { branch, repeat, walk } from './control.ts';
import { between, type Extent, type Sizes } from './extent.ts';
import { type Form, forms } from './forms.ts';
import type { Graph, Value } from './graph.ts';
import { translateNest } from './nests.ts';
import { type Scope, Site } from './site.ts';

/** A program and, where the number of examples is not fixed, the same one for another number. */
export interface Traced {
  readonly program: Program;
  readonly twin: Program | null;
}

/** The program with calls written out and laws applied that change no bit. */
const prepared = (program: Program): Program => simplify(inlineCalls(program));

export class Translator {
  readonly #sizes: Sizes | null;
  readonly #forms: ReadonlyMap<Primitive, Form> = forms();
  readonly #constants = new Map<Tensor, Value>();
  #root: Graph | null = null;

  constructor(sizes: Sizes | null) {
    this.#sizes = sizes;
  }

  /** The results of a program for these inputs. */
  run(g: Graph, traced: Traced, inputs: readonly Value[]): Value[] {
    this.#root ??= g;
    const program = prepared(traced.program);
    const twin = traced.twin === null ? null : prepared(traced.twin);
    const values = new Map<Variable, Value>();
    const twins = new Map<Variable, Variable>();
    const makers = new Map<Variable, Equation>();
    program.inputs.forEach((input, i) => {
      values.set(input, inputs[i]);
      if (twin !== null) twins.set(input, twin.inputs[i]);
    });

    const pair = (variable: Variable, other: Variable, place: string | undefined): void => {
      const before = twins.get(variable);
      if (before === undefined && program.constants.has(variable) && twin?.constants.has(other))
        twins.set(variable, other);
      else if (before !== other) throw dependsOnBatch(place);
    };
    const valueOf = (variable: Variable): Value => {
      const known = values.get(variable);
      if (known !== undefined) return known;
      const tensor = program.constants.get(variable) as Tensor;
      const value = this.#constant(tensor, twin?.constants.get(twins.get(variable) as Variable));
      values.set(variable, value);
      return value;
    };
    const scope: Scope = {
      sizes: this.#sizes,
      valueOf,
      extentsOf: variable => {
        const other = twins.get(variable);
        return variable.aval.shape.map(
          (n, i): Extent => between(this.#sizes, n, other?.aval.shape[i] ?? n, makers.get(variable)?.source),
        );
      },
      makerOf: variable => makers.get(variable) ?? null,
      numberOf: variable => {
        const tensor = program.constants.get(variable);
        return tensor !== undefined && tensor.size === 1 ? tensor.concrete('exportOnnx').elements()[0] : null;
      },
    };

    if (twin !== null && twin.equations.length !== program.equations.length) throw dependsOnBatch(undefined);
    program.equations.forEach((equation, i) => {
      const other = twin?.equations[i] ?? null;
      if (other !== null) {
        if (other.operation !== equation.operation || other.inputs.length !== equation.inputs.length)
          throw dependsOnBatch(equation.source);
        equation.inputs.forEach((input, j) => {
          pair(input, other.inputs[j], equation.source);
        });
      }
      const results = this.#translate(new Site(g, equation, other, scope));
      equation.outputs.forEach((output, j) => {
        values.set(output, results[j]);
        makers.set(output, equation);
        if (other !== null) twins.set(output, other.outputs[j]);
      });
    });
    return program.outputs.map((output, i) => {
      if (twin !== null) pair(output, twin.outputs[i], undefined);
      return g.expand(valueOf(output), scope.extentsOf(output));
    });
  }

  #translate(site: Site): readonly Value[] {
    const { operation } = site.equation;
    if (operation.kind === 'structured') {
      switch (operation.lower.form) {
        case 'scan':
          return walk(this, site);
        case 'while':
          return repeat(this, site);
        case 'cond':
          return branch(this, site);
        case 'inline':
          return site.refuse('which was not written out');
      }
    }
    const form = this.#forms.get(operation);
    return form === undefined ? translateNest(site) : [form(site)];
  }

  /** A tensor that the function closes over; a number stands for all its copies. */
  #constant(tensor: Tensor, other: Tensor | undefined): Value {
    const root = this.#root as Graph;
    const known = this.#constants.get(tensor);
    if (known !== undefined && (other === undefined || other === tensor)) return known;
    const concrete = tensor.concrete('exportOnnx');
    const { dtype, shape } = tensor.aval;
    if (other !== undefined && other !== tensor && !sameElements(concrete, other.concrete('exportOnnx')))
      return this.#growing(concrete, other.concrete('exportOnnx'));
    const value =
      concrete.size === 1
        ? root.scalar(dtype, concrete.elements()[0])
        : root.parameter('constant', dtype, shape, concrete.elements());
    this.#constants.set(tensor, value);
    return value;
  }

  /** A number made of the number of examples. */
  #growing(tensor: ConcreteTensor, other: ConcreteTensor): Value {
    const [a, b] = [tensor, other].map(one => (one.size === 1 ? one.elements()[0] : Number.NaN));
    if (!Number.isInteger(a) || !Number.isInteger(b))
      throw new BadArgument({
        did: `exported with dynamicBatch a function with a constant ${tensor.aval} that depends on the number of examples`,
        expected: 'constants that are equal for every number of examples, or whole numbers that grow with it',
        remedy:
          'compute it from tensors inside the function (divide by a count of type float32 in place of multiplying by its inverse), or leave dynamicBatch out',
      });
    return (this.#root as Graph).length(between(this.#sizes, a, b), tensor.dtype);
  }
}

function sameElements(a: ConcreteTensor, b: ConcreteTensor): boolean {
  if (!a.aval.equals(b.aval)) return false;
  const [x, y] = [a.elements(), b.elements()];
  return x.every((value, i) => Object.is(value, y[i]));
}

/** The error where two sizes of the batch give different programs. */
export const dependsOnBatch = (place: string | undefined): BadArgument =>
  new BadArgument({
    did: 'exported with dynamicBatch a function that computes something else for another number of examples',
    expected: 'the same operations for every number of examples',
    remedy:
      'leave dynamicBatch out: the graph then takes batches of the size of the arguments; or write loops over examples with vmap or scan',
    ...(place ? { place } : {}),
  });
