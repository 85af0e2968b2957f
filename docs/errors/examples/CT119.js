import { checkGrads, stopGradient, tensor, where } from 'cotangent';

export const about = `checkGrads compares derivatives with central differences (f(x + hv) − f(x − hv)) / 2h and forward with reverse mode. They disagree where a rule is wrong, and also where the function has a kink or a jump between the two points: there the difference is a mean of both sides, and not the derivative. Checks in float64 are far sharper than in float32.`;

export const wrongs = {
  'at a kink': () => {
    const relu = x => where(x.greater(0), x, 0).sum();
    checkGrads(relu, [tensor([0, 1], 'float64')]);
  },
  'a part of the derivative stopped': () => {
    const square = x => x.mul(stopGradient(x)).sum();
    checkGrads(square, [tensor([1, 2], 'float64')]);
  },
};

export function right() {
  const relu = x => where(x.greater(0), x, 0).sum();
  checkGrads(relu, [tensor([-1, 1], 'float64')]);
  return relu(tensor([-1, 1], 'float64'));
}
