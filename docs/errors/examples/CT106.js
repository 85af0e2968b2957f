import { cond, customVjp, grad, jit, jvp, scan, tensor, tree, vjp } from 'cotangent';

export const about =
  'Arguments and results are trees: arrays, plain objects and Maps, with tensors and numbers as leaves. Two trees that belong together, such as a value and its cotangent, have the same keys and lengths. An instance of a class is a tree only if the class says what its children are.';

export const wrongs = {
  'a cotangent with another key': () => {
    const [, pullback] = vjp(x => ({ sum: x.sum(), sine: x.sin() }), tensor([1, 2]));
    return pullback({ sum: 1, cosine: tensor([1, 1]) });
  },
  'a tuple of tangents too short': () => jvp((x, y) => x.mul(y), [2, 3], [1]),
  'a class that is not registered': () => {
    class Point {
      constructor(x, y) {
        this.x = x;
        this.y = y;
      }
    }
    return grad(p => p.x.mul(p.y))(new Point(2, 3));
  },
  'a Promise as an argument': () => {
    const data = Promise.resolve(tensor([1, 2]));
    return jit(x => x.sum())(data);
  },
  'a place in place of its value': () => jit(x => x.at(0))(tensor([1, 2])),
  'trees of different lengths': () =>
    tree.map((p, g) => p.sub(g), [tensor([1]), tensor([2])], [tensor([0.1])]),
  'a step that returns its carry alone': () => scan((sum, x) => sum.add(x), 0, tensor([1, 2, 3])),
  'branches with different keys': () =>
    cond(
      tensor(1).greater(0),
      x => ({ root: x.sqrt() }),
      x => ({ square: x.mul(x) }),
      tensor(2),
    ),
  'a backward rule that returns a cotangent and no list': () => {
    const identity = customVjp(
      x => x,
      x => [x, null],
      (_, ct) => ct,
    );
    return grad(x => identity(x).sum())(tensor([1, 2]));
  },
};

export const right = () => {
  class Point {
    constructor(x, y) {
      this.x = x;
      this.y = y;
    }
  }
  tree.register(Point, {
    children: point => ({ x: point.x, y: point.y }),
    rebuild: ({ x, y }) => new Point(x, y),
  });
  const slope = grad(p => p.x.mul(p.y))(new Point(2, 3));
  const [, pullback] = vjp(x => ({ sum: x.sum(), sine: x.sin() }), tensor([1, 2]));
  // null stands for a cotangent of zeros.
  return [slope.x, ...pullback({ sum: 1, sine: null })];
};
