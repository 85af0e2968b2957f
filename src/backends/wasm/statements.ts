/**
 * Expressions of statements as vector code. Unlike those of a loop nest they may read what was stored before, so that a
 * value counts only until a statement changes what it reads; see kernel/known.ts.
 */
import {
  bytesOf,
  childrenOf,
  type Expression,
  isFloat,
  type ScalarType,
  visit,
} from '../../kernel/expression.ts';
import { type BufferType, type OrderedNest, rootsOf } from '../../kernel/kernel.ts';
import { Known } from '../../kernel/known.ts';
import {
  dependsOn,
  type Effects,
  effectsOf,
  type Loop,
  ownExpressions,
  type Statement,
  type Store,
  type Sum,
  statementsIn,
} from '../../kernel/statement.ts';
import { type Code, type FunctionBuilder, i32, i32x4, type Value, type Variable, v128 } from './encode.ts';
import type { Functions } from './functions.ts';
import { affine, boundsOf, offsetOf } from './indices.ts';
import {
  castVector,
  chooseVector,
  compareVector,
  constantVector,
  type Lanes,
  loadLane,
  loadSplat,
  loadVector,
  storeLane,
  storeVector,
  wrapped,
} from './lanes.ts';
import { binaryVector, type Target, unaryVector } from './operations.ts';

/** Where an element lies: Σ counter·step + Σ scalars + constant bytes, each lane `along` bytes after the one before. */
interface Place {
  readonly terms: ReadonlyMap<number, number>;
  readonly extra: readonly Value[];
  readonly constant: number;
  readonly along: number;
  /** Indices that differ between lanes in no regular way, with their strides. */
  readonly irregular: readonly (readonly [Expression, number])[];
}

const most = 4;

export class StatementExpressions {
  readonly f: FunctionBuilder;
  readonly lanes: Lanes;
  readonly counters: Map<number, Value> = new Map();
  vectorAxis: number | null = null;
  /** One more than the greatest value of each axis. */
  readonly #extents: number[] = [];
  readonly #target: Target;
  readonly #buffers: readonly BufferType[];
  readonly #inputs: number;
  readonly #locals: readonly (readonly Variable[])[];
  readonly #uses = new Map<Expression, number>();
  readonly #known: readonly Known<Value>[];
  readonly #scalars: Known<Value>;
  /** For each scope what comes before its statements: indices and addresses, which depend on its counters only. */
  readonly #before: { readonly code: Code[]; readonly values: Map<unknown, Value> }[] = [];
  readonly #depths = new Map<number, number>();
  #copies = 1;
  #copy = 0;
  /** What the body of the loop along the lanes changes; locals among them differ between lanes. */
  #changed: Effects = { outputs: new Set(), locals: new Set() };
  #varies = new Map<Expression, boolean>();
  readonly #straying = new Map<Expression, boolean>();

  constructor(options: {
    readonly f: FunctionBuilder;
    readonly math: Functions;
    readonly buffers: readonly BufferType[];
    readonly inputs: number;
    readonly lanes: Lanes;
    readonly nest: OrderedNest;
  }) {
    this.f = options.f;
    this.lanes = options.lanes;
    this.#buffers = options.buffers;
    this.#inputs = options.inputs;
    this.#target = { ...options, extents: this.#extents };
    this.#locals = options.nest.locals.map(() => Array.from({ length: most }, () => this.f.local('v128')));
    this.#known = Array.from({ length: most }, () => new Known<Value>(options.inputs));
    this.#scalars = new Known(options.inputs);
    this.#count(rootsOf(options.nest));
  }

  #count(roots: readonly Expression[]): void {
    for (const root of roots) {
      const uses = (this.#uses.get(root) ?? 0) + 1;
      this.#uses.set(root, uses);
      if (uses === 1) this.#count(childrenOf(root));
    }
  }

  /** The code that `print` emits in a scope of its own. */
  scope(print: () => void): Code {
    const before: Code[] = [];
    this.#before.push({ code: before, values: new Map() });
    const all = [...this.#known, this.#scalars];
    for (const known of all) known.enter();
    const code = this.f.collect(print);
    for (const known of all) known.leave();
    this.#before.pop();
    return [before, code];
  }

  /** The least and greatest value of an index. */
  boundsOf(x: Expression): readonly [number, number] {
    return boundsOf(x, this.#extents);
  }

  /** An axis is about to have values below `extent`. */
  bound(axis: number, extent: number): void {
    this.#extents[axis] = extent;
    this.#straying.clear();
  }

  /** The present scope is a turn of a loop along this axis. */
  open(axis: number, counter: Value): void {
    this.counters.set(axis, counter);
    this.#depths.set(axis, this.#before.length - 1);
  }

  /** Notes what a statement changes. */
  change(statement: Statement): void {
    const effects = effectsOf([statement]);
    for (const known of this.#known) known.change(effects);
    this.#scalars.change(effects);
  }

  /** Runs `print` with turns of a loop in the lanes, `copies` vectors one behind the other. */
  alongLanes(axis: number, copies: number, body: readonly Statement[], print: () => void): void {
    this.vectorAxis = axis;
    this.#copies = copies;
    this.#changed = effectsOf(body);
    this.#varies = new Map();
    print();
    this.vectorAxis = null;
    this.#copies = 1;
    this.#changed = { outputs: new Set(), locals: new Set() };
    this.#varies = new Map();
  }

  /** Prints for each vector of a turn. */
  forCopies(print: (copy: number) => void): void {
    for (let copy = 0; copy < this.#copies; copy++) {
      this.#copy = copy;
      print(copy);
    }
    this.#copy = 0;
  }

  isVarying(local: number): boolean {
    return this.#changed.locals.has(local);
  }

  local(number: number, copy: number): Variable {
    return this.#locals[number][this.isVarying(number) ? copy : 0];
  }

  fitted(type: ScalarType, x: Value): Value {
    return wrapped(type, x);
  }

  /** Whether the lanes differ. */
  #varying(x: Expression): boolean {
    if (this.vectorAxis === null) return false;
    let varies = this.#varies.get(x);
    if (varies === undefined) {
      if (x.op === 'axis') varies = x.axis === this.vectorAxis;
      else if (x.op === 'carry') varies = this.isVarying(x.index);
      else varies = childrenOf(x).some(child => this.#varying(child));
      this.#varies.set(x, varies);
    }
    return varies;
  }

  /** Whether control flow in the body is the same for all lanes, and every store has a place for each. */
  canRunAlongLanes(loop: Loop): boolean {
    const { axis, body } = loop;
    const changed = effectsOf(body);
    const differs = (x: Expression): boolean =>
      dependsOn([x], { ...changed, outputs: none }, 0) || uses(x, axis);
    const legal = (statement: Statement): boolean => {
      if (ownExpressions(statement).some(x => this.#mustBranch(x))) return false;
      if (statement.form === 'store') return statement.at.some(at => uses(at, axis));
      if (
        (statement.form === 'loop' || statement.form === 'sum') &&
        [statement.from, statement.to].some(differs)
      )
        return false;
      if (statement.form === 'if' && differs(statement.test)) return false;
      return statementsIn(statement).every(legal);
    };
    return body.every(legal);
  }

  /** Whether the terms are floats that fill the lanes, from places that are neighbours or the same. */
  canSumAlongLanes({ axis, terms }: Sum): boolean {
    return terms.every(({ term }) => {
      let regular = isFloat(term.type) && bytesOf[term.type] * this.lanes === 16;
      if (this.#mustBranch(term)) regular = false;
      visit([term], x => {
        if (x.op === 'load' && uses(x, axis)) {
          const step = offsetOf(x, this.#buffers[x.source])?.terms.get(axis);
          if (step !== 0 && step !== bytesOf[x.type]) regular = false;
        }
      });
      return regular;
    });
  }

  /** Whether some branch of a choice may run only where it is taken. */
  #mustBranch(x: Expression): boolean {
    let found = false;
    visit([x], node => {
      if (node.op === 'select' && node.args.slice(1).some(branch => this.#mayStray(branch))) found = true;
    });
    return found;
  }

  /** How many vectors one turn of an independent loop takes: fewer where each has many values of its own. */
  copiesFor(body: readonly Statement[]): number {
    const { locals } = effectsOf(body);
    const stores = body.filter(one => one.form === 'store').length;
    const values = locals.size + stores;
    return values <= 2 ? 4 : values <= 5 ? 2 : 1;
  }

  /** The vector of an expression at the present place. */
  vector(x: Expression): Value {
    const varies = this.#varying(x);
    const copy = varies ? this.#copy : 0;
    if (x.op === 'constant') return this.f.constant(constantVector(x.type, x.value));
    if (x.op === 'carry') return this.local(x.index, copy);
    const known = this.#known[copy].find(x);
    if (known !== undefined) return known;
    const made = this.#make(x);
    if ((this.#uses.get(x) ?? 0) < 2 && (varies || this.#copies === 1)) return made;
    const kept = this.f.let(made);
    this.#known[copy].keep(x, kept);
    return kept;
  }

  #make(x: Exclude<Expression, { op: 'constant' | 'carry' }>): Value {
    switch (x.op) {
      case 'axis': {
        const all = i32x4.splat(this.counters.get(x.axis) as Value);
        if (x.axis !== this.vectorAxis) return all;
        const first = this.#copy * this.lanes;
        return i32x4.add(all, i32x4.const(first, first + 1, first + 2, first + 3));
      }
      case 'load':
        return this.#load(x);
      case 'select':
        return this.#select(x);
      default:
        return this.#compute(x as Exclude<typeof x, { op: 'axis' | 'load' | 'select' }>);
    }
  }

  #compute(x: Exclude<Expression, { op: 'constant' | 'axis' | 'carry' | 'load' | 'select' }>): Value {
    const { args } = x;
    const operand = args[0].type;
    const a = this.vector(args[0]);
    if (x.op === 'cast') return castVector(operand, x.type, a);
    if (x.op === 'bitcast') return wrapped(x.type, a);
    if (args.length === 1) return unaryVector(this.#target, x.op as string, x.type, a);
    const b = this.vector(args[1]);
    if (x.op === 'eq' || x.op === 'ne' || x.op === 'lt' || x.op === 'le')
      return compareVector(x.op, operand, a, b);
    return binaryVector(this.#target, x.op as string, x.type, a, b, args);
  }

  /** Whether an expression loads an element that need not exist: that may run only where its branch is taken. */
  #mayStray(x: Expression): boolean {
    let may = this.#straying.get(x);
    if (may === undefined) {
      may = childrenOf(x).some(child => this.#mayStray(child));
      if (x.op === 'load' && !may) {
        const { shape } = this.#buffers[x.source];
        may = !x.at.every((at, d) => {
          const [least, greatest] = boundsOf(at, this.#extents);
          return least >= 0 && greatest < shape[d];
        });
      }
      this.#straying.set(x, may);
    }
    return may;
  }

  /** A branch whose loads may be out of range runs only where it is taken. */
  #select(x: Expression & { op: 'select' }): Value {
    const [test, yes, no] = x.args;
    if (!this.#mayStray(yes) && !this.#mayStray(no)) {
      const mask = this.f.let(this.vector(test));
      return chooseVector(x.type, mask, this.vector(yes), this.vector(no));
    }
    const result = this.f.local('v128');
    const condition = this.condition(test);
    const [a, b] = [yes, no].map(branch => this.scope(() => this.f.emit(result.set(this.vector(branch)))));
    this.f.emit([condition.code, 0x04, 0x40, a, 0x05, b, 0x0b]);
    return result;
  }

  /** A bool that is the same in all lanes, as a scalar. */
  condition(x: Expression): Value {
    if (x.op === 'and') return i32.and(this.condition(x.args[0]), this.condition(x.args[1]));
    const compare = { eq: i32.eq, ne: i32.ne, lt: i32.lt_s, le: i32.le_s }[x.op as 'eq'];
    if (compare !== undefined && 'args' in x && x.args[0].type === 'int32')
      return compare(this.scalar(x.args[0]), this.scalar((x.args as readonly Expression[])[1]));
    return i32.ne(i32x4.extract_lane(this.vector(x), 0), i32.const(0));
  }

  /** An int32 that is the same in all lanes, as a scalar. */
  scalar(x: Expression): Value {
    if (x.op === 'constant') return i32.const(x.value);
    if (x.op === 'axis') return this.counters.get(x.axis) as Value;
    if (x.op === 'carry') return i32x4.extract_lane(this.local(x.index, 0), 0);
    const form = affine(x);
    if (form !== null)
      return this.#sum(
        [...form.terms].map(([axis, c]) => [axis, c] as const),
        i32.const(form.constant),
        'index',
      );
    const known = this.#scalars.find(x);
    if (known !== undefined) return known;
    const kept = this.f.let(this.#scalarOf(x));
    this.#scalars.keep(x, kept);
    return kept;
  }

  #scalarOf(x: Exclude<Expression, { op: 'constant' | 'carry' }>): Value {
    if (x.op === 'load') {
      const place = this.#placeOf(x.source, x.at);
      return i32.load(...this.#address(x.source, place));
    }
    if ('args' in x && x.args.length === 2) {
      const [a, b] = x.args;
      const direct = { add: i32.add, sub: i32.sub, mul: i32.mul }[x.op as 'add'];
      if (direct !== undefined) return direct(this.scalar(a), this.scalar(b));
      if (x.op === 'min' || x.op === 'max') {
        const [p, q] = [this.f.let(this.scalar(a)), this.f.let(this.scalar(b))];
        return i32.select((x.op === 'min' ? i32.lt_s : i32.gt_s)(p, q), p, q);
      }
    }
    return i32x4.extract_lane(this.vector(x), 0);
  }

  /** base + Σ counter·factor, each part before the statements of the scope in which it is known. */
  #sum(terms: readonly (readonly [axis: number, factor: number])[], base: Value, name: unknown): Value {
    let sum = base;
    let key = `${name}${name === 'index' ? base.code.flat(9) : ''}`;
    const depthOf = (axis: number): number => this.#depths.get(axis) as number;
    for (const [axis, factor] of [...terms].sort((a, b) => depthOf(a[0]) - depthOf(b[0]))) {
      key += `|${axis}*${factor}`;
      const scope = this.#before[depthOf(axis)];
      let next = scope.values.get(key);
      if (next === undefined) {
        const before = sum;
        const counter = this.counters.get(axis) as Value;
        const code = this.f.collect(() => {
          next = this.f.let(i32.add(before, factor === 1 ? counter : i32.mul(counter, i32.const(factor))));
        });
        scope.code.push(code);
        scope.values.set(key, next as unknown as Value);
      }
      sum = next as unknown as Value;
    }
    return sum;
  }

  #placeOf(source: number, at: readonly Expression[]): Place {
    const { shape, type } = this.#buffers[source];
    const terms = new Map<number, number>();
    const extra: Value[] = [];
    const irregular: (readonly [Expression, number])[] = [];
    let constant = 0;
    let stride = bytesOf[type];
    const add = (x: Expression): void => {
      const form = affine(x);
      if (form !== null) {
        constant += form.constant * stride;
        for (const [axis, c] of form.terms) terms.set(axis, (terms.get(axis) ?? 0) + c * stride);
      } else if (x.op === 'add') for (const part of x.args) add(part);
      else if (this.#varying(x)) irregular.push([x, stride]);
      else extra.push(i32.mul(this.scalar(x), i32.const(stride)));
    };
    for (let d = shape.length - 1; d >= 0; d--) {
      add(at[d]);
      stride *= shape[d];
    }
    const along = this.vectorAxis === null ? 0 : (terms.get(this.vectorAxis) ?? 0);
    constant += this.#copy * this.lanes * along;
    return { terms, extra, constant, along, irregular };
  }

  /** A byte address and the constant to add to it, which an instruction adds without wrapping around. */
  #address(source: number, { terms, extra, constant }: Place): [address: Value, offset: number] {
    const base = this.#sum([...terms], this.f.params[source], source);
    const parts = [...extra];
    const wraps = constant < 0 || extra.length > 0 || [...terms.values()].some(c => c < 0);
    if (wraps && constant !== 0) parts.push(i32.const(constant));
    const address = parts.reduce((a, b) => i32.add(a, b), base);
    return [parts.length === 0 ? address : this.f.let(address), wraps ? 0 : constant];
  }

  /** Calls `each` with the address of every lane, where they are no neighbours. */
  #forLanes(
    source: number,
    place: Place,
    each: (lane: number, address: Value, offset: number) => void,
  ): void {
    const [base, offset] = this.#address(source, place);
    const { irregular, along } = place;
    const own = irregular
      .map(([x, stride]) => i32x4.mul(this.vector(x), constantVector('int32', stride)))
      .reduce<Value | null>((a, b) => (a === null ? b : i32x4.add(a, b)), null);
    const kept = own === null ? null : this.f.let(own);
    for (let lane = 0; lane < this.lanes; lane++) {
      const moved = lane * along === 0 ? base : i32.add(base, i32.const(lane * along));
      each(lane, kept === null ? moved : i32.add(moved, i32x4.extract_lane(kept, lane)), offset);
    }
  }

  #load(x: Expression & { op: 'load' }): Value {
    const place = this.#placeOf(x.source, x.at);
    const { along, irregular } = place;
    if (irregular.length === 0 && (along === 0 || along === bytesOf[x.type])) {
      const [address, offset] = this.#address(x.source, place);
      return along === 0
        ? loadSplat(x.type, address, offset)
        : loadVector(x.type, this.lanes, address, offset);
    }
    let vector = constantVector(x.type, 0);
    this.#forLanes(x.source, place, (lane, address, offset) => {
      vector = loadLane(x.type, vector, lane, address, offset);
    });
    return vector;
  }

  store({ output, at, value }: Store): void {
    const source = this.#inputs + output;
    const { type } = this.#buffers[source];
    const x = this.f.let(this.vector(value));
    const place = this.#placeOf(source, at);
    const { along, irregular } = place;
    const isVector = irregular.length > 0 || along !== 0;
    if (isVector && (irregular.length > 0 || along !== bytesOf[type])) {
      this.#forLanes(source, place, (lane, address, offset) =>
        this.f.emit(storeLane(type, address, x, lane, offset)),
      );
      return;
    }
    const [address, offset] = this.#address(source, place);
    this.f.emit(
      isVector ? storeVector(type, this.lanes, address, x, offset) : storeLane(type, address, x, 0, offset),
    );
  }

  /** The sum of the lanes of a float vector, in every lane. */
  acrossLanes(type: ScalarType, x: Value): Value {
    const swap = (v: Value, bytes: readonly number[]): Value => {
      const kept = this.f.let(v);
      return binaryVector(this.#target, 'add', type, kept, v128.shuffle(kept, kept, bytes), []);
    };
    const halves = swap(x, [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]);
    return type === 'float64' ? halves : swap(halves, [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11]);
  }
}

const none: ReadonlySet<number> = new Set();

function uses(x: Expression, axis: number): boolean {
  let found = false;
  visit([x], node => {
    if (node.op === 'axis' && node.axis === axis) found = true;
  });
  return found;
}
