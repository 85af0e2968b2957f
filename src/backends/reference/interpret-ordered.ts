/** Statements as closures: see interpret.ts. */
import { type Expression, isFloat } from '../../kernel/expression.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Statement, Sum } from '../../kernel/statement.ts';
import type { Elements } from '../backend.ts';
import { wrap } from './arithmetic.ts';

/** What statements read and change. */
export interface State {
  readonly axes: Int32Array;
  readonly carries: number[];
  /** Counts evaluations: what expressions gave before does not count any more. */
  renew(): void;
}

type Evaluate = (state: State) => number;
type Run = (state: State, outputs: readonly Elements[]) => void;

/** A function that runs statements in order; `build` makes one of an expression. */
export function interpretStatements(
  statements: readonly Statement[],
  kernel: Kernel,
  build: (x: Expression) => Evaluate,
): Run {
  const runs = statements.map(one => statement(one, kernel, build));
  return (state, outputs) => {
    for (const run of runs) run(state, outputs);
  };
}

function statement(one: Statement, kernel: Kernel, build: (x: Expression) => Evaluate): Run {
  const inside = (list: readonly Statement[]): Run => interpretStatements(list, kernel, build);
  switch (one.form) {
    case 'store': {
      const at = one.at.map(build);
      const value = build(one.value);
      const { shape } = kernel.outputs[one.output];
      return (state, outputs) => {
        state.renew();
        let place = 0;
        for (let d = 0; d < at.length; d++) place = place * shape[d] + at[d](state);
        outputs[one.output][place] = value(state);
      };
    }
    case 'set': {
      const value = build(one.value);
      return state => {
        state.renew();
        state.carries[one.local] = value(state);
      };
    }
    case 'loop': {
      const [from, to] = [build(one.from), build(one.to)];
      const body = inside(one.body);
      return (state, outputs) => {
        state.renew();
        const [first, end] = [from(state), to(state)];
        for (let k = first; k < end; k++) {
          state.axes[one.axis] = one.reverse ? first + end - 1 - k : k;
          body(state, outputs);
        }
      };
    }
    case 'sum':
      return sum(one, build);
    case 'if': {
      const test = build(one.test);
      const [yes, no] = [inside(one.then), inside(one.otherwise)];
      return (state, outputs) => {
        state.renew();
        (test(state) ? yes : no)(state, outputs);
      };
    }
  }
}

/** Floats are added up in double precision and rounded once, integers wrap around. */
function sum({ axis, from: first, to: end, terms }: Sum, build: (x: Expression) => Evaluate): Run {
  const [from, to] = [build(first), build(end)];
  const parts = terms.map(({ local, term }) => ({
    local,
    term: build(term),
    fit: wrap[term.type],
    step: isFloat(term.type) ? (x: number) => x : wrap[term.type],
  }));
  return state => {
    state.renew();
    const [first, end] = [from(state), to(state)];
    const totals = parts.map(() => 0);
    for (let k = first; k < end; k++) {
      state.axes[axis] = k;
      state.renew();
      parts.forEach(({ term, step }, i) => {
        totals[i] = step(totals[i] + term(state));
      });
    }
    parts.forEach(({ local, fit }, i) => {
      state.carries[local] = fit(state.carries[local] + totals[i]);
    });
  };
}
