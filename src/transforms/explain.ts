/** Why a compiled function was traced again. */
import { type Aval, sameShape, showShape } from '../core/aval.ts';
import { BadArgument } from '../core/errors.ts';
import { Structure } from '../core/tree.ts';
import { type Jitted, type TraceRecord, traceHistory } from './jit.ts';

export type ChangeKind =
  | 'shape'
  | 'element type'
  /** A JavaScript number in place of a tensor, or a fraction in place of a whole number. */
  | 'plain number'
  | 'tree'
  | 'number of arguments'
  | 'static value'
  /** The function used values of a transformation around it, so that its program holds for one call. */
  | 'closed over';

/** One thing in which a call differed from an earlier one. */
export interface TraceChange {
  /** `argument 0.weights[1]`. */
  readonly path: string;
  readonly kind: ChangeKind;
  readonly before: string;
  readonly after: string;
}

export interface TraceExplanation {
  /** Counted from 1. */
  readonly number: number;
  /** `argument 0: float32[3]`, one for each tensor and each static argument. */
  readonly signature: readonly string[];
  /** The user's line that made the call, where the engine tells it. */
  readonly source: string;
  /** The number of the earlier trace that differs least; null for the first. */
  readonly nearest: number | null;
  /** What differs from that one. */
  readonly changes: readonly TraceChange[];
}

export interface TraceExplanations {
  readonly traces: readonly TraceExplanation[];
  /** As text, with what to do about it. */
  toString(): string;
}

const remedies: Record<ChangeKind, string> = {
  shape: 'bring values to one shape: drop or pad the last, smaller batch',
  'element type': 'convert before the call: x.astype(…)',
  'plain number':
    'pass a tensor, tensor(0.1), in place of a number that is sometimes whole and sometimes not',
  tree: 'pass trees of the same keys, lengths and fixed values (null, strings)',
  'number of arguments': 'pass all arguments in every call',
  'static value':
    'static values are compared by identity: keep one object, or let the argument be traced if it is a number or a tensor',
  'closed over':
    'hand the value over as an argument, or put jit around the outermost transformation rather than inside it',
};

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value === 'object' && value !== null) return `an object ${value.constructor?.name ?? ''}`.trim();
  return String(value);
}

const typeOf = (aval: Aval): string =>
  aval.weak === 'int' ? 'a whole number' : aval.weak === 'float' ? 'a fraction' : String(aval);

/** How a tree looks from outside: `an array of 2`, `{ a, b }`. */
function outline({ kind, children, keys, value }: Structure): string {
  switch (kind) {
    case 'leaf':
      return 'a tensor';
    case 'fixed':
      return describe(value);
    case 'array':
      return `an array of ${children.length}`;
    case 'map':
      return `a Map of ${keys.map(describe).join(', ')}`;
    case 'object':
      return `{ ${keys.join(', ')} }`;
    case 'instance':
      return `${(value as object).constructor.name} { ${keys.join(', ')} }`;
  }
}

/** Whether two trees agree at their roots, whatever their children are. */
function sameRoot(a: Structure, b: Structure): boolean {
  const alone = ({ kind, children, keys, value }: Structure): Structure =>
    new Structure(
      kind,
      children.map(() => new Structure('leaf')),
      keys,
      value,
    );
  return a.keys.length === b.keys.length && alone(a).equals(alone(b));
}

function leafChange(path: string, before: Aval, after: Aval): TraceChange | null {
  if (before.equals(after)) return null;
  if (before.weak !== after.weak)
    return { path, kind: 'plain number', before: typeOf(before), after: typeOf(after) };
  if (!sameShape(before.shape, after.shape))
    return { path, kind: 'shape', before: showShape(before.shape), after: showShape(after.shape) };
  return { path, kind: 'element type', before: before.dtype, after: after.dtype };
}

/** What differs between two calls. */
function changesBetween(before: TraceRecord, after: TraceRecord): TraceChange[] {
  const changes: TraceChange[] = [];
  const walk = (
    a: Structure,
    b: Structure,
    from: readonly Aval[],
    to: readonly Aval[],
    path: string,
  ): void => {
    if (!sameRoot(a, b)) {
      changes.push({ path, kind: 'tree', before: outline(a), after: outline(b) });
      return;
    }
    if (a.kind === 'leaf') {
      const change = leafChange(path, from[0], to[0]);
      if (change !== null) changes.push(change);
      return;
    }
    let atFrom = 0;
    let atTo = 0;
    a.children.forEach((child, i) => {
      const other = b.children[i];
      const step =
        a.kind === 'array'
          ? `[${i}]`
          : a.kind === 'map'
            ? `.get(${describe(a.keys[i])})`
            : `.${String(a.keys[i])}`;
      walk(
        child,
        other,
        from.slice(atFrom, atFrom + child.leafCount),
        to.slice(atTo, atTo + other.leafCount),
        path + step,
      );
      atFrom += child.leafCount;
      atTo += other.leafCount;
    });
  };
  const [first, second] = [before.structure.children, after.structure.children];
  if (first.length !== second.length)
    changes.push({
      path: 'the call',
      kind: 'number of arguments',
      before: String(first.length + before.fixed.length),
      after: String(second.length + after.fixed.length),
    });
  let atFrom = 0;
  let atTo = 0;
  for (let i = 0; i < Math.min(first.length, second.length); i++) {
    const [nextFrom, nextTo] = [atFrom + first[i].leafCount, atTo + second[i].leafCount];
    walk(
      first[i],
      second[i],
      before.avals.slice(atFrom, nextFrom),
      after.avals.slice(atTo, nextTo),
      `argument ${after.numbers[i]}`,
    );
    [atFrom, atTo] = [nextFrom, nextTo];
  }
  after.fixed.forEach((value, i) => {
    const other = before.fixed[i];
    if (Object.is(value, other)) return;
    const alike = describe(value) === describe(other) && typeof value === 'object' ? ', another one' : '';
    changes.push({
      path: `argument ${after.fixedNumbers[i]}`,
      kind: 'static value',
      before: describe(other),
      after: describe(value) + alike,
    });
  });
  return changes;
}

function signatureOf({ structure, avals, numbers, fixed, fixedNumbers }: TraceRecord): string[] {
  const paths = structure.children.flatMap((child, i) => child.paths(`argument ${numbers[i]}`));
  return [
    ...avals.map((aval, i) => `${paths[i]}: ${typeOf(aval)}`),
    ...fixed.map((value, i) => `argument ${fixedNumbers[i]}: ${describe(value)}, static`),
  ];
}

/**
 * Lists what a jitted function was traced for, and why: for every trace the nearest earlier one and what differs from
 * it. Data, and as text with what to do. Of many traces only the last 256 are kept.
 *
 * @example console.log(String(explainTrace(step))) // argument 1: shape [64, 784] → [16, 784]
 * @throws BadArgument for a function that `jit` did not make
 */
export function explainTrace<A extends readonly unknown[], R>(jitted: Jitted<A, R>): TraceExplanations {
  const history = typeof jitted === 'function' ? jitted[traceHistory] : undefined;
  if (history === undefined)
    throw new BadArgument({
      did: `explainTrace got ${describe(jitted)}, which is not compiled`,
      expected: 'a function that jit returned',
      remedy: 'const step = jit(f); step(x); explainTrace(step)',
    });
  const { label, records } = history;
  const traces = records.map((record, at): TraceExplanation => {
    const candidates = records.slice(0, at).map(earlier => ({
      number: earlier.number,
      changes: changesBetween(earlier, record),
    }));
    const nearest = candidates.reduce<(typeof candidates)[number] | null>(
      (best, one) => (best === null || one.changes.length <= best.changes.length ? one : best),
      null,
    );
    const closedOver: TraceChange[] = record.closedOver.map(aval => ({
      path: 'the function',
      kind: 'closed over',
      before: 'a program for every call',
      after: `${aval} of ${record.around || 'a transformation'}: for this call alone`,
    }));
    return {
      number: record.number,
      signature: signatureOf(record),
      source: record.source,
      nearest: nearest?.number ?? null,
      changes: [...(nearest?.changes ?? []), ...closedOver],
    };
  });
  return { traces, toString: () => textOf(label, traces) };
}

function textOf(label: string, traces: readonly TraceExplanation[]): string {
  if (traces.length === 0) return `${label}: not called yet`;
  const lines = [`${label}: ${traces.length} trace${traces.length === 1 ? '' : 's'}`];
  for (const { number, signature, source, nearest, changes } of traces) {
    lines.push(`${number}. ${signature.join(', ') || 'no arguments'}${source && `  (${source})`}`);
    if (nearest !== null) lines.push(`   unlike ${nearest}:`);
    for (const { path, kind, before, after } of changes)
      lines.push(
        `   ${path}: ${kind === 'closed over' ? `closed over ${after}` : `${kind} ${before} → ${after}`}`,
      );
  }
  const kinds = new Set(traces.flatMap(({ changes }) => changes.map(change => change.kind)));
  if (kinds.size > 0)
    lines.push('To trace less often:', ...[...kinds].map(kind => `- ${kind}: ${remedies[kind]}`));
  return lines.join('\n');
}
