import { tensor } from 'cotangent';

export const about =
  'A tensor is a regular grid: all rows have the same length, and there is a number at every place. Nested arrays of different lengths have no shape.';

export const wrongs = {
  'rows of different lengths': () =>
    tensor([
      [1, 2, 3],
      [4, 5],
    ]),
  'a number among rows': () => tensor([[1, 2], 3]),
  'a row among numbers': () => tensor([1, [2, 3]]),
  'a missing value': () => tensor([1, null, 3]),
  'tensors of different shapes': () => tensor([tensor([1, 2]), tensor([3])]),
};

export const right = () => {
  const rows = [
    [1, 2, 3],
    [4, 5],
  ];
  const longest = Math.max(...rows.map(row => row.length));
  const padded = rows.map(row => [...row, ...new Array(longest - row.length).fill(NaN)]);
  return [tensor(padded), rows.map(row => tensor(row))];
};
