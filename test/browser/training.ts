/** Training in the page while it draws: the loop leaves time for frames. */
import * as ct from 'cotangent';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';
import * as loop from 'cotangent/train';

export interface Training {
  /** All bits of the trained parameters. */
  readonly weights: readonly number[];
  readonly first: number;
  readonly last: number;
  readonly seconds: number;
  /** Frames that were drawn meanwhile. */
  readonly frames: number;
  readonly aborted: string;
}

export async function train(): Promise<Training> {
  const { requestAnimationFrame: onFrame } = globalThis as {
    requestAnimationFrame?: (f: () => void) => void;
  };
  let frames = 0;
  let running = true;
  const count = (): void => {
    frames++;
    if (running) onFrame?.(count);
  };
  onFrame?.(count);
  const x = random.normal(random.key(1), [512, 16]);
  const data = { x, y: x.square().sum(1).greater(16).astype('int32') };
  const model = nn.mlp(random.key(0), [16, 64, 2]);
  const task = {
    loss: (logits: ct.Tensor, { y }: { y: ct.Tensor }): ct.Tensor => nn.crossEntropy(logits, y),
    optimizer: optim.adam({ learningRate: 0.003 }),
    progress: 'none' as const,
  };
  const start = performance.now();
  const { model: trained, history } = await loop.fit(model, data, { ...task, epochs: 200 });
  const seconds = (performance.now() - start) / 1000;
  running = false;
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  const { reason } = await loop.fit(model, data, { ...task, epochs: 1_000_000, signal: stop.signal });
  return {
    weights: ct.tree.flatten(trained).leaves.flatMap(leaf => [...(leaf as ct.Tensor).dataSync()]),
    first: history[0].training.loss,
    last: history[history.length - 1].training.loss,
    seconds,
    frames,
    aborted: reason,
  };
}
