/** How far results may lie from the oracle's, family by family. */
import type { OracleCase, OracleValue } from './read.ts';

export interface Allowance {
  /** Steps from float to float. */
  readonly ulp: number;
  /** Or this many half-ε of the largest operand or result: for sums, in which terms cancel. */
  readonly absolute: number;
  /** A larger one than those, met on the way. */
  readonly scale?: number;
  /** Whether the sign of a zero counts. */
  readonly signs: boolean;
}

/** For values, then for gradients, where the case itself does not say. */
const byFamily: Record<string, readonly [value: Allowance, gradient: Allowance]> = {
  // One correctly rounded operation, or one elementary function.
  binary: [
    { ulp: 2, absolute: 0, signs: true },
    { ulp: 8, absolute: 0, signs: false },
  ],
  elementwise: [
    { ulp: 2, absolute: 0, signs: true },
    { ulp: 8, absolute: 0, signs: false },
  ],
  promotion: [
    { ulp: 2, absolute: 0, signs: true },
    { ulp: 4, absolute: 0, signs: false },
  ],
  // Elements only move: the bits stay.
  shape: [
    { ulp: 0, absolute: 0, signs: true },
    { ulp: 4, absolute: 8, signs: false },
  ],
  joining: [
    { ulp: 0, absolute: 0, signs: true },
    { ulp: 0, absolute: 8, signs: false },
  ],
  sorting: [
    { ulp: 2, absolute: 4, signs: false },
    { ulp: 2, absolute: 4, signs: false },
  ],
  special: [
    { ulp: 2, absolute: 0, signs: false },
    { ulp: 128, absolute: 0, signs: false },
  ],
  // Derivatives of derivatives: long sums, whose rounding grows with what is in them.
  second: [
    { ulp: 64, absolute: 128, signs: false },
    { ulp: 64, absolute: 128, signs: false },
  ],
  composites: [
    { ulp: 64, absolute: 128, signs: false },
    { ulp: 64, absolute: 128, signs: false },
  ],
  creation: [
    { ulp: 1, absolute: 0, signs: false },
    { ulp: 8, absolute: 8, signs: false },
  ],
};

/** Sums of products: relative to the largest operand, as rounding errors are. */
const sums: readonly [Allowance, Allowance] = [
  { ulp: 8, absolute: 32, signs: false },
  { ulp: 16, absolute: 64, signs: false },
];

/**
 * Draws whose value may lie near 0 although what is rounded on the way does not, and how large that is:
 * u·(max − min) + min, which JAX's compiler rounds once, and log(−log u) near u = 1/e.
 */
const steep: Record<string, number> = {
  'random.uniform': 2,
  'random.truncatedNormal': 1,
  'random.gumbel': 1,
};

/** Where a function needs more steps than its family. */
const byFunction: Record<string, readonly [value: number, gradient: number]> = {
  // The derivative 1 − y² is made of the rounded value.
  tanh: [2, 16],
  // Near their roots the error is that of terms that cancel.
  lgamma: [8, 16],
  digamma: [16, 64],
};

/** A zero factor times a logarithm: its sign means nothing. */
const unsigned = new Set(['xlogy', 'xlog1py']);

/**
 * Results in which the library goes another way than NumPy and SciPy: sign and erfinv are odd, so that −0 stays −0
 * (as in JAX), and log |Γ(−∞)| is ∞ (as in C99).
 */
export function ours(test: OracleCase, value: OracleValue): OracleValue {
  const [operand] = test.args;
  if (!['sign', 'erfinv', 'lgamma'].includes(test.fn) || !('data' in operand)) return value;
  const data = value.data.map((y, i) => {
    const x = operand.data[i];
    if (test.fn === 'lgamma') return x === '-inf' ? 'inf' : y;
    return x === '-0' ? '-0' : y;
  });
  return { ...value, data };
}

export function allowanceFor(family: string, test: OracleCase, gradient: boolean): Allowance {
  let [value, slope] = byFamily[family] ?? sums;
  if (test.fn in byFunction && (family === 'elementwise' || family === 'binary')) {
    const [values, gradients] = byFunction[test.fn];
    value = { ...value, ulp: values };
    slope = { ...slope, ulp: gradients };
  }
  if (unsigned.has(test.fn)) value = { ...value, signs: false };
  if (gradient) return slope;
  if (test.fn in steep)
    return { ...value, ulp: test.ulp ?? 0, absolute: test.ulp === 0 ? 0 : 2, scale: steep[test.fn] };
  return test.ulp === undefined ? value : { ...value, ulp: test.ulp, absolute: 0 };
}
