// Times a call: warm-up, then samples until the time is spent. peers.py has the same in Python.

/**
 * @typedef {object} Settings
 * @property {number} budget Milliseconds to spend on samples.
 * @property {number} least Samples at least, unless one takes very long.
 * @property {number} most Samples at most.
 *
 * @typedef {object} Work
 * @property {() => unknown} call Does the work to its end; may return a promise.
 * @property {(result: any) => ArrayLike<number>[] | Promise<ArrayLike<number>[]>} read The outputs, row-major.
 * @property {(result: any) => void} [free]
 */

/**
 * Milliseconds for one call, each sample an average over as many calls as fill half a millisecond.
 * @param {Work} work
 * @param {Settings} settings
 */
export async function measure({ call, free }, { budget, least, most }) {
  /** @param {number} times */
  const sample = async times => {
    const start = performance.now();
    for (let i = 0; i < times; i++) {
      let result = call();
      if (result instanceof Promise) result = await result;
      free?.(result);
    }
    return (performance.now() - start) / times;
  };

  let once = await sample(1);
  // The check of its result was warm-up enough for a call this long.
  if (once > 2 * budget) return [once];
  const warm = performance.now() + budget / 3;
  for (let i = 0; i < 2 || performance.now() < warm; i++) {
    once = Math.min(once, await sample(1));
  }

  const times = Math.max(1, Math.ceil(0.5 / Math.max(once, 1e-5)));
  /** @type {number[]} */
  const samples = [];
  const end = performance.now() + budget;
  while (samples.length < least || (samples.length < most && performance.now() < end)) {
    samples.push(await sample(times));
  }
  return samples;
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
