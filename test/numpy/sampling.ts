/** Random choices that are the same at every run, and plain loops over index tuples. */

export interface Random {
  /** An integer in [low, high]. */
  integer(low: number, high: number): number;
  pick<T>(list: readonly T[]): T;
  /** A number in [−1, 1). */
  real(): number;
}

/** Marsaglia's xorshift of 32 bits. */
export function random(seed: number): Random {
  let state = seed * 2654435761 + 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
  for (let i = 0; i < 8; i++) next();
  const integer = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    integer,
    pick: list => list[integer(0, list.length - 1)],
    real: () => 2 * next() - 1,
  };
}

export const product = (shape: readonly number[]): number => shape.reduce((all, n) => all * n, 1);

/** All index tuples of a shape in row-major order. */
export function tuples(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, extent) => all.flatMap(tuple => Array.from({ length: extent }, (_, i) => [...tuple, i])),
    [[]],
  );
}

/** The row-major position of an index tuple. */
export function position(tuple: readonly number[], shape: readonly number[]): number {
  return tuple.reduce((at, i, axis) => at * shape[axis] + i, 0);
}
