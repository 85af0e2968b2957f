/** Runs exported models by ONNX Runtime, which ships its CPU library for some platforms only. */
import { Aval } from '../../../src/core/aval.ts';
import { allocate, type DType } from '../../../src/core/dtype.ts';
import { ConcreteTensor, HostStorage, type Tensor } from '../../../src/core/tensor.ts';

type Runtime = typeof import('onnxruntime-node');

/** Null, and a line that says why, where the library does not load. */
export const runtime: Runtime | null = await import('onnxruntime-node').catch((error: unknown) => {
  console.log(
    `ONNX Runtime has no library for this platform, so exported models are not run: ${String(error)}`,
  );
  return null;
});

/** The results of a model for inputs in the order that it names them, in the order of its outputs. */
export async function runModel(bytes: Uint8Array, inputs: readonly Tensor[]): Promise<Tensor[]> {
  const { InferenceSession, Tensor: Value } = runtime as Runtime;
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 4, intraOpNumThreads: 1 });
  try {
    const feeds = session.inputNames.map((name, i) => {
      const { dtype, shape } = inputs[i];
      return [name, new Value(dtype as 'float32', inputs[i].dataSync() as Float32Array, [...shape])] as const;
    });
    const results = await session.run(Object.fromEntries(feeds));
    return session.outputNames.map(name => {
      const { type, dims, data } = results[name];
      const dtype = type as DType;
      const array = allocate(dtype, data.length);
      array.set(data as Float32Array);
      return new ConcreteTensor(new Aval(dtype, dims), new HostStorage(array));
    });
  } finally {
    await session.release();
  }
}

/** The operators of a model, subgraphs included: the strings in field 4 of its nodes, which have their names before. */
export function operatorsOf(bytes: Uint8Array): Set<string> {
  const text = new TextDecoder('latin1').decode(bytes);
  return new Set([...text.matchAll(/([A-Z][A-Za-z]+)_\d+"[\s\S]\1/g)].map(match => match[1]));
}
