/**
 * Files: tensors in safetensors, .npy and .npz, checkpoints of whole trees, and functions as ONNX models. `read…`,
 * `write…` and `exportOnnx` work on bytes, everywhere; `load…` and `save…` work on paths, in Node (`load…` also on a
 * Blob, everywhere).
 */
import '../setup.ts';
import '../numpy/methods.ts';

export {
  type CheckpointContents,
  type CheckpointOptions,
  inspectCheckpoint,
  listCheckpoints,
  loadCheckpoint,
  readCheckpoint,
  type SaveOptions,
  saveCheckpoint,
  writeCheckpoint,
} from './checkpoint.ts';
export type { WideIntegers } from './elements.ts';
export type { Json } from './json.ts';
export {
  loadNpy,
  loadNpz,
  type NpzOptions,
  readNpy,
  readNpz,
  saveNpy,
  saveNpz,
  writeNpy,
  writeNpz,
} from './npy.ts';
export { exportOnnx, type OnnxOptions, saveOnnx } from './onnx/export.ts';
export {
  loadSafetensors,
  readSafetensors,
  type Safetensors,
  type SafetensorsOptions,
  saveSafetensors,
  writeSafetensors,
} from './safetensors.ts';
export type { Source } from './source.ts';
