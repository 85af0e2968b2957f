/** Neural networks: activations, losses, convolution and pooling, initial values, and layers that are trees. */
import '../setup.ts';
import '../numpy/methods.ts';

export { type OneHotOptions, oneHot } from '../numpy/take.ts';
export * from './activations.ts';
export { type AttentionMask, attention, causalMask } from './attention/attention.ts';
export { TransformerBlock, type TransformerBlockOptions } from './attention/block.ts';
export type { AttentionCache } from './attention/cache.ts';
export {
  type AttendOptions,
  MultiHeadAttention,
  type MultiHeadAttentionOptions,
} from './attention/multiHead.ts';
export { type RotaryOptions, rotary, type SinusoidalOptions, sinusoidal } from './attention/positions.ts';
export * from './batchNorm.ts';
export { type Layer, Residual, Sequential } from './containers.ts';
export { type ConvOptions, type ConvTransposeOptions, conv, convTranspose } from './conv.ts';
export * from './convolution.ts';
export { Dropout, type DropoutOptions, dropout } from './dropout.ts';
export * from './embedding.ts';
export * from './flatten.ts';
export * from './initializers.ts';
export { lengthMask } from './lengths.ts';
export * from './linear.ts';
export * from './losses/classes.ts';
export * from './losses/ctc.ts';
export type { LossOptions, Reduction } from './losses/reduction.ts';
export * from './losses/regression.ts';
export * from './losses/similarity.ts';
export { Module } from './module.ts';
export {
  type AxisOptions,
  logSoftmax,
  softmax,
  standardize,
} from './normalize.ts';
export {
  GroupNorm,
  LayerNorm,
  type NormLayerOptions,
  RMSNorm,
  type RMSNormOptions,
} from './norms.ts';
export {
  type EvaluationOptions,
  evaluation,
  initialState,
  type LayerState,
  type ModelState,
  Pass,
  type Stateful,
  type TrainingOptions,
  training,
} from './pass.ts';
export * from './pool.ts';
export * from './prelu.ts';
export { type CellOptions, RecurrentCell } from './recurrent/cell.ts';
export { GRU, GRUCell } from './recurrent/gru.ts';
export { LSTM, type LSTMCarry, LSTMCell, type LSTMCellOptions } from './recurrent/lstm.ts';
export { Recurrent, type RecurrentOptions, type RunOptions } from './recurrent/net.ts';
export { RNN, RNNCell, type RNNCellOptions } from './recurrent/rnn.ts';
export { type StateAdjoint, type StateAdjoints, stateAdjoints } from './recurrent/stateAdjoints.ts';
export type { Padding, PerAxis } from './spatial.ts';
export * from './summary.ts';
