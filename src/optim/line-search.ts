/**
 * The line search of Moré and Thuente (1994), "Line search algorithms with guaranteed sufficient decrease": a step t > 0
 * with the strong Wolfe conditions φ(t) ≤ φ(0) + μ·t·φ′(0) and |φ′(t)| ≤ η·|φ′(0)|. As `dcsrch` of MINPACK-2, with all
 * its cases as choices of values, so that it runs inside a compiled loop.
 */
import { scalar, type Tensor } from '../core/tensor.ts';
import { scalarLike } from '../linalg/iterative/iteration.ts';
import { absolute, add, divide, multiply, negative, subtract } from '../numpy/arithmetic.ts';
import { sqrt } from '../numpy/elementary.ts';
import {
  greater,
  greaterEqual,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  maximum,
  minimum,
  where,
} from '../numpy/logic.ts';
import { isFinite, sign } from '../numpy/rounding.ts';
import { whileLoop } from '../transforms/control/flow.ts';

/** The value and the slope of φ at t. */
interface Point {
  readonly t: Tensor;
  readonly value: Tensor;
  readonly slope: Tensor;
}

/** What the search evaluates: φ and φ′, and whatever the caller wants to keep of the place, such as the gradient. */
export interface Evaluation {
  readonly value: Tensor;
  readonly slope: Tensor;
  readonly gradient: Tensor;
}

export interface LineSearchOptions {
  /** μ, sufficient decrease. */
  readonly decrease: number;
  /** η, curvature. */
  readonly curvature: number;
  readonly maxEvaluations: number;
}

export interface Step extends Evaluation {
  readonly t: Tensor;
  readonly evaluations: Tensor;
}

const xtol = 1e-16;
const largest = 1e10;

/** A point with the linear function of sufficient decrease taken away. */
const lowered = ({ t, value, slope }: Point, rate: Tensor): Point => ({
  t,
  value: subtract(value, multiply(t, rate)),
  slope: subtract(slope, rate),
});
const raised = ({ t, value, slope }: Point, rate: Tensor): Point => ({
  t,
  value: add(value, multiply(t, rate)),
  slope: add(slope, rate),
});
const chosen = (condition: Tensor, a: Point, b: Point): Point => ({
  t: where(condition, a.t, b.t),
  value: where(condition, a.value, b.value),
  slope: where(condition, a.slope, b.slope),
});
const all = (...conditions: Tensor[]): Tensor => conditions.reduce((a, b) => logicalAnd(a, b));
const nearer = (a: Tensor, b: Tensor, to: Tensor): Tensor =>
  less(absolute(subtract(a, to)), absolute(subtract(b, to)));

/**
 * A step along a descent direction, starting with t = `first`. Where rounding leaves no better step, or the number of
 * evaluations is used up, it is the best one found.
 */
export function lineSearch(
  evaluate: (t: Tensor) => Evaluation,
  start: Evaluation,
  first: Tensor,
  options: LineSearchOptions,
): Step {
  const { decrease, curvature, maxEvaluations } = options;
  const zero = scalarLike(first, 0);
  const rate = multiply(start.slope, decrease);
  const origin: Point = { t: zero, value: start.value, slope: start.slope };
  const no = scalar('bool', 0);
  const last = whileLoop(
    ({ done, evaluations }) => logicalAnd(logicalNot(done), less(evaluations, maxEvaluations)),
    state => {
      const { next: t, best, other, low, high, width, widthBefore, bracketed } = state;
      const now = evaluate(t);
      const here: Point = { t, value: now.value, slope: now.slope };
      const bound = add(start.value, multiply(t, rate));
      const wolfe = logicalAnd(
        lessEqual(here.value, bound),
        lessEqual(absolute(here.slope), multiply(negative(start.slope), curvature)),
      );
      const second = logicalOr(
        state.second,
        logicalAnd(lessEqual(here.value, bound), greaterEqual(here.slope, 0)),
      );
      // The first stage looks at φ(t) − μ·t·φ′(0), until that has a value ≤ 0 and a slope ≥ 0.
      const auxiliary = all(
        logicalNot(second),
        lessEqual(here.value, best.value),
        greater(here.value, bound),
      );
      const seen = (point: Point): Point => chosen(auxiliary, lowered(point, rate), point);
      const usual = narrowed(seen(best), seen(other), seen(here), bracketed, low, high);
      // Outside of where the function is defined: back, nearly to the best point.
      const outside = logicalNot(isFinite(add(here.value, here.slope)));
      const interval: Interval = {
        best: chosen(outside, seen(best), usual.best),
        other: chosen(outside, seen(other), usual.other),
        t: where(outside, add(best.t, multiply(subtract(t, best.t), 0.1)), usual.t),
        bracketed: where(outside, bracketed, usual.bracketed),
      };
      const restored = (point: Point): Point => chosen(auxiliary, raised(point, rate), point);
      const nextBest = restored(interval.best);
      const nextOther = restored(interval.other);
      const span = absolute(subtract(nextOther.t, nextBest.t));
      const slow = logicalAnd(interval.bracketed, greaterEqual(span, multiply(widthBefore, 0.66)));
      const middle = add(nextBest.t, multiply(subtract(nextOther.t, nextBest.t), 0.5));
      const wanted = where(slow, middle, interval.t);
      const reach = subtract(wanted, nextBest.t);
      const nextLow = where(
        interval.bracketed,
        minimum(nextBest.t, nextOther.t),
        add(wanted, multiply(reach, 1.1)),
      );
      const nextHigh = where(
        interval.bracketed,
        maximum(nextBest.t, nextOther.t),
        add(wanted, multiply(reach, 4)),
      );
      const clamped = minimum(maximum(wanted, 0), largest);
      // Nothing is left between the ends: the best point is taken, after one more look at it.
      const closed = logicalAnd(
        interval.bracketed,
        logicalOr(
          logicalOr(lessEqual(clamped, nextLow), greaterEqual(clamped, nextHigh)),
          lessEqual(subtract(nextHigh, nextLow), multiply(nextHigh, xtol)),
        ),
      );
      return {
        t,
        next: where(closed, nextBest.t, clamped),
        now,
        best: nextBest,
        other: nextOther,
        low: nextLow,
        high: nextHigh,
        width: where(interval.bracketed, span, width),
        widthBefore: where(interval.bracketed, width, widthBefore),
        bracketed: interval.bracketed,
        second,
        closed,
        evaluations: add(state.evaluations, 1),
        done: logicalOr(wolfe, state.closed),
      };
    },
    {
      t: zero,
      next: first,
      now: start,
      best: origin,
      other: origin,
      low: zero,
      high: multiply(first, 5),
      width: scalarLike(first, largest),
      widthBefore: scalarLike(first, 2 * largest),
      bracketed: no,
      second: no,
      closed: no,
      evaluations: scalar('int32', 0),
      done: no,
    },
  );
  return { ...last.now, t: last.t, evaluations: last.evaluations };
}

interface Interval {
  readonly best: Point;
  readonly other: Point;
  readonly t: Tensor;
  readonly bracketed: Tensor;
}

/** The next interval and the next step in it: `dcstep`, by cubic and quadratic interpolation. */
function narrowed(
  best: Point,
  other: Point,
  here: Point,
  bracketed: Tensor,
  low: Tensor,
  high: Tensor,
): Interval {
  const { t, value, slope } = here;
  const opposite = less(multiply(sign(slope), sign(best.slope)), 0);
  const higher = greater(value, best.value);
  const flatter = less(absolute(slope), absolute(best.slope));
  const forward = greater(t, best.t);
  const back = subtract(best.t, t);

  const towards = cubic(best, here);
  // Case 1: a higher value. The minimum is bracketed; the cubic step if it is nearer to the best, else the mean.
  const cubic1 = add(best.t, multiply(towards.fromBest, subtract(t, best.t)));
  const secant1 = add(divide(subtract(best.value, value), subtract(t, best.t)), best.slope);
  const quadratic1 = add(best.t, multiply(divide(divide(best.slope, secant1), 2), subtract(t, best.t)));
  const step1 = where(
    nearer(cubic1, quadratic1, best.t),
    cubic1,
    add(cubic1, divide(subtract(quadratic1, cubic1), 2)),
  );
  // Case 2: a lower value and slopes of opposite sign. Bracketed; the step that goes farther from here.
  const cubic2 = add(t, multiply(towards.fromHere, back));
  const secant = add(t, multiply(divide(slope, subtract(slope, best.slope)), back));
  const step2 = where(nearer(secant, cubic2, t), cubic2, secant);
  // Case 3: a lower value, the same sign, a smaller slope. The cubic step only if it goes on in this direction.
  const limit = where(forward, high, low);
  const cubic3 = where(logicalAnd(less(towards.fromHere, 0), greater(towards.root, 0)), cubic2, limit);
  const guard = add(t, multiply(subtract(other.t, t), 0.66));
  const inside = where(nearer(cubic3, secant, t), cubic3, secant);
  const step3 = where(
    bracketed,
    where(forward, minimum(guard, inside), maximum(guard, inside)),
    minimum(maximum(where(nearer(secant, cubic3, t), cubic3, secant), low), high),
  );
  // Case 4: a lower value, the same sign, a slope not smaller.
  const step4 = where(bracketed, add(t, multiply(cubic(other, here).fromHere, subtract(other.t, t))), limit);

  const step = where(higher, step1, where(opposite, step2, where(flatter, step3, step4)));
  const far = chosen(higher, here, chosen(opposite, best, other));
  return {
    best: chosen(higher, best, here),
    other: far,
    t: step,
    bracketed: logicalOr(bracketed, logicalOr(higher, opposite)),
  };
}

/** Where the cubic through two points with slopes is smallest, as a part of the way from either to the other. */
function cubic(a: Point, here: Point): { fromBest: Tensor; fromHere: Tensor; root: Tensor } {
  const theta = add(
    add(divide(multiply(subtract(a.value, here.value), 3), subtract(here.t, a.t)), a.slope),
    here.slope,
  );
  const scale = maximum(absolute(theta), maximum(absolute(a.slope), absolute(here.slope)));
  const [u, v, w] = [theta, a.slope, here.slope].map(one => divide(one, scale));
  const root = multiply(scale, sqrt(maximum(subtract(multiply(u, u), multiply(v, w)), 0)));
  const ahead = greater(here.t, a.t);
  const one = where(ahead, root, negative(root));
  const two = negative(one);
  const fromBest = divide(
    add(subtract(one, a.slope), theta),
    add(add(subtract(one, a.slope), one), here.slope),
  );
  const fromHere = divide(
    add(subtract(two, here.slope), theta),
    add(add(subtract(two, here.slope), two), a.slope),
  );
  return { fromBest, fromHere, root };
}
