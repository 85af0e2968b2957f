import { referenceBackend } from '../../../src/backends/reference/index.ts';
import type { Tensor } from '../../../src/core/tensor.ts';
import { tensor } from '../../../src/numpy/array.ts';
import { add } from '../../../src/primitives/arithmetic.ts';
import { useBackend } from '../../../src/transforms/evaluate.ts';

export const about =
  'Something was computed before there was anything to compute it. Importing cotangent installs a backend; a file inside the package imported by itself does not.';

export const wrongs = {
  'no backend chosen': () => {
    useBackend(undefined as never);
    try {
      return add(tensor(1), tensor(2));
    } finally {
      useBackend(referenceBackend());
    }
  },
};

export const right = (): Tensor => {
  useBackend(referenceBackend());
  return add(tensor(1), tensor(2));
};
