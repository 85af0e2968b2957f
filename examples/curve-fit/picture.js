// The measurements, the curve, and the band in which the curve lies with about 95 %.
import { blue, chart, grey, orange, svg } from '../picture/chart.js';

/**
 * @param {number[][]} data rows of response and predictor
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} curve
 * @param {ArrayLike<number>} spread the curve's standard deviation
 * @param {number} noise that of a measurement
 */
export function drawFit(data, x, curve, spread, noise) {
  const along = Array.from(x, (at, i) => [at, curve[i]]);
  const band = Array.from(x, (at, i) => [at, curve[i] - 2 * spread[i], curve[i] + 2 * spread[i]]);
  const place = { x: 76, width: 840 };
  const nearest = (/** @type {number} */ at) =>
    Array.from(x).reduce((best, one, i) => (Math.abs(one - at) < Math.abs(x[best] - at) ? i : best), 0);
  const residuals = data.map(([y, at]) => [at, y - curve[nearest(at)]]);
  return svg(
    960,
    680,
    chart({
      ...place,
      y: 64,
      height: 330,
      title: 'Electron mobility, fitted: the curve and two standard deviations to either side',
      label: 'log of the density',
      from: 0,
      legend: 'left',
      series: [
        { name: 'twice the deviation', colour: orange, kind: 'band', points: band },
        { name: 'fit', colour: orange, points: along },
        { name: 'measured', colour: blue, kind: 'points', points: data.map(([y, at]) => [at, y]) },
      ],
    }),
    chart({
      ...place,
      y: 500,
      height: 110,
      title: 'Residuals',
      label: `dashed: ± the residual standard deviation, ${noise.toFixed(1)}`,
      series: [
        ...[-noise, noise].map(level => ({
          colour: grey,
          dashed: true,
          points: [
            [x[0], level],
            [x[x.length - 1], level],
          ],
        })),
        { colour: blue, kind: /** @type {const} */ ('points'), points: residuals },
      ],
    }),
  );
}
