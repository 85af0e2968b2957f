/** The command line, run as a process: what it prints, its exit codes, and runs that are killed. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

const here = fileURLToPath(new URL('./', import.meta.url));
const bin = fileURLToPath(new URL('../../bin/cotangent.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cotangent-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const run = (...args: string[]): Promise<Ended> =>
  new Promise(resolve => {
    execFile(process.execPath, [bin, ...args], { cwd: folder }, (error, out, err) => {
      resolve({ code: error === null ? 0 : (error.code as number), out, err });
    });
  });

describe('usage', () => {
  test('help, version, and what there is not', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await run('--version')).toMatchObject({ code: 0, out: `${version}\n` });
    const help = await run('--help');
    expect(help.code).toBe(0);
    for (const command of ['train', 'grad', 'check']) {
      expect(help.out).toContain(`cotangent ${command}`);
      expect(await run(command, '--help')).toMatchObject({ code: 0, err: '' });
      expect((await run(command, '--nonsense')).code).toBe(2);
    }
    expect(await run()).toMatchObject({ code: 2, out: '' });
    expect((await run('nonsense')).err).toContain("no command 'nonsense'");
  });
});

describe('grad', () => {
  const file = join(here, 'energy.js');

  test('value, gradient and the table of adjoints', async () => {
    const { code, out } = await run('grad', `${file}#energy`, '--at', '1,2,3');
    expect(code).toBe(0);
    expect(out).toMatch(/^value {5}7\.84147098480789\d\n/);
    expect(out).toContain('gradient  Tensor([1.540302, 2, 3], float64[3])');
    expect(out).toMatch(/^x +input +\[1, 2, 3\] +\[1\.540302, 2, 3\]$/m);
  });

  test('several arguments, trees, as JSON', async () => {
    const { code, out } = await run('grad', `${file}#two`, '--at', '{"a":[1,2]}', '--at', '[3,4]', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ value: 11, gradient: [{ a: [3, 4] }, [1, 2]] });
  });

  test('mistakes', async () => {
    expect(await run('grad', `${file}#nothing`, '--at', '1')).toMatchObject({ code: 2 });
    expect((await run('grad', `${file}#number`, '--at', '1')).err).toContain('energy, two, vector');
    expect((await run('grad', join(here, 'none.js'), '--at', '1')).err).toContain('there is no file');
    expect((await run('grad', `${file}#energy`)).err).toContain('--at 1,2,3');
    expect((await run('grad', `${file}#energy`, '--at', 'x')).code).toBe(2);
    const vector = await run('grad', `${file}#vector`, '--at', '1,2');
    expect(vector.code).toBe(1);
    expect(vector.err).toMatch(/^CT102/);
  });
});

test('check says what there is', async () => {
  const { code, out } = await run('check', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    device: 'wasm',
    simd: true,
    ok: true,
    node: process.versions.node,
  });
});

describe('train', () => {
  const table = ['length,width,kind'];
  for (let i = 0; i < 90; i++)
    table.push(`${(i % 3) + Math.sin(i) / 4},${2 - (i % 3) + Math.cos(i) / 4},${['a', 'b', 'c'][i % 3]}`);
  writeFileSync(join(folder, 'kinds.csv'), `${table.join('\n')}\n`);
  const configuration = (more: object): string => {
    const path = join(folder, 'kinds.json');
    writeFileSync(path, JSON.stringify({ data: { csv: 'kinds.csv', target: 'kind' }, ...more }));
    return path;
  };

  test('a table by a configuration, on to more epochs', async () => {
    const file = configuration({ optimizer: { name: 'adam', learningRate: 0.02 }, epochs: 4, batchSize: 8 });
    const first = await run('train', file, '--out', 'kinds');
    expect(first.err).toBe('');
    expect(first.out).toMatch(/^epoch 1\/4 {2}loss .*validation\.accuracy/);
    expect(first.out).toMatch(/4 epochs, 36 steps; model in kinds\/model\.safetensors\n$/);
    const more = await run('train', file, '--out', 'kinds', '--epochs', '8');
    expect(more.out).toMatch(/^epoch 5\/8/);
    const log = readFileSync(join(folder, 'kinds/log.jsonl'), 'utf8').trim().split('\n');
    const last = log.map(line => JSON.parse(line) as { validation?: { accuracy: number } }).at(-2);
    expect(last?.validation?.accuracy).toBeGreaterThan(0.9);
  });

  test('mistakes', async () => {
    expect((await run('train', configuration({ hidden: 3 }))).err).toContain("'hidden' in the configuration");
    expect((await run('train', configuration({ optimizer: { name: 'none' } }))).code).toBe(2);
    expect((await run('train', 'none.json')).code).toBe(2);
    expect((await run('train', join(here, 'energy.js'))).err).toContain('default export');
  });

  /** Resolves when the process is over: its signal, or its code. */
  const over = (child: ChildProcess): Promise<string | number | null> =>
    new Promise(resolve => child.on('exit', (code, signal) => resolve(signal ?? code)));

  test('killed again and again, it ends with the weights of a run that was not', async () => {
    const script = join(here, 'run.js');
    const epochs = '40';
    expect((await run('train', script, epochs, '--out', 'whole', '--quiet')).code).toBe(0);
    let killed = 0;
    for (let turn = 0; turn < 30; turn++) {
      const child = spawn(process.execPath, [bin, 'train', script, epochs, '--out', 'torn', '--quiet'], {
        cwd: folder,
      });
      // The start takes most of it; after the fourth turn it may finish.
      const timer = turn < 4 ? setTimeout(() => child.kill('SIGKILL'), 450 + 137 * turn) : undefined;
      const end = await over(child);
      clearTimeout(timer);
      if (end === 0) break;
      expect(end).toBe('SIGKILL');
      killed++;
    }
    expect(killed).toBeGreaterThan(0);
    const weights = (name: string): Buffer => readFileSync(join(folder, name, 'model.safetensors'));
    expect(weights('torn').equals(weights('whole'))).toBe(true);
  }, 60_000);

  test('interrupted, it saves and says so', async () => {
    const child = spawn(
      process.execPath,
      [bin, 'train', join(here, 'run.js'), '100000', '--out', 'stopped'],
      {
        cwd: folder,
      },
    );
    let out = '';
    child.stdout?.on('data', chunk => {
      const before = out;
      out += String(chunk);
      // Once: a second one ends any process at once.
      if (out.includes('epoch      2') && !before.includes('epoch      2')) child.kill('SIGINT');
    });
    expect(await over(child)).toBe(130);
    expect(out).toMatch(/interrupted at step \d+; the same command goes on from there\n$/);
    expect(existsSync(join(folder, 'stopped/checkpoints/run.safetensors'))).toBe(true);
  }, 30_000);
});
