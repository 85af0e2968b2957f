/** Kernels as JavaScript source: loops over typed arrays a0, a1, … into o0, o1, …, with Math.fround as f and m the functions. */
import { type Expression, isFloat } from '../../kernel/expression.ts';
import {
  type Kernel,
  type MapNest,
  type ReduceNest,
  type Reducer,
  type ScanNest,
  type ScatterNest,
  startOf,
} from '../../kernel/kernel.ts';
import { flattened } from '../../kernel/rewrite.ts';
import { generateOrdered } from './generate-ordered.ts';
import { displaced, number, offsetOf, Printer } from './print.ts';

/** Sums are taken in blocks of this many terms, blocks of blocks and so on: the rounding error grows with log n. */
const block = 128;

export function generate(kernel: Kernel): string {
  switch (kernel.nest.form) {
    case 'map':
      return map(kernel);
    case 'reduce':
      return reduce(kernel, kernel.nest);
    case 'scan':
      return scan(kernel, kernel.nest);
    case 'scatter':
      return scatter(kernel, kernel.nest);
    case 'sort':
      return `m.sort(a0, o0, ${JSON.stringify(kernel.nest)});`;
    case 'ordered':
      return generateOrdered(kernel, kernel.nest);
  }
}

const indent = (lines: readonly string[]): string[] => lines.map(line => `  ${line}`);
const identity = (rank: number): Expression[] =>
  Array.from({ length: rank }, (_, i): Expression => ({ op: 'axis', type: 'int32', axis: i }));
const shapesOf = (kernel: Kernel): (readonly number[])[] => kernel.inputs.map(input => input.shape);

/** for (i_first…) { levels[first + 1]; for (…) { …; innermost } } */
function nested(
  extents: readonly number[],
  first: number,
  levels: readonly (readonly string[])[],
  innermost: readonly string[],
): string[] {
  let lines: string[] = [...innermost];
  for (let i = extents.length - 1; i >= first; i--)
    lines = [
      `for (let i${i} = 0; i${i} < ${extents[i]}; i${i}++) {`,
      ...indent([...levels[i + 1], ...lines]),
      '}',
    ];
  return lines;
}

function map(given: Kernel): string {
  const kernel = flattened(given);
  const nest = kernel.nest as MapNest;
  const rank = nest.extents.length;
  const printer = new Printer(rank, shapesOf(kernel), axis => axis + 1);
  const place = offsetOf(identity(rank), nest.extents, x => printer.depth(x));
  printer.prepare([...nest.values, place]);
  // All values first: an output may lie where an operand does.
  const values = nest.values.map((value, i) => `const v${i} = ${printer.print(value, rank)};`);
  const stores = [...values, ...nest.values.map((_, i) => `o${i}[${printer.print(place, rank)}] = v${i};`)];
  return [...printer.levels[0], ...nested(nest.extents, 0, printer.levels, stores)].join('\n');
}

/** How an accumulator takes a term; positions are kept in p, the best value so far in s. */
function accumulate(
  reducer: Reducer,
  integer: boolean,
  s: string,
  p: string,
  term: string,
  position: string,
): string {
  switch (reducer) {
    case 'sum':
      return `${s} += ${term};`;
    case 'product':
      return integer ? `${s} = Math.imul(${s}, ${term});` : `${s} *= ${term};`;
    case 'min':
    case 'max':
      return `${s} = Math.${reducer}(${s}, ${term});`;
    case 'and':
      return `${s} = ${s} & ${term};`;
    case 'or':
      return `${s} = ${s} | ${term};`;
    default:
      return `{ const v = ${term}; if (v ${reducer === 'argmax' ? '>' : '<'} ${s} || (v !== v && ${s} === ${s})) { ${s} = v; ${p} = ${position}; } }`;
  }
}

function reduce(kernel: Kernel, nest: ReduceNest): string {
  const kept = nest.extents.length - nest.reduced;
  const tile = tileOf(nest, kept);
  const body = (factors: readonly number[]): string[] => reduceBody(kernel, nest, kept, factors);
  // The two innermost kept loops advance by their tile, then by one.
  const loops = (i: number, factors: readonly number[]): string[] => {
    if (i === kept) return body(factors);
    const step = tile[i] ?? 1;
    const n = nest.extents[i];
    const whole = n - (n % step);
    const lines =
      whole > 0
        ? [
            `for (let i${i} = 0; i${i} < ${whole}; i${i} += ${step}) {`,
            ...indent(loops(i + 1, [...factors, step])),
            '}',
          ]
        : [];
    if (whole < n)
      lines.push(
        `for (let i${i} = ${whole}; i${i} < ${n}; i${i}++) {`,
        ...indent(loops(i + 1, [...factors, 1])),
        '}',
      );
    return lines;
  };
  return loops(0, []).join('\n');
}

/** Several output elements at a time share loads: 2 × 4 of them for products of matrices. */
function tileOf(nest: ReduceNest, kept: number): number[] {
  const steps = new Array<number>(kept).fill(1);
  if (nest.accumulators.length !== 1 || nest.accumulators[0].fused !== true) return steps;
  if (kept > 0 && nest.extents[kept - 1] >= 4) steps[kept - 1] = 4;
  if (kept > 1 && nest.extents[kept - 2] >= 2) steps[kept - 2] = 2;
  return steps;
}

interface Sum {
  readonly name: string;
  readonly position: string;
  readonly reducer: Reducer;
  readonly term: Expression;
  readonly fused: boolean;
  readonly start: number;
  readonly type: Expression['type'];
}

function reduceBody(kernel: Kernel, nest: ReduceNest, kept: number, factors: readonly number[]): string[] {
  const rank = nest.extents.length;
  const printer = new Printer(rank, shapesOf(kernel), axis => axis + 1);
  const copies = copiesOf(factors);
  const moved = (x: Expression, copy: readonly number[]): Expression =>
    copy.reduce((e, by, axis) => displaced(e, axis, by), x);
  const sums: Sum[][] = copies.map((copy, c) =>
    nest.accumulators.map(({ reducer, term, fused }, i) => ({
      name: `s${c}_${i}`,
      position: `p${c}_${i}`,
      reducer,
      fused: fused === true && isFloat(term.type),
      term: moved(term, copy),
      start: startOf(reducer, term.type),
      type: term.type,
    })),
  );
  const all = sums.flat();
  // A fused product is printed without its own rounding.
  const factorsOf = (sum: Sum): readonly Expression[] =>
    sum.fused && sum.term.op === 'mul' ? sum.term.args : [sum.term];
  printer.prepare(all.flatMap(factorsOf));
  const position =
    Array.from({ length: nest.reduced }, (_, i) => kept + i).reduce(
      (text, i) => (text === '' ? `i${i}` : `(${text}) * ${nest.extents[i]} + i${i}`),
      '',
    ) || '0';
  const innermost = all.map(sum => {
    const parts = factorsOf(sum).map(x => printer.number(x, rank));
    return accumulate(
      sum.reducer,
      !isFloat(sum.type),
      isBlocked(sum) ? `${sum.name}_${rank - 1}` : sum.name,
      sum.position,
      parts.join(' * '),
      position,
    );
  });
  const lines = [...printer.levels.slice(0, kept + 1).flat()];
  for (const sum of all) {
    const integer = sum.reducer === 'sum' && !isFloat(sum.type);
    lines.push(`let ${sum.name} = ${number(sum.start)}${integer ? ' | 0' : ''};`);
    if (sum.reducer === 'argmin' || sum.reducer === 'argmax') lines.push(`let ${sum.position} = 0;`);
  }
  lines.push(...reducedLoops(nest.extents, kept, printer.levels, innermost, all));
  // Results are printed by a printer of their own: their statements come after the loops.
  copies.forEach((copy, c) => {
    const after = new Printer(rank, shapesOf(kernel), axis => axis + 1);
    after.carries = { names: sums[c].map(resultOf), level: kept };
    const values = nest.results.map(x => moved(x, copy));
    const place = moved(
      offsetOf(identity(kept), nest.extents.slice(0, kept), x => after.depth(x)),
      copy,
    );
    after.prepare([...values, place]);
    const stores = values.map(
      (value, i) => `o${i}[${after.print(place, kept)}] = ${after.print(value, kept)};`,
    );
    lines.push('{', ...indent([...after.levels.flat(), ...stores]), '}');
  });
  return lines;
}

function copiesOf(factors: readonly number[]): number[][] {
  let copies: number[][] = [[]];
  for (const factor of factors)
    copies = copies.flatMap(copy => Array.from({ length: factor }, (_, i) => [...copy, i]));
  return copies;
}

function resultOf(sum: Sum): string {
  if (sum.reducer === 'argmin' || sum.reducer === 'argmax') return sum.position;
  if (sum.type === 'float32') return `f(${sum.name})`;
  if (isFloat(sum.type)) return sum.name;
  if (sum.type === 'uint32') return `(${sum.name} >>> 0)`;
  return sum.name;
}

/** float64 sums are blocked; float32 ones are taken in double precision, which is as good. */
function isBlocked(sum: Sum): boolean {
  return sum.reducer === 'sum' && sum.type === 'float64';
}

/** The loops over the reduced axes. A blocked sum has a partial sum at every loop and at every block of a long one. */
function reducedLoops(
  extents: readonly number[],
  kept: number,
  levels: readonly (readonly string[])[],
  innermost: readonly string[],
  sums: readonly Sum[],
): string[] {
  const blocked = sums.filter(isBlocked);
  const open = (suffix: string | number): string[] => blocked.map(sum => `let ${sum.name}_${suffix} = 0;`);
  const close = (to: (sum: Sum) => string, from: string | number): string[] =>
    blocked.map(sum => `${to(sum)} += ${sum.name}_${from};`);
  const loop = (i: number): string[] => {
    if (i === extents.length) return [...innermost];
    const inner = [...levels[i + 1], ...loop(i + 1)];
    const to = (sum: Sum): string => (i === kept ? sum.name : `${sum.name}_${i - 1}`);
    if (blocked.length === 0)
      return [`for (let i${i} = 0; i${i} < ${extents[i]}; i${i}++) {`, ...indent(inner), '}'];
    let lines = [...open(i), `for (let i${i} = b${i}_0; i${i} < e${i}_0; i${i}++) {`, ...indent(inner), '}'];
    let depth = 0;
    for (let span = block; span < extents[i]; span *= block, depth++) {
      const [b, e] = [`b${i}_${depth}`, `e${i}_${depth}`];
      const partial = depth === 0 ? i : `${i}x${depth - 1}`;
      lines = [
        ...open(`${i}x${depth}`),
        `for (let ${b} = b${i}_${depth + 1}; ${b} < e${i}_${depth + 1}; ${b} += ${span}) {`,
        ...indent([
          `const ${e} = Math.min(${b} + ${span}, e${i}_${depth + 1});`,
          ...lines,
          ...close(sum => `${sum.name}_${i}x${depth}`, partial),
        ]),
        '}',
      ];
    }
    const last = depth === 0 ? i : `${i}x${depth - 1}`;
    return [
      '{',
      ...indent([`const b${i}_${depth} = 0, e${i}_${depth} = ${extents[i]};`, ...lines, ...close(to, last)]),
      '}',
    ];
  };
  if (extents.length === kept)
    return innermost.map(line =>
      sums.reduce((text, sum) => text.replaceAll(`${sum.name}_${kept - 1}`, sum.name), line),
    );
  return loop(kept);
}

function scan(kernel: Kernel, nest: ScanNest): string {
  const rank = nest.extents.length;
  // The scanned axis is the innermost loop, whichever it is.
  const order = [...nest.extents.keys()].filter(i => i !== nest.along).concat(nest.along);
  const printer = new Printer(rank, shapesOf(kernel), axis => order.indexOf(axis) + 1);
  printer.wideCarry = true;
  const place = offsetOf(identity(rank), nest.extents, x => printer.depth(x));
  printer.carries = { names: nest.step.map((_, i) => `c${i}`), level: rank };
  printer.prepare([...nest.step, place]);
  const steps = nest.step.map((x, i) => `const n${i} = ${printer.number(x, rank)};`);
  const assign = nest.step.map((_, i) => `c${i} = n${i};`);
  const initial = nest.initial.map((x, i) => `let c${i} = ${printer.number(x, rank - 1)};`);
  const after = new Printer(rank, shapesOf(kernel), axis => order.indexOf(axis) + 1);
  after.carries = printer.carries;
  after.prepare(nest.results);
  const results = nest.results.map(
    (x, i) => `o${i}[${printer.print(place, rank)}] = ${after.print(x, rank)};`,
  );
  const inner = [...printer.levels[rank], ...steps, ...assign, ...after.levels.flat(), ...results];
  const n = nest.extents[nest.along];
  const i = `i${nest.along}`;
  const head = nest.reverse
    ? `for (let ${i} = ${n - 1}; ${i} >= 0; ${i}--) {`
    : `for (let ${i} = 0; ${i} < ${n}; ${i}++) {`;
  let lines = [...initial, head, ...indent(inner), '}'];
  for (let level = rank - 2; level >= 0; level--) {
    const axis = order[level];
    lines = [
      `for (let i${axis} = 0; i${axis} < ${nest.extents[axis]}; i${axis}++) {`,
      ...indent([...printer.levels[level + 1], ...lines]),
      '}',
    ];
  }
  return [...printer.levels[0], ...lines].join('\n');
}

function scatter(kernel: Kernel, nest: ScatterNest): string {
  const [out] = kernel.outputs;
  const base = map({ ...kernel, nest: { form: 'map', extents: out.shape, values: [nest.base] } });
  const rank = nest.extents.length;
  const printer = new Printer(rank, shapesOf(kernel), axis => axis + 1);
  printer.prepare([...nest.at, nest.value]);
  const at = nest.at.map(x => printer.print(x, rank));
  const legal = at.map((text, d) => `${text} >= 0 && ${text} < ${out.shape[d]}`).join(' && ') || 'true';
  const place =
    at.reduce((text, one, d) => (d === 0 ? one : `(${text}) * ${out.shape[d]} + ${one}`), '') || '0';
  const value = printer.print(nest.value, rank);
  const store = {
    set: `o0[q] = ${value};`,
    add: `o0[q] += ${value};`,
    mul: `o0[q] *= ${value};`,
    min: `o0[q] = Math.min(o0[q], ${value});`,
    max: `o0[q] = Math.max(o0[q], ${value});`,
  }[nest.combine];
  const lines = nested(nest.extents, 0, printer.levels, [`if (${legal}) { const q = ${place}; ${store} }`]);
  return ['{', ...indent([base]), '}', ...printer.levels[0], ...lines].join('\n');
}
