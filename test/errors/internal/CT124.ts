import { type Backend, WorkerFailed } from '../../../src/backends/backend.ts';
import type { Tensor } from '../../../src/core/tensor.ts';
import { tensor } from '../../../src/numpy/array.ts';
import { add } from '../../../src/primitives/arithmetic.ts';
import { defaultDevice } from '../../../src/setup.ts';
import { currentBackend, useBackend } from '../../../src/transforms/evaluate.ts';

export const about =
  'Large operations run on several threads. One of them stopped: the engine ended it, or it had no memory left. Nothing was lost but the results of that call.';

/** A device whose threads fail. */
function failing(): Backend {
  const device = currentBackend();
  return {
    name: 'failing',
    allocate: (type, size) => device.allocate(type, size),
    adopt: (buffer, type) => device.adopt(buffer, type),
    compile: () => () => {
      throw new WorkerFailed(1);
    },
  };
}

export const wrongs = {
  'a worker that was ended from outside': () => {
    const device = defaultDevice();
    useBackend(failing());
    try {
      return add(tensor(1), tensor(2));
    } finally {
      defaultDevice(device);
    }
  },
};

export const right = (): Tensor => add(tensor(1), tensor(2));
