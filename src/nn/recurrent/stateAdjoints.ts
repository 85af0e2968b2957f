/** How the derivative of a loss comes back through time: vanishing and exploding gradients made visible. */

import { sizeOf } from '../../core/aval.ts';
import { columns } from '../../core/columns.ts';
import type { Tensor } from '../../core/tensor.ts';
import { norm } from '../../numpy/statistics.ts';
import { zerosLike } from '../../primitives/broadcast.ts';
import { reshape } from '../../primitives/layout.ts';
import { type Adjoints, adjoints } from '../../transforms/adjoints.ts';
import type { Arguments } from '../../transforms/arguments.ts';

/** One named value of a loop, at all of its steps. */
export interface StateAdjoint {
  /** The loop and the name: `scan.h`, of the second layer `scan2.h`. */
  readonly name: string;
  /** hₜ: [time, …], for a recurrent net [time, batch, size]. */
  readonly value: Tensor;
  /** ∂L/∂hₜ, through the output at t and through all later steps; 0 where an example has no step. Like the value. */
  readonly adjoint: Tensor;
  /** ‖∂L/∂hₜ‖, the Euclidean norm over batch and features, float[time]. */
  readonly norms: Tensor;
  /**
   * The factor by which one step back in time multiplies the norm, averaged: (‖∂L/∂h₀‖/‖∂L/∂h_T₋₁‖)^(1/(T − 1)). In a layer
   * that goes from the end to the start, where derivatives come the other way, its inverse is.
   */
  readonly growth: number;
}

export interface StateAdjoints<A extends readonly unknown[]> {
  readonly value: Tensor;
  /** The gradient with respect to every argument. */
  readonly gradients: Adjoints<A>['gradients'];
  /** In the order of computation: for the layers of a net the first layer first. */
  readonly states: readonly StateAdjoint[];
  /** The norms as a table. */
  toString(): string;
}

/**
 * Runs a loss and its reverse pass and shows the adjoints of the states of recurrent layers, time by time. In a net
 * hₜ = φ(hₜ₋₁·U + …) they obey h̄ₜ = ∂Lₜ/∂hₜ + (h̄ₜ₊₁ ⊙ φ′)·Uᵀ, a product of as many matrices as there are steps, so that
 * their norms fall or rise geometrically where the spectral radius of U is below 1 or the matrices stretch (Bengio et al.
 * 1994; Pascanu et al. 2013). `growth` is that factor: well below 1 the loss teaches nothing about early inputs, well above
 * 1 steps must be clipped.
 *
 * The states are those that `RNN`, `GRU` and `LSTM` name `h` and `c`; of loops of one's own whatever `tag` names.
 * `adjoints` shows the other variables too.
 *
 * @example const run = stateAdjoints((net, x) => net.forward(x).at(':', -1).get().square().sum())(net, x)
 * @example run.states[0].norms // float[time]
 * @throws NonScalarOutput, NotDifferentiable
 */
export function stateAdjoints<A extends readonly unknown[]>(
  f: (...args: A) => Tensor | number,
): (...args: Arguments<A>) => StateAdjoints<A> {
  const run = adjoints(f);
  return (...args) => {
    const { value, gradients, variables } = run(...args);
    const states = variables.flatMap(({ name, equation, steps, value, adjoint }): StateAdjoint[] => {
      if (steps.length === 0 || !equation.startsWith('tag ') || !value.aval.isFloat) return [];
      const ct = adjoint ?? zerosLike(value);
      const norms = norm(reshape(ct, [...steps, sizeOf(ct.shape.slice(steps.length))]), -1);
      return [{ name, value, adjoint: ct, norms, growth: growthOf(norms) }];
    });
    return { value, gradients, states, toString: () => table(states) };
  };
}

function growthOf(norms: Tensor): number {
  const list = norms.dataSync();
  return (list[0] / list[list.length - 1]) ** (1 / (list.length - 1));
}

function table(states: readonly StateAdjoint[]): string {
  return columns([
    ['state', 'first', 'last', 'growth per step back'],
    ...states.map(({ name, norms, growth }) => {
      const list = norms.dataSync();
      return [name, ...[list[0], list[list.length - 1], growth].map(x => (x ?? Number.NaN).toPrecision(4))];
    }),
  ]);
}
