/** Data sets: batches, held-out examples, standardised features, and the IDX file format. */
import '../setup.ts';
import '../numpy/methods.ts';

export { type BatchOptions, batches, type SplitOptions, trainTestSplit } from './batches.ts';
export { readIdx } from './idx.ts';
export { type Standardized, standardize } from './standardize.ts';
