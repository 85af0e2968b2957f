/** The reference backend: plain JavaScript, generated where the page allows it and interpreted where it does not. */
import type { Kernel } from '../../kernel/kernel.ts';
import { kernelsOf, type Routine, type Step } from '../../kernel/routine.ts';
import { type Backend, type Buffer, type Elements, elementArrays, type Run } from '../backend.ts';
import { bitsOfFloat, floatOfBits, functions, pow, saturate } from './arithmetic.ts';
import { generate } from './generate.ts';
import { interpret } from './interpret.ts';
import { sortRows } from './sort.ts';

class ArrayBufferOf implements Buffer {
  readonly elements: Elements;
  owners = 0;

  constructor(elements: Elements) {
    this.elements = elements;
  }

  read(): Elements {
    return this.elements;
  }

  readAsync(): Promise<Elements> {
    return Promise.resolve(this.elements);
  }
}

type Execute = (inputs: readonly Elements[], outputs: readonly Elements[]) => void;

const runtime = { ...functions, pow, saturate, bitsOfFloat, floatOfBits, sort: sortRows };
const compiled = new Map<string, Execute>();

/** The JavaScript of a kernel as a function. @throws EvalError where the page forbids generated code */
function compileGenerated(kernel: Kernel): Execute {
  const bindings = [
    ...kernel.inputs.map((_, i) => `const a${i} = a[${i}];`),
    ...kernel.outputs.map((_, i) => `const o${i} = o[${i}];`),
  ];
  const source = `${bindings.join(' ')}\n${generate(kernel)}`;
  let execute = compiled.get(source);
  if (execute === undefined) {
    execute = new Function('m', 'f', `"use strict"; return function(a, o) { ${source} }`)(
      runtime,
      Math.fround,
    ) as Execute;
    if (compiled.size > 4096) compiled.clear();
    compiled.set(source, execute);
  }
  return execute;
}

function canGenerate(): boolean {
  try {
    return new Function('return true')() as boolean;
  } catch {
    return false;
  }
}

const none: Elements = new Uint8Array(0);

/** Runs steps in order; the slices of a loop are made anew at each of its turns. */
function runSteps(
  steps: readonly Step[],
  routine: Routine,
  elements: Elements[],
  made: ReadonlyMap<Step, Execute>,
): void {
  const at = (number: number): Elements => elements[number];
  for (const step of steps)
    switch (step.form) {
      case 'kernel':
        (made.get(step) as Execute)(step.inputs.map(at), step.outputs.map(at));
        break;
      case 'copy':
        at(step.to).set(at(step.from));
        break;
      case 'loop':
      case 'parallel':
        for (let turn = 0; turn < step.length; turn++) {
          const isLast = turn === step.length - 1;
          const index = step.form === 'loop' && step.reverse ? step.length - 1 - turn : turn;
          routine.values.forEach(({ place, size }, number) => {
            if (place.kind !== 'slice' || place.loop !== step.id) return;
            elements[number] = at(place.of).subarray(index * place.step, index * place.step + size);
          });
          const body = step.form === 'parallel' && isLast ? (step.last ?? step.body) : step.body;
          runSteps(body, routine, elements, made);
        }
        break;
      case 'while':
        for (;;) {
          runSteps(step.condition, routine, elements, made);
          if (at(step.predicate)[0] === 0) break;
          runSteps(step.body, routine, elements, made);
        }
        break;
      case 'branch':
        runSteps(at(step.predicate)[0] === 0 ? step.onFalse : step.onTrue, routine, elements, made);
    }
}

export interface ReferenceOptions {
  /** Run without generated code, as pages do whose content security policy has no 'unsafe-eval'. */
  readonly interpreted?: boolean;
}

export function referenceBackend(options: ReferenceOptions = {}): Backend {
  const interpreted = options.interpreted ?? !canGenerate();
  return {
    name: interpreted ? 'reference (interpreted)' : 'reference',
    allocate: (type, size) => new ArrayBufferOf(new elementArrays[type](size)),
    adopt: buffer => buffer,
    compile(routine): Run {
      const made = new Map(
        kernelsOf(routine.steps).map(step => [
          step,
          interpreted ? interpret(step.kernel) : compileGenerated(step.kernel),
        ]),
      );
      return (inputs, outputs) => {
        const arena = routine.arena === 0 ? null : new ArrayBuffer(routine.arena);
        const own = routine.privateArena === 0 ? null : new ArrayBuffer(routine.privateArena);
        const elements = routine.values.map(({ type, size, place }): Elements => {
          if (place.kind === 'slice') return none;
          if (place.kind === 'temporary')
            return new elementArrays[type](arena as ArrayBuffer, place.offset, size);
          if (place.kind === 'private')
            return new elementArrays[type](own as ArrayBuffer, place.offset, size);
          return (place.kind === 'input' ? inputs : outputs)[place.index].read() as Elements;
        });
        runSteps(routine.steps, routine, elements, made);
      };
    },
  };
}
