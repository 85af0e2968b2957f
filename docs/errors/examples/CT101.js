import { grad, jvp, scan, stack, tensor, zeros } from 'cotangent';

export const about =
  'Operands are lined up at their last axes, and each pair of extents must agree or contain a 1, as in NumPy. Shapes that merely hold the same number of elements do not fit: guessing which axis was meant would compute something else than you wrote.';

export const wrongs = {
  'rows against columns': () => {
    const table = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    return table.add(tensor([10, 20]));
  },
  'a matrix product': () => {
    const a = tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3] });
    return a.matmul(a);
  },
  'inside a gradient': () => {
    const loss = w => w.mul(tensor([1, 2, 3])).sum();
    return grad(loss)(tensor([1, 2]));
  },
  reshape: () => tensor([1, 2, 3, 4, 5, 6]).reshape([4, 2]),
  'a tangent': () => jvp(x => x.sin(), [tensor([1, 2])], [tensor([1, 0, 0])]),
  'a carry that grows': () =>
    scan(
      ({ pair, last }, x) => [{ pair: stack([pair, x]), last: x }, last],
      { pair: zeros([2]), last: zeros([2]) },
      tensor([
        [1, 2],
        [3, 4],
      ]),
    ),
  'sequences of different lengths': () =>
    scan((sum, [x, y]) => [sum.add(x.mul(y)), null], 0, [tensor([1, 2, 3]), tensor([1, 2])]),
};

export const right = () => {
  const table = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  // One number for each row: an axis of extent 1 says that it repeats along the columns.
  return table.add(tensor([10, 20]).expandDims(1));
};
