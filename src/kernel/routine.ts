/** Whole programs as a backend sees them: kernels in sequence and in loops over numbered values, with a plan of the memory. Plain data. */
import type { ScalarType } from './expression.ts';
import type { Kernel } from './kernel.ts';

/**
 * Where a value's elements are. Constants are inputs after the program's own. Temporaries share one arena, private ones
 * an arena of the thread that runs a turn of a parallel loop: `offset` is in bytes. A slice is the part of another value
 * that belongs to the current turn of a loop: it begins `step` elements after that of the turn before.
 */
export type Place =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'output'; readonly index: number }
  | { readonly kind: 'temporary'; readonly offset: number }
  | { readonly kind: 'private'; readonly offset: number }
  | { readonly kind: 'slice'; readonly of: number; readonly loop: number; readonly step: number };

export interface Value {
  readonly type: ScalarType;
  readonly size: number;
  readonly place: Place;
}

/** One kernel on values by number. */
export interface KernelStep {
  readonly form: 'kernel';
  readonly kernel: Kernel;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** The elements of one value copied to another of equal type and size. */
export interface CopyStep {
  readonly form: 'copy';
  readonly from: number;
  readonly to: number;
}

/** The body, `length` times; slices of loop `id` belong to turn 0, 1, … or, in reverse, to the last one first. */
export interface LoopStep {
  readonly form: 'loop';
  readonly id: number;
  readonly length: number;
  readonly reverse: boolean;
  readonly body: readonly Step[];
}

/**
 * A loop whose turns are independent and may run in any order, on several threads: only slices and private values are
 * written. `last` takes the place of the body in the last turn where that is smaller. Parallel loops do not nest.
 */
export interface ParallelStep {
  readonly form: 'parallel';
  readonly id: number;
  readonly length: number;
  readonly body: readonly Step[];
  readonly last: readonly Step[] | null;
}

/** The condition's steps, then, while they leave true in the predicate, the body and the condition again. */
export interface WhileStep {
  readonly form: 'while';
  readonly condition: readonly Step[];
  readonly predicate: number;
  readonly body: readonly Step[];
}

export interface BranchStep {
  readonly form: 'branch';
  readonly predicate: number;
  readonly onTrue: readonly Step[];
  readonly onFalse: readonly Step[];
}

export type Step = KernelStep | CopyStep | LoopStep | ParallelStep | WhileStep | BranchStep;

export interface Routine {
  readonly name: string;
  readonly values: readonly Value[];
  readonly steps: readonly Step[];
  /** Types and sizes of the outputs, which the caller allocates. */
  readonly outputs: readonly { readonly type: ScalarType; readonly size: number }[];
  /** Bytes of the arena that temporaries share. */
  readonly arena: number;
  /** Bytes of the arena that every thread has for private values. */
  readonly privateArena: number;
}

/** All kernels of a routine, those in loops once. */
export function kernelsOf(steps: readonly Step[]): KernelStep[] {
  return steps.flatMap(step => (step.form === 'kernel' ? [step] : kernelsOf(stepsIn(step))));
}

/** The steps inside a step. */
export function stepsIn(step: Step): readonly Step[] {
  switch (step.form) {
    case 'kernel':
    case 'copy':
      return [];
    case 'loop':
      return step.body;
    case 'parallel':
      return [...step.body, ...(step.last ?? [])];
    case 'while':
      return [...step.condition, ...step.body];
    case 'branch':
      return [...step.onTrue, ...step.onFalse];
  }
}
