/** Segments of maps: they cover every index once, and in them no choice is left that depends on a constant place. */
import { describe, expect, test } from 'vitest';
import { segmentsOf } from '../../src/backends/wasm/segments.ts';
import * as k from '../../src/kernel/expression.ts';

const at = (i: number): k.Expression => k.load(i, 'float32', [k.axis(0), k.axis(1)]);

/** Operand i where the index along `axis` is below the i-th place. */
const joined = (axis: number, places: readonly number[]): k.Expression =>
  places.reduceRight<k.Expression>(
    (rest, place, i) => k.select(k.less(k.axis(axis), k.int(place)), at(i), rest),
    at(places.length),
  );

function chosen(values: readonly k.Expression[], extents: readonly number[]): string[][] {
  const map = Array.from({ length: extents[0] }, () => new Array<string>(extents[1]).fill(''));
  for (const { ranges, values: own } of segmentsOf(values, extents)) {
    const [[a, b], [c, d]] = [0, 1].map(i => ranges.get(i) ?? [0, extents[i]]);
    for (let i = a; i < b; i++)
      for (let j = c; j < d; j++) map[i][j] += own[0].op === 'load' ? own[0].source : own[0].op;
  }
  return map;
}

describe('joined operands', () => {
  test.each([0, 1])('along axis %i', axis => {
    const map = chosen([joined(axis, [2, 3])], [5, 6]);
    for (let i = 0; i < 5; i++)
      for (let j = 0; j < 6; j++) {
        const index = axis === 0 ? i : j;
        expect(map[i][j]).toBe(String(index < 2 ? 0 : index < 3 ? 1 : 2));
      }
  });

  test('in both axes: padding', () => {
    const inside = k.and(k.within(k.axis(0), 1, 4), k.within(k.axis(1), 2, 5));
    const map = chosen([k.select(inside, at(0), k.constant('float32', 0))], [5, 6]);
    for (let i = 0; i < 5; i++)
      for (let j = 0; j < 6; j++)
        expect(map[i][j]).toBe(i >= 1 && i < 4 && j >= 2 && j < 5 ? '0' : 'constant');
  });

  test('too many, and conditions on values, stay choices', () => {
    const many = Array.from({ length: 100 }, (_, i) => i + 1);
    expect(segmentsOf([joined(0, many)], [200, 2])).toHaveLength(1);
    const byValue = k.select(k.compare('lt', at(0), at(1)), at(0), at(1));
    expect(segmentsOf([byValue], [5, 6])).toHaveLength(1);
  });

  test('what all segments share may not be written over and over', () => {
    let long = at(0);
    for (let i = 0; i < 50; i++) long = k.binary('add', long, k.constant('float32', i));
    const test = k.select(k.less(k.axis(0), k.int(1)), at(1), at(2));
    const two = k.binary('mul', long, test);
    expect(segmentsOf([two], [9, 9])).toHaveLength(2);
    const places = [1, 2, 3, 4, 5, 6];
    expect(segmentsOf([k.binary('mul', long, joined(0, places))], [9, 9])).toHaveLength(1);
  });
});
