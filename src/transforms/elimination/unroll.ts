/** From a linear program to a graph of scalars: every element of every intermediate is a vertex. */
import { inlineCalls } from '../../compiler/simplify.ts';
import type { TypedArray } from '../../core/dtype.ts';
import type { Variable } from '../../core/program.ts';
import type { CondParams, Equation, Program, ScanParams } from '../../primitives/primitive.ts';
import type { Accumulation } from './accumulate.ts';
import type { Scalar } from './code.ts';
import {
  Arithmetic,
  Effort,
  type Elements,
  interpretNest,
  isForm,
  type Value,
  valueDependent,
} from './nest.ts';

export type Environment = Map<Variable, Elements>;

/** Some seconds. */
const mostWork = 20_000_000;

/** A value the program reads: the operand of the code that it is, and its elements where they are known already. */
export interface Residual {
  readonly variable: Variable;
  readonly source: number;
  readonly elements: TypedArray | null;
}

/** Runs programs on elements. */
export class Unroller {
  readonly #arithmetic: Arithmetic;
  readonly #effort: Effort;
  readonly #settled: (value: Value) => Value;

  /** `settle` makes of an element what is used further on. */
  constructor(arithmetic: Arithmetic, effort: Effort, settle: (value: Value) => Value = value => value) {
    this.#arithmetic = arithmetic;
    this.#effort = effort;
    this.#settled = settle;
  }

  run(program: Program, known: Environment): Elements[] {
    const values = new Map(known);
    const read = (variable: Variable): Elements => values.get(variable) as Elements;
    for (const equation of program.equations) {
      const results = this.#apply(equation, equation.inputs.map(read));
      equation.outputs.forEach((output, i) => values.set(output, results[i]));
    }
    return program.outputs.map(read);
  }

  #apply(equation: Equation, operands: readonly Elements[]): Elements[] {
    const { operation, inputs, params, outputs } = equation;
    const shapes = outputs.map(output => output.aval.shape);
    if (operation.kind !== 'structured') {
      const avals = outputs.map(output => output.aval);
      const lowered = operation.lower(
        inputs.map(input => input.aval),
        params,
        avals,
      );
      if (lowered.form === 'alias') return [{ ...operands[lowered.source], shape: shapes[0] }];
      const results = interpretNest(lowered, operands, shapes, this.#arithmetic, this.#effort);
      return results.map((values, i) => this.#elements(shapes[i], values));
    }
    switch (operation.lower.form) {
      case 'scan':
        return this.#scan(params as ScanParams, operands, shapes);
      case 'cond':
        return this.#choice(params as CondParams, operands, shapes);
      default:
        throw valueDependent('the number of steps of a whileLoop depends on values');
    }
  }

  #elements(shape: readonly number[], values: readonly Value[]): Elements {
    const settled = values.map(value => this.#settled(value));
    return { shape, at: place => settled[place] };
  }

  #scan(
    { program, constants, carries, length, reverse }: ScanParams,
    operands: readonly Elements[],
    shapes: readonly (readonly number[])[],
  ): Elements[] {
    const body = inlineCalls(program);
    const environment = constantsOf(body);
    const sizes = shapes.map(shape => shape.slice(1).reduce((a, b) => a * b, 1));
    const stacked = shapes.slice(carries).map((): Value[] => []);
    let carried = operands.slice(constants, constants + carries);
    for (let step = 0; step < length; step++) {
      const turn = reverse ? length - 1 - step : step;
      const slices = operands.slice(constants + carries).map(({ shape, at }): Elements => {
        const rest = shape.slice(1);
        const start = turn * rest.reduce((a, b) => a * b, 1);
        return { shape: rest, at: place => at(start + place) };
      });
      const given = [...operands.slice(0, constants), ...carried, ...slices];
      body.inputs.forEach((input, i) => environment.set(input, given[i]));
      const results = this.run(body, environment);
      carried = results.slice(0, carries);
      results.slice(carries).forEach((result, k) => {
        const size = sizes[carries + k];
        for (let i = 0; i < size; i++) stacked[k][turn * size + i] = result.at(i);
      });
    }
    return [
      ...carried,
      ...stacked.map((values, k): Elements => ({ shape: shapes[carries + k], at: place => values[place] })),
    ];
  }

  /** Both branches; where the condition is not known each element is a choice of its coefficients. */
  #choice(
    { branches }: CondParams,
    [test, ...operands]: readonly Elements[],
    shapes: readonly (readonly number[])[],
  ): Elements[] {
    const run = (program: Program): Elements[] => {
      const body = inlineCalls(program);
      const environment = constantsOf(body);
      body.inputs.forEach((input, i) => environment.set(input, operands[i]));
      return this.run(body, environment);
    };
    const condition = test.at(0);
    if (isForm(condition)) throw valueDependent('a condition is a tangent');
    if (typeof condition === 'number') return run(branches[condition === 0 ? 0 : 1]);
    const [onFalse, onTrue] = branches.map(run);
    return shapes.map((shape, i) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const { dtype } = branches[0].outputs[i].aval;
      const values = Array.from({ length: size }, (_, place) =>
        this.#arithmetic.choose(condition, onTrue[i].at(place), onFalse[i].at(place), dtype),
      );
      return this.#elements(shape, values);
    });
  }
}

/** The constants of a program inside control flow are numbers. */
function constantsOf(program: Program): Environment {
  const environment: Environment = new Map();
  for (const [variable, tensor] of program.constants) {
    const { shape } = variable.aval;
    const elements = tensor.concrete('a constant of a loop').elements();
    environment.set(variable, { shape, at: place => elements[place] });
  }
  return environment;
}

/**
 * Adds a linear program to a graph in which the inputs' elements are the first vertices. Gives the elements of every
 * output: a linear form ± one vertex, or 0.
 */
export function unroll(linear: Program, residuals: readonly Residual[], graph: Accumulation): Value[][] {
  const environment: Environment = new Map();
  residuals.forEach(({ variable, source, elements }) => {
    const { dtype, shape } = variable.aval;
    environment.set(variable, {
      shape,
      at: place => (elements === null ? graph.code.load(source, place, dtype) : elements[place]),
    });
  });
  let first = 0;
  for (const input of linear.inputs) {
    const start = first;
    environment.set(input, {
      shape: input.aval.shape,
      at: place => new Map<number, Scalar>([[start + place, 1]]),
    });
    first += input.aval.size;
  }
  for (let i = 0; i < first; i++) graph.vertex(new Map());
  const program = inlineCalls(linear);
  // Calls bring constants of their own.
  for (const [variable, tensor] of program.constants)
    if (!environment.has(variable)) {
      const elements = tensor.concrete('a constant of a call').elements();
      environment.set(variable, { shape: variable.aval.shape, at: place => elements[place] });
    }
  // A linear form of more than one term, or with a coefficient, is a vertex.
  const settle = (value: Value): Value => {
    if (!isForm(value)) return value;
    if (value.size === 1) {
      const [[, coefficient]] = value;
      if (coefficient === 1 || coefficient === -1) return value;
    }
    return new Map<number, Scalar>([[graph.vertexOf(value), 1]]);
  };
  return new Unroller(new Arithmetic(graph.code), new Effort(mostWork), settle)
    .run(program, environment)
    .map(({ at }, i) => Array.from({ length: program.outputs[i].aval.size }, (_, place) => at(place)));
}
