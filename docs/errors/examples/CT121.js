import { tensor } from 'cotangent';
import { referenceBackend } from '../../../src/backends/reference/index.ts';
import { useBackend } from '../../../src/transforms/evaluate.ts';

export const about = `Numbers are computed by a backend, which importing any public entry (cotangent, cotangent/nn, …) chooses. Code that reaches for files inside the package can run before that has happened.`;

export function wrong() {
  useBackend(undefined);
  try {
    return tensor([1, 2]).add(1);
  } finally {
    useBackend(referenceBackend());
  }
}

export function right() {
  return tensor([1, 2]).add(1);
}
