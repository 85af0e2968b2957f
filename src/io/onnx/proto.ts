/**
 * The messages of an ONNX file, with the field numbers of `onnx/onnx.proto`
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */
import type { DType, TypedArray } from '../../core/dtype.ts';
import { Message } from './protobuf.ts';

/** int64 is what shapes and indices have; tensors of the library have none. */
export type ElementType = DType | 'int64';

/** TensorProto.DataType. */
export const dataTypes: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
  uint32: 12,
};

/** A number, or the name of an extent that is known only when the graph runs. */
export type Dimension = number | string;

export interface Typed {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Dimension[];
}

export interface Initializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Row-major; one byte an element where bool. */
  readonly data: TypedArray | BigInt64Array;
}

export interface Subgraph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly Typed[];
  readonly outputs: readonly Typed[];
}

export type Attribute = number | string | readonly number[] | { readonly float: number } | Subgraph;

export interface Node {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface Model {
  readonly name: string;
  readonly opset: number;
  readonly graph: Subgraph;
  readonly initializers: readonly Initializer[];
}

/** The version of the file format that came with operator set 18. */
const irVersion = 8;

export function encodeModel({ name, opset, graph, initializers }: Model): Uint8Array {
  return new Message()
    .integer(1, irVersion)
    .string(2, 'cotangent')
    .message(7, graphProto(name, graph, initializers))
    .message(8, new Message().string(1, '').integer(2, opset))
    .encode();
}

function graphProto(name: string, graph: Subgraph, initializers: readonly Initializer[]): Message {
  const message = new Message();
  graph.nodes.forEach((node, i) => message.message(1, nodeProto(node, `${node.type}_${i}`)));
  message.string(2, name);
  for (const one of initializers) message.message(5, tensorProto(one));
  for (const one of graph.inputs) message.message(11, valueInfo(one));
  for (const one of graph.outputs) message.message(12, valueInfo(one));
  return message;
}

function nodeProto({ type, inputs, outputs, attributes }: Node, name: string): Message {
  const message = new Message();
  for (const input of inputs) message.string(1, input);
  for (const output of outputs) message.string(2, output);
  message.string(3, name).string(4, type);
  for (const [key, value] of Object.entries(attributes)) message.message(5, attributeProto(key, value));
  return message;
}

/** Field 20 says which of the others holds the value: 1 float, 2 int, 3 string, 5 graph, 7 ints. */
function attributeProto(name: string, value: Attribute): Message {
  const message = new Message().string(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, 2);
  if (typeof value === 'string') return message.string(4, value).integer(20, 3);
  if ('float' in value) return message.float(2, value.float).integer(20, 1);
  if ('nodes' in value) return message.message(6, graphProto(name, value, [])).integer(20, 5);
  return message.integers(8, value).integer(20, 7);
}

function tensorProto({ name, type, shape, data }: Initializer): Message {
  return new Message()
    .integers(1, shape)
    .integer(2, dataTypes[type])
    .string(8, name)
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function valueInfo({ name, type, shape }: Typed): Message {
  const dimensions = new Message();
  for (const extent of shape)
    dimensions.message(
      1,
      typeof extent === 'number' ? new Message().integer(1, extent) : new Message().string(2, extent),
    );
  const tensor = new Message().integer(1, dataTypes[type]).message(2, dimensions);
  return new Message().string(1, name).message(2, new Message().message(1, tensor));
}
