/** Turns of the event loop, so that a page stays usable and signals arrive while a model is trained. */

/** Between two turns, in milliseconds: a frame of a page. */
const turn = 12;

interface Host {
  readonly setImmediate?: (done: () => void) => unknown;
  readonly MessageChannel?: typeof MessageChannel;
}

function turned(): Promise<void> {
  const host = globalThis as Host;
  return new Promise(resolve => {
    if (host.setImmediate !== undefined) host.setImmediate(resolve);
    else if (host.MessageChannel !== undefined) {
      // Timers wait 4 ms in pages; messages do not.
      const { port1, port2 } = new host.MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    } else setTimeout(resolve, 0);
  });
}

/** A function that, if the last turn is long enough ago, waits for one. */
export function pauses(): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    if (performance.now() - last < turn) return;
    return turned().then(() => {
      last = performance.now();
    });
  };
}
