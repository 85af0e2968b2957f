/** The bytes, and what cannot be exported. */
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BadArgument, ConcreteValueNeeded } from '../../../src/core/errors.ts';
import { jit, type Tensor, tensor } from '../../../src/index.ts';
import { exportOnnx, type OnnxOptions, saveOnnx } from '../../../src/io/index.ts';
import { Message, varint } from '../../../src/io/onnx/protobuf.ts';
import { cholesky } from '../../../src/linalg/index.ts';

describe('protocol buffers', () => {
  test('whole numbers are those of the specification', () => {
    // https://protobuf.dev/programming-guides/encoding/: 150, and −2 as ten bytes.
    expect([...varint(150)]).toEqual([0x96, 0x01]);
    expect([...varint(-2)]).toEqual([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    expect([...varint(0)]).toEqual([0]);
  });

  test('messages are those of the specification', () => {
    expect([...new Message().integer(1, 150).encode()]).toEqual([0x08, 0x96, 0x01]);
    expect([...new Message().string(2, 'testing').encode()]).toEqual([
      0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67,
    ]);
    const inner = new Message().integer(1, 150);
    expect([...new Message().message(3, inner).encode()]).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
    expect([...new Message().float(2, 1).encode()]).toEqual([0x15, 0, 0, 0x80, 0x3f]);
  });
});

describe('a file', () => {
  test('has the bytes of the export, which are the same every time', async () => {
    const path = join(tmpdir(), `cotangent-${process.pid}.onnx`);
    const f = (x: Tensor): Tensor => x.mul(2);
    try {
      await saveOnnx(path, f, [tensor([1, 2])]);
      expect(new Uint8Array(await readFile(path))).toEqual(exportOnnx(f, [tensor([1, 2])]));
    } finally {
      await rm(path, { force: true });
    }
  });
});

describe('what is refused', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  const refusal = (
    f: (...args: never[]) => unknown,
    args: unknown[],
    options: OnnxOptions = {},
  ): BadArgument => {
    try {
      exportOnnx(f as (...all: unknown[]) => unknown, args, options);
    } catch (error) {
      if (error instanceof BadArgument) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  };

  test('a primitive without translation, by its name and the line that it comes from', () => {
    const error = refusal((a: Tensor) => cholesky(a.matmul(a.transpose())), [x]);
    expect(error.did).toContain("'cholesky'");
    expect(error.where).toMatch(/export\.test\.ts:\d+/);
  });

  test('code that depends on values', () => {
    expect(() => exportOnnx((a: Tensor) => (a.sum().item() > 0 ? a : a.neg()), [x])).toThrow(
      ConcreteValueNeeded,
    );
  });

  test('the line inside a jitted function', () => {
    expect(
      refusal(
        jit((a: Tensor) => cholesky(a)),
        [x],
      ).did,
    ).toContain("'cholesky'");
  });

  test('wrong options', () => {
    const f = (a: Tensor): Tensor => a.mul(2);
    expect(refusal(f, [x], { opset: 9 }).did).toBe('opset: 9');
    expect(refusal(f, [x], { inputs: ['a', 'b'] }).did).toContain('inputs: [a, b]');
    expect(refusal(f, [x], { outputs: [] }).did).toContain('outputs: []');
  });

  test('a dynamic batch of inputs that have none, or on which the program depends', () => {
    const options = { dynamicBatch: true };
    expect(refusal((a: Tensor) => a, [tensor(1)], options).did).toContain("'input'");
    expect(refusal((a: Tensor, b: Tensor) => a.add(b), [x, tensor([1])], options).did).toContain('2, 1');
    const byRow = (a: Tensor): Tensor => {
      let total = tensor(0);
      for (let i = 0; i < a.shape[0]; i++) total = total.add(a.at(i).get().sum());
      return total;
    };
    expect(refusal(byRow, [x], options).did).toContain('something else');
    const outer = (a: Tensor): Tensor => a.matmul(a.transpose()).reshape([-1]);
    // As n² is on a line for two sizes, but not for three.
    expect(refusal(outer, [x], options).did).toContain('something else');
  });
});
