// Inputs of all evals: of the form and size that GradBench's drivers make, from a hash of the position.

/** Pseudo-random numbers, the same on every machine. */
class Numbers {
  #state;
  constructor(seed) {
    this.#state = seed;
  }
  /** In [0, 1), multiples of 2⁻³². */
  uniform() {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let h = this.#state;
    h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
    h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
    return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
  }
  /** Near enough to the normal distribution: a sum of twelve. */
  normal() {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.uniform();
    return sum;
  }
  uniforms(n, low = 0, high = 1) {
    return Array.from({ length: n }, () => low + (high - low) * this.uniform());
  }
  normals(n) {
    return Array.from({ length: n }, () => this.normal());
  }
  matrix(rows, columns) {
    return Array.from({ length: rows }, () => this.uniforms(columns));
  }
  normalMatrix(rows, columns) {
    return Array.from({ length: rows }, () => this.normals(columns));
  }
  integers(n, below) {
    return Array.from({ length: n }, () => Math.floor(below * this.uniform()));
  }
}

const random = () => new Numbers(31337);

export const lse = n => ({ x: random().uniforms(n) });
export const llsq = (n, m) => ({ x: random().uniforms(m), n });
export const det = ell => ({ A: random().uniforms(ell * ell), ell });
export const ode = (n, s) => ({ x: random().uniforms(n), s });

/** The centroids are the last points, so that none is without a point. */
export function kmeans(k, n, d) {
  const points = random().matrix(n, d);
  return { points, centroids: points.slice(-k) };
}

export function gmm(d, k, n) {
  const r = random();
  return {
    d,
    k,
    n,
    x: r.normalMatrix(n, d),
    m: 0,
    gamma: 1,
    mu: r.matrix(k, d),
    q: r.normalMatrix(k, d),
    l: r.normalMatrix(k, (d * (d - 1)) / 2),
    alpha: r.normals(k),
  };
}

/** One camera, point, weight and feature for all, as in ADBench's files. */
export const ba = (n, m, p) => ({
  n,
  m,
  p,
  cam: [0.01, -0.03, 0.02, 0.3, -0.2, -4, 520, 3, -2, -0.08, 0.02],
  x: [0.4, -0.3, 1.5],
  w: 0.7,
  feat: [25, -12],
});

/** A hand of 22 bones: wrist, five fingers of four, forearm. `complicated` has points on triangles instead of vertices. */
export function ht(vertices, points, complicated) {
  const r = random();
  const parents = [-1];
  for (let bone = 1; bone < 21; bone++) parents.push(bone % 4 === 1 ? 0 : bone - 1);
  parents.push(0);
  const affine = scale => [
    ...[0, 1, 2].map(i => [0, 1, 2, 3].map(j => (i === j ? 1 : 0) + scale * (r.uniform() - 0.5))),
    [0, 0, 0, 1],
  ];
  const weights = () => {
    const row = Array(22).fill(0);
    const bones = r.integers(4, 22);
    for (const bone of bones) row[bone] += 0.25;
    return row;
  };
  const triangles = Array.from({ length: 2 * vertices }, () => r.integers(3, vertices));
  return {
    theta: r.uniforms(26, -0.5, 0.5),
    us: complicated ? r.matrix(points, 2).map(([u, v]) => [u / 2, v / 2]) : [],
    data: {
      model: {
        bone_count: 22,
        bone_names: parents.map((_, bone) => `bone${bone}`),
        parents,
        base_relatives: parents.map(() => affine(0.4)),
        inverse_base_absolutes: parents.map(() => affine(0.4)),
        base_positions: Array.from({ length: vertices }, () => [...r.uniforms(3, -1, 1), 1]),
        weights: Array.from({ length: vertices }, weights),
        triangles,
        is_mirrored: false,
      },
      correspondences: r.integers(points, complicated ? triangles.length : vertices),
      points: Array.from({ length: points }, () => r.uniforms(3, -1, 1)),
    },
  };
}

export function lstm(layers, characters, bits) {
  const r = random();
  return {
    main_params: r.matrix(2 * layers, 4 * bits),
    extra_params: r.matrix(3, bits),
    state: r.matrix(2 * layers, bits),
    sequence: r.matrix(characters, bits).map(row => row.map(Math.round)),
  };
}

export const particle = () => ({ w: 0 });
export const saddle = () => ({ start: [1, 1] });
