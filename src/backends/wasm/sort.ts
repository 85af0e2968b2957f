/**
 * Sorting by radix: elements become unsigned keys of the same order, which are distributed by one byte at a time, the
 * lowest first. Stable, in time proportional to the length.
 */
import type { ScalarType } from '../../kernel/expression.ts';
import type { Kernel, SortNest } from '../../kernel/kernel.ts';
import {
  type Code,
  type FunctionBuilder,
  type FunctionRef,
  f32,
  f64,
  i32,
  i64,
  type ModuleBuilder,
  type Value,
} from './encode.ts';
import { bytesOf } from './lanes.ts';

const keyBytes = (type: ScalarType): 4 | 8 => (type === 'float64' ? 8 : 4);

/** Keys and positions twice, and the counts of one byte's values. */
export function sortWorkspace(kernel: Kernel): number {
  const { extents, along } = kernel.nest as SortNest;
  return 2 * extents[along] * (keyBytes(kernel.inputs[0].type) + 4) + 256 * 4 + 64;
}

/** An element's key: unsigned, smaller for what comes first; −0 as 0, NaN last. */
function keyOf(f: FunctionBuilder, type: ScalarType, address: Value, descending: boolean): Value {
  if (type === 'float64') {
    const x = f.let(f64.load(address));
    const bits = f.let(i64.reinterpret_f64(f64.add(x, f64.const(0))));
    const flip = i64.or(i64.shr_s(bits, i64.const(63)), i64.const(-0x8000000000000000n));
    const key = i64.xor(bits, flip);
    const ordered = descending ? i64.xor(key, i64.const(-1)) : key;
    return i32.select(f64.eq(x, x), ordered, i64.const(-1));
  }
  if (type === 'float32') {
    const x = f.let(f32.load(address));
    const bits = f.let(i32.reinterpret_f32(f32.add(x, f32.const(0))));
    const flip = i32.or(i32.shr_s(bits, i32.const(31)), i32.const(-0x80000000));
    const key = i32.xor(bits, flip);
    const ordered = descending ? i32.xor(key, i32.const(-1)) : key;
    return i32.select(f32.eq(x, x), ordered, i32.const(-1));
  }
  const raw =
    bytesOf[type] === 4 ? i32.load(address) : type === 'int8' ? i32.load8_s(address) : i32.load8_u(address);
  const isSigned = type === 'int32' || type === 'int8';
  const key = isSigned ? i32.xor(raw, i32.const(type === 'int8' ? 0x80 : -0x80000000)) : raw;
  const masked = bytesOf[type] === 1 ? i32.and(key, i32.const(255)) : key;
  return descending ? i32.xor(masked, i32.const(bytesOf[type] === 1 ? 255 : -1)) : masked;
}

function copyElement(type: ScalarType, to: Value, from: Value): Code {
  if (type === 'float64') return i64.store(to, i64.load(from));
  return bytesOf[type] === 4 ? i32.store(to, i32.load(from)) : i32.store8(to, i32.load8_u(from));
}

/** The kernel's function: (address of the operand, of the result, workspace) → nothing. */
export function addSort(module: ModuleBuilder, kernel: Kernel): FunctionRef {
  const { extents, along, descending, positions } = kernel.nest as SortNest;
  const [{ type }] = kernel.inputs;
  const n = extents[along];
  const bytes = bytesOf[type];
  const wide = keyBytes(type);
  const passes = bytes === 1 ? 1 : wide;
  const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);
  const inner = product(extents.slice(along + 1));
  const outer = product(extents.slice(0, along));
  const c = i32.const;
  /** Distributes keys and positions by one byte: (from keys, from positions, to keys, to positions, counts, shift). */
  const distribute = module.function(['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], [], f => {
    const [keys, places, toKeys, toPlaces, counts, shift] = f.params;
    const digitAt = (i: Value): Value => {
      const at = i32.add(keys, i32.mul(i, c(wide)));
      const low =
        wide === 8
          ? i32.wrap_i64(i64.shr_u(i64.load(at), i64.extend_i32_u(shift)))
          : i32.shr_u(i32.load(at), shift);
      return i32.mul(i32.and(low, c(255)), c(4));
    };
    f.for(c(0), c(256), 1, i => f.emit(i32.store(i32.add(counts, i32.mul(i, c(4))), c(0))));
    f.for(c(0), c(n), 1, i => {
      const at = f.let(i32.add(counts, digitAt(i)));
      f.emit(i32.store(at, i32.add(i32.load(at), c(1))));
    });
    const total = f.let(c(0));
    f.for(c(0), c(256), 1, i => {
      const at = f.let(i32.add(counts, i32.mul(i, c(4))));
      const count = f.let(i32.load(at));
      f.emit(i32.store(at, total));
      f.emit(total.set(i32.add(total, count)));
    });
    f.for(c(0), c(n), 1, i => {
      const at = f.let(i32.add(counts, digitAt(i)));
      const place = f.let(i32.load(at));
      f.emit(i32.store(at, i32.add(place, c(1))));
      const from = i32.add(keys, i32.mul(i, c(wide)));
      const to = i32.add(toKeys, i32.mul(place, c(wide)));
      f.emit(wide === 8 ? i64.store(to, i64.load(from)) : i32.store(to, i32.load(from)));
      f.emit(i32.store(i32.add(toPlaces, i32.mul(place, c(4))), i32.load(i32.add(places, i32.mul(i, c(4))))));
    });
    return undefined;
  });
  return module.function(['i32', 'i32', 'i32'], [], f => {
    const [input, output, workspace] = f.params;
    const parts = [0, n * wide, 2 * n * wide, 2 * n * wide + 4 * n, 2 * n * wide + 8 * n].map(offset =>
      f.let(i32.add(workspace, c(offset))),
    );
    const [keysA, keysB, placesA, placesB, counts] = parts;
    const out = positions ? 4 : bytes;
    f.for(c(0), c(outer), 1, o => {
      f.for(c(0), c(inner), 1, s => {
        const first = f.let(i32.add(i32.mul(o, c(n * inner)), s));
        const at = (i: Value, size: number): Value => i32.mul(i32.add(first, i32.mul(i, c(inner))), c(size));
        f.for(c(0), c(n), 1, i => {
          const key = f.let(keyOf(f, type, f.let(i32.add(input, at(i, bytes))), descending));
          const to = i32.add(keysA, i32.mul(i, c(wide)));
          f.emit(wide === 8 ? i64.store(to, key) : i32.store(to, key));
          f.emit(i32.store(i32.add(placesA, i32.mul(i, c(4))), i));
        });
        for (let pass = 0; pass < passes; pass++) {
          const [k, p, toK, toP] =
            pass % 2 === 0 ? [keysA, placesA, keysB, placesB] : [keysB, placesB, keysA, placesA];
          f.run(distribute, k, p, toK, toP, counts, c(8 * pass));
        }
        const sorted = passes % 2 === 0 ? placesA : placesB;
        f.for(c(0), c(n), 1, i => {
          const place = f.let(i32.load(i32.add(sorted, i32.mul(i, c(4)))));
          const to = f.let(i32.add(output, at(i, out)));
          f.emit(positions ? i32.store(to, place) : copyElement(type, to, i32.add(input, at(place, bytes))));
        });
      });
    });
    return undefined;
  });
}
