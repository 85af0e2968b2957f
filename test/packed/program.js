// A user's program in plain JavaScript, run against the installed package.
import { grad, jit, tensor, vmap } from 'cotangent';
import * as data from 'cotangent/data';
import * as io from 'cotangent/io';
import * as linalg from 'cotangent/linalg';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import manifest from 'cotangent/package.json' with { type: 'json' };
import * as random from 'cotangent/random';
import * as train from 'cotangent/train';

const equal = (actual, expected) => {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`got ${a}, expected ${b}`);
};

const square = x => x.mul(x);
const sumOfSquares = x => square(x).sum();

equal(grad(sumOfSquares)(tensor([1, 2, 3])).arraySync(), [2, 4, 6]);
equal(grad(x => x.mul(x).mul(x))(2).item(), 12);
equal(jit(sumOfSquares)(tensor([1, 2, 3])).item(), 14);
equal(jit(grad(sumOfSquares))(tensor([1, 2, 3])).arraySync(), [2, 4, 6]);
equal(vmap(grad(square))(tensor([1, 2, 3])).arraySync(), [2, 4, 6]);

for (const [name, room] of Object.entries({ data, io, linalg, nn, optim, random, train })) {
  if (Object.keys(room).length === 0) throw new Error(`cotangent/${name} exports nothing`);
}
equal(manifest.name, 'cotangent');
