// Evaluates functions of the library: a JSON list of { fn, dtype, args, n, wrt } on standard input, results on output.
// `n` is the order of polygamma; `wrt` lists the arguments to differentiate by, one after the other. Needs dist.
import { readFileSync } from 'node:fs';
import * as ct from '../../dist/node/index.js';

/** @type {Record<string, (...xs: unknown[]) => any>} */
const functions = { ...ct };
ct.config({ threads: 1 });

const results = JSON.parse(readFileSync(0, 'utf8')).map(({ fn, dtype, args, n, wrt }) => {
  const tensors = args.map(list => ct.tensor(list, dtype));
  let f = (...xs) => (fn === 'polygamma' ? ct.polygamma(n, xs[0]) : functions[fn](...xs));
  for (const place of wrt ?? []) {
    const g = f;
    f = (...xs) => {
      const along = x => g(...xs.map((other, i) => (i === place ? x : other)));
      return ct.jvp(along, [xs[place]], [ct.onesLike(xs[place])])[1];
    };
  }
  return Array.from(f(...tensors).dataSync(), String);
});
process.stdout.write(JSON.stringify(results));
