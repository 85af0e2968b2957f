// The numbers that everyone computes with, and what is compared of the results. peers.py has the same in Python.

/**
 * 32 well-mixed bits of a position (the finaliser of MurmurHash3).
 * @param {number} seed
 * @param {number} i
 */
function hash(seed, i) {
  let h = (i + Math.imul(seed, 0x9e3779b9)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A multiple of 2⁻²³ in [−1, 1), which float32 has exactly. @param {number} seed @param {number} i */
const uniform = (seed, i) => (hash(seed, i) >>> 8) / 8388608 - 1;

/**
 * The elements of a row's inputs, row-major.
 * @param {readonly import('./rows.js').Input[]} inputs
 */
export function makeInputs(inputs) {
  return inputs.map(({ shape, dtype = 'float32', scale = 1, kind = 'uniform' }, number) => {
    const size = shape.reduce((product, n) => product * n, 1);
    const data = dtype === 'float64' ? new Float64Array(size) : new Float32Array(size);
    const seed = number + 1;
    if (kind === 'oneHot') {
      const classes = shape[shape.length - 1];
      for (let row = 0; row * classes < size; row++) data[row * classes + (hash(seed, row) % classes)] = 1;
    } else for (let i = 0; i < size; i++) data[i] = scale * uniform(seed, i);
    return { data, shape, dtype };
  });
}

const sampleSize = 512;
const sampleSeed = 101;
const projectionSeed = 102;

/**
 * What is compared of an output: its size, its root mean square, some elements, and its projection on hashed signs,
 * which any wrong or misplaced element changes.
 * @param {ArrayLike<number>} data
 */
export function digest(data) {
  const size = data.length;
  let squares = 0;
  let projection = 0;
  for (let i = 0; i < size; i++) {
    squares += data[i] * data[i];
    projection += data[i] * uniform(projectionSeed, i);
  }
  const count = Math.min(size, sampleSize);
  const sample = Array.from(
    { length: count },
    (_, i) => data[size === count ? i : hash(sampleSeed, i) % size],
  );
  return { size, rms: Math.sqrt(squares / Math.max(1, size)), projection, sample };
}

/** @typedef {ReturnType<typeof digest>} Digest */

/**
 * Why two lists of outputs differ; '' where they agree.
 * @param {readonly Digest[]} got
 * @param {readonly Digest[]} wanted
 * @param {number} tolerance
 */
export function difference(got, wanted, tolerance) {
  if (got.length !== wanted.length) return `${got.length} outputs in place of ${wanted.length}`;
  for (let k = 0; k < got.length; k++) {
    const [a, b] = [got[k], wanted[k]];
    const where = got.length === 1 ? '' : ` in output ${k}`;
    if (a.size !== b.size) return `${a.size} elements in place of ${b.size}${where}`;
    const allowed = tolerance * b.rms;
    // Comparisons are written so that a NaN, which JSON makes null, never agrees.
    for (let i = 0; i < b.sample.length; i++) {
      const off = Math.abs(a.sample[i] - b.sample[i]);
      if (a.sample[i] === null || !(off <= allowed))
        return `${a.sample[i]} in place of ${b.sample[i]}${where}`;
    }
    // Rounding errors have any sign, so their projection grows like the root of their number. The sums themselves
    // are rounded too.
    const off = Math.abs(a.projection - b.projection);
    const slack = (allowed + 1e-12 * b.rms) * Math.sqrt(b.size);
    if (a.projection === null || !(off <= slack))
      return `projection ${a.projection} in place of ${b.projection}${where}`;
  }
  return '';
}
