/** Integer operations that have no vector instruction: division, and shifts by amounts that differ between lanes. */
import { type FunctionBuilder, i32, i32x4, type Value, v128 } from './encode.ts';
import { constantVector, type Lanes } from './lanes.ts';

/** Lane by lane. */
export function byLane(
  f: FunctionBuilder,
  lanes: Lanes,
  op: string,
  isUnsigned: boolean,
  a: Value,
  b: Value,
): Value {
  const [x, y] = [f.let(a), f.let(b)];
  let vector = constantVector('int32', 0);
  for (let lane = 0; lane < lanes; lane++) {
    const one = f.let(i32x4.extract_lane(x, lane));
    const two = f.let(i32x4.extract_lane(y, lane));
    vector = i32x4.replace_lane(vector, lane, scalarOperation(op, isUnsigned, one, two));
  }
  return vector;
}

function scalarOperation(op: string, isUnsigned: boolean, x: Value, y: Value): Value {
  const zero = i32.const(0);
  if (op === 'shl') return i32.select(i32.gt_u(y, i32.const(31)), zero, i32.shl(x, y));
  if (op === 'shr') {
    if (isUnsigned) return i32.select(i32.gt_u(y, i32.const(31)), zero, i32.shr_u(x, y));
    return i32.shr_s(x, i32.select(i32.gt_u(y, i32.const(31)), i32.const(31), y));
  }
  // A divisor of 0 (and of −1, whose overflow traps) is replaced, and its result corrected.
  const none = i32.eqz(y);
  if (isUnsigned) {
    const safe = i32.select(none, i32.const(1), y);
    return i32.select(none, zero, (op === 'div' ? i32.div_u : i32.rem_u)(x, safe));
  }
  const minus = i32.eq(y, i32.const(-1));
  const safe = i32.select(i32.or(none, minus), i32.const(1), y);
  const result = (op === 'div' ? i32.div_s : i32.rem_s)(x, safe);
  const negated = op === 'div' ? i32.sub(zero, x) : zero;
  return i32.select(none, zero, i32.select(minus, negated, result));
}

/**
 * A multiplier and a shift with ⌊x / m⌋ = (x · multiplier) >>> shift for 0 ≤ x ≤ most, within 32 bits; null where
 * there are none. Granlund and Montgomery, "Division by invariant integers using multiplication" (PLDI 1994).
 */
export function reciprocal(m: number, most: number): readonly [multiplier: number, shift: number] | null {
  for (let shift = 0; shift < 32; shift++) {
    const multiplier = Math.ceil(2 ** shift / m);
    if (most * multiplier >= 2 ** 32) return null;
    if (most * (multiplier * m - 2 ** shift) < 2 ** shift) return [multiplier, shift];
  }
  return null;
}

/** The quotient, truncated, or the remainder of int32 lanes within these bounds by a constant m > 0; null where unknown. */
export function divideByConstant(
  f: FunctionBuilder,
  op: 'div' | 'rem',
  x: Value,
  m: number,
  [least, greatest]: readonly [number, number],
): Value | null {
  const made = reciprocal(m, Math.max(-least, greatest));
  if (made === null) return null;
  const [multiplier, shift] = made;
  const whole = f.let(x);
  const magnitude = least < 0 ? i32x4.abs(whole) : whole;
  const ratio = i32x4.shr_u(i32x4.mul(magnitude, constantVector('int32', multiplier)), shift);
  let quotient: Value = ratio;
  if (least < 0) {
    const sign = f.let(i32x4.shr_s(whole, 31));
    quotient = i32x4.sub(v128.xor(ratio, sign), sign);
  }
  return op === 'div' ? quotient : i32x4.sub(whole, i32x4.mul(quotient, constantVector('int32', m)));
}
