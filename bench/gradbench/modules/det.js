// The determinant by expansion by minors.
import { grad, jit, take, tensor } from '../../../dist/node/index.js';
import { number, numbers } from '../convert.js';

/**
 * All ways to choose `count` of the columns 0 … size − 1, as sets of bits.
 * @returns {number[]}
 */
const choices = (size, count) =>
  Array.from({ length: 2 ** size }, (_, set) => set).filter(set => bits(set).length === count);
const bits = set => [...set.toString(2)].reverse().flatMap((bit, i) => (bit === '1' ? [i] : []));

/**
 * det M = Σⱼ (−1)ʲ m₀ⱼ det M₀ⱼ, where M₀ⱼ lacks the first row and column j. A minor of the last k rows is given by its
 * k columns, whatever was taken out before, so that each is computed once: those of k rows together, from those of
 * k − 1, of which there are size!/(k − 1)!(size − k + 1)!.
 */
function determinant(a) {
  const [size] = a.shape;
  let sets = choices(size, 1);
  let minors = take(a, size - 1, { axis: 0 });
  for (let k = 2; k <= size; k++) {
    const position = new Map(sets.map((set, i) => [set, i]));
    sets = choices(size, k);
    const columns = sets.map(bits);
    const rest = sets.map((set, i) => columns[i].map(j => position.get(set ^ (2 ** j))));
    const signs = tensor(
      Float64Array.from({ length: k }, (_, i) => (-1) ** i),
      'float64',
    );
    const row = take(a, size - k, { axis: 0 });
    minors = take(row, tensor(columns, 'int32'))
      .mul(signs)
      .mul(take(minors, tensor(rest, 'int32')))
      .sum(-1);
  }
  return minors.reshape([]);
}

const prepare = ({ A, ell }) => [tensor(Float64Array.from(A), { shape: [ell, ell] })];

export default {
  primal: { prepare, evaluate: jit(determinant), output: number },
  gradient: { prepare, evaluate: jit(grad(determinant)), output: numbers },
};
