import { referenceBackend } from '../../src/backends/reference/index.ts';
import { backendSuite } from './suite.ts';

backendSuite('reference', referenceBackend({ interpreted: false }));
