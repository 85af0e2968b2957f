import type { Tensor } from '../../../src/core/tensor.ts';
import { tensor } from '../../../src/numpy/array.ts';
import { add } from '../../../src/primitives/arithmetic.ts';
import { defaultDevice } from '../../../src/setup.ts';
import { useBackend } from '../../../src/transforms/evaluate.ts';

export const about =
  'Something was computed where no device is. Importing cotangent adds the device `wasm`, if the engine has WebAssembly with SIMD and the policy of the page permits it; importing cotangent/reference adds `reference`, plain JavaScript.';

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
