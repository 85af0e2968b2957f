/** Recurrent nets agree with PyTorch in values and gradients; laws of lengths, steps, carries and directions. */
import {
  grad,
  jit,
  ShapeMismatch,
  slice,
  stack,
  stopGradient,
  type Tensor,
  tensor,
  tree,
  valueAndGrad,
  vjp,
  vmap,
} from 'cotangent';
import * as nn from 'cotangent/nn';
import * as random from 'cotangent/random';
import { describe, expect, it, test } from 'vitest';
import { expectClose, f64, read, type Value } from '../oracle/torch/read.ts';

type Cell = Record<string, Value>;

interface Case {
  readonly id: string;
  readonly kind: 'RNN' | 'GRU' | 'LSTM';
  readonly layers: number;
  readonly bidirectional: boolean;
  readonly lengths: readonly number[] | null;
  readonly bias: boolean;
  readonly activation: 'tanh' | 'relu';
  readonly x: Value;
  readonly carry: readonly Value[];
  readonly cells: { readonly value: readonly Cell[]; readonly gradient: readonly Cell[] };
  readonly outputs: Value;
  readonly last: readonly Value[];
  readonly cotangents: readonly Value[];
  readonly dx: Value;
  readonly dcarry: readonly Value[];
}

type Carry = Tensor | nn.LSTMCarry;
type Net = nn.Recurrent<Carry>;
const dtype = 'float64';
const numbers = (x: Tensor): number[] => [...x.dataSync()];
const close = (a: Tensor, b: Tensor, tolerance = 1e-13): void =>
  expectClose(a, { shape: b.shape, data: numbers(b) }, 'tensor', tolerance);

function netOf({ kind, layers, bidirectional, bias, activation, x }: Case): Net {
  const options = { layers, bidirectional, bias, dtype } as const;
  const key = random.key(0);
  const [, , inputs] = x.shape;
  if (kind === 'RNN')
    return new nn.RNN(key, inputs, 3, { ...options, ...(activation === 'relu' && { activation: nn.relu }) });
  return (kind === 'GRU' ? new nn.GRU(key, inputs, 3, options) : new nn.LSTM(key, inputs, 3, options)) as Net;
}

/** The net with these tensors in its cells. */
function withCells(net: Net, cells: readonly Cell[]): Net {
  let next = 0;
  const filled = net.cells.map(directions =>
    directions.map(cell => {
      const fields = Object.entries(cells[next++]).map(([name, value]) => [name, f64(value)]);
      return Object.assign(
        Object.create(Object.getPrototypeOf(cell) as object),
        cell,
        Object.fromEntries(fields),
      );
    }),
  );
  return Object.assign(Object.create(Object.getPrototypeOf(net) as object), net, { cells: filled }) as Net;
}

/** PyTorch's states, [cell, batch, size] each, as one carry for each cell. */
function carryOf(states: readonly Tensor[]): Carry[] {
  return Array.from({ length: states[0].shape[0] }, (_, i) => {
    const [h, c] = states.map(state => state.at(i).get());
    return c === undefined ? h : { h, c };
  });
}

function statesOf(carry: readonly Carry[]): Tensor[] {
  const lists = carry.map(one => ('h' in one ? [one.h, one.c] : [one]));
  return lists[0].map((_, i) => stack(lists.map(list => list[i])));
}

describe('PyTorch', () => {
  const { recurrent } = read<{ recurrent: Case[] }>('recurrent');

  test.each(recurrent.map(one => [one.id, one] as const))('%s', (_, one) => {
    const net = withCells(netOf(one), one.cells.value);
    const f = (model: Net, x: Tensor, states: Tensor[]): Tensor[] => {
      const options = one.lengths === null ? {} : { lengths: one.lengths };
      const [outputs, last] = model.run(x, { carry: carryOf(states), ...options });
      return [outputs, ...statesOf(last)];
    };
    const pull = (model: Net, x: Tensor, states: Tensor[]) => {
      const [out, pullback] = vjp(f, model, x, states);
      return [out, pullback(one.cotangents.map(f64))] as const;
    };
    const [out, [dnet, dx, dcarry]] = jit(pull)(net, f64(one.x), one.carry.map(f64));
    [one.outputs, ...one.last].forEach((expected, i) => {
      expectClose(out[i], expected, `output ${i}`);
    });
    expectClose(dx as Tensor, one.dx, 'dx');
    one.dcarry.forEach((expected, i) => {
      expectClose((dcarry as Tensor[])[i], expected, `carry ${i}`);
    });
    (dnet as unknown as Net).cells.flat().forEach((cell, i) => {
      const expected = one.cells.gradient[i];
      for (const [name, value] of Object.entries(expected))
        expectClose((cell as unknown as Record<string, Tensor>)[name], value, `cell ${i}.${name}`);
      expect(Object.keys(expected).length).toBe(tree.flatten(cell).leaves.length);
    });
  });
});

const nets: [string, Net][] = [
  ['RNN', new nn.RNN(random.key(1), 3, 4, { dtype, layers: 2 }) as Net],
  ['GRU', new nn.GRU(random.key(1), 3, 4, { dtype, layers: 2 }) as Net],
  ['LSTM', new nn.LSTM(random.key(1), 3, 4, { dtype, layers: 2 }) as Net],
];
const x = random.normal(random.key(2), [2, 5, 3], { dtype });
const time = (t: number): Tensor => x.at(':', t).get();

describe.each(nets)('%s', (_, net) => {
  it('run is step by step', () => {
    let carry = net.initialCarry(2);
    const [outputs, last] = net.run(x);
    expect(outputs.shape).toEqual([2, 5, 4]);
    for (let t = 0; t < 5; t++) {
      let y: Tensor;
      [carry, y] = net.step(carry, time(t));
      close(outputs.at(':', t).get(), y);
    }
    tree.map((a: Tensor, b: Tensor) => close(a, b), last, carry);
  });

  it('goes on from a carry', () => {
    const [all] = net.run(x);
    const [, carry] = net.run(x.at(':', [0, 1]).get());
    const [rest] = net.run(x.at(':', [2, 3, 4]).get(), { carry });
    close(rest, all.at(':', [2, 3, 4]).get());
  });

  it('lengths give what each example gives by itself, whatever stands after its end', () => {
    const garbage = x.at(0, [3, 4]).set(Number.NaN);
    const loss = (model: Net, x: Tensor): Tensor =>
      model
        .run(x, { lengths: [3, 5] })[0]
        .square()
        .sum();
    const alone = (model: Net, x: Tensor): Tensor =>
      model
        .forward(x.at(slice(0, 1), slice(0, 3)).get())
        .square()
        .sum()
        .add(
          model
            .forward(x.at(slice(1, 2)).get())
            .square()
            .sum(),
        );
    const [value, [dnet, dx]] = valueAndGrad(loss, { argnums: [0, 1] })(net, garbage);
    const [expected, [dalone, dxAlone]] = valueAndGrad(alone, { argnums: [0, 1] })(net, x);
    close(value, expected);
    close(dx, dxAlone);
    tree.map((a: Tensor, b: Tensor) => close(a, b, 1e-12), dnet, dalone);
  });

  it('a mask leaves steps out', () => {
    const mask = tensor([
      [true, false, true, true, false],
      [false, true, true, false, true],
    ]);
    const [outputs, carry] = net.run(x, { mask });
    const kept = [
      [0, 2, 3],
      [1, 2, 4],
    ];
    kept.forEach((times, i) => {
      const [alone, last] = net.run(x.at(slice(i, i + 1), times).get());
      close(outputs.at(slice(i, i + 1), times).get(), alone);
      tree.map((a: Tensor, b: Tensor) => close(a.at(slice(i, i + 1)).get(), b), carry, last);
    });
    expect(numbers(outputs.at(0, [1, 4]).get()).every(value => value === 0)).toBe(true);
  });

  it('gives the same under vmap, and with checkpoints', () => {
    const loss = (model: Net, x: Tensor): Tensor => model.forward(x.expandDims(0)).square().sum();
    const each = vmap(grad(loss), { inAxes: [null, 0] })(net, x);
    const alone = grad(loss)(net, x.at(1).get());
    tree.map((a: Tensor, b: Tensor) => close(a.at(1).get(), b), each, alone);
    const whole = grad((model: Net) => model.forward(x).square().sum())(net);
    const segments = grad((model: Net) => model.run(x, { checkpoint: 'sqrt' })[0].square().sum())(net);
    tree.map((a: Tensor, b: Tensor) => close(a, b), whole, segments);
  });
});

describe('directions', () => {
  const net = new nn.GRU(random.key(3), 3, 4, { dtype, bidirectional: true });

  it('the second is the first of the sequence turned round', () => {
    const [forward, backward] = net.cells[0];
    const one = new nn.Recurrent(random.key(0), 3, () => backward);
    const other = new nn.Recurrent(random.key(0), 3, () => forward);
    const out = net.forward(x);
    expect(out.shape).toEqual([2, 5, 8]);
    close(out.at(':', ':', [0, 1, 2, 3]).get(), other.forward(x));
    close(out.at(':', ':', [4, 5, 6, 7]).get(), one.forward(x.flip(1)).flip(1));
  });

  it('have no single step', () => expect(() => net.step(net.initialCarry(2), time(0))).toThrow(/CT112/));
});

describe('truncated backpropagation', () => {
  const weights = random.normal(random.key(4), [2, 5, 4], { dtype });
  test.each([
    ['one direction', new nn.LSTM(random.key(5), 3, 4, { dtype, layers: 2 })],
    ['both directions', new nn.LSTM(random.key(5), 3, 2, { dtype, bidirectional: true })],
  ])('in %s: the values stay, the gradient is that of chunks with constant carries', (_, net) => {
    const loss = (model: nn.LSTM, x: Tensor): Tensor => model.run(x, { truncate: 2 })[0].mul(weights).sum();
    const [value, found] = valueAndGrad(loss, { argnums: [0, 1] })(net, x);
    close(value, net.forward(x).mul(weights).sum());
    // By hand: every chunk by itself, with the carries that the whole run had at its ends.
    const byHand = (model: nn.LSTM, x: Tensor): Tensor => {
      const chunks = [[0, 1], [2, 3], [4]];
      const [forward, backward] = [0, 1].map(direction =>
        model.bidirectional || direction === 0 ? direction : null,
      );
      let sum = tensor(0, dtype) as Tensor;
      if (!model.bidirectional) {
        let carry = model.initialCarry(2);
        for (const chunk of chunks) {
          const [outputs, last] = model.run(x.at(':', chunk).get(), { carry: stopGradient(carry) });
          carry = last;
          sum = sum.add(outputs.mul(weights.at(':', chunk).get()).sum());
        }
        return sum;
      }
      for (const direction of [forward, backward]) {
        const cell = model.cells[0][direction as number];
        let carry = cell.initialCarry(2);
        const order = direction === 0 ? [0, 1, 2, 3, 4] : [4, 3, 2, 1, 0];
        for (const t of order) {
          const cut = direction === 0 ? t % 2 === 0 : (t + 1) % 2 === 0;
          const [next, y] = cell.step(cut ? stopGradient(carry) : carry, x.at(':', t).get());
          carry = next;
          const columns = direction === 0 ? [0, 1] : [2, 3];
          sum = sum.add(y.mul(weights.at(':', t, columns).get()).sum());
        }
      }
      return sum;
    };
    const expected = grad(byHand, { argnums: [0, 1] })(net, x);
    tree.map((a: Tensor, b: Tensor) => close(a, b, 1e-12), found, expected);
    const whole = grad((model: nn.LSTM) => model.forward(x).mul(weights).sum())(net);
    const difference = whole.cells[0][0].stateWeight.sub(found[0].cells[0][0].stateWeight).abs().max();
    expect(difference.item()).toBeGreaterThan(1e-3);
  });
});

describe('initial values and passes', () => {
  it('orthogonal weights of the state, a forget gate that is open', () => {
    const cell = new nn.LSTMCell(random.key(0), 3, 5, { dtype });
    for (let gate = 0; gate < 4; gate++) {
      const u = cell.stateWeight
        .at(
          ':',
          [0, 1, 2, 3, 4].map(i => gate * 5 + i),
        )
        .get();
      close(
        u.T.matmul(u),
        tensor(
          [0, 1, 2, 3, 4].map(i => [0, 1, 2, 3, 4].map(j => Number(i === j))),
          dtype,
        ),
      );
    }
    expect(numbers(cell.bias as Tensor)).toEqual([0, 1, 0, 0].flatMap(b => [b, b, b, b, b]));
    const wide = nn.orthogonal()(random.key(1), [2, 4], { dtype });
    close(
      wide.matmul(wide.T),
      tensor(
        [
          [1, 0],
          [0, 1],
        ],
        dtype,
      ),
    );
    expect(() => nn.orthogonal()(random.key(1), [3])).toThrow(/CT112/);
  });

  it('dropout between layers, in training only', () => {
    const net = new nn.RNN(random.key(0), 3, 64, { layers: 2, dropout: 0.25 });
    const input = random.normal(random.key(1), [8, 3, 3]);
    const key = random.key(2);
    const train = (): Tensor => net.forward(input, nn.training(net, { key }));
    expect(numbers(net.forward(input, nn.evaluation(net)))).toEqual(numbers(net.forward(input)));
    expect(numbers(train())).toEqual(numbers(train()));
    expect(numbers(train())).not.toEqual(numbers(net.forward(input)));
    expect(() => net.forward(input, nn.training(net))).toThrow(/key/);
    // With identity weights in the second layer the dropout itself is seen.
    const single = new nn.RNN(random.key(0), 3, 64, { dropout: 0.9 });
    expect(numbers(single.forward(input, nn.training(single, { key })))).toEqual(
      numbers(single.forward(input)),
    );
  });

  it('computes in the wider of the types of x and the weights', () => {
    const net = new nn.GRU(random.key(0), 3, 4);
    expect(net.forward(x).dtype).toBe('float64');
    expect(net.forward(x.astype('float32')).dtype).toBe('float32');
  });
});

describe('errors', () => {
  const net = new nn.LSTM(random.key(0), 3, 4);
  const sequences = random.normal(random.key(1), [2, 5, 3]);
  it.each<[string, () => unknown, RegExp | typeof ShapeMismatch]>([
    ['another number of inputs', () => net.forward(random.normal(random.key(1), [2, 5, 4])), ShapeMismatch],
    ['no batch', () => net.forward(random.normal(random.key(1), [5, 3])), /batch of one/],
    ['too long', () => net.run(sequences, { lengths: [5, 6] }), /from 0 to 5/],
    ['too few lengths', () => net.run(sequences, { lengths: [5] }), ShapeMismatch],
    ['float lengths', () => net.run(sequences, { lengths: tensor([5, 4]) }), /CT118/],
    ['both', () => net.run(sequences, { lengths: [5, 4], mask: [[true]] }), /one of them/],
    ['a mask of numbers', () => net.run(sequences, { mask: [[1]] }), /CT118/],
    [
      'a carry of another batch',
      () => net.run(sequences, { carry: net.initialCarry(1) }),
      /carry float32\[1,4\]/,
    ],
    ['a carry of another cell', () => net.run(sequences, { carry: [tensor([1])] as never }), /CT106/],
    ['a carry of another net', () => net.run(sequences, { carry: [] }), /CT112/],
    ['no chunk', () => net.run(sequences, { truncate: 0 }), /positive number of steps/],
    ['no layers', () => new nn.LSTM(random.key(0), 3, 4, { layers: 0 }), /CT112/],
    ['no size', () => new nn.LSTM(random.key(0), 3, 0), /positive integers/],
  ])('%s', (_, wrong, message) => expect(wrong).toThrow(message));
});
