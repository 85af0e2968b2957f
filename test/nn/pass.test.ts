/** Passes: keys, the state of layers by path, the same inside jit and grad, and what containers hand on. */
import { BadArgument, grad, jit, ShapeMismatch, type Tensor, tensor } from 'cotangent';
import * as nn from 'cotangent/nn';
import * as random from 'cotangent/random';
import { describe, expect, it } from 'vitest';

const numbers = (x: Tensor): number[] => [...x.dataSync()];

/** Counts its passes in training, and adds the count to its input. */
class Counter extends nn.Module {
  weight: Tensor = tensor(2);

  initialState(): { count: Tensor } {
    return { count: tensor(0) };
  }

  forward(x: Tensor, pass?: nn.Pass): Tensor {
    if (pass === undefined) return x;
    const { count } = pass.read(this);
    if (pass.training) pass.write(this, { count: count.add(1) });
    return x.mul(this.weight).add(count);
  }
}

const model = (): nn.Sequential =>
  new nn.Sequential(new Counter(), x => x.mul(10), new nn.Residual(new nn.Sequential(new Counter())));

describe('the state of a model', () => {
  it('is there for every layer that has one, by its path', () => {
    expect(Object.keys(nn.initialState(model()))).toEqual(['layers[0]', 'layers[2].body.layers[0]']);
    expect(Object.keys(nn.initialState({ a: [new Counter()], b: new Map([['c', new Counter()]]) }))).toEqual([
      'a[0]',
      'b.get(c)',
    ]);
    expect(Object.keys(nn.initialState(new Counter()))).toEqual(['']);
    expect(nn.initialState(new nn.Linear(random.key(0), 2, 3))).toEqual({});
  });

  it('goes from pass to pass through jit and grad', () => {
    const step = jit((m: nn.Sequential, state: nn.ModelState, x: Tensor) =>
      grad(
        (own: nn.Sequential) => {
          const pass = nn.training(own, { state });
          return [own.forward(x, pass), pass.state] as [Tensor, nn.ModelState];
        },
        { hasAux: true },
      )(m),
    );
    const m = model();
    let state = nn.initialState(m);
    let slope = m;
    for (let i = 0; i < 3; i++) [slope, state] = step(m, state, tensor(1)) as [nn.Sequential, nn.ModelState];
    expect(step.traces).toBe(1);
    expect(Object.values(state).map(own => own.count.item())).toEqual([3, 3]);
    // y = 10(w₁x + 2), z = y + w₂y + 2: ∂z/∂w₁ = 10x(1 + w₂), ∂z/∂w₂ = y.
    expect((slope.layers[0] as Counter).weight.item()).toBe(30);
    const inner = (slope.layers[2] as nn.Residual).body as nn.Sequential;
    expect((inner.layers[0] as Counter).weight.item()).toBe(40);
    const evaluated = m.forward(tensor(1), nn.evaluation(m, { state }));
    expect(evaluated.item()).toBe(10 * (2 + 3) * 3 + 3);
  });

  it('must be given, and belong to the model', () => {
    const m = model();
    expect(() => m.forward(tensor(1), nn.training(m))).toThrow(BadArgument);
    expect(() => m.forward(tensor(1), nn.training(m))).toThrow(/initialState\(model\)/);
    expect(() => m.forward(tensor(1), nn.evaluation(model(), { state: nn.initialState(m) }))).toThrow(
      /not in the model/,
    );
    expect(() => nn.training(new Counter(), { state: nn.initialState(m) })).toThrow(/'layers\[0\]'/);
  });
});

describe('keys of a pass', () => {
  it('are folded in one after another, and asked for', () => {
    const key = random.key(7);
    const pass = nn.training(null, { key });
    expect([pass.key(), pass.key()].map(numbers)).toEqual([0, 1].map(i => numbers(random.foldIn(key, i))));
    expect(() => nn.training(null).key()).toThrow(/training\(model, \{ state, key \}\)/);
  });
});

describe('a residual', () => {
  it('adds its body to its input, or to the shortcut', () => {
    const x = tensor([1, 2]);
    expect(numbers(new nn.Residual(a => a.square()).forward(x))).toEqual([2, 6]);
    expect(
      numbers(
        new nn.Residual(
          a => a.square(),
          a => a.mul(10),
        ).forward(x),
      ),
    ).toEqual([11, 24]);
    expect(() => new nn.Residual(a => a.sum()).forward(x)).toThrow(ShapeMismatch);
  });
});
