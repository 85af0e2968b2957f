/** Routines as WebAssembly modules: one function for each kernel, and one that runs the steps. */
import { bytesOf } from '../../kernel/expression.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { kernelKey } from '../../kernel/rewrite.ts';
import { kernelsOf, type ParallelStep, type Routine, type Step, stepsIn } from '../../kernel/routine.ts';
import {
  type FunctionBuilder,
  type FunctionRef,
  hasRelaxedSimd,
  i32,
  ModuleBuilder,
  type Value,
} from './encode.ts';
import { Functions } from './functions.ts';

import { addNest } from './nest.ts';
import { addPatches, matchPatches, patchWorkspace } from './patches.ts';
import { addProduct, Gemms, matchProduct, workspaceOf } from './product.ts';
import { addSort, sortWorkspace } from './sort.ts';
import { closed, control } from './threads.ts';

export interface Assembled {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many inputs the routine reads: the first ones. */
  readonly inputs: number;
  /** Bytes of the table of addresses and turns. */
  readonly table: number;
  readonly arena: number;
  /** Bytes that each thread needs for itself: private values, and behind them the workspace of products and sorts. */
  readonly own: number;
  /** Whether there are loops that threads can share. */
  readonly parallel: boolean;
}

export interface AssembleOptions {
  /** The number of the module among those that workers know; null for one thread. */
  readonly module: number | null;
  /** Whether the memory is shared. */
  readonly shared: boolean;
}

const maximumPages = 65536;

/** Kernels as functions of one module, each added once. */
class Kernels {
  readonly #module: ModuleBuilder;
  readonly #functions: Functions;
  readonly #gemms: Gemms;
  readonly #made = new Map<Kernel, FunctionRef | null>();
  readonly #byKey = new Map<string, FunctionRef>();
  workspace = 0;

  constructor(module: ModuleBuilder) {
    const relaxed = hasRelaxedSimd();
    this.#module = module;
    this.#functions = new Functions(module, { relaxed });
    this.#gemms = new Gemms(module, relaxed);
  }

  /** The kernel's function, or null where it has nothing to do. */
  of(kernel: Kernel): FunctionRef | null {
    let made = this.#made.get(kernel);
    if (made === undefined) {
      made = kernel.outputs.every(output => output.shape.includes(0)) ? null : this.#add(kernel);
      this.#made.set(kernel, made);
    }
    return made;
  }

  #need(bytes: number): void {
    this.workspace = Math.max(this.workspace, bytes);
  }

  /** Equal kernels, as blocks of one scheme have, share one function. */
  #add(kernel: Kernel): FunctionRef {
    const key = kernelKey(kernel);
    let made = this.#byKey.get(key);
    if (made === undefined) {
      made = this.#make(kernel);
      this.#byKey.set(key, made);
    }
    return made;
  }

  #make(kernel: Kernel): FunctionRef {
    if (kernel.nest.form === 'sort') {
      this.#need(sortWorkspace(kernel));
      return addSort(this.#module, kernel);
    }
    const product = matchProduct(kernel);
    if (product !== null && product.depth.extent > 0) {
      this.#need(workspaceOf(product));
      return addProduct(this.#module, this.#gemms.of(product.type), kernel, product);
    }
    const patches = product === null ? matchPatches(kernel) : null;
    if (patches !== null && patches.depth > 0) {
      this.#need(64 + patchWorkspace(patches));
      return addPatches(this.#module, this.#functions, this.#gemms.of(patches.type), kernel, patches);
    }
    return addNest(this.#module, this.#functions, kernel);
  }
}

/** A sequence longer than this is cut: an engine's time for a function grows faster than its length. */
const longest = 48;

/** Tries of a thread that waits for the others, some minutes, before it gives up. */
const patience = 2 ** 31 - 1;

/**
 * Writes the steps of a routine as functions of (table, arena, own, turn). The table holds, as int32, the addresses of
 * all inputs and outputs, then the current turn of every loop; `own` is the thread's private memory, `turn` that of the
 * parallel loop around, if any.
 */
class StepWriter {
  readonly #module: ModuleBuilder;
  readonly #routine: Routine;
  readonly #kernels: Kernels;
  readonly #inputs: number;
  /** Bytes of a thread's own memory, and the module's number for the workers. */
  readonly #own: number;
  readonly #number: number | null;
  readonly #parallel: ReadonlySet<number>;
  #exported = 0;

  constructor(
    module: ModuleBuilder,
    routine: Routine,
    kernels: Kernels,
    plan: { readonly inputs: number; readonly own: number; readonly number: number | null },
  ) {
    this.#module = module;
    this.#routine = routine;
    this.#kernels = kernels;
    this.#inputs = plan.inputs;
    this.#own = plan.own;
    this.#number = plan.number;
    this.#parallel = parallelLoops(routine.steps);
  }

  /** The function of a sequence of steps. */
  sequence(steps: readonly Step[], exported: string | null = null): FunctionRef {
    return this.#module.function(
      ['i32', 'i32', 'i32', 'i32'],
      [],
      f => {
        if (steps.length > longest) {
          const size = Math.max(longest, Math.ceil(steps.length / longest));
          for (let i = 0; i < steps.length; i += size) this.#call(f, steps.slice(i, i + size));
        } else for (const step of steps) this.#write(f, step);
        return undefined;
      },
      exported,
    );
  }

  #call(f: FunctionBuilder, steps: readonly Step[]): void {
    if (steps.length > 0) f.run(this.sequence(steps), ...f.params);
  }

  #turn(loop: number): number {
    return 4 * (this.#inputs + this.#routine.outputs.length + loop);
  }

  #address(f: FunctionBuilder, number: number): Value {
    const [table, arena, own, turn] = f.params;
    const { place, type } = this.#routine.values[number];
    switch (place.kind) {
      case 'temporary':
        return plus(arena, place.offset);
      case 'private':
        return plus(own, place.offset);
      case 'input':
        return i32.load(table, 4 * place.index);
      case 'output':
        return i32.load(table, 4 * (this.#inputs + place.index));
      case 'slice':
        return i32.add(
          this.#address(f, place.of),
          i32.mul(
            this.#parallel.has(place.loop) ? turn : i32.load(table, this.#turn(place.loop)),
            i32.const(place.step * bytesOf[type]),
          ),
        );
    }
  }

  #write(f: FunctionBuilder, step: Step): void {
    switch (step.form) {
      case 'kernel': {
        const made = this.#kernels.of(step.kernel);
        const workspace = plus(f.params[2], this.#routine.privateArena);
        if (made !== null)
          f.run(
            made,
            ...[...step.inputs, ...step.outputs].map(number => this.#address(f, number)),
            workspace,
          );
        break;
      }
      case 'copy': {
        const { type, size } = this.#routine.values[step.from];
        if (size > 0)
          f.copyMemory(
            this.#address(f, step.to),
            this.#address(f, step.from),
            i32.const(size * bytesOf[type]),
          );
        break;
      }
      case 'loop':
        f.for(i32.const(0), i32.const(step.length), 1, turn => {
          const index = step.reverse ? i32.sub(i32.const(step.length - 1), turn) : turn;
          f.emit(i32.store(f.params[0], index, this.#turn(step.id)));
          this.#call(f, step.body);
        });
        break;
      case 'parallel':
        this.#parallelLoop(f, step);
        break;
      case 'while':
        f.while(
          () => {
            this.#call(f, step.condition);
            return i32.load8_u(this.#address(f, step.predicate));
          },
          () => this.#call(f, step.body),
        );
        break;
      case 'branch':
        f.if(
          i32.load8_u(this.#address(f, step.predicate)),
          () => this.#call(f, step.onTrue),
          () => this.#call(f, step.onFalse),
        );
    }
  }

  #parallelLoop(f: FunctionBuilder, step: ParallelStep): void {
    const body = this.sequence(step.body);
    const last = step.last === null ? body : this.sequence(step.last);
    const [table, arena, own] = f.params;
    const run = (g: FunctionBuilder, turn: Value): void => {
      if (last === body) g.run(body, g.params[0], g.params[1], g.params[2], turn);
      else
        g.if(
          i32.lt_s(turn, i32.const(step.length - 1)),
          () => g.run(body, g.params[0], g.params[1], g.params[2], turn),
          () => g.run(last, g.params[0], g.params[1], g.params[2], turn),
        );
    };
    const alone = (): void => f.for(i32.const(0), i32.const(step.length), 1, turn => run(f, turn));
    if (this.#number === null) {
      alone();
      return;
    }
    const at = (name: keyof typeof control): Value => i32.const(control[name]);
    const one = i32.const(1);
    const number = this.#exported++;
    // What every thread does: take turns until none is left.
    const take = this.#module.function(
      ['i32', 'i32', 'i32'],
      [],
      g => {
        const turn = g.local('i32');
        g.while(
          () => {
            g.emit(turn.set(i32.atomicAdd(at('next'), one)));
            return i32.lt_u(turn, i32.const(step.length));
          },
          () => run(g, turn),
        );
        return undefined;
      },
      `p${number}`,
    );
    const helpers = i32.and(
      i32.gt_s(i32.atomicLoad(at('ready')), i32.const(0)),
      i32.gt_s(i32.load(at('allowed')), i32.const(0)),
    );
    const drop = (x: Value): void => f.emit([x.code, 0x1a]);
    f.if(
      helpers,
      () => {
        [
          i32.const(this.#number as number),
          i32.const(number),
          table,
          arena,
          own,
          i32.const(this.#own),
        ].forEach((word, i) => f.emit(i32.store(at('job'), word, 4 * i)));
        f.emit(i32.atomicStore(at('next'), i32.const(0)));
        drop(i32.atomicAdd(at('gate'), i32.const(-closed)));
        drop(i32.atomicAdd(at('generation'), one));
        f.if(i32.atomicLoad(at('sleeping')), () => drop(i32.notify(at('generation'), i32.const(-1))));
        f.run(take, table, arena, own);
        drop(i32.atomicAdd(at('gate'), i32.const(closed)));
        const tries = f.let(i32.const(0));
        f.while(
          () => i32.ne(i32.atomicLoad(at('gate')), i32.const(closed)),
          () => {
            f.emit(tries.set(i32.add(tries, one)));
            // A trap: unreachable.
            f.if(i32.eq(tries, i32.const(patience)), () => f.emit([0x00]));
          },
        );
      },
      alone,
    );
  }
}

const plus = (address: Value, offset: number): Value =>
  offset === 0 ? address : i32.add(address, i32.const(offset));

/** All steps of a list, those inside others too. */
function allSteps(steps: readonly Step[]): Step[] {
  return steps.flatMap(step => [step, ...allSteps(stepsIn(step))]);
}

function parallelLoops(steps: readonly Step[]): Set<number> {
  return new Set(allSteps(steps).flatMap(step => (step.form === 'parallel' ? [step.id] : [])));
}

function countLoops(steps: readonly Step[]): number {
  const ids = allSteps(steps).map(step => (step.form === 'loop' || step.form === 'parallel' ? step.id : -1));
  return Math.max(-1, ...ids) + 1;
}

/** The module of a routine, with a function `run` of (table, arena, own, 0). */
export function assemble(
  routine: Routine,
  { module: number, shared }: AssembleOptions = { module: null, shared: false },
): Assembled {
  const module = new ModuleBuilder({ shared, maximumPages });
  const kernels = new Kernels(module);
  for (const step of kernelsOf(routine.steps)) kernels.of(step.kernel);
  const inputs = Math.max(
    0,
    ...routine.values.map(({ place }) => (place.kind === 'input' ? place.index + 1 : 0)),
  );
  const parallel = parallelLoops(routine.steps).size > 0;
  const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;
  const own = aligned(routine.privateArena + kernels.workspace + 64);
  new StepWriter(module, routine, kernels, { inputs, own, number }).sequence(routine.steps, 'run');
  const entries = inputs + routine.outputs.length + countLoops(routine.steps) + 1;
  return {
    bytes: module.finish(),
    inputs,
    table: aligned(4 * entries),
    arena: aligned(routine.arena),
    own,
    parallel,
  };
}
