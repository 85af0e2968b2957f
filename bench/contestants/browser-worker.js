// As much of the browser's Worker, over Node's, as a library needs that starts one from a Blob's URL.
import { resolveObjectURL } from 'node:buffer';
import { Worker } from 'node:worker_threads';

const prelude = `
const { parentPort } = require('node:worker_threads');
globalThis.self = globalThis;
globalThis.postMessage = message => parentPort.postMessage(message);
parentPort.on('message', data => globalThis.onmessage?.({ data }));
`;

export class BrowserWorker {
  /** @type {((event: { data: any }) => void) | null} */
  onmessage = null;
  /** @type {((event: { message: string }) => void) | null} */
  onerror = null;
  /** @type {Promise<Worker>} */
  #worker;

  /** @param {string} url */
  constructor(url) {
    const blob = resolveObjectURL(url);
    if (blob === undefined) throw new Error(`no Blob behind ${url}`);
    this.#worker = blob.text().then(source => {
      const worker = new Worker(prelude + source, { eval: true });
      worker.on('message', data => this.onmessage?.({ data }));
      worker.on('error', error => this.onerror?.({ message: error.message }));
      return worker;
    });
    // Once it runs, messages must not wait for a promise any longer.
    this.#worker.then(worker => {
      this.postMessage = message => worker.postMessage(message);
    });
  }

  /** @param {any} message */
  postMessage(message) {
    this.#worker.then(worker => worker.postMessage(message));
  }

  terminate() {
    this.#worker.then(worker => worker.terminate());
  }
}
