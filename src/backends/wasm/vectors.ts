/**
 * Scalar expressions as vector code: each node once, in the outermost loop that it depends on. One axis of the nest
 * runs along the lanes; where there is none, all lanes hold the same.
 */
import { bytesOf, childrenOf, type Expression, type ScalarType } from '../../kernel/expression.ts';
import type { BufferType } from '../../kernel/kernel.ts';
import { type Code, type FunctionBuilder, i32, i32x4, type Value, type Variable, v128 } from './encode.ts';
import type { Functions } from './functions.ts';
import { formatOf } from './gemm/format.ts';
import { transpose } from './gemm/pack.ts';
import { affine, boundsOf, type Ranges } from './indices.ts';
import {
  castVector,
  chooseVector,
  compareVector,
  constantVector,
  type Lanes,
  laneNumbers,
  loadLane,
  loadSplat,
  loadVector,
  wrapped,
} from './lanes.ts';
import { binaryVector, type Target, unaryVector } from './operations.ts';

/** The loops around an expression: which axis each runs along, outermost first. */
export interface Loops {
  readonly order: readonly number[];
  /** The axis along the lanes, one of `order`; null where nothing runs along them. */
  readonly vectorAxis: number | null;
  readonly extents: readonly number[];
  /** Whether lanes may lie beyond the end of their axis, as in the last vector of a row. */
  readonly partial: boolean;
  readonly ranges?: Ranges | undefined;
}

/** The code of several places printed one after the other: copy u is `u · step` further along an axis. */
export interface Copies {
  readonly axis: number;
  readonly step: number;
  readonly count: number;
}

export class VectorPrinter {
  readonly f: FunctionBuilder;
  readonly lanes: Lanes;
  readonly loops: Loops;
  /** Statements of each loop level: 0 before all loops, i + 1 inside the i-th. */
  readonly levels: Code[][];
  readonly #inputs: readonly BufferType[];
  readonly #pointers: readonly Value[];
  readonly #counters: ReadonlyMap<number, Value>;
  readonly #target: Target;
  readonly #copies: Copies;
  #copy = 0;
  /** What each copy has computed; what is the same in all of them is with the first. */
  readonly #names: readonly Map<Expression, Value>[];
  readonly #scalars: readonly Map<Expression, Value>[];
  readonly #depths = new Map<Expression, number>();
  readonly #unsafe = new Map<Expression, boolean>();
  readonly #uses = new Map<Expression, number>();
  readonly #addresses = new Map<string, Value>();
  readonly #laneIndex: Value[] = [];
  readonly #axes = new Map<Expression, ReadonlySet<number>>();
  /** For each copy the running values, which exist inside loop `level`. */
  carries: { readonly values: readonly (readonly Value[])[]; readonly level: number } = {
    values: [],
    level: 0,
  };

  constructor(options: {
    f: FunctionBuilder;
    lanes: Lanes;
    loops: Loops;
    copies: Copies | undefined;
    inputs: readonly BufferType[];
    pointers: readonly Value[];
    counters: ReadonlyMap<number, Value>;
    math: Functions;
  }) {
    this.f = options.f;
    this.lanes = options.lanes;
    this.loops = options.loops;
    this.#inputs = options.inputs;
    this.#pointers = options.pointers;
    this.#counters = options.counters;
    this.#target = { ...options, extents: options.loops.extents };
    this.#copies = options.copies ?? { axis: -1, step: 0, count: 1 };
    this.#names = Array.from({ length: this.#copies.count }, () => new Map());
    this.#scalars = this.#names.map(() => new Map());
    this.levels = Array.from({ length: options.loops.order.length + 1 }, () => []);
  }

  /** Counts uses below these roots; call before printing. */
  prepare(roots: readonly Expression[]): void {
    for (const root of roots) {
      const uses = (this.#uses.get(root) ?? 0) + 1;
      this.#uses.set(root, uses);
      if (uses === 1) this.prepare(childrenOf(root));
    }
  }

  /** Whether several copies use an expression. */
  #isShared(x: Expression): boolean {
    const { count, axis } = this.#copies;
    return count > 1 && !this.#axesOf(x).has(axis) && !this.#axesOf(x).has(-2);
  }

  #levelOf(axis: number): number {
    return this.loops.order.indexOf(axis) + 1;
  }

  depth(x: Expression): number {
    let depth = this.#depths.get(x);
    if (depth === undefined) {
      if (x.op === 'axis') depth = this.#levelOf(x.axis);
      else if (x.op === 'carry') depth = this.carries.level;
      else depth = Math.max(0, ...childrenOf(x).map(child => this.depth(child)));
      this.#depths.set(x, depth);
    }
    return depth;
  }

  /** Whether the expression loads an element that need not exist: that may run only where its branch is taken. */
  #isUnsafe(x: Expression): boolean {
    let unsafe = this.#unsafe.get(x);
    if (unsafe === undefined) {
      unsafe = childrenOf(x).some(child => this.#isUnsafe(child));
      if (x.op === 'load' && !unsafe) {
        const { shape } = this.#inputs[x.source];
        unsafe = !x.at.every((at, d) => {
          const [least, greatest] = boundsOf(at, this.loops.extents, this.loops.ranges);
          return least >= 0 && greatest < shape[d];
        });
      }
      this.#unsafe.set(x, unsafe);
    }
    return unsafe;
  }

  /** The axes that an expression depends on; −2 stands for running values. */
  #axesOf(x: Expression): ReadonlySet<number> {
    let axes = this.#axes.get(x);
    if (axes === undefined) {
      if (x.op === 'axis') axes = new Set([x.axis]);
      else if (x.op === 'carry') axes = new Set([-2]);
      else axes = new Set(childrenOf(x).flatMap(child => [...this.#axesOf(child)]));
      this.#axes.set(x, axes);
    }
    return axes;
  }

  /** Whether the lanes differ. */
  #varies(x: Expression): boolean {
    const { vectorAxis } = this.loops;
    const axes = this.#axesOf(x);
    return vectorAxis !== null && (axes.has(vectorAxis) || axes.has(-2));
  }

  /** The copy that an expression belongs to: the first where all are the same. */
  #copyOf(x: Expression): number {
    if (this.#copy === 0) return 0;
    const axes = this.#axesOf(x);
    return axes.has(this.#copies.axis) || axes.has(-2) ? this.#copy : 0;
  }

  /** Prints for each copy in turn. */
  forCopies(print: (copy: number) => void): void {
    for (let copy = 0; copy < this.#copies.count; copy++) {
      this.#copy = copy;
      print(copy);
    }
    this.#copy = 0;
  }

  /** How far the copy is moved along an axis. */
  #moved(axis: number): number {
    return axis === this.#copies.axis ? this.#copy * this.#copies.step : 0;
  }

  /** Runs `make` so that what it emits lands in the statements of a level. */
  #at<T>(level: number, make: () => T): T {
    let result: T | undefined;
    const code = this.f.collect(() => {
      result = make();
    });
    this.levels[level].push(code);
    return result as T;
  }

  #keep(level: number, make: () => Value): Variable {
    return this.#at(level, () => this.f.let(make()));
  }

  /** The vector of an expression for code at loop `level`. Inside a branch no unsafe load may move out. */
  vector(x: Expression, level: number, guarded = false): Value {
    const copy = this.#copyOf(x);
    const known = this.#names[copy].get(x) ?? this.#branches.at(-1)?.get(x);
    if (known !== undefined) return known;
    if (x.op === 'constant') return this.f.constant(constantVector(x.type, x.value));
    if (x.op === 'carry') return this.carries.values[copy][x.index];
    const movable = !(guarded && this.#isUnsafe(x));
    const depth = this.depth(x);
    if (!movable) {
      if ((this.#uses.get(x) ?? 0) <= 1) return this.#make(x, level, true);
      const inBranch = this.f.let(this.#make(x, level, true));
      this.#branches.at(-1)?.set(x, inBranch);
      return inBranch;
    }
    if (depth === level && (this.#uses.get(x) ?? 0) <= 1 && !guarded && !this.#isShared(x))
      return this.#make(x, level, false);
    const kept = this.#keep(depth, () => this.#make(x, depth, false));
    this.#names[copy].set(x, kept);
    return kept;
  }

  #make(x: Expression, level: number, guarded: boolean): Value {
    switch (x.op) {
      case 'axis':
        return x.axis === this.loops.vectorAxis ? this.#laneIndices() : i32x4.splat(this.#counter(x.axis));
      case 'load':
        return this.#load(x, level, guarded);
      case 'select':
        return this.#select(x, level, guarded);
      default:
        return this.#compute(x as Exclude<typeof x, { op: 'constant' | 'carry' }>, level, guarded);
    }
  }

  #counter(axis: number): Value {
    const counter = this.#counters.get(axis) ?? i32.const(0);
    const moved = this.#moved(axis);
    return moved === 0 ? counter : i32.add(counter, i32.const(moved));
  }

  /** The vector axis's index in every lane; beyond the end the last legal one, so that addresses stay legal. */
  #laneIndices(): Value {
    const { vectorAxis, extents, partial, ranges } = this.loops;
    const axis = vectorAxis as number;
    const end = ranges?.get(axis)?.[1] ?? extents[axis];
    const copy = axis === this.#copies.axis ? this.#copy : 0;
    this.#laneIndex[copy] ??= this.#keep(this.#levelOf(axis), () => {
      const index = i32x4.add(i32x4.splat(this.#counter(axis)), laneNumbers);
      return partial ? i32x4.min_s(index, constantVector('int32', end - 1)) : index;
    });
    return this.#laneIndex[copy];
  }

  /** An int32 expression that is the same in all lanes, as a scalar. */
  scalar(x: Expression): Value {
    if (x.op === 'constant') return i32.const(x.value);
    if (x.op === 'axis') return this.#counter(x.axis);
    const copy = this.#copyOf(x);
    const known = this.#scalars[copy].get(x);
    if (known !== undefined) return known;
    const depth = this.depth(x);
    const kept = this.#keep(depth, () => this.#scalarOf(x, depth));
    this.#scalars[copy].set(x, kept);
    return kept;
  }

  #scalarOf(x: Expression, level: number): Value {
    if (x.type === 'int32' && 'args' in x && x.args.length === 2) {
      const operation = { add: i32.add, sub: i32.sub, mul: i32.mul, and: i32.and, or: i32.or, xor: i32.xor }[
        x.op as 'add'
      ];
      if (operation !== undefined) return operation(this.scalar(x.args[0]), this.scalar(x.args[1]));
    }
    return i32x4.extract_lane(this.vector(x, level), 0);
  }

  /** Where the nest's own element lies in a buffer: Σ index·stride over the axes. */
  placeOf(
    source: number,
    strides: readonly (readonly [axis: number, bytes: number])[],
  ): { address: Value; offset: number } {
    const own = strides.filter(([axis]) => this.#counters.has(axis));
    const offset = own.reduce((sum, [axis, bytes]) => sum + this.#moved(axis) * bytes, 0);
    return { address: this.#address(source, own, [], 0), offset };
  }

  /** The byte address of loads that differ by constants only, hoisted as far as it goes. */
  #address(
    source: number,
    terms: readonly (readonly [axis: number, stride: number])[],
    extra: readonly Value[],
    level: number,
  ): Value {
    let address = this.#pointers[source];
    let key = `${source}`;
    const sorted = [...terms].sort((a, b) => this.#levelOf(a[0]) - this.#levelOf(b[0]));
    for (const [axis, stride] of sorted) {
      key += `|${axis}*${stride}`;
      let next = this.#addresses.get(key);
      if (next === undefined) {
        const before = address;
        const counter = this.#counters.get(axis) as Value;
        next = this.#keep(this.#levelOf(axis), () =>
          i32.add(before, stride === 1 ? counter : i32.mul(counter, i32.const(stride))),
        );
        this.#addresses.set(key, next);
      }
      address = next;
    }
    if (extra.length === 0) return address;
    const base = address;
    return this.#keepAt(level, () => extra.reduce((sum, one) => i32.add(sum, one), base));
  }

  /** A local set in place: for values inside branches, and for those that depend on the innermost loop. */
  #keepAt(level: number, make: () => Value): Value {
    if (this.#branches.length > 0) return this.f.let(make());
    return this.#keep(level, make);
  }

  /** What was computed inside each of the branches around the present place. */
  readonly #branches: Map<Expression, Value>[] = [];

  #load(x: Expression & { op: 'load' }, level: number, guarded: boolean): Value {
    const { shape } = this.#inputs[x.source];
    const bytes = bytesOf[x.type];
    let stride = bytes;
    let constant = 0;
    const terms = new Map<number, number>();
    const extra: Value[] = [];
    /** Indices that differ between lanes in no regular way. */
    const irregular: { at: Expression; stride: number; extent: number }[] = [];
    for (let d = shape.length - 1; d >= 0; d--) {
      const at = x.at[d];
      const form = affine(at);
      // Where only some lanes are legal, those far off are moved back one by one.
      const far =
        guarded && ![0, bytes].includes((form?.terms.get(this.loops.vectorAxis ?? -1) ?? 0) * stride);
      if (form !== null && !far) {
        constant += form.constant * stride;
        for (const [axis, c] of form.terms) terms.set(axis, (terms.get(axis) ?? 0) + c * stride);
      } else if (this.#varies(at)) irregular.push({ at, stride, extent: shape[d] });
      else {
        const index =
          guarded && this.#isUnsafe(at)
            ? this.f.let(i32x4.extract_lane(this.vector(at, level, true), 0))
            : this.scalar(at);
        const safe = guarded
          ? i32.mul(this.#clamped(index, shape[d]), i32.const(stride))
          : i32.mul(index, i32.const(stride));
        extra.push(safe);
      }
      stride *= shape[d];
    }
    for (const axis of terms.keys()) if (!this.#counters.has(axis)) terms.delete(axis);
    const { vectorAxis, partial } = this.loops;
    const along = vectorAxis === null ? 0 : (terms.get(vectorAxis) ?? 0);
    const byLane = irregular.length > 0 || (partial && along !== 0 && along !== bytes);
    // Lanes with addresses of their own have the copy's way along their axis in them.
    for (const [axis, step] of terms)
      if (!byLane || axis !== vectorAxis) constant += this.#moved(axis) * step;
    // An instruction's own offset is added without wrapping around: not to an address that was counted down.
    if ([...terms.values()].some(c => c < 0)) {
      extra.push(i32.const(constant));
      constant = 0;
    }
    const others = [...terms].filter(([axis]) => axis !== vectorAxis);
    if (byLane) {
      // Beyond the end of the axis the address is that of the last legal element.
      const base = this.#address(x.source, others, extra, level);
      const offsets = irregular.map(({ at, stride: step, extent }) => {
        const index = this.vector(at, level, guarded);
        const legal = guarded
          ? i32x4.max_s(
              i32x4.min_s(index, constantVector('int32', Math.max(0, extent - 1))),
              constantVector('int32', 0),
            )
          : index;
        return i32x4.mul(legal, constantVector('int32', step));
      });
      if (along !== 0) offsets.push(i32x4.mul(this.#laneIndices(), constantVector('int32', along)));
      const offset = this.f.let(offsets.reduce((a, b) => i32x4.add(a, b)));
      return this.#gather(x.type, lane => i32.add(base, i32x4.extract_lane(offset, lane)), constant, 0);
    }
    const address = this.#address(x.source, [...terms], extra, level);
    if (along === 0)
      return this.#atConstant(address, constant, (place, offset) => loadSplat(x.type, place, offset));
    const vectorAt = (from: number): Value =>
      this.#atConstant(address, from, (place, offset) => loadVector(x.type, this.lanes, place, offset));
    if (along === bytes) return vectorAt(constant);
    if (!guarded && this.#crosses(terms, bytes)) {
      // A square is read along the copies' axis; turned, it holds the vectors of all copies.
      const rows = Array.from({ length: this.lanes }, (_, lane) => vectorAt(constant + lane * along));
      const turned = transpose(this.f, formatOf(this.lanes === 2 ? 'float64' : 'float32', false), rows);
      turned.forEach((vector, copy) => this.#names[copy].set(x, vector));
      return turned[0];
    }
    if (this.lanes === 4 && bytes === 4) {
      if (along === -4) {
        const backwards = this.f.let(vectorAt(constant - 12));
        return shuffled(backwards, backwards, [3, 2, 1, 0]);
      }
      if (along === 8) return shuffled(vectorAt(constant), vectorAt(constant + 16), [0, 2, 4, 6]);
    }
    return this.#gather(x.type, () => address, constant, along);
  }

  /** Whether neighbours in memory are those of the copies, which are as many as the lanes and as wide. */
  #crosses(terms: ReadonlyMap<number, number>, bytes: number): boolean {
    const { axis, step, count } = this.#copies;
    const square = count === this.lanes && bytes * this.lanes === 16 && step === 1;
    return square && axis !== this.loops.vectorAxis && this.#copy === 0 && terms.get(axis) === bytes;
  }

  #clamped(index: Value, extent: number): Value {
    const low = this.f.let(i32.select(i32.lt_s(index, i32.const(0)), i32.const(0), index));
    const last = i32.const(Math.max(0, extent - 1));
    return i32.select(i32.gt_s(low, last), last, low);
  }

  /** Loads with the constant part of the address in the instruction, where it is not negative. */
  #atConstant(address: Value, constant: number, load: (address: Value, offset: number) => Value): Value {
    return constant >= 0 ? load(address, constant) : load(i32.add(address, i32.const(constant)), 0);
  }

  /** A vector of elements at addresses that differ between lanes, or by a constant number of bytes. */
  #gather(type: ScalarType, address: (lane: number) => Value, constant: number, along: number): Value {
    let vector = constantVector(type, 0);
    for (let lane = 0; lane < this.lanes; lane++) {
      const from = constant + lane * along;
      const before = vector;
      vector = this.#atConstant(address(lane), from, (place, offset) =>
        loadLane(type, before, lane, place, offset),
      );
    }
    return vector;
  }

  /** Branches with unsafe loads run only where some lane needs them. */
  #select(x: Expression & { op: 'select' }, level: number, guarded: boolean): Value {
    const [test, yes, no] = x.args;
    const mask = this.f.let(this.vector(test, level, guarded));
    const branch = (value: Expression, needed: Value): Value => {
      if (!this.#isUnsafe(value)) return this.vector(value, level, guarded);
      const result = this.f.local('v128');
      this.f.if(needed, () => {
        this.#branches.push(new Map(this.#branches.at(-1)));
        this.f.emit(result.set(this.vector(value, level, true)));
        this.#branches.pop();
      });
      return result;
    };
    const a = branch(yes, v128.any_true(mask));
    const b = branch(no, v128.any_true(v128.not(mask)));
    return chooseVector(x.type, mask, a, b);
  }

  #compute(
    x: Exclude<Expression, { op: 'constant' | 'axis' | 'carry' | 'load' | 'select' }>,
    level: number,
    guarded: boolean,
  ): Value {
    const { args } = x;
    const operand = args[0].type;
    const a = this.vector(args[0], level, guarded);
    if (x.op === 'cast') return castVector(operand, x.type, a);
    if (x.op === 'bitcast') return wrapped(x.type, a);
    if (args.length === 2) {
      const b = this.vector(args[1], level, guarded);
      if (x.op === 'eq' || x.op === 'ne' || x.op === 'lt' || x.op === 'le')
        return compareVector(x.op, operand, a, b);
      return binaryVector(this.#target, x.op as string, x.type, a, b, args);
    }
    return unaryVector(this.#target, x.op as string, x.type, a);
  }
}

/** Lanes of two vectors of 32-bit elements: 0 to 3 of the first, 4 to 7 of the second. */
function shuffled(a: Value, b: Value, lanes: readonly number[]): Value {
  return v128.shuffle(
    a,
    b,
    lanes.flatMap(lane => [0, 1, 2, 3].map(byte => 4 * lane + byte)),
  );
}
