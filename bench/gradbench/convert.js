// Between the numbers of a message and tensors.
import { tensor } from '../../dist/node/index.js';

/** Numbers, nested or not, in double precision. */
export const float64 = values => tensor(values, 'float64');

/** Rows of numbers as a matrix with the given number of columns, which says what no rows have. */
export const matrix = (rows, columns) =>
  tensor(Float64Array.from(rows.flat()), { shape: [rows.length, columns] });

/** The numbers of a tensor in row-major order. */
export const numbers = x => Array.from(x.dataSync());

/** A number of no dimensions, and a tensor as nested arrays. */
export const number = x => x.item();
export const nested = x => x.arraySync();
