/** Runs kernels without generating code, for pages whose policy forbids it: expressions become closures. */
import { type Expression, visit } from '../../kernel/expression.ts';
import {
  type Accumulator,
  type Kernel,
  type Nest,
  type OrderedNest,
  type ReduceNest,
  rootsOf,
  type ScanNest,
  startOf,
} from '../../kernel/kernel.ts';
import type { Elements } from '../backend.ts';
import {
  binaryFunctions,
  bitcastFunction,
  castFunction,
  functions,
  type Scalar1,
  wrap,
} from './arithmetic.ts';
import { interpretStatements } from './interpret-ordered.ts';
import { sortRows } from './sort.ts';

/** What expressions read: loop indices, operands, running values. */
interface Frame {
  readonly axes: Int32Array;
  readonly inputs: readonly Elements[];
  readonly carries: number[];
  /** Counts elements, so that shared nodes are evaluated once for each. */
  epoch: number;
}

type Evaluate = (frame: Frame) => number;

class Builder {
  readonly #done = new Map<Expression, Evaluate>();
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  build(x: Expression): Evaluate {
    let evaluate = this.#done.get(x);
    if (evaluate === undefined) {
      evaluate = remembered(this.#make(x));
      this.#done.set(x, evaluate);
    }
    return evaluate;
  }

  #make(x: Expression): Evaluate {
    if (x.op === 'constant') return () => x.value;
    if (x.op === 'axis') return frame => frame.axes[x.axis];
    if (x.op === 'carry') return frame => frame.carries[x.index];
    if (x.op === 'load') {
      const { inputs, outputs } = this.#kernel;
      const { shape } = inputs[x.source] ?? outputs[x.source - inputs.length];
      const at = x.at.map(index => this.build(index));
      return frame => {
        let place = 0;
        for (let d = 0; d < at.length; d++) place = place * shape[d] + at[d](frame);
        return frame.inputs[x.source][place];
      };
    }
    const args = x.args.map(arg => this.build(arg));
    const [a, b, c] = args;
    if (x.op === 'select') return frame => (a(frame) ? b(frame) : c(frame));
    if (x.op === 'cast' || x.op === 'bitcast') {
      const convert = (x.op === 'cast' ? castFunction : bitcastFunction)(x.args[0].type, x.type);
      return frame => convert(a(frame));
    }
    const fit = wrap[x.type];
    if (x.args.length === 2) {
      const combine = binaryFunctions[x.op as keyof typeof binaryFunctions](x.args[0].type);
      return frame => fit(combine(a(frame), b(frame)));
    }
    const apply: Scalar1 =
      x.op === 'neg'
        ? v => -v
        : x.op === 'not'
          ? x.type === 'bool'
            ? v => 1 - v
            : v => ~v
          : functions[x.op as keyof typeof functions];
    return frame => fit(apply(a(frame)));
  }
}

function remembered(evaluate: Evaluate): Evaluate {
  let epoch = -1;
  let value = 0;
  return frame => {
    if (frame.epoch !== epoch) {
      epoch = frame.epoch;
      value = evaluate(frame);
    }
    return value;
  };
}

let epochs = 0;

/** Steps the axes from `first` on through all their values, the last one fastest. */
function odometer(extents: readonly number[], first: number, frame: Frame, visit: () => void): void {
  const step = (axis: number): void => {
    if (axis === extents.length) {
      frame.epoch = epochs++;
      visit();
      return;
    }
    for (let i = 0; i < extents[axis]; i++) {
      frame.axes[axis] = i;
      step(axis + 1);
    }
  };
  step(first);
}

export function interpret(
  kernel: Kernel,
): (inputs: readonly Elements[], outputs: readonly Elements[]) => void {
  const { nest } = kernel;
  const builder = new Builder(kernel);
  const frame = (inputs: readonly Elements[], rank: number): Frame => ({
    axes: new Int32Array(rank),
    inputs,
    carries: [],
    epoch: -1,
  });
  switch (nest.form) {
    case 'map': {
      const values = nest.values.map(x => builder.build(x));
      return (inputs, outputs) => {
        const state = frame(inputs, nest.extents.length);
        let place = 0;
        odometer(nest.extents, 0, state, () => {
          values.forEach((value, i) => {
            outputs[i][place] = value(state);
          });
          place++;
        });
      };
    }
    case 'reduce':
      return reduce(nest, builder, frame);
    case 'scan':
      return scan(nest, builder, frame);
    case 'scatter': {
      const base = builder.build(nest.base);
      const at = nest.at.map(x => builder.build(x));
      const value = builder.build(nest.value);
      const { shape } = kernel.outputs[0];
      return (inputs, [output]) => {
        const before = frame(inputs, shape.length);
        let next = 0;
        odometer(shape, 0, before, () => {
          output[next++] = base(before);
        });
        const state = frame(inputs, nest.extents.length);
        odometer(nest.extents, 0, state, () => {
          let place = 0;
          for (let d = 0; d < at.length; d++) {
            const index = at[d](state);
            if (index < 0 || index >= shape[d]) return;
            place = place * shape[d] + index;
          }
          output[place] = combine(nest.combine, output[place], value(state));
        });
      };
    }
    case 'sort':
      return ([input], [output]) => sortRows(input, output, nest);
    case 'ordered':
      return ordered(nest, kernel, builder);
  }
}

function ordered(
  nest: OrderedNest,
  kernel: Kernel,
  builder: Builder,
): (inputs: readonly Elements[], outputs: readonly Elements[]) => void {
  const run = interpretStatements(nest.body, kernel, x => builder.build(x) as (state: object) => number);
  let axes = nest.extents.length;
  visit(rootsOf(nest), x => {
    if (x.op === 'axis') axes = Math.max(axes, x.axis + 1);
  });
  return (inputs, outputs) => {
    const state = {
      axes: new Int32Array(axes),
      inputs: [...inputs, ...outputs],
      carries: nest.locals.map(() => 0),
      epoch: -1,
      renew(): void {
        this.epoch = epochs++;
      },
    };
    odometer(nest.extents, 0, state, () => run(state, outputs));
  };
}

function combine(how: Extract<Nest, { form: 'scatter' }>['combine'], before: number, value: number): number {
  switch (how) {
    case 'set':
      return value;
    case 'add':
      return before + value;
    case 'mul':
      return before * value;
    case 'min':
      return Math.min(before, value);
    case 'max':
      return Math.max(before, value);
  }
}

type MakeFrame = (inputs: readonly Elements[], rank: number) => Frame;

function reduce(
  nest: ReduceNest,
  builder: Builder,
  makeFrame: MakeFrame,
): (inputs: readonly Elements[], outputs: readonly Elements[]) => void {
  const terms = nest.accumulators.map(({ term }) => builder.build(term));
  const results = nest.results.map(x => builder.build(x));
  const kept = nest.extents.length - nest.reduced;
  return (inputs, outputs) => {
    const state = makeFrame(inputs, nest.extents.length);
    let place = 0;
    odometer(nest.extents.slice(0, kept), 0, state, () => {
      const running = nest.accumulators.map(startRunning);
      let position = 0;
      odometer(nest.extents, kept, state, () => {
        terms.forEach((term, i) => {
          running[i].take(term(state), position);
        });
        position++;
      });
      running.forEach((one, i) => {
        state.carries[i] = one.value();
      });
      state.epoch = epochs++;
      results.forEach((result, i) => {
        outputs[i][place] = result(state);
      });
      place++;
    });
  };
}

interface Running {
  take(term: number, position: number): void;
  value(): number;
}

function startRunning({ reducer, term }: Accumulator): Running {
  let value = startOf(reducer, term.type);
  const fit = wrap[term.type];
  switch (reducer) {
    case 'sum': {
      // Neumaier's compensation; infinities and NaN have none.
      let lost = 0;
      return {
        take(x) {
          const sum = value + x;
          lost += Math.abs(value) >= Math.abs(x) ? value - sum + x : x - sum + value;
          value = sum;
        },
        value: () => fit(Number.isFinite(value) ? value + lost : value),
      };
    }
    case 'argmin':
    case 'argmax': {
      let best = 0;
      return {
        take(x, position) {
          if ((reducer === 'argmax' ? x > value : x < value) || (Number.isNaN(x) && !Number.isNaN(value))) {
            value = x;
            best = position;
          }
        },
        value: () => best,
      };
    }
    default: {
      const join = {
        product: (a: number, b: number) => fit(a * b),
        min: Math.min,
        max: Math.max,
        and: (a: number, b: number) => a & b,
        or: (a: number, b: number) => a | b,
      }[reducer];
      return {
        take(x) {
          value = join(value, x);
        },
        value: () => value,
      };
    }
  }
}

function scan(
  nest: ScanNest,
  builder: Builder,
  makeFrame: MakeFrame,
): (inputs: readonly Elements[], outputs: readonly Elements[]) => void {
  const initial = nest.initial.map(x => builder.build(x));
  const step = nest.step.map(x => builder.build(x));
  const results = nest.results.map(x => builder.build(x));
  const n = nest.extents[nest.along];
  const others = nest.extents.map((extent, i) => (i === nest.along ? 1 : extent));
  return (inputs, outputs) => {
    const state = makeFrame(inputs, nest.extents.length);
    odometer(others, 0, state, () => {
      initial.forEach((value, i) => {
        state.carries[i] = value(state);
      });
      for (let k = 0; k < n; k++) {
        state.axes[nest.along] = nest.reverse ? n - 1 - k : k;
        state.epoch = epochs++;
        const next = step.map(value => value(state));
        next.forEach((value, i) => {
          state.carries[i] = value;
        });
        state.epoch = epochs++;
        let place = 0;
        for (let d = 0; d < nest.extents.length; d++) place = place * nest.extents[d] + state.axes[d];
        results.forEach((result, i) => {
          outputs[i][place] = result(state);
        });
      }
      state.axes[nest.along] = 0;
    });
  };
}
