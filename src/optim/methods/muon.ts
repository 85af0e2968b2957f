/** Muon: momenta of matrices made orthogonal. */
import { BadArgument } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { add, divide, multiply, square } from '../../numpy/arithmetic.ts';
import { sqrt } from '../../numpy/elementary.ts';
import { matmul } from '../../numpy/products.ts';
import { sum } from '../../numpy/reduce.ts';
import { matrixTranspose } from '../../numpy/shape.ts';
import { addDecayedWeights } from '../gradients/decay.ts';
import { blend, unbiased } from '../gradients/decaying.ts';
import { type CountedSlots, counted, stateless, zeros } from '../gradients/leafwise.ts';
import { requireBetween, requireRate, requireWhole } from '../gradients/options.ts';
import { type ScaleState, scaleByLearningRate } from '../gradients/scale.ts';
import { partition } from '../gradients/select.ts';
import { chain, type GradientTransformation, type LearningRate } from '../gradients/transformation.ts';
import { type AdamState, type AdamWOptions, adamw } from './adam.ts';

export interface OrthogonalizeOptions {
  /** How often the polynomial is applied. Default 5. */
  readonly steps?: number;
  /** a, b, c of the polynomial a·x + b·x³ + c·x⁵ on the singular values. Default 3.4445, −4.775, 2.0315. */
  readonly coefficients?: readonly [a: number, b: number, c: number];
  /** Added to the norm of a matrix that is divided by it. Default 1e-8. */
  readonly eps?: number;
}

/**
 * UVᵀ, about, of a matrix UΣVᵀ: X ← aX + (bA + cA²)X with A = XXᵀ, from X/‖X‖. With the default polynomial all singular
 * values end near 1, mostly from 0.7 to 1.2, after few steps. Matrices are the last two axes.
 */
function orthogonal(x: Tensor, { steps, coefficients, eps }: Required<OrthogonalizeOptions>): Tensor {
  const [a, b, c] = coefficients;
  const [rows, columns] = x.shape.slice(-2);
  const tall = rows > columns;
  let y = tall ? matrixTranspose(x) : x;
  y = divide(y, add(sqrt(sum(square(y), { axis: [-2, -1], keepdims: true })), eps));
  for (let i = 0; i < steps; i++) {
    const gram = matmul(y, matrixTranspose(y));
    const even = add(multiply(gram, b), multiply(matmul(gram, gram), c));
    y = add(multiply(y, a), matmul(even, y));
  }
  return tall ? matrixTranspose(y) : y;
}

export interface MuonMomentOptions extends OrthogonalizeOptions {
  /** Decay of the momentum, in [0, 1). Default 0.95. */
  readonly beta?: number;
  /** The momentum one step ahead. Default true. */
  readonly nesterov?: boolean;
}

export type MuonState = CountedSlots<'mean'>;

/**
 * The direction of Muon: m ← βm + (1 − β)g, and u is the orthogonal factor of m̂ = m/(1 − βᵗ), or of
 * βm/(1 − βᵗ⁺¹) + (1 − β)g/(1 − βᵗ) with `nesterov`, by the iteration of Newton and Schulz. Of a tensor with more than
 * two axes the last two are the matrices.
 *
 * @throws BadArgument, also at `init` where a parameter has less than two axes
 */
export function scaleByMuon(options: MuonMomentOptions = {}): GradientTransformation<MuonState> {
  const { beta, nesterov, ...orthogonalize } = checked('scaleByMuon', options);
  const begin = (p: Tensor): Tensor => {
    if (p.ndim >= 2) return zeros(p);
    throw new BadArgument({
      did: `scaleByMuon met a parameter ${p.aval}`,
      expected: 'matrices: parameters with two axes or more',
      remedy:
        'muon({ learningRate: 0.02 }) gives the others to Adam; or masked(scaleByMuon(), (path, leaf) => leaf.ndim === 2)',
    });
  };
  return counted('scaleByMuon', { mean: begin }, step => {
    const meanOf = unbiased(step, beta);
    const ahead = unbiased(add(step, 1), beta);
    return (g, slots) => {
      const mean = blend(slots.mean, g, beta);
      const direction = nesterov ? blend(ahead(mean), meanOf(g), beta) : meanOf(mean);
      return [orthogonal(direction, orthogonalize), { mean }];
    };
  });
}

export interface MuonOptions extends MuonMomentOptions {
  readonly learningRate: LearningRate;
  /** λ of the matrices: u = −η·(direction + λ·p). Default 0. */
  readonly weightDecay?: number;
  /**
   * Which parameters are matrices to orthogonalize. Default: all with two axes. Embeddings and the last layer are
   * better left to Adam: (path, leaf) => leaf.ndim === 2 && !path.startsWith('embedding').
   */
  readonly matrices?: (path: string, leaf: Tensor) => boolean;
  /** Options of `adamw` for the others; its learning rate and ε are those of Muon, its decay 0, unless they are here. */
  readonly adam?: Partial<AdamWOptions>;
}

type MuonStates = {
  readonly matrices: [MuonState, null, null, ScaleState];
  readonly others: [AdamState, null, ScaleState];
};

/**
 * Muon (Jordan et al. 2024) on matrices: u = −η·(√max(1, n/m)·orthogonal factor of the momentum + λ·p) for [m, n], and
 * Adam on all other parameters.
 *
 * @example const optimizer = muon({ learningRate: 0.02, adam: { learningRate: 1e-3 } })
 * @throws BadArgument
 */
export function muon(options: MuonOptions): GradientTransformation<MuonStates> {
  const { learningRate, weightDecay = 0, eps = 1e-8, adam = {} } = options;
  const { matrices = (_: string, leaf: Tensor) => leaf.ndim === 2 } = options;
  checked('muon', options);
  requireRate('muon', learningRate);
  requireBetween('muon', 'weightDecay', weightDecay);
  const widened = stateless('muon', g => {
    const [rows, columns] = g.shape.slice(-2);
    return multiply(g, Math.sqrt(Math.max(1, columns / rows)));
  });
  return partition<MuonStates>((path, leaf) => (matrices(path, leaf) ? 'matrices' : 'others'), {
    matrices: chain(
      scaleByMuon(options),
      widened,
      addDecayedWeights(weightDecay),
      scaleByLearningRate(learningRate),
    ),
    others: adamw({ learningRate, eps, weightDecay: 0, ...adam }),
  });
}

function checked(name: string, options: MuonMomentOptions): Required<MuonMomentOptions> {
  const { beta = 0.95, nesterov = true, steps = 5, eps = 1e-8 } = options;
  const { coefficients = [3.4445, -4.775, 2.0315] as const } = options;
  requireBetween(name, 'beta', beta, 1);
  requireBetween(name, 'eps', eps);
  requireWhole(name, 'steps', steps, 1, `${name}({ steps: 5 })`);
  return { beta, nesterov, steps, eps, coefficients };
}
