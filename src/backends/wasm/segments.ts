/**
 * Maps in segments. Joining and padding choose by comparing an index with constants; between two of these constants
 * the choice is always the same, so that each segment has a loop of its own without it.
 */
import { childrenOf, constant, type Expression, visit } from '../../kernel/expression.ts';
import { withChildren } from '../../kernel/rewrite.ts';
import { affine, boundsOf, type Ranges } from './indices.ts';

export interface Segment {
  readonly ranges: Ranges;
  readonly values: readonly Expression[];
}

const mostSegments = 64;
/** How much larger the code of all segments may be than that of the whole. */
const growth = 3;

/** At least one segment; together they cover all axes. */
export function segmentsOf(values: readonly Expression[], extents: readonly number[]): Segment[] {
  const whole: Segment = { ranges: new Map(), values };
  const done: Segment[] = [];
  const todo = [whole];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const cut = cutsOf(next, extents);
    if (cut === null) done.push(next);
    else {
      const [axis, places] = cut;
      const [from, to] = next.ranges.get(axis) ?? [0, extents[axis]];
      const ends = [from, ...places, to];
      for (let i = ends.length - 2; i >= 0; i--) {
        const ranges = new Map(next.ranges).set(axis, [ends[i], ends[i + 1]]);
        todo.push({ ranges, values: decided(next.values, extents, ranges) });
      }
    }
    if (done.length + todo.length > mostSegments) return [whole];
  }
  const size = (list: readonly Segment[]): number => list.reduce((n, { values }) => n + nodes(values), 0);
  return done.length === 1 || size(done) > growth * size([whole]) ? [whole] : done;
}

function nodes(values: readonly Expression[]): number {
  let count = 0;
  visit(values, () => {
    count++;
  });
  return count;
}

/** The axis with the most places at which a condition changes, and these in order. */
function cutsOf(
  { values, ranges }: Segment,
  extents: readonly number[],
): [axis: number, places: number[]] | null {
  const cuts = new Map<number, Set<number>>();
  visit(values, x => {
    if (x.op !== 'select') return;
    visit([x.args[0]], test => {
      if ((test.op !== 'lt' && test.op !== 'le') || test.args[0].type !== 'int32') return;
      const form = affine({ op: 'sub', type: 'int32', args: test.args });
      if (form === null) return;
      const terms = [...form.terms].filter(([, c]) => c !== 0);
      if (terms.length !== 1 || Math.abs(terms[0][1]) !== 1) return;
      const [[axis, sign]] = terms;
      // ±x + c < 0, or ≤ 0: the place is the first x of the other side.
      const place = sign > 0 ? -form.constant : form.constant + 1;
      const at = test.op === 'lt' ? place : place + sign;
      const [from, to] = ranges.get(axis) ?? [0, extents[axis]];
      if (at <= from || at >= to) return;
      const places = cuts.get(axis) ?? new Set();
      cuts.set(axis, places.add(at));
    });
  });
  const most = [...cuts].sort(([a, x], [b, y]) => y.size - x.size || a - b)[0];
  return most === undefined ? null : [most[0], [...most[1]].sort((a, b) => a - b)];
}

/** The expressions with the choices made that are the same within the ranges. */
function decided(values: readonly Expression[], extents: readonly number[], ranges: Ranges): Expression[] {
  const done = new Map<Expression, Expression>();
  const of = (x: Expression): Expression => {
    let result = done.get(x);
    if (result === undefined) {
      result = decide(x);
      done.set(x, result);
    }
    return result;
  };
  const known = (x: Expression): number | null => (x.op === 'constant' ? x.value : null);
  const decide = (x: Expression): Expression => {
    if (x.op === 'select') {
      const test = known(of(x.args[0]));
      if (test !== null) return of(x.args[test === 0 ? 2 : 1]);
    }
    const children = childrenOf(x);
    const own = children.map(of);
    if ((x.op === 'lt' || x.op === 'le') && x.args[0].type === 'int32') {
      const [least, greatest] = boundsOf({ op: 'sub', type: 'int32', args: x.args }, extents, ranges);
      const limit = x.op === 'lt' ? 0 : 1;
      if (greatest < limit) return constant('bool', 1);
      if (least >= limit) return constant('bool', 0);
    }
    if ((x.op === 'and' || x.op === 'or') && x.type === 'bool') {
      const decisive = x.op === 'and' ? 0 : 1;
      const [a, b] = own.map(known);
      if (a === decisive || b === decisive) return constant('bool', decisive);
      if (a !== null) return own[1];
      if (b !== null) return own[0];
    }
    if (x.op === 'not' && x.type === 'bool') {
      const test = known(own[0]);
      if (test !== null) return constant('bool', 1 - test);
    }
    return own.every((child, i) => child === children[i]) ? x : withChildren(x, own);
  };
  return values.map(of);
}
