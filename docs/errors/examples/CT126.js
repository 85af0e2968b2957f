import { jacobian, tensor } from 'cotangent';

export const about =
  'The Jacobian by elimination of scalars is straight-line code: every element of every intermediate value is a variable of its own. So the places that are read and the numbers of steps must be known before any value is, and the function must be small. Elimination of whole tensors has no such limits; it is what jacobian takes for such functions where graph is not given.';

const byElimination = f => jacobian(f, { mode: 'elimination', graph: 'scalar' });
const largestSquared = x => x.at(x.argmax()).get().square();

export const wrongs = {
  'places that depend on values': () => byElimination(largestSquared)(tensor([1, 3, 2])),
  'too many numbers': () => byElimination(x => x.matmul(x))(tensor(new Float32Array(900)).reshape([30, 30])),
};

export const right = () => jacobian(largestSquared, { mode: 'elimination' })(tensor([1, 3, 2]));
