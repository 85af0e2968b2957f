/** How far results may lie from the oracle's, family by family. */
import type { OracleCase } from './read.ts';

export interface Allowance {
  /** Steps from float to float. */
  readonly ulp: number;
  /** Or this many half-ε of the largest operand or result: for sums, in which terms cancel. */
  readonly absolute: number;
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

export function allowanceFor(family: string, test: OracleCase, gradient: boolean): Allowance {
  const [value, slope] = byFamily[family] ?? sums;
  if (gradient) return slope;
  return test.ulp === undefined ? value : { ...value, ulp: test.ulp, absolute: 0 };
}
