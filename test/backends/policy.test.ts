/** A page's policy may forbid generated code; the engine's own switch for that is used here. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const dist = new URL('../../dist/index.js', import.meta.url).href;
const program = `
  const { tensor, grad, jit, vmap } = await import('${dist}');
  const f = x => x.sin().mul(x.exp()).cumsum().sum();
  const x = tensor([0.5, 1, 2], 'float64');
  console.log(JSON.stringify([grad(f)(x), jit(grad(f))(x), vmap(x => x.mul(x))(x)].map(t => t.arraySync())));
`;

function run(...flags: string[]): number[][] {
  const options = { encoding: 'utf8' as const, cwd: fileURLToPath(new URL('../..', import.meta.url)) };
  return JSON.parse(
    execFileSync(process.execPath, [...flags, '--input-type=module', '-e', program], options),
  ) as number[][];
}

test('without generated code the results are the same', () => {
  const forbidden = run('--disallow-code-generation-from-strings');
  expect(forbidden).toEqual(run());
  const [gradient] = forbidden;
  // d/dx of Σ of running sums: the i-th of n terms counts n − i times.
  [0.5, 1, 2].forEach((x, i) => {
    expect(gradient[i]).toBeCloseTo((3 - i) * Math.exp(x) * (Math.sin(x) + Math.cos(x)), 12);
  });
});
