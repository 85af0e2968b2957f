#!/usr/bin/env node
// The command line: cotangent train | grad | check.
import { readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const help = `cotangent ${version}: automatic differentiation and training

  cotangent train config.json|script.js   train a model, go on with a run that was interrupted
  cotangent grad file.js#f --at 1,2,3     value, gradient and the adjoint of every intermediate variable
  cotangent check                         what this machine offers: devices, threads, SIMD; and whether they agree

  cotangent <command> --help              more of a command
  cotangent --version

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
`;

/** @type {Record<string, () => Promise<{ run(args: string[]): Promise<number> }>>} */
const commands = {
  train: () => import('./train.js'),
  grad: () => import('./grad.js'),
  check: () => import('./check.js'),
};

const [name, ...args] = process.argv.slice(2);
if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
  (name === undefined ? process.stderr : process.stdout).write(help);
  process.exitCode = name === undefined ? 2 : 0;
} else if (name === '--version' || name === '-v') {
  console.log(version);
} else if (commands[name] === undefined) {
  process.stderr.write(`cotangent: no command '${name}'\n\n${help}`);
  process.exitCode = 2;
} else {
  try {
    const { run } = await commands[name]();
    process.exitCode = await run(args);
  } catch (error) {
    process.exitCode = reported(error);
  }
}

/**
 * Writes an error for a reader of a terminal; the stack only where it is no mistake that is explained.
 *
 * @param {unknown} error
 */
function reported(error) {
  const { code, id, message, stack } = /** @type {Error & { code?: string, id?: string }} */ (error);
  const usage = code?.startsWith('ERR_PARSE_ARGS') || code === 'USAGE';
  if (usage)
    process.stderr.write(`cotangent ${name}: ${message}\n  cotangent ${name} --help tells how it is used\n`);
  else process.stderr.write(`${id === undefined ? (stack ?? message) : message}\n`);
  return usage ? 2 : 1;
}
