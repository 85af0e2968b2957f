/** Random bits: the counter-based generator Threefry-2x32 with 20 rounds (Salmon et al., SC 2011). */
import { Aval } from '../core/aval.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { bind, type Primitive, primitive } from './primitive.ts';
import { elements, elementwiseRule, given } from './signature.ts';

type None = Record<string, never>;

const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
];

/** The two output words for two key words and two counter words. */
function rounds(
  key0: k.Expression,
  key1: k.Expression,
  count0: k.Expression,
  count1: k.Expression,
): k.Expression[] {
  const word = (value: number): k.Expression => k.constant('uint32', value);
  const plus = (a: k.Expression, b: k.Expression): k.Expression => k.binary('add', a, b);
  const keys = [key0, key1, k.binary('xor', k.binary('xor', key0, key1), word(0x1bd11bda))];
  let x = plus(count0, keys[0]);
  let y = plus(count1, keys[1]);
  for (let group = 0; group < 5; group++) {
    for (const by of rotations[group % 2]) {
      x = plus(x, y);
      y = k.binary('xor', x, k.binary('or', k.binary('shl', y, word(by)), k.binary('shr', y, word(32 - by))));
    }
    x = plus(x, keys[(group + 1) % 3]);
    y = plus(plus(y, keys[(group + 2) % 3]), word(group + 1));
  }
  return [x, y];
}

const rule = elementwiseRule('threefry', 'int');

export const threefryPrimitive: Primitive<None> = primitive<None>({
  name: 'threefry',
  kind: 'flat',
  because: 'random bits do not depend smoothly on their key',
  abstract: operands => {
    const { shape } = rule(operands);
    return [new Aval('uint32', shape), new Aval('uint32', shape)];
  },
  batch: 'elementwise',
  lower: (operands, _, [out]) => {
    const [key0, key1, count0, count1] = elements(operands);
    return { form: 'map', extents: out.shape, values: rounds(key0, key1, count0, count1) };
  },
  samples: [
    {
      operands: [
        given('uint32', [2], [0, 0x13198a2e]),
        given('uint32', [2], [0, 0x03707344]),
        given('uint32', [2], [0, 0x243f6a88]),
        given('uint32', [2], [0, 0x85a308d3]),
      ],
      params: {},
    },
  ],
});

/** Two uint32 tensors of random bits from key words and counters, all of one shape. */
export function threefry(key0: Tensor, key1: Tensor, count0: Tensor, count1: Tensor): readonly Tensor[] {
  return bind(threefryPrimitive, [key0, key1, count0, count1], {});
}
