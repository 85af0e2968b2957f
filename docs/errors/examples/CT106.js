import { grad, jvp, tensor, tree, vjp } from 'cotangent';

export const about = `Arguments and results may be trees: nested arrays, plain objects, Maps and registered classes whose leaves are tensors and numbers. The library must know how to take a tree apart and build it again, so that a class has to say it once. Tangents and cotangents are trees of the same structure as what they belong to.`;

export const wrongs = {
  'a cotangent with other keys than the output': () => {
    const [, pullback] = vjp(x => ({ sine: x.sin(), square: x.mul(x) }), tensor([1, 2]));
    return pullback({ sin: tensor([1, 1]), square: tensor([0, 0]) });
  },
  'a tangent of another length': () => {
    return jvp(([a, b]) => a.mul(b), [[2, 3]], [[1]]);
  },
  'an instance of a class that is not registered': () => {
    class Point {
      constructor(x, y) {
        this.x = x;
        this.y = y;
      }
    }
    const norm = p => p.x.mul(p.x).add(p.y.mul(p.y)).sqrt();
    return grad(norm)(new Point(tensor(3), tensor(4)));
  },
  'a Promise': () => {
    const weights = Promise.resolve(tensor([1, 2]));
    return grad(p => p.weights.sum())({ weights });
  },
  'hasAux without a pair': () => {
    return grad(x => x.sum(), { hasAux: true })(tensor([1, 2]));
  },
  'primals that are not a list': () => {
    return jvp(x => x.sin(), tensor([1]), tensor([1]));
  },
  'trees of different structure': () => {
    const params = { w: tensor([1, 2]), b: tensor(0) };
    return tree.map((p, g) => p.sub(g), params, { w: tensor([0.1, 0.1]) });
  },
};

export function right() {
  class Point {
    constructor(x, y) {
      this.x = x;
      this.y = y;
    }
  }
  tree.register(Point, {
    children: p => ({ x: p.x, y: p.y }),
    rebuild: ({ x, y }) => new Point(x, y),
  });
  const norm = p => p.x.mul(p.x).add(p.y.mul(p.y)).sqrt();
  const gradient = grad(norm)(new Point(tensor(3), tensor(4)));
  return [gradient.x, gradient.y];
}
