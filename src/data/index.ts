/** Data sets: pipelines that can be stopped and gone on with, files, batches, held-out examples, standardised features. */
import '../setup.ts';
import '../numpy/methods.ts';

export { type BatchOptions, batches, type SplitOptions, trainTestSplit } from './batches.ts';
export {
  type ColumnType,
  type CsvColumns,
  type CsvOptions,
  type CsvRow,
  csv,
  csvRows,
  readCsv,
} from './csv.ts';
export {
  type CollateOptions,
  Dataset,
  type DatasetBatchOptions,
  from,
  type MapOptions,
  type ShuffleOptions,
} from './dataset.ts';
export { loadIdx, readIdx } from './idx.ts';
export {
  type ImageFolder,
  type ImageFolderOptions,
  imageFolder,
  type LabelledImage,
  type Pixels,
} from './images.ts';
export { DatasetIterator, type DatasetState, type IterateOptions } from './iterator.ts';
export type { Channels } from './pixels.ts';
export { decodePng, type ImageOptions } from './png.ts';
export type { Batched } from './stages/batch.ts';
export type { Indexed } from './stages/source.ts';
export { type Standardized, standardize } from './standardize.ts';
