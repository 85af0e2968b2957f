/**
 * A primitive is declared in one place: its meaning (`lower`), the shape rule (`abstract`), and the rules of every
 * transformation. What a declaration must give depends on its kind, and the compiler of TypeScript checks it.
 */
import type { Aval } from '../core/aval.ts';
import type { DType } from '../core/dtype.ts';
import type * as core from '../core/program.ts';
import type { Tensor } from '../core/tensor.ts';
import { currentTrace, type Operation, type Params } from '../core/trace.ts';
import type { Nest } from '../kernel/kernel.ts';

/** Rules for each operand; the last one serves all further operands, null says there is none. */
export type PerOperand<Rule> = readonly (Rule | null)[];

/** The output tangent that comes from one operand's tangent: dx ↦ ∂f/∂x · dx. */
export type JvpRule<P> = (
  tangent: Tensor,
  operands: readonly Tensor[],
  output: Tensor,
  params: P,
  index: number,
) => Tensor;

/**
 * The cotangent of one operand. The operands that the function is linear in are placeholders here: only their
 * aval may be used.
 */
export type TransposeRule<P> = (
  cotangent: Tensor,
  operands: readonly Tensor[],
  params: P,
  index: number,
) => Tensor;

/** The tangents of several results from those of the operands; null is zero, as it must be for results of integers. */
export type JointJvpRule<P> = (
  tangents: readonly (Tensor | null)[],
  operands: readonly Tensor[],
  outputs: readonly Tensor[],
  params: P,
) => readonly (Tensor | null)[];

/** The operation over operands of which some have a leading batch axis; so must the result, or all results. */
export type BatchRule<P> = (
  size: number,
  operands: readonly Tensor[],
  batched: readonly boolean[],
  params: P,
) => Tensor | readonly Tensor[];

/** The kernel of one application; an alias is the operand's own elements in a new shape. */
export type Lowering = Nest | { readonly form: 'alias'; readonly source: number };

/** An operand of a sample: random values in [low, high) unless `values` says which. A float is tried in both precisions. */
export interface SampleOperand {
  readonly shape: readonly number[];
  readonly dtype?: DType;
  readonly low?: number;
  readonly high?: number;
  readonly values?: readonly number[];
}

/** One application on which the laws are tested. */
export interface Sample<P> {
  readonly operands: readonly SampleOperand[];
  readonly params: P;
}

/** How a value was made. */
export interface Made<P = Params> {
  readonly operation: Primitive<P>;
  readonly operands: readonly Tensor[];
  readonly params: P;
}

/** What a rewriting rule knows of the program. The same value is always the same tensor. */
export interface Seen {
  /** The operation that made x; null where it is an input or a constant, or another than `by`. */
  by<P>(x: Tensor, by: { readonly primitive: Primitive<P> }): Made<P> | null;
  made(x: Tensor): Made | null;
  /** The number that every element of x is; null where they differ or are not known. */
  constant(x: Tensor): number | null;
}

/** An equation between expressions, read from left to right; applied as often as the left is found. */
// biome-ignore lint/suspicious/noExplicitAny: lists hold the rules of all primitives
export interface Rewrite<P = any> {
  /** `−(−x) = x`. */
  readonly law: string;
  /** The right side; null where the left is not what is there. */
  readonly apply: (operands: readonly Tensor[], params: P, seen: Seen) => Tensor | null;
}

interface Common<P> {
  readonly name: string;
  /** The result's element type and shape; throws where the operands do not fit. */
  readonly abstract: (operands: readonly Aval[], params: P) => Aval | readonly Aval[];
  /** `elementwise`: operands of equal shape, the same operation at every element. */
  readonly batch: 'elementwise' | BatchRule<P>;
  readonly lower: (operands: readonly Aval[], params: P, outputs: readonly Aval[]) => Lowering;
  readonly samples: readonly Sample<P>[];
  /**
   * Laws that hold bit for bit, for NaN, infinities and −0 too, and leave less to do: the compiler uses them always.
   * Laws of real numbers, which rounding breaks, belong to `algebra/`.
   */
  readonly rewrites?: readonly Rewrite<P>[];
  /** x ∘ y = y ∘ x, bit for bit. */
  readonly commutes?: true;
  /** A sum of products that is dear for the size of its result: what the checkpoint policy `'dots'` keeps. */
  readonly contraction?: true;
  /** The name under which checkpoint policies and `adjoints` know the result, which is the operand itself. */
  readonly label?: (params: P) => string;
}

/** Differentiable, not linear: it never appears in a linear program. */
export interface Smooth<P> extends Common<P> {
  readonly kind: 'smooth';
  /** A rule for each operand, or one for all results together where there are several. */
  readonly jvp: PerOperand<JvpRule<P>> | JointJvpRule<P>;
}

/** Linear in the operands that have a transpose, taken together. */
export interface Linear<P> extends Common<P> {
  readonly kind: 'linear';
  readonly transpose: PerOperand<TransposeRule<P>>;
  /** For operands without a transpose (a divisor, a decay) that have a derivative all the same. */
  readonly jvp?: PerOperand<JvpRule<P>>;
  /** The result where only this operand is not zero, if that is cheaper than applying the operation to zeros. */
  readonly alone?: PerOperand<JvpRule<P>>;
  /** Every element of the result is one of the first operand's. */
  readonly copies?: true;
}

/** Linear in each operand that has a transpose, the others fixed. */
export interface Multilinear<P> extends Common<P> {
  readonly kind: 'multilinear';
  readonly transpose: PerOperand<TransposeRule<P>>;
}

/** The derivative is zero wherever it exists. */
export interface Flat<P> extends Common<P> {
  readonly kind: 'flat';
  readonly because: string;
}

/** Control flow and calls: primitives with programs among their parameters. */
export interface Structured<P> extends Omit<Common<P>, 'batch' | 'lower'> {
  readonly kind: 'structured';
  /** A null tangent is zero. */
  readonly jvp: (
    primals: readonly Tensor[],
    tangents: readonly (Tensor | null)[],
    params: P,
  ) => { outputs: readonly Tensor[]; tangents: readonly (Tensor | null)[] };
  /** Computes what depends on known operands alone and records the rest. */
  readonly partial: (
    operands: readonly Tensor[],
    unknown: readonly boolean[],
    params: P,
    record: Record,
  ) => readonly Tensor[];
  /**
   * One cotangent for each operand, null where it is known or the cotangent is zero. Where `before` has what was added
   * up for an operand already, a rule that `accumulates` gives the sum of both, never null.
   */
  readonly transpose: (
    cotangents: readonly (Tensor | null)[],
    operands: readonly Tensor[],
    linear: readonly boolean[],
    params: P,
    before: readonly (Tensor | null)[],
  ) => readonly (Tensor | null)[];
  /** A loop cut into pieces adds in the same order as a whole one: each piece goes on from the sum of those before. */
  readonly accumulates?: true;
  readonly batch: (
    size: number,
    operands: readonly Tensor[],
    batched: readonly boolean[],
    params: P,
  ) => { outputs: readonly Tensor[]; batched: readonly boolean[] };
  /** What the programs among the parameters are for: all that evaluation and a compiler need to know. */
  readonly lower: StructuredLowering;
}

/**
 * How a structured primitive is computed. Each form says which parameters there are:
 * `inline` {@link InlineParams}, `scan` {@link ScanParams}, `while` {@link WhileParams}, `cond` {@link CondParams}.
 */
export type StructuredLowering =
  | {
      readonly form: 'inline';
      /** Its derivatives are not those of its program: only a compiler may put the program in its place. */
      readonly own?: true;
      /**
       * The program repeats on purpose what is computed elsewhere, to save memory: its equations must not be merged
       * with equal ones outside.
       */
      readonly barrier?: true;
    }
  | { readonly form: 'scan' }
  | { readonly form: 'while' }
  | { readonly form: 'cond' };

/** The program applied to the operands. */
export interface InlineParams {
  readonly program: Program;
}

/**
 * A loop over the leading axis. Operands: constants…, first carries…, sequences… (each [length, …]).
 * The program, run once for each step, maps constants…, carries…, slices… to carries…, slices… .
 * Results: last carries…, then for every further output of the program its values stacked, [length, …].
 */
export interface ScanParams {
  readonly program: Program;
  /** How many operands are the same at every step. */
  readonly constants: number;
  /** How many operands, and first results, are carried from step to step. Their avals do not change. */
  readonly carries: number;
  readonly length: number;
  /** Step 0 is at the end of the sequences; results are stacked where their step's slices were. */
  readonly reverse: boolean;
}

/**
 * Repetition. Operands: the condition's constants…, the body's constants…, first carries… . As long as the condition,
 * which maps its constants and the carries to one 0-dimensional bool, holds, the body maps its constants and the
 * carries to new carries. Results: the last carries.
 */
export interface WhileParams {
  readonly condition: Program;
  readonly body: Program;
  readonly conditionConstants: number;
  readonly bodyConstants: number;
}

/**
 * A choice. Operands: a 0-dimensional bool, then the operands that both branches take. The results are those of the
 * second branch where the bool is true, of the first where it is false; the other branch does not run.
 */
export interface CondParams {
  readonly branches: readonly [onFalse: Program, onTrue: Program];
}

export type Record = (primitive: Primitive, operands: readonly Tensor[], params: Params) => readonly Tensor[];

export type Declaration<P> = Smooth<P> | Linear<P> | Multilinear<P> | Flat<P> | Structured<P>;

// Parameters are contravariant in the rules: a list of all primitives needs the loosest type here.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Primitive<P = any> = Declaration<P> & Operation;
export type Equation = core.Equation<Primitive>;
export type Program = core.Program<Primitive>;

/** Declares a primitive. @see Declaration for what each kind must give */
export function primitive<P extends Params>(declaration: Declaration<P>): Primitive<P> {
  return declaration as Primitive<P>;
}

/** Applies a primitive under the current interpretation. */
export function bind<P extends Params>(
  primitive: Primitive<P>,
  operands: readonly Tensor[],
  params: P,
): readonly Tensor[] {
  return currentTrace().bind(primitive, operands, params);
}

/** The rule for operand `index`. */
export function ruleFor<Rule>(rules: PerOperand<Rule> | undefined, index: number): Rule | null {
  return rules === undefined || rules.length === 0 ? null : rules[Math.min(index, rules.length - 1)];
}

/** A function of tensors that applies one primitive, which it carries along. */
export type Op<Arguments extends readonly unknown[], P extends Params = Params> = ((
  ...args: Arguments
) => Tensor) & {
  readonly primitive: Primitive<P>;
};

type ArgumentsOf<F> = F extends Op<infer Arguments, infer _> ? Arguments : never;
type ParamsOf<F> = F extends Op<infer _, infer P> ? P : never;

/**
 * The function that binds `declaration` to what `operands` and `params` make of its arguments. The types come from
 * the declared type of the function.
 */
// biome-ignore lint/suspicious/noExplicitAny: any operation at all
export function op<F extends Op<any, any>>(
  declaration: Declaration<ParamsOf<F>>,
  operands: (...args: ArgumentsOf<F>) => readonly Tensor[],
  params: (...args: ArgumentsOf<F>) => ParamsOf<F>,
): F {
  const declared = primitive(declaration as unknown as Declaration<Params>);
  return Object.assign((...args: ArgumentsOf<F>) => bind(declared, operands(...args), params(...args))[0], {
    primitive: declared,
  }) as F;
}
