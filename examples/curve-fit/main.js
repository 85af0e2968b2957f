// A curve through measurements, with the uncertainty of its parameters and of the curve itself.
import { jacfwd, tensor } from 'cotangent';
import { levenbergMarquardt } from 'cotangent/optim';
import { savePicture } from '../picture/save.js';
import { drawFit } from './picture.js';
import { thurber } from './thurber.js';

const x = tensor(Float64Array.from(thurber.data, ([, x]) => x));
const y = tensor(Float64Array.from(thurber.data, ([y]) => y));

/** The mobility of electrons over the logarithm of their density: (b₁ + b₂x + b₃x² + b₄x³)/(1 + b₅x + b₆x² + b₇x³). */
const model = (b, x) => {
  const [b1, b2, b3, b4, b5, b6, b7] = Array.from({ length: 7 }, (_, i) => b.at(i).get());
  const above = b4.mul(x).add(b3).mul(x).add(b2).mul(x).add(b1);
  const below = b7.mul(x).add(b6).mul(x).add(b5).mul(x).add(1);
  return above.div(below);
};

// The derivatives ∂model/∂bⱼ that every step needs are exact: nothing was derived by hand, and no h was chosen.
const fit = levenbergMarquardt(b => y.sub(model(b, x)), tensor(Float64Array.from(thurber.start)));

console.log(`Thurber's measurements of the mobility of electrons in silicon: ${x.size} points, 7 parameters`);
console.log(`${fit.iterations} steps, ended by '${fit.reason}'\n`);
console.log('      fitted                 standard deviation    certified by NIST    digits that agree');
const found = fit.x.arraySync();
const deviations = fit.standardDeviations.arraySync();
const digits = (a, b) => Math.min(11, -Math.log10(Math.abs(a - b) / Math.abs(b)));
let fewest = 11;
thurber.certified.forEach((certified, i) => {
  const agree = digits(found[i], certified);
  fewest = Math.min(fewest, agree);
  console.log(
    `b${i + 1}  ${found[i].toPrecision(11).padStart(17)}   ± ${deviations[i].toPrecision(5).padStart(12)}` +
      `   ${certified.toPrecision(11).padStart(19)}   ${agree.toFixed(1).padStart(14)}`,
  );
});
console.log(
  `\nresidual sum of squares ${fit.residualSum.toPrecision(11)} (certified ${thurber.residualSum.toPrecision(11)})`,
);

// The curve's own standard deviation: √(g·C·g) with g the gradient of the model by b and C the covariance of b.
const grid = Float64Array.from({ length: 201 }, (_, i) => -3.09 + (i / 200) * 5.3);
const along = tensor(grid);
const g = jacfwd(b => model(b, along))(fit.x);
const spread = g.matmul(fit.covariance).mul(g).sum(1).sqrt();

const file = savePicture(
  import.meta.url,
  'fit.svg',
  drawFit(thurber.data, grid, model(fit.x, along).dataSync(), spread.dataSync(), fit.residualDeviation),
);
console.log(`\nwrote ${file}`);
if (fewest < 9) {
  console.error('fewer digits agree than should');
  process.exitCode = 1;
}
