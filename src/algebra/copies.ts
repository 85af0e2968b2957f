/** Copying comes last: on what is copied there is less to compute. Not a bit changes. */
import type { Tensor } from '../core/tensor.ts';
import { constantLike } from '../primitives/broadcast.ts';
import { bind, type Primitive, type Rewrite } from '../primitives/primitive.ts';
import { copied, copyOf } from './products.ts';

/** The law for one operation that works element by element. */
export function copiesOutside(operation: Primitive): Rewrite {
  return {
    law: 'f(copy x, copy y) = copy f(x, y)',
    apply: (operands, params, seen) => {
      const copies = operands.map(operand => copied(operand, seen));
      const like =
        copies.find((copy, i) => copy !== null && seen.constant(operands[i]) === null) ?? copies[0];
      if (like === null || like === undefined) return null;
      const [source] = like.operands;
      // Only where there are fewer elements before it, or fewer axes.
      if (source.size === operands[0].size && source.ndim >= operands[0].ndim) return null;
      const same = JSON.stringify([like.params, source.shape]);
      const inner: Tensor[] = [];
      for (let i = 0; i < operands.length; i++) {
        const copy = copies[i];
        const value = seen.constant(operands[i]);
        if (
          copy !== null &&
          copy.operation === like.operation &&
          JSON.stringify([copy.params, copy.operands[0].shape]) === same
        )
          inner.push(copy.operands[0]);
        else if (value !== null)
          inner.push(constantLike(operands[i].aval.with({ shape: source.shape }), value));
        else return null;
      }
      return copyOf(like, bind(operation, inner, params)[0]);
    },
  };
}
