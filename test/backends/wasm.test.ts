import { wasmBackend } from '../../src/backends/wasm/index.ts';
import { backendSuite } from './suite.ts';

backendSuite('wasm', wasmBackend());
