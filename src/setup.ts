/** Chooses the backend and makes evaluation the outermost interpretation. Every public entry imports this first. */
import { referenceBackend } from './backends/reference/index.ts';
import { installEvaluation, useBackend } from './transforms/evaluate.ts';

useBackend(referenceBackend());
installEvaluation();
