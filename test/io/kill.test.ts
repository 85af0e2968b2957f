/** A process that saves checkpoints is killed at any moment: what is there is always complete. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Tensor, tensor } from 'cotangent';
import { listCheckpoints, loadCheckpoint, saveCheckpoint } from 'cotangent/io';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const like = { step: 0, weights: [tensor(new Float32Array(20000)), tensor(new Float64Array(3000))] };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cotangent-kill-'));
  await build({
    entryPoints: [here('saver.ts')],
    outfile: join(folder, 'saver.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // package.json speaks of the built files only.
    ignoreAnnotations: true,
    alias: { cotangent: here('../../src/index.ts'), 'cotangent/io': here('../../src/io/index.ts') },
  });
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the process until it has saved and a little longer, kills it, and gives the last step that it reported. */
function runAndKill(path: string, first: number, longer: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(folder, 'saver.mjs'), path, String(first)]);
    let said = '';
    let failure = '';
    child.stderr.on('data', text => {
      failure += text;
    });
    child.stdout.on('data', text => {
      if (said === '') setTimeout(() => child.kill('SIGKILL'), longer);
      said += text;
    });
    child.on('close', (_, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(failure));
      else resolve(Number(said.trimEnd().split('\n').at(-1)));
    });
  });
}

it('killed while it saves, again and again: every file is whole, and the newest is never older than reported', async () => {
  const path = join(folder, 'model.safetensors');
  let last = 0;
  for (let round = 0; round < 6; round++) {
    const reported = await runAndKill(path, last, 1 + round * 3.1);
    const files = await listCheckpoints(path);
    expect(files[0]).toBe(path);
    const steps: number[] = [];
    for (const file of files) {
      const { step, weights } = await loadCheckpoint(file, like);
      for (const one of weights as Tensor[])
        expect(new Set(one.dataSync()), `${file} of step ${step}`).toEqual(new Set([step]));
      steps.push(step);
    }
    // The write of the step after the reported one may have come through.
    expect(steps[0] - reported).toBeGreaterThanOrEqual(0);
    expect(steps[0] - reported).toBeLessThanOrEqual(1);
    expect(steps[0]).toBeGreaterThan(last);
    // Steps follow one another; stopped between two renames, two names may stand for the newest one.
    for (let i = 1; i < steps.length; i++) expect(steps[i - 1] - steps[i]).toBeOneOf(i === 1 ? [0, 1] : [1]);
    expect(new Set(steps).size).toBeGreaterThanOrEqual(Math.min(3, steps[0]));
    [last] = steps;
  }
  // The next who saves removes what the dead ones left.
  await saveCheckpoint(path, { step: last + 1, weights: like.weights }, { keep: 3 });
  const left = await readdir(folder);
  expect(left.filter(name => name.endsWith('.tmp'))).toEqual([]);
  expect(left.sort()).toEqual(
    ['model.1.safetensors', 'model.2.safetensors', 'model.3.safetensors', basename(path), 'saver.mjs'].sort(),
  );
});
