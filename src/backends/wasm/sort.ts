/**
 * Sorting by radix: elements have unsigned keys of the same order, and are distributed by one byte of the key at a
 * time, the lowest first. Stable, in time proportional to the length.
 */
import { bytesOf, isFloat, type ScalarType } from '../../kernel/expression.ts';
import type { Kernel, SortNest } from '../../kernel/kernel.ts';
import {
  type FunctionBuilder,
  type FunctionRef,
  i32,
  i64,
  type ModuleBuilder,
  type Value,
} from './encode.ts';

/** How a kernel's rows are sorted. */
interface Plan {
  readonly type: ScalarType;
  readonly bytes: number;
  readonly length: number;
  /** Elements between neighbours of a row. */
  readonly inner: number;
  readonly descending: boolean;
  readonly positions: boolean;
}

function planOf(kernel: Kernel): Plan {
  const { extents, along, descending, positions } = kernel.nest as SortNest;
  const [{ type }] = kernel.inputs;
  const bytes = bytesOf[type];
  const length = extents[along];
  const inner = extents.slice(along + 1).reduce((a, b) => a * b, 1);
  return { type, bytes, length, inner, descending, positions };
}

/** Bytes of the counts of one distribution, of which there is one for each byte of a key. */
const countBytes = 4 * 256;
const c = i32.const;

/** Elements and positions twice, and the counts of each distribution. */
export function sortWorkspace(kernel: Kernel): number {
  const plan = planOf(kernel);
  return 2 * plan.length * (plan.bytes + 4) + plan.bytes * countBytes + 64;
}

const load = ({ type, bytes }: Plan, address: Value): Value => {
  if (bytes === 8) return i64.load(address);
  if (bytes === 4) return i32.load(address);
  return type === 'int8' ? i32.load8_s(address) : i32.load8_u(address);
};
const store = ({ bytes }: Plan, address: Value, x: Value) =>
  bytes === 8 ? i64.store(address, x) : bytes === 4 ? i32.store(address, x) : i32.store8(address, x);

/** An element's key: unsigned, smaller for what comes first; that of −0 is 0's, NaN is last. */
function keyOf(f: FunctionBuilder, { type, bytes, descending }: Plan, x: Value): Value {
  const float = isFloat(type);
  const integer = bytes === 8 ? i64 : i32;
  const n = integer.const as (x: bigint | number) => Value;
  const sign = bytes === 8 ? -(2n ** 63n) : bytes === 4 ? -(2 ** 31) : 0x80;
  const ones = bytes === 1 ? 255 : -1;
  const ordered = (key: Value): Value => (descending ? integer.xor(key, n(ones)) : key);
  if (!float) {
    const raised = type === 'int32' || type === 'int8' ? integer.xor(x, n(sign)) : x;
    return ordered(bytes === 1 ? i32.and(raised, c(255)) : raised);
  }
  const infinity = bytes === 8 ? 0x7ff0000000000000n : 0x7f800000;
  const bits = f.let(i32.select(integer.eq(x, n(sign)), n(0), x));
  const key = integer.xor(bits, integer.or(integer.shr_s(bits, n(8 * bytes - 1)), n(sign)));
  const magnitude = integer.and(bits, integer.xor(n(sign), n(-1)));
  return i32.select(integer.gt_s(magnitude, n(infinity)), n(-1), ordered(key));
}

/** Four times the value of the key's byte from bit `shift` on. */
function digitOf({ bytes }: Plan, key: Value, shift: Value): Value {
  const low = bytes === 8 ? i32.wrap_i64(i64.shr_u(key, i64.extend_i32_u(shift))) : i32.shr_u(key, shift);
  return i32.mul(i32.and(low, c(255)), c(4));
}

/** (row, counts): how many elements have each value of each byte of the key, then how many come before them. */
function addCount(module: ModuleBuilder, plan: Plan): FunctionRef {
  const { bytes, length, inner } = plan;
  return module.function(['i32', 'i32'], [], f => {
    const [row, counts] = f.params;
    f.for(c(0), c(bytes * countBytes), 4, at => f.emit(i32.store(i32.add(counts, at), c(0))));
    f.for(c(0), c(length), 1, () => {
      const key = f.let(keyOf(f, plan, f.let(load(plan, row))));
      for (let pass = 0; pass < bytes; pass++) {
        const at = f.let(i32.add(counts, digitOf(plan, key, c(8 * pass))));
        f.emit(i32.store(at, i32.add(i32.load(at, pass * countBytes), c(1)), pass * countBytes));
      }
      f.emit(row.set(i32.add(row, c(inner * bytes))));
    });
    f.for(c(0), c(bytes), 1, () => {
      const total = f.let(c(0));
      f.for(c(0), c(countBytes), 4, () => {
        const count = f.let(i32.load(counts));
        f.emit(i32.store(counts, total));
        f.emit(total.set(i32.add(total, count)));
        f.emit(counts.set(i32.add(counts, c(4))));
      });
    });
    return undefined;
  });
}

/**
 * (elements, positions, to elements, to positions, counts, shift): distributes by one byte of the key. The first
 * distribution reads the row, whose positions are the numbers in sequence; the last one writes the result.
 */
function addDistribute(module: ModuleBuilder, plan: Plan, first: boolean, last: boolean): FunctionRef {
  const { bytes, length, inner, positions } = plan;
  return module.function(['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], [], f => {
    const [elements, places, toElements, toPlaces, counts, shift] = f.params;
    f.for(c(0), c(length), 1, i => {
      const x = f.let(load(plan, elements));
      const at = f.let(i32.add(counts, digitOf(plan, keyOf(f, plan, x), shift)));
      const to = f.let(i32.load(at));
      f.emit(i32.store(at, i32.add(to, c(1))));
      const step = last ? inner : 1;
      if (!(last && positions)) f.emit(store(plan, i32.add(toElements, i32.mul(to, c(step * bytes))), x));
      if (positions) {
        const place = first ? i : i32.load(i32.add(places, i32.mul(i, c(4))));
        f.emit(i32.store(i32.add(toPlaces, i32.mul(to, c(step * 4))), place));
      }
      f.emit(elements.set(i32.add(elements, c(first ? inner * bytes : bytes))));
    });
    return undefined;
  });
}

/** The kernel's function: (address of the operand, of the result, workspace) → nothing. */
export function addSort(module: ModuleBuilder, kernel: Kernel): FunctionRef {
  const plan = planOf(kernel);
  const { bytes, length, inner, positions } = plan;
  const outer = (kernel.nest as SortNest).extents.reduce((a, b) => a * b, 1) / (length * inner);
  const count = addCount(module, plan);
  const made = new Map<string, FunctionRef>();
  const distribute = (pass: number): FunctionRef => {
    const ends = [pass === 0, pass === bytes - 1] as const;
    const known = made.get(`${ends}`) ?? addDistribute(module, plan, ...ends);
    made.set(`${ends}`, known);
    return known;
  };
  return module.function(['i32', 'i32', 'i32'], [], f => {
    const [input, output, workspace] = f.params;
    const offsets = [0, length * bytes, 2 * length * bytes, 2 * length * bytes + 4 * length];
    const [elementsA, elementsB, placesA, placesB] = offsets.map(offset =>
      f.let(i32.add(workspace, c(offset))),
    );
    const counts = f.let(i32.add(workspace, c(2 * length * (bytes + 4))));
    const result = positions ? 4 : bytes;
    f.for(c(0), c(outer), 1, o => {
      f.for(c(0), c(inner), 1, s => {
        const start = f.let(i32.add(i32.mul(o, c(length * inner)), s));
        const row = f.let(i32.add(input, i32.mul(start, c(bytes))));
        const target = f.let(i32.add(output, i32.mul(start, c(result))));
        f.run(count, row, counts);
        for (let pass = 0; pass < bytes; pass++) {
          const [from, places, to, toPlaces] =
            pass % 2 === 0
              ? [elementsB, placesB, elementsA, placesA]
              : [elementsA, placesA, elementsB, placesB];
          const isLast = pass === bytes - 1;
          f.run(
            distribute(pass),
            pass === 0 ? row : from,
            places,
            isLast ? target : to,
            isLast ? target : toPlaces,
            i32.add(counts, c(pass * countBytes)),
            c(8 * pass),
          );
        }
      });
    });
    return undefined;
  });
}
