/** Loops that never yield drop their results for ever, and yet the process stays within the budget. */
import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';

const megabyte = 2 ** 20;
const dist = new URL('../../dist/index.js', import.meta.url).href;

/** Runs steps in a process of its own; gives its peak of resident memory and what the loop left, in bytes. */
function loop(
  step: string,
  budget: number,
  steps: number,
  elements: number,
): Promise<{ peak: number; held: number; last: number }> {
  const program = `
    const { jit, zeros, config, memory } = await import('${dist}');
    config({ memoryBudget: ${budget} });
    const x = zeros([${elements}]).add(1);
    const step = ${step};
    let y = x;
    for (let i = 0; i < ${steps}; i++) y = step(x, y);
    const last = y.at(${elements - 1}).get().item();
    // Not resourceUsage().maxRSS, which begins with the size of the process that this one was forked from.
    const { readFileSync, existsSync } = await import('node:fs');
    const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
    const peak = Number(/VmHWM:\\s+(\\d+) kB/.exec(status)?.[1] ?? process.memoryUsage().rss / 1024) * 1024;
    console.log(JSON.stringify({ peak, held: memory().bytes, last }));`;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--input-type=module', '-e', program], (error, out) =>
      error === null ? resolve(JSON.parse(out)) : reject(error),
    );
  });
}

const mega = megabyte / 4;

test.each([
  ['jitted steps', 'jit((x, y) => x.mul(2).add(y))', 3000, mega],
  ['operations', '(x, y) => x.add(y)', 3000, mega],
  ['small results', '(x, y) => x.add(y)', 100_000, 64],
])('%s stay within the budget', async (_, step, steps, elements) => {
  const budget = 256 * megabyte;
  const { peak, held, last } = await loop(step, budget, steps, elements);
  expect(last).toBe(step.includes('mul') ? 1 + 2 * steps : 1 + steps);
  expect(held).toBeLessThanOrEqual(budget);
  expect(peak).toBeLessThan(budget + 200 * megabyte);
});
