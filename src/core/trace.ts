import type { Aval } from './aval.ts';
import {
  ConcreteValueNeeded,
  NoBackend,
  stackHere,
  TensorAsCondition,
  TracerLeak,
  userLine,
} from './errors.ts';
import { currentPath } from './path.ts';
import { type ConcreteTensor, readHook, Tensor } from './tensor.ts';

/** What the core needs to know of a primitive: its name and the rule that gives its results' avals. */
export interface Operation {
  readonly name: string;
  abstract(operands: readonly Aval[], params: Params): Aval | readonly Aval[];
}

/** Parameters of a primitive that are not tensors: plain data. */
export type Params = object;

/**
 * An interpretation of primitives. One trace is current; every operation is interpreted by it, and a
 * transformation's trace calls its parent to do the work below it.
 */
export abstract class Trace {
  /** False once the transformation has returned: its tracers must not be used any more. */
  alive = true;
  /** Whether programs recorded inside note where their equations come from. */
  sources = false;
  /** Whether its tracers note the place that made them. */
  readonly places: boolean;
  /** The transformations around it. */
  readonly path: string = currentPath();

  constructor(places = false) {
    this.places = places;
  }

  abstract readonly name: string;
  abstract bind(operation: Operation, operands: readonly Tensor[], params: Params): readonly Tensor[];
}

/** Throws where something is computed before there is anything to compute it. */
export function noBackend(): never {
  throw new NoBackend({
    did: 'computed where no device is: there is no WebAssembly with SIMD, or the policy of the page forbids it',
    expected: "the devices 'wasm', which importing 'cotangent' adds, or 'reference', plain JavaScript",
    remedy: "import 'cotangent/reference', or allow 'wasm-unsafe-eval' in the page's Content-Security-Policy",
  });
}

class NoEvaluation extends Trace {
  readonly name = 'nothing';
  readonly bind = noBackend;
}

let current: Trace = new NoEvaluation();

export function currentTrace(): Trace {
  return current;
}

/** Sets the outermost interpretation, the one that computes. */
export function setBaseTrace(trace: Trace): void {
  current = trace;
}

/** Runs `body` with `trace` current; whatever happens, the trace before it is current afterwards. */
export function withTrace<T>(trace: Trace, body: () => T): T {
  const before = current;
  current = trace;
  try {
    return body();
  } finally {
    current = before;
  }
}

const runs = new Map<string, number>();

/**
 * Whether a run of this name is among the first: only then do eager transformations note places, which takes as long as
 * a small operation. A function that leaks does so from the start.
 */
export function isEarly(name: string): boolean {
  const before = runs.get(name) ?? 0;
  if (before === 0 && runs.size >= 1024) runs.clear();
  if (before < 32) runs.set(name, before + 1);
  return before < 32;
}

/** Most frames between a tracer and the line that made it; the fewer, the faster. */
const framesToUser = 24;

/** Stands for a tensor inside a transformation. */
export abstract class Tracer extends Tensor {
  /** The trace that it belongs to. */
  declare readonly owner: Trace;
  /** The place that made it, where the user's own code did. */
  declare readonly made: ReturnType<typeof stackHere> | null;

  constructor(trace: Trace, aval: Aval) {
    super(aval);
    this.owner = trace;
    this.made = trace.places ? stackHere(framesToUser) : null;
  }

  /** Why `use` of the value is impossible here. */
  protected unknown(use: string): ConcreteValueNeeded {
    assertAlive(this);
    const { name } = this.owner;
    return new ConcreteValueNeeded({
      did: `${use} on a tensor ${this.aval} whose value is not known inside ${name}`,
      expected: `no dependence of JavaScript control flow on values: ${name} runs the function once for all values`,
      remedy:
        'write where(condition, a, b) or cond(condition, onTrue, onFalse) in place of `if`, whileLoop or scan in place of a loop that depends on values; or pass a configuration value by jit(f, { staticArgnums: [i] }); or leave jit and vmap away around code that branches on values',
    });
  }

  concrete(use: string): ConcreteTensor {
    throw this.unknown(use);
  }

  override [Symbol.toPrimitive](hint: string): number | string {
    throw this.unknown(
      hint === 'string' ? 'a template string `${x}` or String(x)' : 'a comparison or arithmetic operator',
    );
  }

  toString(): string {
    return `Tracer(${this.aval}, ${this.owner.name})`;
  }
}

/** The error for a tracer that is used where its transformation does not reach. */
export function leak(tensor: Tensor, why: string): TracerLeak {
  if (!(tensor instanceof Tracer)) throw new Error(`${tensor} is no tracer`);
  const { owner, made } = tensor;
  const line = made === null ? '' : userLine(made);
  const inside = [owner.path, owner.name].filter(Boolean).join(' › ');
  return new TracerLeak({
    did: `used a tensor ${tensor.aval} that was made${line && ` at ${line}`} inside ${inside}, ${why}`,
    expected: 'values leave a transformed function only by being returned',
    remedy:
      'return the value: valueAndGrad(f, { hasAux: true }) gives auxiliary results, jit returns any tree, scan stacks what each step returns beside its carry',
  });
}

/** Throws where a tracer outlived the transformation that made it. */
export function assertAlive(tensor: Tensor): void {
  if (tensor instanceof Tracer && !tensor.owner.alive) throw leak(tensor, 'which has ended');
}

/**
 * `if (x.greater(0))` is always true in JavaScript, since an object is. Every 0-dimensional bool made inside
 * a transformation must therefore be used or read before the transformed function returns.
 */
const undecided = new Set<Tensor>();
readHook.read = tensor => undecided.delete(tensor);

export function markUsed(tensors: readonly Tensor[]): void {
  if (undecided.size > 0) for (const tensor of tensors) undecided.delete(tensor);
}

/** How many rules of transformations are running. */
let rules = 0;

/** Runs a rule of a transformation: nobody but it is to use the conditions that it makes, and it need not. */
export function asRule<T>(body: () => T): T {
  rules++;
  try {
    return body();
  } finally {
    rules--;
  }
}

/** Collects the conditions made in one run of a user's function. */
export class ConditionWatch {
  /** Each with the place that made it. */
  readonly #made = new Map<Tensor, ReturnType<typeof stackHere>>();

  add(results: readonly Tensor[]): void {
    if (rules > 0) return;
    for (const result of results)
      if (result.aval.dtype === 'bool' && result.aval.shape.length === 0) {
        this.#made.set(result, stackHere());
        undecided.add(result);
      }
  }

  /** Call with what the function returned; throws where a condition was neither used nor returned nor read. */
  finish(returned: readonly unknown[]): void {
    if (this.#made.size === 0) return;
    markUsed(returned as Tensor[]);
    const lost = [...this.#made].find(([tensor]) => undecided.has(tensor));
    this.abandon();
    if (lost !== undefined)
      throw new TensorAsCondition({
        did: 'a comparison gave a bool tensor that nothing used: probably `if (tensor)` or `tensor && …`, which is always true because a tensor is an object',
        expected: 'where(condition, a, b), or a condition made of plain JavaScript values',
        remedy:
          'outside jit and vmap write `if (x.item() > 0)`; inside them write where(x.greater(0), a, b); delete the comparison if it is not needed',
        place: userLine(lost[1]),
      });
  }

  abandon(): void {
    for (const tensor of this.#made.keys()) undecided.delete(tensor);
    this.#made.clear();
  }
}
