import { disposing } from '../core/scope.ts';
import { flatten } from '../core/tree.ts';

/**
 * Runs a function and gives back the memory of every tensor that it made, but for those in the tree that it returns.
 * Nothing needs it; it frees memory sooner in loops that never yield. A pullback that leaves the scope must not be
 * used afterwards: its residuals are gone.
 *
 * @example const loss = tidy(() => model(x).sub(y).square().mean())
 */
export function tidy<T>(body: () => T): T {
  return disposing(body, result => flatten(result).leaves);
}
