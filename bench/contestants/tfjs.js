// TensorFlow.js: its Wasm backend (SIMD; one thread in Node) or its plain JavaScript one. It compiles nothing: a
// function is run as it stands, inside `tidy`, which frees what is not returned. Its images have their channels last.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** @param {string} backend 'wasm' or 'cpu' */
export async function open(backend) {
  const require = createRequire(import.meta.url);
  // It prints advice to install another package, and warnings, on standard output.
  const { log, warn } = console;
  console.log = console.warn = () => {};
  const tf = require('@tensorflow/tfjs');
  if (backend === 'wasm') {
    const { setWasmPaths } = require('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(new URL('../node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url).pathname);
  }
  if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} did not start`);
  await tf.ready();
  Object.assign(console, { log, warn });
  const manifest = new URL('../node_modules/@tensorflow/tfjs/package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'));

  const put = inputs =>
    inputs.map(({ data, shape, dtype }) => {
      if (dtype !== 'float32') throw new Error(`it has no ${dtype}`);
      return tf.tensor(data, shape);
    });
  const read = result => [result].flat(2).map(leaf => leaf.dataSync());
  const free = result => tf.dispose(result);

  /** A function of the inputs, which `change` may bring into the layout that the library works in. */
  const plain =
    (f, change = args => args, show = result => result) =>
    inputs => {
      const args = tf.tidy(() => change(put(inputs)).map(arg => tf.keep(tf.clone(arg))));
      return {
        call: () => tf.tidy(() => f(...args)),
        read: result => read(show(result)),
        free,
        close: () => free(args),
      };
    };

  const lastChannels = image => tf.transpose(image, [0, 2, 3, 1]);
  const firstChannels = image => tf.transpose(image, [0, 3, 1, 2]);
  const kernelIn = kernel => tf.transpose(kernel, [2, 3, 1, 0]);
  const kernelOut = kernel => tf.transpose(kernel, [3, 2, 0, 1]);
  const conv = (x, w) => tf.conv2d(x, w, 1, 'same');

  const crossEntropy = (logits, y) => tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), y), -1)));
  const affine = (x, w, b) => tf.add(tf.matMul(x, w), b);
  const layerNorm = (x, gain, shift) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5))), gain), shift);
  };

  const step =
    loss =>
    (...args) => {
      const [x, y] = args.slice(-2);
      const parameters = args.slice(0, -2);
      const { value, grads } = tf.valueAndGrads((...parameters) => loss(parameters, x, y))(parameters);
      return [parameters.map((parameter, i) => tf.sub(parameter, tf.mul(grads[i], 0.1))), value];
    };

  const gradient = loss =>
    plain((...args) => {
      const x = args[args.length - 1];
      const { value, grads } = tf.valueAndGrads((...parameters) => loss(parameters, x))(args.slice(0, -1));
      return [value, grads];
    });

  function transformer([wq, wk, wv, wo, g1, s1, g2, s2, w1, b1, w2, b2], x) {
    const [batch, length, width] = x.shape;
    const rows = [batch * length, width];
    const flat = (t, w) => tf.matMul(tf.reshape(t, [batch * length, -1]), w);
    const heads = t => tf.transpose(tf.reshape(t, [batch, length, 4, width / 4]), [0, 2, 1, 3]);
    const h = layerNorm(x, g1, s1);
    const [q, k, v] = [wq, wk, wv].map(w => heads(flat(h, w)));
    const weights = tf.softmax(tf.mul(tf.matMul(q, k, false, true), (width / 4) ** -0.5));
    const mixed = tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]);
    const y = tf.add(tf.reshape(x, rows), flat(tf.reshape(mixed, rows), wo));
    const z = affine(layerNorm(y, g2, s2), w1, b1);
    const bent = tf.mul(tf.add(z, tf.mul(tf.mul(tf.square(z), z), 0.044715)), Math.sqrt(2 / Math.PI));
    const inner = tf.mul(tf.mul(z, 0.5), tf.add(tf.tanh(bent), 1));
    return tf.mean(tf.square(tf.add(y, affine(inner, w2, b2))));
  }

  function lstm([wx, wh, b], xs) {
    const [steps, batch, hidden] = xs.shape;
    const all = tf.reshape(affine(tf.reshape(xs, [steps * batch, -1]), wx, b), [steps, batch, 4 * hidden]);
    const zs = tf.unstack(all);
    let h = tf.zeros([batch, hidden]);
    let c = tf.zeros([batch, hidden]);
    const outputs = [];
    for (const z of zs) {
      const [i, f, g, o] = tf.split(tf.add(z, tf.matMul(h, wh)), 4, 1);
      c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      h = tf.mul(tf.sigmoid(o), tf.tanh(c));
      outputs.push(h);
    }
    return tf.mean(tf.square(tf.stack(outputs)));
  }

  function rnn([wx, wh, b], xs) {
    const [, batch, hidden] = xs.shape;
    let h = tf.zeros([batch, hidden]);
    for (const x of tf.unstack(xs)) h = tf.tanh(tf.add(tf.add(tf.matMul(x, wx), tf.matMul(h, wh)), b));
    return tf.mean(tf.square(h));
  }

  const scalarGrad = tf.grad(x => tf.mul(tf.mul(tf.sin(x), tf.exp(x)), x));

  return {
    about: { version, threads: 1 },
    tasks: {
      matmul: plain((a, b) => tf.matMul(a, b)),
      axpb: plain(x => tf.add(tf.mul(x, 2.5), 0.5)),
      exp: plain(x => tf.exp(x)),
      tanh: plain(x => tf.tanh(x)),
      chain: plain(x => {
        const y = tf.add(tf.square(tf.add(tf.mul(x, 1.5), 0.25)), 0.5);
        return tf.abs(tf.sub(tf.mul(tf.sqrt(y), 0.75), 0.125));
      }),
      softmax: plain(x => tf.softmax(x)),
      layernorm: plain(layerNorm),
      transpose: plain(x => tf.transpose(x)),
      cumsum: plain(x => tf.cumsum(x, 0)),
      'cumsum-rows': plain(x => tf.cumsum(x, 1)),
      // It sorts only as topk does, largest first.
      sort: plain(x => tf.reverse(tf.topk(x, x.size).values)),
      conv: plain(conv, ([x, w]) => [lastChannels(x), kernelIn(w)], firstChannels),
      'conv-grad': plain(
        (x, w, ct) => tf.grads((x, w) => tf.sum(tf.mul(conv(x, w), ct)))([x, w]),
        ([x, w, ct]) => [lastChannels(x), kernelIn(w), lastChannels(ct)],
        ([x, w]) => [firstChannels(x), kernelOut(w)],
      ),
      mlp: plain(
        step(([w1, b1, w2, b2], x, y) => crossEntropy(affine(tf.relu(affine(x, w1, b1)), w2, b2), y)),
      ),
      cnn: plain(
        step(([k1, k2, w, b], x, y) => {
          const layer = (x, k) => tf.maxPool(tf.relu(conv(x, k)), 2, 2, 'valid');
          return crossEntropy(affine(tf.reshape(layer(layer(x, k1), k2), [x.shape[0], -1]), w, b), y);
        }),
        // The rows of the dense layer's matrix in the order of the channels-last features.
        ([k1, k2, w, b, x, y]) => [
          kernelIn(k1),
          kernelIn(k2),
          tf.reshape(tf.transpose(tf.reshape(w, [16, 7, 7, 10]), [1, 2, 0, 3]), [784, 10]),
          b,
          lastChannels(x),
          y,
        ],
        ([[k1, k2, w, b], value]) => [
          kernelOut(k1),
          kernelOut(k2),
          tf.transpose(tf.reshape(w, [7, 7, 16, 10]), [2, 0, 1, 3]),
          b,
          value,
        ],
      ),
      lstm: gradient(lstm),
      transformer: gradient(transformer),
      'scalar-grad': inputs => {
        const [x] = put(inputs);
        return { call: () => tf.tidy(() => scalarGrad(x).dataSync()), read: y => [y], close: () => free(x) };
      },
      'scalar-grad-jit': 'it compiles nothing',
      dispatch: inputs => {
        const [x] = put(inputs);
        return { call: () => tf.tidy(() => tf.add(x, 1).dataSync()), read: y => [y], close: () => free(x) };
      },
      rnn: gradient(rnn),
    },
  };
}
