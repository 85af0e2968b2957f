/** Arithmetic of one element type, and the sizes of tiles and blocks. */
import { type Code, f32, f32x4, f64, f64x2, i32, type Value, v128 } from '../encode.ts';

export type ElementType = 'float32' | 'float64';

export interface Format {
  readonly type: ElementType;
  /** Bytes of an element. */
  readonly size: 4 | 8;
  /** Elements of a vector. */
  readonly lanes: 4 | 2;
  readonly scalar: typeof f32 | typeof f64;
  readonly add: (a: Value, b: Value) => Value;
  /** a·b + c: every product of this folder is summed by it and by nothing else, so that all paths round alike. */
  readonly multiplyAdd: (a: Value, b: Value, c: Value) => Value;
  /** One element in all lanes. */
  readonly loadSplat: (address: Value, offset?: number) => Value;
  /** One element in lane 0, zeros in the others. */
  readonly loadSingle: (address: Value, offset?: number) => Value;
  readonly storeLane: (address: Value, x: Value, lane: number, offset?: number) => Code;
  /** Lanes of a (numbered from 0) and of b (numbered from `lanes`). */
  readonly shuffle: (a: Value, b: Value, ...lanes: readonly number[]) => Value;
  readonly replaceLane: (a: Value, lane: number, x: Value) => Value;
}

const pick =
  (size: number) =>
  (a: Value, b: Value, ...lanes: readonly number[]): Value =>
    v128.shuffle(
      a,
      b,
      lanes.flatMap(lane => Array.from({ length: size }, (_, byte) => lane * size + byte)),
    );

export function formatOf(type: ElementType, relaxed: boolean): Format {
  const single = type === 'float32';
  const vector = single ? f32x4 : f64x2;
  return {
    type,
    size: single ? 4 : 8,
    lanes: single ? 4 : 2,
    scalar: single ? f32 : f64,
    add: vector.add,
    multiplyAdd: relaxed ? vector.relaxed_madd : (a, b, c) => vector.add(vector.mul(a, b), c),
    loadSplat: single ? v128.load32_splat : v128.load64_splat,
    loadSingle: single ? v128.load32_zero : v128.load64_zero,
    storeLane: single ? v128.store32_lane : v128.store64_lane,
    shuffle: pick(single ? 4 : 8),
    replaceLane: vector.replace_lane,
  };
}

/** A vector of the elements at these addresses. */
export function gather(format: Format, addresses: readonly Value[]): Value {
  return addresses
    .slice(1)
    .reduce(
      (vector, address, i) => format.replaceLane(vector, i + 1, format.scalar.load(address)),
      format.loadSingle(addresses[0]),
    );
}

/** The part of C that one micro-kernel holds in registers. */
export interface Tile {
  readonly rows: number;
  /** Vectors in a row. */
  readonly vectors: number;
}

/**
 * V8 splits live ranges badly beyond about 15 live vectors, and its versions 11 and 12 also where a product needs a
 * register of its own before it is added; each of these tiles is the fastest measured for its case.
 */
export function tileOf(relaxed: boolean, v8Major: number): Tile {
  if (v8Major >= 13) return relaxed ? { rows: 6, vectors: 2 } : { rows: 4, vectors: 2 };
  return relaxed ? { rows: 4, vectors: 2 } : { rows: 2, vectors: 4 };
}

/** The largest tile of `tileOf`, for bounds that hold on every engine. */
export const largestTile = { rows: 6, vectors: 4 } as const;

/** Terms summed before they are added to C: the order of summation depends on this number and on nothing else. */
export const depthBlock = 256;

/** Rows of A packed at once (a multiple of every tile's rows), and columns of B, by bytes of an element. */
export const rowBlock = (size: number): number => 768 / size;
export const columnBlock = (size: number): number => 2048 / size;

export const zeros: Value = v128.const(new Array(16).fill(0));

export const smaller = (a: Value, b: Value): Value => i32.select(i32.lt_s(a, b), a, b);

/** Sum of an address and a multiple of a stride. */
export const at = (base: Value, count: Value, stride: Value): Value => i32.add(base, i32.mul(count, stride));
