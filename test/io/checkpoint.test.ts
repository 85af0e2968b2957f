/** A tree comes back as it was, bit for bit; a damaged file or another tree is an error that says what is wrong. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadArgument, jit, type Tensor, tensor, tree, valueAndGrad, WrongTree } from 'cotangent';
import {
  inspectCheckpoint,
  listCheckpoints,
  loadCheckpoint,
  loadSafetensors,
  readCheckpoint,
  saveCheckpoint,
  saveSafetensors,
  writeCheckpoint,
} from 'cotangent/io';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cotangent-checkpoint-'));
});
afterAll(() => rm(folder, { recursive: true }));

const plain = {
  name: 'näme "quoted"',
  numbers: [0.1, -0, NaN, -Infinity, 2 ** 53],
  nested: { $: 'NaN', list: [[], {}, null, true], 'cotangent.sha256': '"cotangent.sha256":"' },
};

describe('a tree', () => {
  it('comes back as it was', async () => {
    const original = {
      model: nn.mlp(random.key(1), [3, 4, 2]),
      key: random.key(7),
      dtypes: [
        tensor([1.5, NaN], 'float64'),
        tensor([true, false]),
        tensor([-5], 'int8'),
        tensor([[7]], 'uint8'),
        tensor([2 ** 32 - 1], 'uint32'),
        tensor([], { shape: [0, 2] }),
      ],
      arrays: [Float32Array.of(0.1), Int16Array.of(-3, 4), BigInt64Array.of(-(2n ** 60n)), new Uint8Array(0)],
      map: new Map<unknown, Tensor>([
        ['a.b', tensor(1)],
        [3, tensor(2)],
      ]),
      'a.b': { c: tensor(3) },
      a: { 'b.c': tensor(4), f: Math.sin, nothing: undefined },
      step: 12,
      plain,
    };
    const like = {
      ...(tree.map(
        (leaf: unknown) => (leaf instanceof Object && 'mul' in leaf ? (leaf as Tensor).mul(0) : leaf),
        {
          ...original,
          plain: null,
          arrays: [],
          dtypes: [],
        },
      ) as object),
      dtypes: original.dtypes,
      arrays: original.arrays.map(one => new (one.constructor as Float32ArrayConstructor)(one.length)),
      step: 0,
      plain: null,
    } as unknown as typeof original;
    const found = await readCheckpoint(await writeCheckpoint(original), like);
    const [before, after] = [tree.flatten(original), tree.flatten(found)];
    expect(after.leaves.length).toBe(before.leaves.length);
    before.leaves.forEach((leaf, i) => {
      const other = after.leaves[i];
      if (typeof leaf !== 'object') expect(other).toBe(leaf);
      else if (ArrayBuffer.isView(leaf)) expect(other).toEqual(leaf);
      else {
        expect(String((other as Tensor).aval)).toBe(String((leaf as Tensor).aval));
        expect((other as Tensor).dataSync()).toEqual((leaf as Tensor).dataSync());
      }
    });
    expect(found.plain).toEqual(plain);
    expect(found.model).toBeInstanceOf(original.model.constructor);
    expect(found.a.f).toBe(Math.sin);
    expect([...found.map.keys()]).toEqual(['a.b', 3]);
  });

  it('is a tensor, a number, or text, too', async () => {
    expect((await readCheckpoint(await writeCheckpoint(tensor([1, 2])), tensor([0, 0]))).arraySync()).toEqual(
      [1, 2],
    );
    expect(await readCheckpoint(await writeCheckpoint('text'), '')).toBe('text');
    expect(await readCheckpoint(await writeCheckpoint(null), 5)).toBe(null);
  });

  it('is read before the first await: training goes on in its memory', async () => {
    const step = jit((w: Tensor) => w.mul(2), { donate: [0] });
    let w = tensor([1, 2, 3]).mul(1);
    const path = join(folder, 'donated.safetensors');
    const saved = saveCheckpoint(path, { w });
    for (let i = 0; i < 3; i++) w = step(w);
    await saved;
    expect((await loadCheckpoint(path, { w })).w.arraySync()).toEqual([1, 2, 3]);
  });

  it('training that goes on from a checkpoint gives the bits of training that was not interrupted', async () => {
    const x = random.normal(random.key(0), [16, 3]);
    const y = x.square().sum({ axis: 1, keepdims: true });
    const optimizer = optim.adam({ learningRate: 0.01 });
    const start = (seed: number) => {
      const model = nn.mlp(random.key(seed), [3, 8, 1]);
      return { model, state: optimizer.init(model), step: 0 };
    };
    const advance = jit((model: nn.Sequential, state: ReturnType<typeof start>['state']) => {
      const loss = (m: nn.Sequential): Tensor => (m.forward(x) as Tensor).sub(y).square().mean();
      const [, gradients] = valueAndGrad(loss)(model);
      const [updates, next] = optimizer.update(gradients, state, model);
      return [optim.applyUpdates(model, updates), next] as const;
    });
    const train = (from: ReturnType<typeof start>, steps: number): ReturnType<typeof start> => {
      let { model, state, step } = from;
      for (; step < steps; step++) [model, state] = advance(model, state) as [typeof model, typeof state];
      return { model, state, step };
    };
    const whole = train(start(1), 10);
    const bytes = await writeCheckpoint(train(start(1), 5));
    const resumed = train(await readCheckpoint(bytes, start(2)), 10);
    const bits = (value: unknown): unknown[] =>
      tree
        .flatten(value)
        .leaves.map(leaf => (typeof leaf === 'number' ? leaf : (leaf as Tensor).arraySync()));
    expect(bits(resumed)).toEqual(bits(whole));
  });

  it('a number stands for the 0-dimensional tensor that a compiled step made of it', async () => {
    const { count } = await readCheckpoint(await writeCheckpoint({ count: tensor(3, 'int32') }), {
      count: 0,
    });
    expect(String(count)).toBe(String(tensor(3, 'int32')));
  });

  it('with what has no place in a file is refused', async () => {
    await expect(writeCheckpoint({ d: new Date() })).rejects.toThrow(WrongTree);
    await expect(writeCheckpoint(new Map([[{}, tensor(1)]]))).rejects.toThrow(
      /a Map with a key that is a object/,
    );
    await expect(
      writeCheckpoint({}, { metadata: { when: new Date() as unknown as string } }),
    ).rejects.toThrow(/metadata.when is a Date/);
  });
});

describe('a file', () => {
  const content = { model: { layers: [{ weight: tensor([[1, 2, 3]]) }] }, step: 3, plain };

  it('is safetensors, with paths for names', async () => {
    const path = join(folder, 'open.safetensors');
    await saveCheckpoint(path, content, { metadata: { run: 'a', score: 0.5 } });
    const { tensors } = await loadSafetensors(path);
    expect(tensors['model.layers[0].weight'].arraySync()).toEqual([[1, 2, 3]]);
    expect(await inspectCheckpoint(path)).toEqual({
      metadata: { run: 'a', score: 0.5 },
      tensors: { 'model.layers[0].weight': 'float32[1,3]' },
      data: { step: 3, plain },
    });
  });

  it('with any bit changed, cut anywhere or longer is refused, and named', async () => {
    const path = join(folder, 'damaged.safetensors');
    const bytes = await writeCheckpoint(content);
    for (let at = 0; at < bytes.length; at++) {
      const broken = Uint8Array.from(bytes);
      broken[at] ^= 1 << (at % 8);
      await expect(readCheckpoint(broken, content), `byte ${at}`).rejects.toThrow(BadArgument);
    }
    for (let n = 0; n < bytes.length; n += 3)
      await expect(readCheckpoint(bytes.subarray(0, n), content), `${n} bytes`).rejects.toThrow(BadArgument);
    const broken = Uint8Array.from(bytes);
    broken[bytes.length - 1] ^= 1;
    await writeFile(path, broken);
    await expect(loadCheckpoint(path, content)).rejects.toThrow(
      /loadCheckpoint of '.*damaged.*the file is damaged/s,
    );
    await writeFile(path, bytes.subarray(0, bytes.length - 1));
    await expect(loadCheckpoint(path, content)).rejects.toThrow(/damaged.safetensors'.*truncated/s);
    await saveSafetensors(path, { a: 1 });
    await expect(loadCheckpoint(path, content)).rejects.toThrow(/without a checksum.*loadSafetensors/s);
    expect(bytes).toEqual(await writeCheckpoint(content));
  });

  it('and a tree that differ: every name is told', async () => {
    const bytes = await writeCheckpoint({
      w: tensor([1, 2, 3]),
      b: tensor(1),
      old: tensor(1),
      n: 1,
      t: tensor(1),
    });
    const like = {
      w: tensor([[1, 2, 3]]),
      b: tensor(1, 'float64'),
      fresh: { a: tensor(1), n: 3 },
      n: tensor(1),
      t: 'x',
    };
    const error = await readCheckpoint(bytes, like as object).catch(error => error as WrongTree);
    expect(error).toBeInstanceOf(WrongTree);
    expect((error as WrongTree).did).toBe(
      'readCheckpoint: the file lacks fresh.a, fresh.n; the tree lacks old; different: ' +
        'b (float32[] in the file, float64[] in the tree), n (plain data in the file, float32[] in the tree), ' +
        't (float32[] in the file, plain data in the tree), w (float32[3] in the file, float32[1,3] in the tree)',
    );
  });

  it('keeps as many earlier ones as it is told', async () => {
    const path = join(folder, 'kept.ckpt.safetensors');
    const steps = async (): Promise<number[]> => {
      const files = await listCheckpoints(path);
      return Promise.all(files.map(async file => (await loadCheckpoint(file, { step: 0 })).step));
    };
    expect(await steps()).toEqual([]);
    // None waits for the one before.
    await Promise.all([1, 2, 3, 4, 5].map(step => saveCheckpoint(path, { step }, { keep: 2 })));
    expect(await steps()).toEqual([5, 4, 3]);
    await rm(join(folder, 'kept.ckpt.1.safetensors'));
    await saveCheckpoint(path, { step: 6 }, { keep: 2 });
    expect(await steps()).toEqual([6, 5, 3]);
    await saveCheckpoint(path, { step: 7 });
    expect(await steps()).toEqual([7, 5, 3]);
    expect((await readdir(folder)).filter(name => name.includes('tmp'))).toEqual([]);
    await expect(saveCheckpoint(path, {}, { keep: -1 })).rejects.toThrow(BadArgument);
  });

  it('that cannot be written leaves nothing, and the error is the system’s', async () => {
    await expect(saveCheckpoint(join(folder, 'no', 'such'), content)).rejects.toThrow(/ENOENT/);
    await writeFile(join(folder, 'plain'), 'x');
    await expect(saveCheckpoint(join(folder, 'plain', 'a'), content)).rejects.toThrow(/ENOTDIR/);
    expect(String(await readFile(join(folder, 'plain')))).toBe('x');
  });
});
