// Bits per character over the epochs, and what the net wrote.
import { blue, chart, grey, orange, svg, text } from '../picture/chart.js';

/**
 * @param {readonly import('cotangent/train').EpochRecord[]} history
 * @param {string} sample
 */
export function drawLearning(history, sample) {
  const over = (/** @type {'training' | 'validation'} */ part) =>
    history.map(record => [record.epoch, (record[part]?.loss ?? Number.NaN) / Math.LN2]);
  const lines = sample
    .split('\n')
    .flatMap(paragraph => paragraph.match(/.{1,58}(\s|$)|\S{58}/g) ?? [''])
    .slice(0, 15)
    .map(one => one.replaceAll('&', '&amp;').replaceAll('<', '&lt;'));
  return svg(
    960,
    430,
    chart({
      x: 64,
      y: 76,
      width: 360,
      height: 290,
      title: 'Bits per character',
      label: 'epoch',
      series: [
        { name: 'training', colour: blue, kind: 'dots', points: over('training') },
        { name: 'held out', colour: orange, kind: 'dots', points: over('validation') },
      ],
    }),
    text(490, 52, 'What it wrote', 'font-size="16" font-weight="bold"'),
    ...lines.map((one, i) =>
      text(
        490,
        84 + 20 * i,
        one,
        `font-family="monospace" font-size="12" fill="${grey}" xml:space="preserve"`,
      ),
    ),
  );
}
