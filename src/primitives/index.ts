/** All primitives: what the laws are tested on and backends are measured by. */
import * as arithmetic from './arithmetic.ts';
import * as bessel from './bessel.ts';
import * as broadcasting from './broadcast.ts';
import * as choleskys from './cholesky.ts';
import * as compare from './compare.ts';
import * as convolution from './conv.ts';
import * as cumulative from './cumulative.ts';
import * as product from './dot.ts';
import * as elementary from './elementary.ts';
import * as factored from './factored.ts';
import * as gamma from './gamma.ts';
import * as gathering from './gather.ts';
import * as beta from './incompleteBeta.ts';
import * as incomplete from './incompleteGamma.ts';
import * as layout from './layout.ts';
import * as lus from './lu.ts';
import * as normal from './normal.ts';
import * as polygamma from './polygamma.ts';
import type { Primitive } from './primitive.ts';
import * as qrs from './qr.ts';
import * as reductions from './reduce.ts';
import * as slices from './slice.ts';
import * as sorting from './sort.ts';
import * as random from './threefry.ts';
import * as triangular from './triangular.ts';
import * as sliding from './window.ts';

type Name =
  | 'arithmetic'
  | 'broadcasting'
  | 'compare'
  | 'convolution'
  | 'cumulative'
  | 'product'
  | 'elementary'
  | 'gamma'
  | 'polygamma'
  | 'incomplete'
  | 'beta'
  | 'bessel'
  | 'normal'
  | 'gathering'
  | 'layout'
  | 'reductions'
  | 'slices'
  | 'sorting'
  | 'random'
  | 'sliding'
  | 'factors';

const families: Readonly<Record<Name, object>> = {
  arithmetic,
  broadcasting,
  compare,
  convolution,
  cumulative,
  product,
  elementary,
  gamma,
  polygamma,
  incomplete,
  beta,
  bessel,
  normal,
  gathering,
  layout,
  reductions,
  slices,
  sorting,
  random,
  sliding,
  factors: { ...triangular, ...choleskys, ...lus, ...qrs, ...factored },
};

export type Family = Name;

/** The primitives of each family, in the order of their file. */
export const primitivesByFamily: Readonly<Record<Family, readonly Primitive[]>> = Object.fromEntries(
  Object.entries(families).map(([family, exports]) => [
    family,
    Object.values(exports).flatMap(value => {
      if (typeof value === 'function' && 'primitive' in value) return [value.primitive as Primitive];
      return typeof value === 'object' && value !== null && 'abstract' in value ? [value as Primitive] : [];
    }),
  ]),
) as unknown as Record<Family, readonly Primitive[]>;

export const primitives: readonly Primitive[] = Object.values(primitivesByFamily).flat();
