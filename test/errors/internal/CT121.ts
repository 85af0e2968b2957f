import type { Tensor } from '../../../src/core/tensor.ts';
import { tensor } from '../../../src/numpy/array.ts';
import { add } from '../../../src/primitives/arithmetic.ts';
import { defaultDevice } from '../../../src/setup.ts';
import { useBackend } from '../../../src/transforms/evaluate.ts';

export const about =
  'Something was computed before there was anything to compute it. Importing cotangent installs a backend; a file inside the package imported by itself does not.';

export const wrongs = {
  'no backend chosen': () => {
    const device = defaultDevice();
    useBackend(undefined as never);
    try {
      return add(tensor(1), tensor(2));
    } finally {
      defaultDevice(device);
    }
  },
};

export const right = (): Tensor => add(tensor(1), tensor(2));
