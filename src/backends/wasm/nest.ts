/** Kernels as functions of a WebAssembly module: (address of every input, then of every output) → nothing. */
import { type Kernel, rootsOf } from '../../kernel/kernel.ts';
import { flattened } from '../../kernel/rewrite.ts';
import type { FunctionRef, ModuleBuilder } from './encode.ts';
import type { Functions } from './functions.ts';
import { writeMap } from './map.ts';
import { writeOrdered } from './ordered.ts';
import { writeReduce } from './reduce.ts';
import { writeScan } from './scan.ts';
import { writeScatter } from './scatter.ts';
import { NestWriter } from './writer.ts';

/** Adds the kernel's function to a module. It has one more parameter, a workspace that nests do not use. */
export function addNest(module: ModuleBuilder, math: Functions, given: Kernel): FunctionRef {
  const kernel = flattened(given);
  const count = kernel.inputs.length + kernel.outputs.length + 1;
  const roots = rootsOf(kernel.nest);
  return module.function(new Array<'i32'>(count).fill('i32'), [], f => {
    if (kernel.outputs.every(output => output.shape.includes(0))) return undefined;
    if (kernel.nest.form === 'ordered') writeOrdered(f, math, kernel, kernel.nest);
    else writeNest(new NestWriter(f, math, kernel, roots));
    return undefined;
  });
}

function writeNest(w: NestWriter): void {
  const { nest } = w.kernel;
  if (nest.form === 'map') writeMap(w, nest);
  else if (nest.form === 'reduce') writeReduce(w, nest);
  else if (nest.form === 'scan') writeScan(w, nest);
  else if (nest.form === 'scatter') writeScatter(w, nest);
  else throw new Error('sorting is no loop nest');
}
