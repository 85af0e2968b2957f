/** The tool for GradBench answers its protocol, and its twelve modules give GradBench's own numbers and JAX's. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';

type Json = number | string | boolean | null | readonly Json[] | { readonly [key: string]: Json };
interface Answer {
  readonly id: number;
  readonly success?: boolean;
  readonly output?: Json;
  readonly error?: string;
  readonly tool?: string;
  readonly timings?: readonly { readonly name: string; readonly nanoseconds: number }[];
}
interface Case {
  readonly title: string;
  readonly module: string;
  readonly function: string;
  readonly input: Json;
  readonly output: Json;
}

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const main = fileURLToPath(new URL('../../bench/gradbench/main.js', import.meta.url));

/** One session: every message sent, every answer. */
function session(messages: readonly object[]): Answer[] {
  const { stdout, stderr, status } = spawnSync(process.execPath, [main, '--threads', '1'], {
    input: messages.map((message, id) => `${JSON.stringify({ id, ...message })}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Answer);
}

const evaluate = (module: string, name: string, input: Json): object => ({
  kind: 'evaluate',
  module,
  function: name,
  input,
});

const golden: Case[] = readdirSync(new URL('golden', import.meta.url)).flatMap(file => {
  const { module, input, expected } = JSON.parse(read(`golden/${file}`));
  return Object.keys(expected).map(name => ({
    title: `${file} ${name}`,
    module,
    function: name,
    input,
    output: expected[name],
  }));
});
const computed: Case[] = (JSON.parse(read('expected.json')) as Omit<Case, 'title'>[]).map((one, i) => ({
  title: `expected.json ${i} ${one.module} ${one.function}`,
  ...one,
}));

/** Two outputs agree: the same form, and numbers to 1e-8, relative where they are large. */
function agree(actual: Json | undefined, expected: Json, path: string): void {
  if (typeof expected === 'number') {
    expect(actual, path).toBeTypeOf('number');
    const scale = Math.max(1, Math.abs(actual as number) + Math.abs(expected));
    expect(
      Math.abs((actual as number) - expected) / scale,
      `${path}: ${actual}, not ${expected}`,
    ).toBeLessThan(1e-8);
    return;
  }
  const [one, two] = [actual, expected] as [Record<string, Json>, Record<string, Json>];
  expect(Object.keys(one).sort(), path).toEqual(Object.keys(two).sort());
  for (const key of Object.keys(two)) agree(one[key], two[key], `${path}.${key}`);
}

describe('outputs', () => {
  const cases = [...golden, ...computed];
  let answers: Answer[] = [];
  beforeAll(() => {
    answers = session(cases.map(one => evaluate(one.module, one.function, one.input)));
  });

  test('all twelve modules take part', () => {
    expect([...new Set(cases.map(one => one.module))].sort()).toEqual(
      'ba det gmm hello ht kmeans llsq lse lstm ode particle saddle'.split(' '),
    );
  });

  test.each(cases.map((one, i) => [one.title, i] as const))('%s', (_, i) => {
    expect(answers[i].error).toBeUndefined();
    agree(answers[i].output, cases[i].output, cases[i].module);
  });
});

describe('protocol', () => {
  const x = [0.5, 0.25, 1];
  const messages = [
    { kind: 'start', eval: 'lse' },
    { kind: 'define', module: 'lse' },
    { kind: 'define', module: 'nosuch' },
    evaluate('lse', 'gradient', { x, min_runs: 3, min_seconds: 0 }),
    evaluate('lse', 'primal', { x, min_runs: 1, min_seconds: 0.05 }),
    evaluate('lse', 'hessian', { x }),
    evaluate('nosuch', 'primal', { x }),
    evaluate('det', 'primal', { A: [1, 2, 3], ell: 2 }),
    { kind: 'analysis', of: 3, valid: true },
    evaluate('hello', 'square', 3),
  ];
  let answers: Answer[] = [];
  beforeAll(() => {
    answers = session(messages);
  });
  const runs = (i: number): number[] =>
    answers[i].timings?.filter(timing => timing.name === 'evaluate').map(timing => timing.nanoseconds) ?? [];

  test('every message is answered in turn', () => {
    expect(answers.map(answer => answer.id)).toEqual(messages.map((_, id) => id));
    expect(answers[0].tool).toBe('cotangent');
    expect(answers[8]).toEqual({ id: 8 });
  });

  test('modules that are not there are refused, the session goes on', () => {
    expect(answers.map(answer => answer.success)).toEqual(
      [undefined, true, false, true, true, false, false, false, undefined, true], // one for each message
    );
    expect(answers[2].error).toMatch(/nosuch.*lse/s);
    expect(answers[5].error).toMatch(/hessian.*primal, gradient/s);
    expect(answers[6].error).toMatch(/nosuch/);
    expect(answers[7].error).toMatch(/CT101/);
    expect(answers[9].output).toBe(9);
  });

  test('a function runs min_runs times and for min_seconds', () => {
    expect(runs(3)).toHaveLength(3);
    expect(runs(4).reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(0.05e9);
    expect(answers[3].timings?.filter(timing => timing.name === 'prepare')).toHaveLength(1);
    expect(runs(9)).toHaveLength(1);
  });
});
