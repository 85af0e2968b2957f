import { wasmBackend } from '../../src/backends/wasm/index.ts';
import { backendSuite } from './suite.ts';

// Sums of float32 are taken in float32 here, in double precision there.
backendSuite('wasm', wasmBackend(), 64);
