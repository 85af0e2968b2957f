/** Saves checkpoints for ever: the process that kill.test.ts kills. Arguments: the path, the first step. */
import { tensor } from 'cotangent';
import { loadCheckpoint, saveCheckpoint } from 'cotangent/io';

const [path, first] = process.argv.slice(2);
const like = { step: 0, weights: [tensor(new Float32Array(20000)), tensor(new Float64Array(3000))] };
let step = Number(first);
if (step > 0) ({ step } = await loadCheckpoint(path, like));
for (;;) {
  step++;
  const weights = [tensor(new Float32Array(20000).fill(step)), tensor(new Float64Array(3000).fill(step))];
  await saveCheckpoint(path, { step, weights }, { keep: 3 });
  process.stdout.write(`${step}\n`);
}
