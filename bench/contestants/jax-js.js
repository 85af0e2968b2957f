// @jax-js/jax on its Wasm backend. It counts references: a function takes ownership of its arguments, and `.ref` keeps
// one for later.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** @param {string} variant '1', or 'all' threads */
export async function open(variant) {
  const threads = variant === 'all' ? availableParallelism() : 1;
  if (variant === 'all') {
    // The library starts threads where there is the browser's Worker, which Node does not have.
    const { BrowserWorker } = await import('./browser-worker.js');
    Object.defineProperty(globalThis, 'Worker', { value: BrowserWorker, configurable: true });
    Object.defineProperty(globalThis, 'navigator', {
      value: { hardwareConcurrency: threads },
      configurable: true,
    });
  }
  const jax = await import('@jax-js/jax');
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const manifest = new URL('../node_modules/@jax-js/jax/package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
  const { grad, jit, lax, nn, numpy: np, tree, valueAndGrad } = jax;

  const put = inputs =>
    inputs.map(({ data, shape, dtype }) => np.array(data, { dtype: np[dtype] }).reshape(shape));
  const read = async result => {
    const arrays = [];
    for (const leaf of tree.leaves(result)) arrays.push(await leaf.ref.data());
    return arrays;
  };
  const free = tree.dispose;

  const compiled = f => inputs => {
    const args = put(inputs);
    const run = jit(f);
    return { call: () => jax.blockUntilReady(run(...tree.ref(args))), read, free, close: () => free(args) };
  };

  const step = loss => inputs => {
    const args = put(inputs);
    const run = jit((parameters, x, y) => {
      const [value, gradients] = valueAndGrad(loss)(tree.ref(parameters), x, y);
      return [parameters.map((parameter, i) => parameter.sub(gradients[i].mul(0.1))), value];
    });
    return {
      call: () => {
        const held = tree.ref(args);
        return jax.blockUntilReady(run(held.slice(0, -2), held[held.length - 2], held[held.length - 1]));
      },
      read,
      free,
      close: () => free(args),
    };
  };

  const gradient = loss => inputs => {
    const args = put(inputs);
    const run = jit((parameters, x) => {
      const [value, gradients] = valueAndGrad(loss)(parameters, x);
      return [value, gradients];
    });
    return {
      call: () => {
        const held = tree.ref(args);
        return jax.blockUntilReady(run(held.slice(0, -1), held[held.length - 1]));
      },
      read,
      free,
      close: () => free(args),
    };
  };

  const crossEntropy = (logits, y) => {
    const [examples] = logits.shape;
    return nn
      .logSoftmax(logits)
      .mul(y)
      .sum()
      .mul(-1 / examples);
  };
  const layerNorm = (x, gain, shift) => nn.standardize(x).mul(gain).add(shift);
  const conv = (x, w) => lax.conv(x, w, [1, 1], 'SAME');

  const scalar = x => np.sin(x.ref).mul(np.exp(x.ref)).mul(x);
  const oneNumber = f => inputs => {
    const [x] = put(inputs);
    return { call: () => f(x.ref).item(), read: value => [[value]], close: () => free(x) };
  };

  function transformer([wq, wk, wv, wo, g1, s1, g2, s2, w1, b1, w2, b2], x) {
    const [batch, length, width] = x.shape;
    const heads = t => t.reshape([batch, length, 4, width / 4]).transpose([0, 2, 1, 3]);
    const h = layerNorm(x.ref, g1, s1);
    const q = heads(np.matmul(h.ref, wq));
    const k = heads(np.matmul(h.ref, wk));
    const v = heads(np.matmul(h, wv));
    const weights = nn.softmax(np.matmul(q, np.matrixTranspose(k)).mul((width / 4) ** -0.5));
    const mixed = np.matmul(weights, v).transpose([0, 2, 1, 3]).reshape([batch, length, width]);
    const y = x.add(np.matmul(mixed, wo));
    const inner = nn.gelu(np.matmul(layerNorm(y.ref, g2, s2), w1).add(b1));
    return np.square(y.add(np.matmul(inner, w2).add(b2))).mean();
  }

  // There is no scan: the steps are unrolled.
  function lstm([wx, wh, b], xs) {
    const [steps, batch, hidden] = xs.shape;
    const zs = np.matmul(xs, wx).add(b);
    let h = np.zeros([batch, hidden]);
    let c = np.zeros([batch, hidden]);
    let total = np.zeros([batch, hidden]);
    for (let t = 0; t < steps; t++) {
      const z = zs.ref.slice(t).add(np.matmul(h, wh.ref));
      const gate = n => z.ref.slice([], [n * hidden, (n + 1) * hidden]);
      const [i, f, g, o] = [gate(0), gate(1), gate(2), gate(3)];
      z.dispose();
      c = nn
        .sigmoid(f)
        .mul(c)
        .add(nn.sigmoid(i).mul(np.tanh(g)));
      h = nn.sigmoid(o).mul(np.tanh(c.ref));
      total = total.add(np.square(h.ref));
    }
    for (const used of [zs, wh, h, c]) used.dispose();
    return total.mean().mul(1 / steps);
  }

  function rnn([wx, wh, b], xs) {
    const [steps, batch, hidden] = xs.shape;
    let h = np.zeros([batch, hidden]);
    for (let t = 0; t < steps; t++)
      h = np.tanh(np.matmul(xs.ref.slice(t), wx.ref).add(np.matmul(h, wh.ref)).add(b.ref));
    for (const used of [wx, wh, b, xs]) used.dispose();
    return np.square(h).mean();
  }

  return {
    about: { version, threads },
    tasks: {
      matmul: compiled((a, b) => np.matmul(a, b)),
      axpb: compiled(x => x.mul(2.5).add(0.5)),
      exp: compiled(x => np.exp(x)),
      tanh: compiled(x => np.tanh(x)),
      chain: compiled(x =>
        np.abs(
          np
            .sqrt(np.square(x.mul(1.5).add(0.25)).add(0.5))
            .mul(0.75)
            .sub(0.125),
        ),
      ),
      softmax: compiled(x => nn.softmax(x)),
      layernorm: compiled(layerNorm),
      transpose: compiled(x => x.transpose()),
      cumsum: compiled(x => np.cumsum(x, 0)),
      'cumsum-rows': compiled(x => np.cumsum(x, -1)),
      sort: compiled(x => np.sort(x)),
      conv: compiled(conv),
      'conv-grad': compiled((x, w, ct) =>
        grad((x, w) => conv(x, w).mul(ct).sum(), { argnums: [0, 1] })(x, w),
      ),
      mlp: step(([w1, b1, w2, b2], x, y) =>
        crossEntropy(np.matmul(nn.relu(np.matmul(x, w1).add(b1)), w2).add(b2), y),
      ),
      cnn: step(([k1, k2, w, b], x, y) => {
        const [examples] = x.shape;
        const layer = (x, k) => {
          const [n, c, high, wide] = [x.shape[0], k.shape[0], x.shape[2], x.shape[3]];
          return nn
            .relu(conv(x, k))
            .reshape([n, c, high / 2, 2, wide / 2, 2])
            .max([3, 5]);
        };
        return crossEntropy(np.matmul(layer(layer(x, k1), k2).reshape([examples, 784]), w).add(b), y);
      }),
      lstm: gradient(lstm),
      transformer: gradient(transformer),
      'scalar-grad': oneNumber(grad(scalar)),
      'scalar-grad-jit': oneNumber(jit(grad(scalar))),
      dispatch: inputs => {
        const [x] = put(inputs);
        const f = jit(x => x.add(1));
        return { call: () => f(x.ref).dataSync(), read: y => [y], close: () => free(x) };
      },
      rnn: gradient(rnn),
    },
  };
}
