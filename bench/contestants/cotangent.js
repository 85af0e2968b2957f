// This library, from its build beside this package.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const dist = new URL('../../dist/node/', import.meta.url);

/**
 * Chooses the device and its number of threads.
 * @param {Record<string, any>} ct
 * @param {string} variant
 */
function choose(ct, variant) {
  const [device, threads] = variant.split(':');
  ct.defaultDevice(device);
  if (threads === undefined) return 1;
  const count = threads === 'all' ? availableParallelism() : Number(threads);
  ct.config({ threads: count });
  return count;
}

/** @param {string} variant 'reference', 'wasm:1', 'wasm:all' */
export async function open(variant) {
  const ct = await import(new URL('index.js', dist).href);
  const nn = await import(new URL('nn/index.js', dist).href);
  const threads = choose(ct, variant);
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', dist), 'utf8'));
  const { grad, jit, tensor, tree, valueAndGrad } = ct;

  const put = inputs => inputs.map(({ data, shape }) => tensor(data).reshape(shape));
  const read = result => tree.flatten(result).leaves.map(leaf => leaf.dataSync());
  // Not needed, but the other contestants free at once too, so that all write to memory that is in use already.
  const free = result => {
    for (const leaf of tree.flatten(result).leaves) leaf.dispose();
  };

  /** A compiled function of the inputs. */
  const compiled = f => inputs => {
    const args = put(inputs);
    const run = jit(f);
    return { call: () => run(...args), read, free };
  };

  /** One step of gradient descent, compiled as a whole: new parameters and loss. */
  const step = loss => inputs => {
    const args = put(inputs);
    const [x, y] = args.slice(-2);
    const parameters = args.slice(0, -2);
    const run = jit((parameters, x, y) => {
      const [value, gradients] = valueAndGrad(loss)(parameters, x, y);
      return [tree.map((parameter, g) => parameter.sub(g.mul(0.1)), parameters, gradients), value];
    });
    return { call: () => run(parameters, x, y), read, free };
  };

  /** Loss and gradient with respect to all inputs but the last, compiled as a whole. */
  const gradient = loss => inputs => {
    const args = put(inputs);
    const x = args.pop();
    const run = jit((parameters, x) => valueAndGrad(loss)(parameters, x));
    return { call: () => run(args, x), read, free };
  };

  const layerNorm = (x, gain, shift) => nn.standardize(x).mul(gain).add(shift);
  const same = { padding: 'same' };

  const scalar = x => x.sin().mul(x.exp()).mul(x);
  const readNumber = value => [[value]];
  const oneNumber = f => inputs => {
    const [x] = put(inputs);
    return { call: () => f(x).item(), read: readNumber };
  };

  function transformer([wq, wk, wv, wo, g1, s1, g2, s2, w1, b1, w2, b2], x) {
    const [batch, length, width] = x.shape;
    const heads = t => t.reshape([batch, length, 4, width / 4]).transpose([0, 2, 1, 3]);
    const h = layerNorm(x, g1, s1);
    const [q, k, v] = [wq, wk, wv].map(w => heads(h.matmul(w)));
    const weights = nn.softmax(q.matmul(k.swapaxes(-1, -2)).mul((width / 4) ** -0.5));
    const mixed = weights.matmul(v).transpose([0, 2, 1, 3]).reshape(x.shape);
    const y = x.add(mixed.matmul(wo));
    const inner = nn.gelu(layerNorm(y, g2, s2).matmul(w1).add(b1), { approximate: true });
    return y.add(inner.matmul(w2).add(b2)).square().mean();
  }

  function lstm([wx, wh, b], xs) {
    const [, batch, hidden] = xs.shape;
    const zero = ct.zeros([batch, hidden]);
    const [, outputs] = ct.scan(
      ([h, c], z) => {
        const [i, f, g, o] = ct.split(z.add(h.matmul(wh)), 4, 1);
        const cell = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
        const out = o.sigmoid().mul(cell.tanh());
        return [[out, cell], out];
      },
      [zero, zero],
      xs.matmul(wx).add(b),
    );
    return outputs.square().mean();
  }

  function rnn([wx, wh, b], xs) {
    const [steps, batch, hidden] = xs.shape;
    let h = ct.zeros([batch, hidden]);
    for (let t = 0; t < steps; t++) h = ct.at(xs, t).get().matmul(wx).add(h.matmul(wh)).add(b).tanh();
    return h.square().mean();
  }

  const mlp = ([w1, b1, w2, b2], x, y) =>
    nn.crossEntropy(nn.relu(x.matmul(w1).add(b1)).matmul(w2).add(b2), y);

  function cnn([k1, k2, w, b], x, y) {
    const layer = (x, k) => nn.maxPool(nn.relu(nn.conv(x, k, same)), { window: 2 });
    const features = layer(layer(x, k1), k2);
    return nn.crossEntropy(features.reshape([x.shape[0], -1]).matmul(w).add(b), y);
  }

  const convSum = ([x, w], ct) => nn.conv(x, w, same).mul(ct).sum();

  return {
    about: { version, threads },
    /** Scalar functions of the inputs of a row: of a list of parameters, and of the last ones as they are. */
    losses: {
      'conv-grad': { f: convSum, fixed: 1 },
      mlp: { f: mlp, fixed: 2 },
      cnn: { f: cnn, fixed: 2 },
      lstm: { f: lstm, fixed: 1 },
      transformer: { f: transformer, fixed: 1 },
      rnn: { f: rnn, fixed: 1 },
    },
    tasks: {
      matmul: compiled((a, b) => a.matmul(b)),
      axpb: compiled(x => x.mul(2.5).add(0.5)),
      exp: compiled(x => x.exp()),
      tanh: compiled(x => x.tanh()),
      chain: compiled(x => x.mul(1.5).add(0.25).square().add(0.5).sqrt().mul(0.75).sub(0.125).abs()),
      softmax: compiled(x => nn.softmax(x)),
      layernorm: compiled(layerNorm),
      transpose: compiled(x => x.T),
      cumsum: compiled(x => x.cumsum(0)),
      'cumsum-rows': compiled(x => x.cumsum(-1)),
      sort: compiled(x => x.sort()),
      conv: compiled((x, w) => nn.conv(x, w, same)),
      'conv-grad': compiled((x, w, ct) =>
        grad((x, w) => nn.conv(x, w, same).mul(ct).sum(), { argnums: [0, 1] })(x, w),
      ),
      mlp: step(mlp),
      cnn: step(cnn),
      lstm: gradient(lstm),
      transformer: gradient(transformer),
      'scalar-grad': oneNumber(grad(scalar)),
      'scalar-grad-jit': oneNumber(jit(grad(scalar))),
      dispatch: inputs => {
        const [x] = put(inputs);
        const f = jit(x => x.add(1));
        return { call: () => f(x).dataSync(), read: y => [y] };
      },
      rnn: gradient(rnn),
    },
  };
}
