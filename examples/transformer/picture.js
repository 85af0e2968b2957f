// How many numbers and how many whole rows are right, and the loss, over the epochs.
import { blue, chart, orange, svg } from '../picture/chart.js';

/** @param {readonly import('cotangent/train').EpochRecord[]} history */
export function drawSorting(history) {
  const over = (/** @type {string} */ name, /** @type {'training' | 'validation'} */ part, scale = 1) =>
    history.map(record => [record.epoch, scale * (record[part]?.[name] ?? Number.NaN)]);
  const place = { y: 76, width: 384, height: 260, label: 'epoch' };
  return svg(
    960,
    420,
    chart({
      ...place,
      x: 64,
      title: 'Loss (cross-entropy)',
      from: 0,
      series: [
        { name: 'training', colour: blue, kind: 'dots', points: over('loss', 'training') },
        { name: 'new rows', colour: orange, kind: 'dots', points: over('loss', 'validation') },
      ],
    }),
    chart({
      ...place,
      x: 544,
      title: 'Right in new rows',
      from: 0,
      to: 100,
      unit: ' %',
      legend: 'below',
      series: [
        { name: 'numbers', colour: blue, kind: 'dots', points: over('numbers', 'validation', 100) },
        { name: 'whole rows', colour: orange, kind: 'dots', points: over('rows', 'validation', 100) },
      ],
    }),
  );
}
