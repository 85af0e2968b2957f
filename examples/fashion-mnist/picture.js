// Accuracy over the epochs, which kinds are taken for which, and pictures that were read wrongly.
import { blue, chart, gallery, grey, grid, orange, svg, text } from '../picture/chart.js';

/**
 * @param {readonly import('cotangent/train').EpochRecord[]} history
 * @param {{ pixels: ArrayLike<number>, labels: ArrayLike<number>, guesses: ArrayLike<number>, kinds: string[] }} read
 */
export function drawClothes(history, { pixels, labels, guesses, kinds }) {
  const over = (/** @type {'training' | 'validation'} */ part) =>
    history.map(record => [record.epoch, 100 * (record[part]?.accuracy ?? Number.NaN)]);
  const wrong = [];
  for (let i = 0; i < guesses.length && wrong.length < 7; i++)
    if (guesses[i] !== labels[i])
      wrong.push({
        pixels: Array.from({ length: 784 }, (_, k) => pixels[784 * i + k]),
        width: 28,
        height: 28,
        below: `${kinds[labels[i]]} <tspan fill="${grey}">→</tspan> <tspan fill="${orange}">${kinds[guesses[i]]}</tspan>`,
      });
  return svg(
    960,
    690,
    chart({
      x: 64,
      y: 76,
      width: 340,
      height: 300,
      title: 'Accuracy',
      label: 'epoch',
      to: 100,
      unit: ' %',
      legend: 'below',
      series: [
        { name: 'training', colour: blue, kind: 'dots', points: over('training') },
        { name: 'held out', colour: orange, kind: 'dots', points: over('validation') },
      ],
    }),
    confusion(labels, guesses, kinds),
    gallery(wrong, {
      x: 64,
      y: 500,
      width: 864,
      count: 7,
      title: 'Read wrongly: what it is → what it was read as',
    }),
  );
}

/**
 * @param {ArrayLike<number>} labels
 * @param {ArrayLike<number>} guesses
 * @param {string[]} kinds
 */
function confusion(labels, guesses, kinds) {
  const [left, top, cell] = [590, 76, 30];
  const counts = kinds.map(() => kinds.map(() => 0));
  for (let i = 0; i < guesses.length; i++) counts[labels[i]][guesses[i]]++;
  const parts = [
    text(left - 80, top - 24, 'What (rows) was read as what, in %', 'font-size="16" font-weight="bold"'),
  ];
  counts.forEach((row, i) => {
    const all = row.reduce((a, b) => a + b, 0) || 1;
    parts.push(text(left - 8, top + cell * i + 20, kinds[i], `text-anchor="end" fill="${grey}"`));
    row.forEach((count, j) => {
      const share = count / all;
      const place = `x="${left + cell * j}" y="${top + cell * i}" width="${cell}" height="${cell}"`;
      parts.push(
        `<rect ${place} fill="${i === j ? blue : orange}" fill-opacity="${Math.min(1, share * (i === j ? 0.6 : 4)).toFixed(2)}" stroke="${grid}"/>`,
      );
      if (share >= 0.005)
        parts.push(
          text(
            left + cell * j + cell / 2,
            top + cell * i + 20,
            String(Math.round(100 * share)),
            'text-anchor="middle" font-size="11"',
          ),
        );
    });
  });
  kinds.forEach((kind, j) => {
    const [x, y] = [left + cell * j + cell / 2, top + cell * kinds.length + 10];
    parts.push(text(x, y, kind, `text-anchor="end" fill="${grey}" transform="rotate(-45 ${x} ${y})"`));
  });
  return parts.join('\n');
}
