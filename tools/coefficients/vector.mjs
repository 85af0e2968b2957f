// Evaluates a vector function: node vector.mjs OP float32|float64 RELAXED(0|1) < arguments > results.
// Of a function of two arguments all the first ones come before the second ones. Used by measure_vector.py.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const folder = fileURLToPath(new URL('../../src/backends/wasm', import.meta.url));
const { outputFiles } = await build({
  stdin: { contents: "export * from './encode.ts'; export * from './math/index.ts'", resolveDir: folder },
  bundle: true,
  format: 'esm',
  platform: 'node',
  write: false,
});
const source = Buffer.from(outputFiles[0].contents).toString('base64');
const wasm = await import(`data:text/javascript;base64,${source}`);

const [op, type, relaxed] = process.argv.slice(2);
if (relaxed === '1') await wasm.enableRelaxedSimd();
const arity = op === 'pow' || op === 'atan2' ? 2 : 1;
const bytes = readFileSync(0);
const length = bytes.length / arity;
const padded = (length + 15) & ~15;
const module = new wasm.ModuleBuilder({ shared: false, maximumPages: 65536 });
const f = new wasm.VectorMath(module, { relaxed: relaxed === '1' }).function(op, type);
module.function(
  ['i32'],
  [],
  b => {
    const { i32, v128 } = wasm;
    b.for(i32.const(0), b.params[0], 16, i => {
      const args = Array.from({ length: arity }, (_, k) =>
        v128.load(i32.add(i, i32.mul(b.params[0], i32.const(k)))),
      );
      b.emit(v128.store(i, b.call(f, ...args)));
    });
  },
  'run',
);
const memory = new WebAssembly.Memory({ initial: 1 + ((padded * arity) >> 16), maximum: 65536 });
const { instance } = await WebAssembly.instantiate(module.finish(), { env: { memory } });
const view = new Uint8Array(memory.buffer);
for (let k = 0; k < arity; k++) view.set(bytes.subarray(k * length, (k + 1) * length), k * padded);
instance.exports.run(padded);
writeFileSync(1, view.subarray(0, length));
