/** The Jacobian of one equation of a linear program, by one of the variables that it reads. */
import { sameShape, sizeOf } from '../../../core/aval.ts';
import { NotDifferentiable } from '../../../core/errors.ts';
import type { Variable } from '../../../core/program.ts';
import { scalar, type Tensor } from '../../../core/tensor.ts';
import type { Expression } from '../../../kernel/expression.ts';
import { bind, type Equation, type Primitive, type Program, ruleFor } from '../../../primitives/primitive.ts';
import { onesLike, permute, reshape, zerosLike } from '../../../primitives/vectorspace.ts';
import { evaluating } from '../../evaluate.ts';
import { operationsOfEquation } from '../../jacobian/cost.ts';
import { replay, traceProgram } from '../../trace.ts';
import { transposeProgram } from '../../transpose.ts';
import { vmap } from '../../vmap.ts';
import { type Block, dense, diagonal, inType, type LinearMap, multiple, once } from './block.ts';

/** An equation with what is known of its operands. */
export interface Context {
  /** Whether a variable depends on the program's inputs. */
  readonly moves: (variable: Variable) => boolean;
  /** The value of a variable that does not. */
  readonly valueOf: (variable: Variable) => Tensor;
}

/** From one variable to one of the equation's results, all others that move being zero. */
export function localJacobian(equation: Equation, from: Variable, to: Variable, context: Context): Block {
  const { operation, inputs, params, outputs } = equation;
  const size = to.aval.size;
  if (operation.kind === 'structured') return linearMap(equation, from, to, context);
  const lowered = operation.lower(
    inputs.map(input => input.aval),
    params,
    outputs.map(output => output.aval),
  );
  if (lowered.form === 'alias' && inputs[lowered.source] === from) return multiple(size, 1);
  if (operation.batch === 'elementwise' && sameShape(from.aval.shape, to.aval.shape)) {
    const scale = coefficient(equation, from);
    if (scale !== null) return multiple(size, scale);
    return diagonal(size, () => {
      const [values] = replay(alone(equation, from, to, context), [onesLike(from.aval)]);
      return reshape(values, [size]);
    });
  }
  const entries = operation.kind === 'multilinear' ? matrixOperand(equation, from) : null;
  if (entries !== null)
    return dense(size, from.aval.size, () => ({
      tensor: reshape(permute(context.valueOf(entries.operand), entries.order), [size, from.aval.size]),
      byColumns: false,
    }));
  return linearMap(equation, from, to, context);
}

const coefficients: WeakMap<Primitive, Map<string, number>> = /* @__PURE__ */ new WeakMap();

/** What an elementwise operation multiplies a variable by, where it reads nothing else than what it is linear in. */
function coefficient(equation: Equation, from: Variable): number | null {
  const { operation, inputs, params } = equation;
  if (operation.kind !== 'linear') return null;
  const { transpose } = operation;
  if (inputs.some((_, i) => ruleFor(transpose, i) === null)) return null;
  const given = Object.entries(params);
  if (given.some(([, value]) => typeof value === 'object' || typeof value === 'function')) return null;
  let known = coefficients.get(operation);
  if (known === undefined) {
    known = new Map();
    coefficients.set(operation, known);
  }
  const key = JSON.stringify([given, inputs.map(input => [input.aval.dtype, input === from])]);
  let value = known.get(key);
  if (value === undefined) {
    value = onNumbers(equation, from);
    known.set(key, value);
  }
  return value;
}

/** The operation applied to 1 for the variable, and 0 for all others. */
function onNumbers({ operation, inputs, params }: Equation, from: Variable): number {
  const numbers = inputs.map(input => scalar(input.aval.dtype, input === from ? 1 : 0));
  const [value] = evaluating(() => bind(operation as Primitive<object>, numbers, params));
  return Number(value.concrete('a coefficient').elements()[0]);
}

/**
 * The operand whose elements, in another order, are the matrix: that of a sum of products over all axes of the variable,
 * as in a matrix times a vector.
 */
function matrixOperand(
  { operation, inputs, params, outputs }: Equation,
  from: Variable,
): { operand: Variable; order: number[] } | null {
  if (operation.kind === 'structured' || inputs.filter(input => input === from).length !== 1) return null;
  const nest = operation.lower(
    inputs.map(input => input.aval),
    params,
    outputs.map(output => output.aval),
  );
  if (nest.form !== 'reduce' || nest.accumulators.length !== 1 || nest.results[0].op !== 'carry') return null;
  const [{ reducer, term }] = nest.accumulators;
  if (reducer !== 'sum' || term.op !== 'mul') return null;
  const loads = term.args.map(arg => (arg.op === 'load' ? { ...arg, axes: axesOf(arg.at) } : null));
  const moving = loads.find(load => load !== null && inputs[load.source] === from);
  const other = loads.find(load => load !== null && inputs[load.source] !== from);
  if (!moving?.axes || !other?.axes) return null;
  const kept = nest.extents.length - nest.reduced;
  // The variable has the summed axes and no others, and the operand has all.
  if (moving.axes.length !== nest.reduced || moving.axes.some(axis => axis < kept)) return null;
  if (other.axes.length !== nest.extents.length) return null;
  if (inputs[other.source].aval.size !== sizeOf(nest.extents)) return null;
  const wanted = [...Array.from({ length: kept }, (_, i) => i), ...moving.axes];
  const { axes } = other;
  return { operand: inputs[other.source], order: wanted.map(axis => axes.indexOf(axis)) };
}

/** The axes that are the indices, where each is one and none occurs twice. */
function axesOf(at: readonly Expression[]): number[] | null {
  const axes = at.map(index => (index.op === 'axis' ? index.axis : -1));
  return axes.includes(-1) || new Set(axes).size < axes.length ? null : axes;
}

/** The equation as a program of the one variable. */
function alone(equation: Equation, from: Variable, to: Variable, { moves, valueOf }: Context): Program {
  const { operation, inputs, params } = equation;
  const constants = new Map<Variable, Tensor>();
  for (const input of inputs)
    if (input !== from) constants.set(input, moves(input) ? zerosLike(input.aval) : valueOf(input));
  const at = inputs.indexOf(from);
  const rule = operation.kind === 'linear' ? ruleFor(operation.alone, at) : null;
  const others = inputs.some(input => input !== from && moves(input));
  if (rule === null || !others || inputs.lastIndexOf(from) !== at)
    return { inputs: [from], constants, equations: [equation], outputs: [to] };
  return traceProgram(
    ([tangent]) => {
      const zero = zerosLike(from.aval);
      const operands = inputs.map(input => constants.get(input) ?? zero);
      return [rule(tangent, operands, zerosLike(to.aval), params, at)];
    },
    [from.aval],
    { name: operation.name },
  );
}

function linearMap(equation: Equation, from: Variable, to: Variable, context: Context): LinearMap {
  const program = once(() => alone(equation, from, to, context));
  const [rows, columns] = [to.aval.size, from.aval.size];
  const { work, pushes } = workOf(equation);
  const over =
    (map: (vector: Tensor) => Tensor, of: Variable, result: Variable) =>
    (vectors: Tensor): Tensor => {
      const [count] = vectors.shape;
      const batch = reshape(inType(vectors, of.aval.dtype), [count, ...of.aval.shape]);
      return reshape(vmap(map)(batch) as Tensor, [count, result.aval.size]);
    };
  return {
    form: 'map',
    rows,
    columns,
    work,
    pushes,
    forward: vectors => {
      const made = program();
      return over(tangent => replay(made, [tangent])[0], from, to)(vectors);
    },
    backward: vectors => {
      const made = program();
      const pullback = (ct: Tensor): Tensor => transposeProgram(made, [ct])[0] ?? zerosLike(from.aval);
      return over(pullback, to, from)(vectors);
    },
  };
}

/** Scalar operations, and whether there is a forward mode. */
function workOf(equation: Equation): { work: number; pushes: boolean } {
  const sizes = [...equation.inputs, ...equation.outputs].map(({ aval }) => aval.size);
  try {
    return { work: Math.max(operationsOfEquation(equation), 1), pushes: true };
  } catch (error) {
    // What has a rule for reverse mode alone has no program.
    if (!(error instanceof NotDifferentiable)) throw error;
    return { work: Math.max(1, ...sizes), pushes: false };
  }
}
