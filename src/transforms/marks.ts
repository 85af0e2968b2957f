/** Marks on values: a constant by the user's wish, and a name. */
import * as tree from '../core/tree.ts';
import { stop, tag as tagTensor } from '../primitives/vectorspace.ts';
import { leafTensor, type Outputs, settled } from './arguments.ts';

/**
 * The same value as a constant: ∂ stopGradient(x)/∂x = 0. Of a tree, every leaf.
 *
 * @example grad((x) => x.mul(stopGradient(x)))(3) // 3, not 6
 */
export function stopGradient<T>(x: T): Outputs<T> {
  return tree.map((leaf: unknown) => stop(settled(leafTensor(leaf))), x) as Outputs<T>;
}

/**
 * The same value under a name, which `adjoints` and `program` show. Of a tree, every leaf.
 *
 * @example const h = tag('hidden', x.matmul(w).tanh())
 */
export function tag<T>(name: string, x: T): Outputs<T> {
  return tree.map((leaf: unknown) => tagTensor(name, settled(leafTensor(leaf))), x) as Outputs<T>;
}
