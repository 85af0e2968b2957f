/** The reference backend: plain JavaScript, generated where the page allows it and interpreted where it does not. */
import type { ScalarType } from '../../kernel/expression.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Backend, Buffer, Elements, Run } from '../backend.ts';
import { sortRows } from '../sorting.ts';
import { bitsOfFloat, floatOfBits, functions, pow, saturate } from './arithmetic.ts';
import { generate } from './generate.ts';
import { interpret } from './interpret.ts';

const arrays: Record<ScalarType, new (size: number) => Elements> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

class ArrayBufferOf implements Buffer {
  readonly elements: Elements;

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

export interface ReferenceOptions {
  /** Run without generated code, as pages do whose content security policy has no 'unsafe-eval'. */
  readonly interpreted?: boolean;
}

export function referenceBackend(options: ReferenceOptions = {}): Backend {
  const interpreted = options.interpreted ?? !canGenerate();
  return {
    name: interpreted ? 'reference (interpreted)' : 'reference',
    allocate: (type, size) => new ArrayBufferOf(new arrays[type](size)),
    adopt: buffer => buffer,
    compile(kernel): Run {
      const execute = interpreted ? interpret(kernel) : compileGenerated(kernel);
      const elements = (buffer: Buffer): Elements => buffer.read() as Elements;
      return (inputs, outputs) => execute(inputs.map(elements), outputs.map(elements));
    },
  };
}
