/** What a program became: its kernels, and where every value stands. */
import { bytesOf } from '../kernel/expression.ts';
import { type Routine, type Step, stepsIn, type Value } from '../kernel/routine.ts';
import type { Compiled } from './compile.ts';

/** A compiled program in numbers; `String(plan)` prints its steps. */
export interface Plan {
  /** Kernels, each counted once however often a loop runs it. */
  readonly kernels: number;
  /** Sizes in bytes. */
  readonly bytes: {
    readonly arguments: number;
    /** Tensors that the function took from outside its arguments. */
    readonly constants: number;
    readonly results: number;
    /** The arena that intermediate values share during a call. */
    readonly temporaries: number;
    /** What every thread has besides for the blocks of rows that it works on. */
    readonly blocks: number;
    /** The part of the results that is made in the memory of donated arguments. */
    readonly reused: number;
  };
  toString(): string;
}

/** The shapes of a kernel's operands where the step has one; values alone know only how many elements they have. */
type Shapes = readonly { readonly shape: readonly number[] }[];

class Printer {
  readonly #routine: Routine;
  readonly #inputs: number;
  readonly #reuse: Compiled['reuse'];

  constructor(routine: Routine, inputs: number, reuse: Compiled['reuse']) {
    this.#routine = routine;
    this.#inputs = inputs;
    this.#reuse = reuse;
  }

  place({ place }: Value): string {
    switch (place.kind) {
      case 'input':
        return place.index < this.#inputs
          ? `argument ${place.index}`
          : `constant ${place.index - this.#inputs}`;
      case 'output': {
        const over = this.#reuse[place.index];
        return `result ${place.index}${over === null ? '' : ` over argument ${over}`}`;
      }
      case 'temporary':
        return `arena + ${place.offset}`;
      case 'private':
        return `block + ${place.offset}`;
      case 'slice':
        return `${this.place(this.#routine.values[place.of])} of loop ${place.loop}`;
    }
  }

  #value(number: number, shape?: readonly number[]): string {
    const value = this.#routine.values[number];
    return `${value.type}[${shape?.join(',') ?? value.size}] (${this.place(value)})`;
  }

  #list(numbers: readonly number[], shapes: Shapes = []): string {
    return numbers.map((number, i) => this.#value(number, shapes[i]?.shape)).join(', ');
  }

  steps(steps: readonly Step[], indent: string): string[] {
    return steps.flatMap(step => this.#step(step, indent));
  }

  #step(step: Step, indent: string): string[] {
    const inner = (list: readonly Step[]): string[] => this.steps(list, `${indent}  `);
    switch (step.form) {
      case 'kernel': {
        const { name, inputs, outputs } = step.kernel;
        return [
          `${indent}${name}: ${this.#list(step.inputs, inputs)} → ${this.#list(step.outputs, outputs)}`,
        ];
      }
      case 'copy':
        return [`${indent}copy: ${this.#value(step.from)} → ${this.#value(step.to)}`];
      case 'loop':
        return [
          `${indent}loop ${step.id}: ${step.length} times${step.reverse ? ', last first' : ''}`,
          ...inner(step.body),
        ];
      case 'parallel':
        return [
          `${indent}loop ${step.id}: ${step.length} blocks${step.last === null ? '' : ', the last one smaller'}`,
          ...inner(step.body),
        ];
      case 'while':
        return [
          `${indent}while ${this.#value(step.predicate)}`,
          ...inner(step.condition),
          `${indent}do`,
          ...inner(step.body),
        ];
      case 'branch':
        return [
          `${indent}if ${this.#value(step.predicate)}`,
          ...inner(step.onTrue),
          `${indent}else`,
          ...inner(step.onFalse),
        ];
    }
  }
}

/** Kernels of the steps; the smaller last block of a loop repeats those of the others. */
function countKernels(steps: readonly Step[]): number {
  return steps.reduce((count, step) => {
    if (step.form === 'kernel') return count + 1;
    return count + countKernels(step.form === 'parallel' ? step.body : stepsIn(step));
  }, 0);
}

const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

/** The plan of a compiled program of so many arguments. */
export function planOf(title: string, inputs: number, compiled: Compiled): Plan {
  const { routine, constants, reuse } = compiled;
  const outputs = routine.outputs.map(({ type, size }) => size * bytesOf[type]);
  const kernels = countKernels(routine.steps);
  const bytes = {
    arguments: total(
      routine.values.map(({ place, type, size }) =>
        place.kind === 'input' && place.index < inputs ? size * bytesOf[type] : 0,
      ),
    ),
    constants: total(constants.map(({ size, dtype }) => size * bytesOf[dtype])),
    results: total(outputs),
    temporaries: routine.arena,
    blocks: routine.privateArena,
    reused: total(outputs.filter((_, i) => reuse[i] !== null)),
  };
  const print = (): string => {
    const printer = new Printer(routine, inputs, reuse);
    const sizes = Object.entries(bytes)
      .filter(([, size]) => size > 0)
      .map(([name, size]) => `${name} ${size}`)
      .join(', ');
    const unmade = compiled.results.flatMap(({ kind, index }, i) =>
      kind === 'input'
        ? [`  output ${i} is ${index < inputs ? `argument ${index}` : `constant ${index - inputs}`}`]
        : [],
    );
    return [
      title,
      `  ${kernels} ${kernels === 1 ? 'kernel' : 'kernels'}; bytes: ${sizes || 'none'}`,
      ...printer.steps(routine.steps, '  '),
      ...unmade,
    ].join('\n');
  };
  return { kernels, bytes, toString: print };
}
