// The picture of a training: two charts over the epochs, and digits that were read wrongly.
import { blue, chart, gallery, grey, orange, svg } from '../picture/chart.js';

/**
 * @typedef {{ epoch: number, loss: number, heldLoss: number, accuracy: number }} Epoch
 * @typedef {{ pixels: ArrayLike<number>, label: number, guess: number }} Mistake
 */

/**
 * @param {Epoch[]} history
 * @param {Mistake[]} wrong
 * @param {number} side of an image, in pixels
 * @returns {string}
 */
export function drawTraining(history, wrong, side) {
  const last = history[history.length - 1];
  const place = { y: 76, width: 384, height: 250, label: 'epoch' };
  const over = (/** @type {(epoch: Epoch) => number} */ value) => history.map(one => [one.epoch, value(one)]);
  return svg(
    960,
    560,
    chart({
      ...place,
      x: 64,
      title: 'Loss (cross-entropy)',
      from: 0,
      series: [
        { name: 'training', colour: blue, kind: 'dots', points: over(({ loss }) => loss) },
        { name: 'held out', colour: orange, kind: 'dots', points: over(({ heldLoss }) => heldLoss) },
      ],
    }),
    chart({
      ...place,
      x: 544,
      title: `Held-out accuracy: ${(100 * last.accuracy).toFixed(1)} %`,
      to: 100,
      unit: ' %',
      series: [{ colour: orange, kind: 'dots', points: over(({ accuracy }) => 100 * accuracy) }],
    }),
    gallery(
      wrong.map(({ pixels, label, guess }) => ({
        pixels,
        width: side,
        height: side,
        below: `${label} <tspan fill="${grey}">→</tspan> <tspan fill="${orange}" font-weight="bold">${guess}</tspan>`,
      })),
      {
        x: 64,
        y: 424,
        width: 864,
        title:
          wrong.length === 0
            ? 'No digit was read wrongly'
            : 'Held-out digits that were read wrongly: what they are → what they were read as',
      },
    ),
  );
}
