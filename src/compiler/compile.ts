/** From a program to a routine: inline, simplify, lower, fuse, plan the memory, and number the values. */

import type { Tensor } from '../core/tensor.ts';
import { bytesOf } from '../kernel/expression.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Routine, Step, Value } from '../kernel/routine.ts';
import type { CondParams, Program, ScanParams, WhileParams } from '../primitives/primitive.ts';
import { fuse } from './fuse.ts';
import { Buffer, buildGraph, type Graph, type Node } from './graph.ts';
import { hoistInvariants } from './hoist.ts';
import { arrange } from './layout.ts';
import { type MemoryPlan, mayTakeOver, planMemory, planReuse, roundUp } from './memory.ts';
import { pruneLoops } from './prune.ts';
import { inlineCalls, simplify } from './simplify.ts';
import { type Tile, type TileOptions, tile } from './tile.ts';

/** What one result of a program is: made by the routine, or an input (or constant) as it came. */
export interface Result {
  readonly kind: 'output' | 'input';
  readonly index: number;
}

export interface Compiled {
  readonly routine: Routine;
  /** Inputs of the routine after the program's own. */
  readonly constants: readonly Tensor[];
  readonly results: readonly Result[];
  /** For each output of the routine the donated input whose memory it may take, or null. */
  readonly reuse: readonly (number | null)[];
}

export interface CompileOptions extends TileOptions {
  readonly name?: string;
  /** Inputs that nobody needs after the call. */
  readonly donated?: readonly number[];
  /** Without fusion every operation is a kernel. Default true. */
  readonly fusion?: boolean;
}

/** A program ready to be written out; those of its control flow are units of their own. */
interface Unit {
  readonly graph: Graph;
  readonly plan: MemoryPlan;
  readonly inner: ReadonlyMap<Node, readonly Unit[]>;
}

/** How many of the results are carried from turn to turn; the others are written where they belong. */
function carriesOf({ control, outputs }: Node): number {
  if (control?.form === 'scan') return control.params.carries;
  return control?.form === 'while' ? outputs.length : 0;
}

/** Scratch memory of a control node: the arenas of its programs, and copies of what it carries. */
function scratchOf(node: Node, units: readonly Unit[]): Buffer {
  const arena = Math.max(0, ...units.map(unit => unit.plan.bytes));
  const carries = carriesOf(node);
  const carried = node.outputs
    .slice(0, carries)
    .reduce((n, { type, size }) => n + roundUp(size * bytesOf[type]), 0);
  return new Buffer('uint8', [arena + carried + 64]);
}

function makeUnit(program: Program, options: CompileOptions): Unit {
  const graph = buildGraph(simplify(hoistInvariants(pruneLoops(simplify(inlineCalls(program))))));
  if (options.fusion ?? true) {
    fuse(graph);
    arrange(graph);
  }
  return unitOf(graph, options);
}

function unitOf(graph: Graph, options: CompileOptions): Unit {
  tile(graph, options);
  const inner = new Map<Node, readonly Unit[]>();
  for (const node of graph.nodes) {
    if (node.control === undefined) continue;
    if (node.control.form === 'tile') {
      const { body, last } = node.control.tile;
      inner.set(
        node,
        [body, ...(last === null ? [] : [last])].map(one => ({
          graph: one,
          plan: planMemory(one),
          inner: new Map(),
        })),
      );
      continue;
    }
    const units = programsOf(node).map(one => makeUnit(one, options));
    inner.set(node, units);
    node.outputs = [...node.outputs, scratchOf(node, units)];
  }
  return { graph, plan: planMemory(graph), inner };
}

function programsOf({ control }: Node): readonly Program[] {
  switch (control?.form) {
    case 'scan':
      return [control.params.program];
    case 'while':
      return [control.params.condition, control.params.body];
    case 'cond':
      return control.params.branches;
    default:
      return [];
  }
}

class Writer {
  readonly values: Value[] = [];
  readonly constants: Tensor[] = [];
  readonly #constantNumbers = new Map<Tensor, number>();
  readonly #inputCount: number;
  #loops = 0;
  /** Bytes of private values in the blocks of tiles. */
  privateBytes = 0;

  constructor(inputCount: number) {
    this.#inputCount = inputCount;
  }

  value(type: Value['type'], size: number, place: Value['place']): number {
    return this.values.push({ type, size, place }) - 1;
  }

  #constant(buffer: Buffer, tensor: Tensor): number {
    let number = this.#constantNumbers.get(tensor);
    if (number === undefined) {
      const index = this.#inputCount + this.constants.push(tensor) - 1;
      number = this.value(buffer.type, buffer.size, { kind: 'input', index });
      this.#constantNumbers.set(tensor, number);
    }
    return number;
  }

  /**
   * The steps of a unit. `inputs` are the numbers of its inputs, `targets` where each result has to be (null: wherever
   * it is); `base` is where its temporaries begin in the arena, null for private ones. Gives the number of every result.
   */
  write(
    unit: Unit,
    inputs: readonly number[],
    targets: readonly (number | null)[],
    base: number | null,
  ): { steps: Step[]; results: number[] } {
    const { graph, plan, inner } = unit;
    const numbers = new Map<Buffer, number>();
    const placed = (offset: number): Value['place'] =>
      base === null ? { kind: 'private', offset } : { kind: 'temporary', offset: base + offset };
    graph.inputs.forEach((buffer, i) => numbers.set(buffer, inputs[i]));
    const made = new Set(graph.nodes.flatMap(node => node.outputs));
    // A result is made in its place, unless something else already stands there or it is wanted twice.
    graph.outputs.forEach((buffer, i) => {
      const target = targets[i];
      if (target !== null && made.has(buffer) && !numbers.has(buffer)) numbers.set(buffer, target);
    });
    const numberOf = (buffer: Buffer): number => {
      let number = numbers.get(buffer);
      if (number === undefined) {
        number =
          buffer.constant === null
            ? this.value(buffer.type, buffer.size, placed(plan.offsets.get(buffer) as number))
            : this.#constant(buffer, buffer.constant);
        numbers.set(buffer, number);
      }
      return number;
    };
    const steps: Step[] = [];
    for (const node of graph.nodes) {
      if (node.control === undefined)
        steps.push({
          form: 'kernel',
          kernel: node.kernel,
          inputs: node.inputs.map(numberOf),
          outputs: node.outputs.map(numberOf),
        });
      else if (node.control.form === 'tile')
        steps.push(this.#tile(node.control.tile, inner.get(node) as readonly Unit[], node, numberOf));
      else
        this.#control(
          node,
          inner.get(node) as readonly Unit[],
          numberOf,
          (base ?? 0) + (plan.offsets.get(node.outputs.at(-1) as Buffer) as number),
          steps,
        );
    }
    const results = graph.outputs.map(numberOf);
    graph.outputs.forEach((_, i) => {
      const target = targets[i];
      if (target !== null && target !== results[i])
        steps.push({ form: 'copy', from: results[i], to: target });
    });
    return { steps, results: results.map((number, i) => targets[i] ?? number) };
  }

  /** The blocks of a tile; what does not leave them is private to whoever runs one. */
  #tile(
    { turns, rows, inputs, steps }: Tile,
    units: readonly Unit[],
    node: Node,
    numberOf: (buffer: Buffer) => number,
  ): Step {
    const id = this.#loops++;
    const slice = (of: number, step: number, size: number): number =>
      this.value(this.values[of].type, size, { kind: 'slice', of, loop: id, step: step * rows });
    const [body, last] = units.map(unit => {
      this.privateBytes = Math.max(this.privateBytes, unit.plan.bytes);
      const read = inputs.map(({ buffer, step }, i) =>
        step === null ? numberOf(buffer) : slice(numberOf(buffer), step, unit.graph.inputs[i].size),
      );
      const written = node.outputs.map((buffer, i) =>
        slice(numberOf(buffer), steps[i], unit.graph.outputs[i].size),
      );
      return this.write(unit, read, written, null).steps;
    });
    return { form: 'parallel', id, length: turns, body, last: last ?? null };
  }

  #control(
    node: Node,
    units: readonly Unit[],
    numberOf: (buffer: Buffer) => number,
    scratch: number,
    steps: Step[],
  ): void {
    const inputs = node.inputs.map(numberOf);
    const outputs = node.outputs.slice(0, -1).map(numberOf);
    switch (node.control?.form) {
      case 'scan':
        this.#scan(node.control.params, units[0], inputs, outputs, scratch, steps);
        break;
      case 'while':
        this.#while(node.control.params, units, inputs, outputs, scratch, steps);
        break;
      case 'cond':
        this.#cond(node.control.params, units, inputs, outputs, scratch, steps);
    }
  }

  /** Where the next value of each carry is made: over the old one where nothing reads that any more. */
  #nextCarries(unit: Unit, first: number, carries: readonly number[], scratch: number): number[] {
    let offset = scratch + unit.plan.bytes;
    return carries.map((carry, i) => {
      const { type, size } = this.values[carry];
      const place = offset;
      offset += roundUp(size * bytesOf[type]);
      if (canOverwrite(unit.graph, unit.graph.inputs[first + i], unit.graph.outputs[i])) return carry;
      return this.value(type, size, { kind: 'temporary', offset: place });
    });
  }

  #scan(
    { constants, carries, length, reverse }: ScanParams,
    unit: Unit,
    inputs: readonly number[],
    outputs: readonly number[],
    scratch: number,
    steps: Step[],
  ): void {
    const id = this.#loops++;
    const slice = (of: number): number => {
      const { type, size } = this.values[of];
      return this.value(type, size / length, { kind: 'slice', of, loop: id, step: size / length });
    };
    const carried = outputs.slice(0, carries);
    carried.forEach((to, i) => steps.push({ form: 'copy', from: inputs[constants + i], to }));
    if (length === 0) return;
    const next = this.#nextCarries(unit, constants, carried, scratch);
    const bodyInputs = [
      ...inputs.slice(0, constants),
      ...carried,
      ...inputs.slice(constants + carries).map(slice),
    ];
    const { steps: body } = this.write(
      unit,
      bodyInputs,
      [...next, ...outputs.slice(carries).map(slice)],
      scratch,
    );
    next.forEach((from, i) => {
      if (from !== carried[i]) body.push({ form: 'copy', from, to: carried[i] });
    });
    steps.push({ form: 'loop', id, length, reverse, body });
  }

  #while(
    { conditionConstants, bodyConstants }: WhileParams,
    [test, turn]: readonly Unit[],
    inputs: readonly number[],
    outputs: readonly number[],
    scratch: number,
    steps: Step[],
  ): void {
    const first = conditionConstants + bodyConstants;
    outputs.forEach((to, i) => steps.push({ form: 'copy', from: inputs[first + i], to }));
    const next = this.#nextCarries(turn, bodyConstants, outputs, scratch);
    // The predicate's byte lies behind what `scratchOf` reserved for the arenas and the carries.
    const arena = Math.max(test.plan.bytes, turn.plan.bytes);
    const carried = outputs.reduce(
      (n, to) => n + roundUp(this.values[to].size * bytesOf[this.values[to].type]),
      0,
    );
    const predicate = this.value('bool', 1, { kind: 'temporary', offset: scratch + arena + carried });
    const condition = this.write(
      test,
      [...inputs.slice(0, conditionConstants), ...outputs],
      [predicate],
      scratch,
    );
    const { steps: body } = this.write(
      turn,
      [...inputs.slice(conditionConstants, first), ...outputs],
      next,
      scratch,
    );
    next.forEach((from, i) => {
      if (from !== outputs[i]) body.push({ form: 'copy', from, to: outputs[i] });
    });
    steps.push({ form: 'while', condition: condition.steps, predicate, body });
  }

  #cond(
    _: CondParams,
    units: readonly Unit[],
    inputs: readonly number[],
    outputs: readonly number[],
    scratch: number,
    steps: Step[],
  ): void {
    const [onFalse, onTrue] = units.map(unit => this.write(unit, inputs.slice(1), outputs, scratch).steps);
    steps.push({ form: 'branch', predicate: inputs[0], onTrue, onFalse });
  }
}

/** Whether a carry's next value may be written over the present one: by a kernel, and nothing else wants either. */
function canOverwrite(graph: Graph, carry: Buffer, next: Buffer): boolean {
  const maker = graph.nodes.findIndex(node => node.outputs.includes(next));
  if (maker < 0 || graph.nodes[maker].control !== undefined) return false;
  if (graph.outputs.filter(buffer => buffer === next).length !== 1) return false;
  if (graph.nodes.some((node, i) => i > maker && node.inputs.includes(next))) return false;
  return mayTakeOver(graph, carry, next);
}

/** Compiles a program, control flow included, into one routine. */
export function compile(program: Program, options: CompileOptions = {}): Compiled {
  return written(makeUnit(program, options), options.name ?? 'program', options.donated);
}

/** Compiles a single kernel. */
export function compileKernel(kernel: Kernel, options: CompileOptions = {}): Routine {
  const inputs = kernel.inputs.map(({ type, shape }, i) => new Buffer(type, shape, i));
  const outputs = kernel.outputs.map(({ type, shape }) => new Buffer(type, shape));
  const graph: Graph = { nodes: [{ kernel, inputs, outputs }], inputs, outputs };
  return written(unitOf(graph, options), kernel.name).routine;
}

function written(unit: Unit, name: string, donated: readonly number[] = []): Compiled {
  const { graph } = unit;
  const writer = new Writer(graph.inputs.length);
  const inputs = graph.inputs.map(({ type, size }, index) =>
    writer.value(type, size, { kind: 'input', index }),
  );
  const made = new Set(graph.nodes.flatMap(node => node.outputs));
  // Every buffer that is a result and is made here is an output, once.
  const outputs: Buffer[] = [];
  const numbers = new Map<Buffer, number>();
  for (const buffer of graph.outputs)
    if (made.has(buffer) && !numbers.has(buffer))
      numbers.set(
        buffer,
        writer.value(buffer.type, buffer.size, { kind: 'output', index: outputs.push(buffer) - 1 }),
      );
  const { steps, results } = writer.write(
    unit,
    inputs,
    graph.outputs.map(buffer => numbers.get(buffer) ?? null),
    0,
  );
  return {
    routine: {
      name,
      values: writer.values,
      steps,
      outputs: outputs.map(({ type, size }) => ({ type, size })),
      arena: unit.plan.bytes,
      privateArena: writer.privateBytes,
    },
    constants: writer.constants,
    reuse: planReuse(graph, donated, outputs),
    results: results.map(number => {
      const { place } = writer.values[number];
      return {
        kind: place.kind === 'output' ? 'output' : 'input',
        index: (place as { index: number }).index,
      };
    }),
  };
}
