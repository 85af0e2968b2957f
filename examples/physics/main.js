// Derivatives through a simulation: what a flight tells of the air, and how to throw so that the ball hits.
import { grad, jit, scan, stack, tensor } from 'cotangent';
import { levenbergMarquardt, root } from 'cotangent/optim';
import { key, normal } from 'cotangent/random';
import { savePicture } from '../picture/save.js';
import { drawFlights } from './picture.js';

const steps = 200;
const duration = 3;
const dt = duration / steps;
const f64 = values => tensor(values, 'float64');
const gravity = f64([0, -9.81]);

/** Acceleration of a ball in air that moves with the wind: gravity, and drag that grows with the square of speed. */
const acceleration = (velocity, { drag, wind }) => {
  const relative = velocity.sub(stack([wind, wind.mul(0)]));
  const speed = relative.square().sum().sqrt();
  return gravity.sub(relative.mul(speed).mul(drag));
};

/** Positions over time, by the method of Runge and Kutta of fourth order; one compiled loop. */
function fly(velocity, air) {
  const derivative = ({ p: _, v }) => ({ p: v, v: acceleration(v, air) });
  const along = (state, slope, h) => ({ p: state.p.add(slope.p.mul(h)), v: state.v.add(slope.v.mul(h)) });
  const step = state => {
    const a = derivative(state);
    const b = derivative(along(state, a, dt / 2));
    const c = derivative(along(state, b, dt / 2));
    const d = derivative(along(state, c, dt));
    const mean = name => a[name].add(b[name].mul(2)).add(c[name].mul(2)).add(d[name]).div(6);
    const next = along(state, { p: mean('p'), v: mean('v') }, dt);
    return [next, next.p];
  };
  return scan(step, { p: f64([0, 1.5]), v: velocity }, null, { length: steps })[1];
}

// 1. One flight was seen through a shaky camera, every tenth of a second. What are the air's drag and wind?
const frames = tensor(Int32Array.from({ length: 28 }, (_, i) => 6 + 7 * i));
const truth = { drag: f64(0.021), wind: f64(-4) };
const thrown = f64([18, 12]);
const seen = fly(thrown, truth)
  .at(frames)
  .get()
  .add(normal(key(1), [28, 2], { dtype: 'float64' }).mul(0.05));
const residuals = air => fly(thrown, air).at(frames).get().sub(seen);
const fit = levenbergMarquardt(residuals, { drag: f64(0), wind: f64(0) });
console.log('What the flight tells of the air, from 28 positions with errors of 5 cm:');
for (const name of ['drag', 'wind'])
  console.log(
    `  ${name}  ${fit.x[name].item().toFixed(4).padStart(8)} ± ${fit.standardDeviations[name].item().toFixed(4)}` +
      `   (true: ${truth[name].item()})`,
  );

// 2. Which velocity hits a ring that is 20 m away and 6 m up after two seconds? A root of two equations; Newton's
// method takes the Jacobian of where the ball is by how it was thrown.
const ring = f64([20, 6]);
const after = Math.round(2 / dt) - 1;
const air = fit.x;
const miss = velocity => fly(velocity, air).at(after).get().sub(ring);
const { x: aim, iterations } = root(miss, thrown);
const distance = miss(aim).square().sum().sqrt().item();
console.log(`\nTo fly through a ring at (20 m, 6 m) after 2 s: throw with (${show(aim)}) m/s`);
console.log(
  `  found in ${iterations.item()} steps of Newton's method; it misses the middle by ${distance.toExponential(1)} m`,
);

// 3. The solution has derivatives, too: how must the throw change if the wind does? By the implicit function theorem,
// without differentiating Newton's steps.
const aimAgainst = wind =>
  root(
    (velocity, w) =>
      fly(velocity, { ...air, wind: w })
        .at(after)
        .get()
        .sub(ring),
    thrown,
    wind,
  ).x;
const slope = jit(grad(wind => aimAgainst(wind).at(0).get()))(air.wind).item();
const h = 0.01;
const [above, below] = [h, -h].map(by => aimAgainst(air.wind.add(by)).at(0).get().item());
const difference = (above - below) / (2 * h);
console.log(
  `\nFor each m/s more of wind the throw is to be ${Math.abs(slope).toFixed(4)} m/s ${slope < 0 ? 'slower' : 'faster'}`,
);
console.log(
  `  derivative of the solution ${slope.toFixed(8)}, difference of two solutions ${difference.toFixed(8)}`,
);

function show(vector) {
  return vector
    .arraySync()
    .map(one => one.toFixed(3))
    .join(', ');
}

const file = savePicture(
  import.meta.url,
  'flights.svg',
  drawFlights({
    seen: seen.arraySync(),
    fitted: fly(thrown, air).arraySync(),
    vacuum: fly(thrown, { drag: f64(0), wind: f64(0) }).arraySync(),
    aimed: fly(aim, air).arraySync(),
    ring: ring.arraySync(),
  }),
);
console.log(`\nwrote ${file}`);
const close = Math.abs(fit.x.drag.item() - 0.021) < 4 * fit.standardDeviations.drag.item();
if (!(close && distance < 1e-9 && Math.abs(slope - difference) < 1e-6)) {
  console.error('the numbers are not what they should be');
  process.exitCode = 1;
}
