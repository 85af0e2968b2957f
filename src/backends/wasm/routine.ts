/** Routines as WebAssembly modules: one function for each kernel, and one that runs the steps. */
import type { Kernel } from '../../kernel/kernel.ts';
import { kernelKey } from '../../kernel/rewrite.ts';
import { kernelsOf, type Routine, type Step } from '../../kernel/routine.ts';
import {
  type FunctionBuilder,
  type FunctionRef,
  hasRelaxedSimd,
  i32,
  ModuleBuilder,
  type Value,
} from './encode.ts';
import { Functions } from './functions.ts';
import { bytesOf } from './lanes.ts';
import { addNest } from './nest.ts';
import { addPatches, matchPatches, patchWorkspace } from './patches.ts';
import { addProduct, Gemms, matchProduct, workspaceOf } from './product.ts';
import { addSort, sortWorkspace } from './sort.ts';

export interface Assembled {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many inputs the routine reads: the first ones. */
  readonly inputs: number;
  /** Bytes of the table of addresses and turns. */
  readonly table: number;
  /** Bytes of the arena with the workspace of products and sorts behind it. */
  readonly arena: number;
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

/**
 * Writes the steps of a routine as functions of (table, arena). The table holds, as int32, the addresses of all
 * inputs and outputs, then the current turn of every loop.
 */
class StepWriter {
  readonly #module: ModuleBuilder;
  readonly #routine: Routine;
  readonly #kernels: Kernels;
  readonly #inputs: number;

  constructor(module: ModuleBuilder, routine: Routine, kernels: Kernels, inputs: number) {
    this.#module = module;
    this.#routine = routine;
    this.#kernels = kernels;
    this.#inputs = inputs;
  }

  /** The function of a sequence of steps. */
  sequence(steps: readonly Step[], exported: string | null = null): FunctionRef {
    return this.#module.function(
      ['i32', 'i32'],
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
    if (steps.length > 0) f.run(this.sequence(steps), f.params[0], f.params[1]);
  }

  #turn(loop: number): number {
    return 4 * (this.#inputs + this.#routine.outputs.length + loop);
  }

  #address(f: FunctionBuilder, number: number): Value {
    const [table, arena] = f.params;
    const { place, type, size } = this.#routine.values[number];
    switch (place.kind) {
      case 'temporary':
        return place.offset === 0 ? arena : i32.add(arena, i32.const(place.offset));
      case 'input':
        return i32.load(table, 4 * place.index);
      case 'output':
        return i32.load(table, 4 * (this.#inputs + place.index));
      case 'slice':
        return i32.add(
          this.#address(f, place.of),
          i32.mul(i32.load(table, this.#turn(place.loop)), i32.const(size * bytesOf[type])),
        );
    }
  }

  #write(f: FunctionBuilder, step: Step): void {
    switch (step.form) {
      case 'kernel': {
        const made = this.#kernels.of(step.kernel);
        const workspace = i32.add(f.params[1], i32.const(this.#routine.arena));
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
}

function countLoops(steps: readonly Step[]): number {
  return steps.reduce((most, step) => {
    if (step.form === 'loop') return Math.max(most, step.id + 1, countLoops(step.body));
    if (step.form === 'while') return Math.max(most, countLoops(step.condition), countLoops(step.body));
    return step.form === 'branch' ? Math.max(most, countLoops(step.onTrue), countLoops(step.onFalse)) : most;
  }, 0);
}

/** The module of a routine, with a function `run` of (table, arena). */
export function assemble(routine: Routine): Assembled {
  const module = new ModuleBuilder({ shared: false, maximumPages });
  const kernels = new Kernels(module);
  for (const step of kernelsOf(routine.steps)) kernels.of(step.kernel);
  const inputs = Math.max(
    0,
    ...routine.values.map(({ place }) => (place.kind === 'input' ? place.index + 1 : 0)),
  );
  new StepWriter(module, routine, kernels, inputs).sequence(routine.steps, 'run');
  const entries = inputs + routine.outputs.length + countLoops(routine.steps);
  return {
    bytes: module.finish(),
    inputs,
    table: Math.ceil((4 * entries + 1) / 64) * 64,
    arena: routine.arena + kernels.workspace,
  };
}
