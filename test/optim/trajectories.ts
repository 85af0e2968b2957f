/** The trajectories that optax made (test/oracle/generate/optimisers.py), and the problems they are of. */
import { readFileSync } from 'node:fs';
import { type Tensor, tensor } from 'cotangent';
import * as optim from 'cotangent/optim';

/** A number or nested lists of them. */
type Numbers = number | readonly Numbers[];
export type Params = Record<string, Tensor>;

interface Problem {
  readonly start: Readonly<Record<string, Numbers>>;
}

export interface Trajectory {
  readonly id: string;
  readonly optimizer: unknown;
  readonly quadratic: readonly Record<string, Numbers>[];
  readonly network: readonly Record<string, Numbers>[];
}

interface Recorded {
  readonly steps: readonly number[];
  readonly problems: {
    readonly quadratic: Problem & { readonly a: Numbers; readonly c: Numbers };
    readonly network: Problem & { readonly x: Numbers; readonly y: Numbers };
  };
  readonly trajectories: readonly Trajectory[];
  readonly schedules: readonly {
    readonly id: string;
    readonly schedule: unknown;
    readonly steps: readonly number[];
    readonly values: readonly number[];
  }[];
}

export const recorded = JSON.parse(
  readFileSync(new URL('trajectories.json', import.meta.url), 'utf8'),
) as Recorded;

const float64 = (values: Numbers): Tensor => tensor(values as number[], 'float64');

export const start = (problem: keyof Recorded['problems']): Params =>
  Object.fromEntries(
    Object.entries(recorded.problems[problem].start).map(([name, values]) => [name, float64(values)]),
  );

/** Σ a(x − c)²/2, and the mean squared error of a network with one hidden layer. */
export const losses: Record<keyof Recorded['problems'], (params: Params) => Tensor> = {
  quadratic: ({ x }) => {
    const { a, c } = recorded.problems.quadratic;
    return x.sub(float64(c)).square().mul(float64(a)).sum().mul(0.5);
  },
  network: ({ w1, b1, w2, b2 }) => {
    const { x, y } = recorded.problems.network;
    return float64(x).matmul(w1).add(b1).tanh().matmul(w2).add(b2).sub(float64(y)).square().mean();
  },
};

/** {"call": name, "args": […]} stands for a call of that function, {"matrices": true} for the mask of matrices. */
export function decoded(value: unknown): never {
  if (Array.isArray(value)) return value.map(decoded) as never;
  if (typeof value !== 'object' || value === null) return value as never;
  if ('matrices' in value) return ((_: string, leaf: Tensor) => leaf.ndim > 1) as never;
  if ('call' in value) {
    const { call, args } = value as unknown as { call: string; args: unknown[] };
    const functions = optim as unknown as Record<string, (...all: unknown[]) => unknown>;
    return functions[call](...args.map(decoded)) as never;
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, decoded(part)])) as never;
}
