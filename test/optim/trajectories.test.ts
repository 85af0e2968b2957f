/** Optimisers and schedules against optax, in float64. */
import { grad, jit, type Tensor, tensor, tree } from 'cotangent';
import * as optim from 'cotangent/optim';
import { describe, expect, it } from 'vitest';
import { decoded, losses, type Params, recorded, start } from './trajectories.ts';

const tolerance = 1e-10;

function expectClose(actual: ArrayLike<number>, expected: unknown, what: string): void {
  const numbers = [expected].flat(3) as number[];
  expect(actual.length).toBe(numbers.length);
  numbers.forEach((value, i) => {
    const error = Math.abs(actual[i] - value) / Math.max(1, Math.abs(value));
    expect(error, `${what}[${i}]: ${actual[i]}, optax ${value}`).toBeLessThan(tolerance);
  });
}

describe.each(recorded.trajectories.map(one => [one.id, one] as const))('%s', (_, trajectory) => {
  it.each(['quadratic', 'network'] as const)('takes the steps of optax on the %s, traced once', problem => {
    const optimizer: optim.Optimizer = decoded(trajectory.optimizer);
    let params = start(problem);
    let state = optimizer.init(params);
    const step = jit(
      (p: Params, s: typeof state): [Params, typeof state] => {
        const [updates, next] = optimizer.update(grad(losses[problem])(p), s, p);
        return [optim.applyUpdates(p, updates), next];
      },
      { donate: [0, 1] },
    );
    let i = 0;
    recorded.steps.forEach((until, k) => {
      for (; i < until; i++) [params, state] = step(params, state);
      for (const [name, values] of Object.entries(trajectory[problem][k]))
        expectClose(params[name].dataSync(), values, `step ${until}: ${name}`);
    });
    expect(step.traces).toBe(1);
    for (const leaf of tree.flatten(state).leaves)
      expect(['int32', 'float64']).toContain((leaf as Tensor).dtype);
  });
});

describe('schedules', () => {
  it.each(recorded.schedules.map(one => [one.id, one] as const))('%s has the values of optax', (_, one) => {
    const schedule: optim.Schedule = decoded(one.schedule);
    const steps = tensor(one.steps, 'int32');
    expectClose(schedule(steps).dataSync(), one.values, 'eager');
    expectClose(jit(schedule)(steps).dataSync(), one.values, 'compiled');
    expect(schedule(3).shape).toEqual([]);
  });
});
