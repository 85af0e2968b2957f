import { checkGrads, stopGradient, tensor, where } from 'cotangent';

export const about =
  'checkGrads compares the derivatives with finite differences and found them different. Either a rule is wrong, or the point lies at a kink or a jump, where differences are not the derivative, or part of the function was held constant.';

export const wrongs = {
  'a kink': () => checkGrads(x => where(x.greater(0), x, 0).sum(), [tensor([0, 2], 'float64')]),
  'a part held constant': () => checkGrads(x => x.mul(stopGradient(x)).sum(), [tensor([1, 2], 'float64')]),
};

export const right = () => {
  checkGrads(x => where(x.greater(0), x, 0).sum(), [tensor([0.5, 2], 'float64')]);
  checkGrads(x => x.mul(x).sum(), [tensor([1, 2], 'float64')], { order: 2 });
  return 'both are right';
};
