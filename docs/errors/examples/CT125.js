import { jacobian, tensor, whileLoop } from 'cotangent';

export const about =
  'The Jacobian by elimination is straight-line code: every element of every intermediate value is a variable of its own. So the numbers of steps and the places that are read must be known before any value is, and the function must be small. The other modes have no such limits.';

const byElimination = f => jacobian(f, { mode: 'elimination' });
const halved = x =>
  whileLoop(
    y => y.abs().max().greater(1),
    y => y.mul(0.5),
    x,
  );

export const wrongs = {
  'a number of steps that depends on values': () => byElimination(halved)(tensor([3, -5])),
  'places that depend on values': () =>
    byElimination(x => x.at(x.argmax()).get().square())(tensor([1, 3, 2])),
  'too many numbers': () => byElimination(x => x.matmul(x))(tensor(new Float32Array(900)).reshape([30, 30])),
};

export const right = () => jacobian(halved, { mode: 'forward' })(tensor([3, -5]));
