/**
 * Adds the device `reference`: plain JavaScript, for engines without WebAssembly and for pages whose policy forbids
 * generated code, and to compare with. In Node, importing `cotangent` adds it.
 *
 * @example import 'cotangent/reference'
 */
import { referenceBackend } from './backends/reference/index.ts';
import { provideDevice } from './setup.ts';

provideDevice('reference', () => referenceBackend());
