/** Writes WebAssembly modules: values are pieces of code that leave one result, functions are lists of statements. */
import { type Code, f32x4, i32, typeCodes, unsigned, type Value, type WasmType } from './instructions.ts';

export * from './instructions.ts';

/** Bytes in growing memory. */
class Bytes {
  #data = new Uint8Array(1024);
  length = 0;

  #reserve(count: number): void {
    if (this.length + count <= this.#data.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#data.length, this.length + count));
    grown.set(this.#data);
    this.#data = grown;
  }

  push(byte: number): void {
    if (this.length === this.#data.length) this.#reserve(1);
    this.#data[this.length++] = byte;
  }

  code(code: Code): this {
    for (const part of code) {
      if (typeof part === 'number') this.push(part);
      else this.code(part);
    }
    return this;
  }

  bytes(other: Uint8Array): this {
    this.#reserve(other.length);
    this.#data.set(other, this.length);
    this.length += other.length;
    return this;
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.#data.slice(0, this.length);
  }
}

/** A local variable that can be assigned. */
export interface Variable extends Value {
  set(x: Value): Code;
}

/** A function of a module, to be called by others. */
export interface FunctionRef {
  readonly index: number;
  readonly results: readonly WasmType[];
}

/** Builds one function's body. Statements are emitted in order; values are used at most once unless kept by `let`. */
export class FunctionBuilder {
  readonly params: readonly Variable[];
  readonly #types: WasmType[];
  readonly #localTypes: WasmType[] = [];
  readonly #constants = new Map<string, Variable>();
  readonly #head: Code[] = [];
  #body: Code[] = [];

  constructor(params: readonly WasmType[]) {
    this.#types = [...params];
    this.params = params.map((type, index) => this.#variable(type, index));
  }

  #variable(type: WasmType, index: number): Variable {
    return { type, code: [0x20, unsigned(index)], set: x => [x.code, 0x21, unsigned(index)] };
  }

  emit(statement: Code): void {
    this.#body.push(statement);
  }

  /** A new local, zero at first. */
  local(type: WasmType): Variable {
    this.#localTypes.push(type);
    this.#types.push(type);
    return this.#variable(type, this.#types.length - 1);
  }

  /** Computes a value now and keeps it, so that it can be used again. */
  let(x: Value): Variable {
    const variable = this.local(x.type);
    this.emit(variable.set(x));
    return variable;
  }

  /** A constant made when the function begins: an engine may make one in a loop anew in every turn. */
  constant(x: Value): Variable {
    const key = x.code.flat(9).join();
    let variable = this.#constants.get(key);
    if (variable === undefined) {
      variable = this.local(x.type);
      this.#head.push(variable.set(x));
      this.#constants.set(key, variable);
    }
    return variable;
  }

  /** Runs `body` and gives what it emitted, without emitting it. */
  collect(body: () => void): Code {
    const before = this.#body;
    this.#body = [];
    body();
    const collected = this.#body;
    this.#body = before;
    return collected;
  }

  if(condition: Value, then: () => void, otherwise?: () => void): void {
    const yes = this.collect(then);
    const no = otherwise === undefined ? [] : [0x05, this.collect(otherwise)];
    this.emit([condition.code, 0x04, 0x40, yes, no, 0x0b]);
  }

  /** Repeats the body while the condition, computed before each round, is not zero. */
  while(condition: () => Value, body: () => void): void {
    const test = this.collect(() => {
      const holds = condition();
      this.emit([i32.eqz(holds).code, 0x0d, 1]);
    });
    this.emit([0x02, 0x40, 0x03, 0x40, test, this.collect(body), 0x0c, 0, 0x0b, 0x0b]);
  }

  /** for (i = from; i < to; i += step), counting signed 32-bit; `to` must be cheap to compute again. */
  for(from: Value, to: Value, step: number, body: (i: Variable) => void): void {
    const i = this.let(from);
    const run = this.collect(() => {
      body(i);
      this.emit(i.set(i32.add(i, i32.const(step))));
      this.emit([i32.lt_s(i, to).code, 0x0d, 0]);
    });
    this.emit([i32.lt_s(i, to).code, 0x04, 0x40, 0x03, 0x40, run, 0x0b, 0x0b]);
  }

  call(f: FunctionRef, ...args: readonly Value[]): Value {
    return { type: f.results[0] ?? 'i32', code: [...args.map(arg => arg.code), 0x10, unsigned(f.index)] };
  }

  /** A call without a result, as a statement. */
  run(f: FunctionRef, ...args: readonly Value[]): void {
    this.emit([...args.map(arg => arg.code), 0x10, unsigned(f.index)]);
  }

  /** Copies bytes; the ranges may overlap. */
  copyMemory(to: Value, from: Value, bytes: Value): void {
    this.emit([to.code, from.code, bytes.code, 0xfc, 0x0a, 0, 0]);
  }

  /** The body's bytes, ending with the result if there is one. */
  finish(result?: Value): Uint8Array {
    const locals = this.#localTypes.map(type => [1, typeCodes[type]]);
    const body = new Bytes().code([
      unsigned(locals.length),
      locals,
      this.#head,
      this.#body,
      result?.code ?? [],
      0x0b,
    ]);
    return new Bytes().code(unsigned(body.length)).bytes(body.done()).done();
  }
}

const name = (text: string): number[] => {
  const bytes = [...new TextEncoder().encode(text)];
  return [...unsigned(bytes.length), ...bytes];
};

export interface MemoryImport {
  readonly shared: boolean;
  readonly maximumPages: number;
}

/** A module that imports its memory as `env.memory` and exports functions. */
export class ModuleBuilder {
  readonly #signatures: string[] = [];
  readonly #types: number[][] = [];
  readonly #functions: { type: number; body: Uint8Array | null; exported: string | null }[] = [];
  readonly #memory: MemoryImport;

  constructor(memory: MemoryImport) {
    this.#memory = memory;
  }

  #type(params: readonly WasmType[], results: readonly WasmType[]): number {
    const key = `${params}:${results}`;
    let index = this.#signatures.indexOf(key);
    if (index < 0) {
      index = this.#signatures.push(key) - 1;
      this.#types.push([
        0x60,
        params.length,
        ...params.map(type => typeCodes[type]),
        results.length,
        ...results.map(type => typeCodes[type]),
      ]);
    }
    return index;
  }

  /** Adds a function; its body may call itself and functions added before. `build` returns the result, if any. */
  function(
    params: readonly WasmType[],
    results: readonly WasmType[],
    build: (f: FunctionBuilder, self: FunctionRef) => Value | undefined,
    exported: string | null = null,
  ): FunctionRef {
    const self: FunctionRef = { index: this.#functions.length, results };
    const entry: { type: number; body: Uint8Array | null; exported: string | null } = {
      type: this.#type(params, results),
      body: null,
      exported,
    };
    this.#functions.push(entry);
    const builder = new FunctionBuilder(params);
    const result = build(builder, self);
    entry.body = builder.finish(result);
    return self;
  }

  export(f: FunctionRef, as: string): void {
    this.#functions[f.index].exported = as;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new Bytes().code([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    const section = (id: number, items: readonly (Code | Uint8Array)[]): void => {
      const content = new Bytes().code(unsigned(items.length));
      for (const item of items) {
        if (item instanceof Uint8Array) content.bytes(item);
        else content.code(item);
      }
      out.push(id);
      out.code(unsigned(content.length)).bytes(content.done());
    };
    const { shared, maximumPages } = this.#memory;
    const limits = [shared ? 3 : 1, unsigned(1), unsigned(maximumPages)];
    section(1, this.#types);
    section(2, [[name('env'), name('memory'), 2, limits]]);
    section(
      3,
      this.#functions.map(f => unsigned(f.type)),
    );
    section(
      7,
      this.#functions.flatMap((f, index) =>
        f.exported === null ? [] : [[name(f.exported), 0, unsigned(index)]],
      ),
    );
    section(
      10,
      this.#functions.map(f => f.body as Uint8Array),
    );
    return out.done();
  }
}

/** Whether the engine has relaxed SIMD; on V8 11 (Node 20) its flag is set at run time. */
let relaxed: boolean | undefined;

export function enableRelaxedSimd(): void {
  const node = (
    globalThis as { process?: { versions?: { v8?: string }; getBuiltinModule?: (name: string) => unknown } }
  ).process;
  if (node?.versions?.v8?.startsWith('11.')) {
    const v8 = node.getBuiltinModule?.('node:v8') as { setFlagsFromString(flag: string): void } | undefined;
    v8?.setFlagsFromString('--experimental-wasm-relaxed-simd');
  }
  relaxed = undefined;
}

export function hasRelaxedSimd(): boolean {
  if (relaxed === undefined) {
    const module = new ModuleBuilder({ shared: false, maximumPages: 1 });
    module.function(['v128', 'v128'], ['v128'], f =>
      f32x4.relaxed_madd(f.params[0], f.params[1], f.params[0]),
    );
    relaxed = WebAssembly.validate(module.finish());
  }
  return relaxed;
}
