import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const tool = fileURLToPath(new URL('../../tools/layers.js', import.meta.url));
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Runs the tool on a tree of files; with no tree, on the real src. */
function layers(tree?: Record<string, string>) {
  const args = [tool];
  let cwd: string | undefined;
  if (tree) {
    cwd = mkdtempSync(join(tmpdir(), 'layers-'));
    folders.push(cwd);
    for (const [file, text] of Object.entries(tree)) {
      const path = join(cwd, 'src', file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    args.push(join(cwd, 'src'));
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  return { status, stderr, lines: stdout.trim().split('\n') };
}

/** A small tree that keeps every rule. */
const lawful = {
  'index.ts': "import './numpy/methods.ts';\nexport * from './transforms/grad.ts';\n",
  'core/aval.ts': 'export const aval = 1;\n',
  'core/tracer.ts': "import { aval } from './aval.ts';\nexport const tracer = aval;\n",
  'kernel/loop.ts': 'export interface Loop {}\n',
  'primitives/primitive.ts': "import type { Loop } from '../kernel/loop.ts';\nexport type P = Loop;\n",
  'primitives/sum.ts': "import { p } from './primitive.ts';\n",
  'transforms/grad.ts': [
    "import type { Loop } from '../kernel/loop.ts';",
    "import type { Backend } from '../backends/backend.ts';",
    'import {',
    '  type P,',
    '  p,',
    "} from '../primitives/primitive.ts';",
    '',
  ].join('\n'),
  'compiler/lower.ts': "import { p } from '../primitives/primitive.ts';\n",
  'backends/backend.ts': "import type { Loop } from '../kernel/loop.ts';\n",
  'backends/wasm/emit.ts': "import { b } from '../backend.ts';\nimport { leb } from './leb.ts';\n",
  'backends/wasm/leb.ts': 'export const leb = 1;\n',
  'backends/wasm/workers.ts': "const { Worker } = await import('node:worker_threads');\n",
  'numpy/methods.ts': "import { sum } from '../primitives/sum.ts';\n",
  'nn/layer.ts':
    "/**\n * import { grad } from 'cotangent';\n */\nimport * as np from '../numpy/methods.ts';\n",
};

describe('layers', () => {
  it('accepts the real src', () => {
    expect(layers()).toMatchObject({ status: 0, stderr: '' });
  });

  it('accepts a lawful tree', () => {
    expect(layers(lawful)).toEqual({ status: 0, stderr: '', lines: ['layers: 14 files, no breach'] });
  });

  const forbidden: [importer: string, text: string, message: string][] = [
    ['core/a.ts', "import { l } from '../kernel/loop.ts';", 'core may not import kernel/loop.ts'],
    ['core/a.ts', "import type { Loop } from '../kernel/loop.ts';", 'core may not import kernel/loop.ts'],
    ['core/a.ts', "let x: import('../kernel/loop.ts').Loop;", 'core may not import kernel/loop.ts'],
    ['kernel/a.ts', "export { aval } from '../core/aval.ts';", 'kernel may not import core/aval.ts'],
    ['kernel/a.ts', "export * from '../core/aval.ts';", 'kernel may not import core/aval.ts'],
    ['primitives/a.ts', "import '../transforms/grad.ts';", 'primitives may not import transforms/grad.ts'],
    [
      'transforms/a.ts',
      "import { s } from '../primitives/sum.ts';",
      'transforms may not import primitives/sum.ts',
    ],
    [
      'transforms/a.ts',
      "import { l } from '../backends/wasm/leb.ts';",
      'transforms may not import backends/wasm',
    ],
    [
      'transforms/a.ts',
      "import { e } from '../backends/wasm/emit.ts';",
      'transforms may not import backends/wasm/emit.ts',
    ],
    [
      'compiler/a.ts',
      "import { s } from '../primitives/sum.ts';",
      'compiler may not import primitives/sum.ts',
    ],
    [
      'backends/reference/a.ts',
      "import { a } from '../../core/aval.ts';",
      'backends may not import core/aval.ts',
    ],
    [
      'backends/reference/a.ts',
      "import { l } from '../wasm/leb.ts';",
      'backends/reference may import from backends',
    ],
    ['numpy/a.ts', "import { k } from '../random/key.ts';", 'numpy may not import random/key.ts'],
    ['optim/a.ts', "import { l } from '../nn/layer.ts';", 'optim may not import nn/layer.ts'],
    ['data/a.ts', "import { b } from '../backends/backend.ts';", 'data may not import backends/backend.ts'],
    ['nn/a.ts', "import { grad } from '../index.ts';", 'nothing in src imports index.ts'],
    ['nn/a.ts', "import { x } from '../../test/x.ts';", "'../test/x.ts' lies outside src"],
    ['nn/a.ts', "import { x } from 'left-pad';", "'left-pad' is a package"],
    ['nn/a.ts', "import { readFileSync } from 'node:fs';", "load 'node:fs' with import()"],
  ];
  it.each(forbidden)('%s: %s', (importer, text, message) => {
    const { status, lines } = layers({ ...lawful, [importer]: `// first line\n${text}\n` });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`src/${importer}:2: ${message}`);
    expect(status).toBe(1);
  });

  it('names an unknown room', () => {
    expect(layers({ ...lawful, 'attic/box.ts': '' })).toMatchObject({
      status: 1,
      lines: ["src/attic/box.ts:1: 'attic' is no known room; give it a line in tools/layers.js"],
    });
  });

  it.each(['core/utils.ts', 'nn/helpers/box.ts', 'numpy/common.ts', 'io/misc.ts'])(
    'refuses the name %s',
    file => {
      const { status, lines } = layers({ ...lawful, [file]: '' });
      expect(lines).toEqual([expect.stringContaining(`src/${file}:1: `)]);
      expect(status).toBe(1);
    },
  );

  it('shows a cycle once, and not one of types', () => {
    const { status, lines } = layers({
      'core/a.ts': "import { b } from './b.ts';\n",
      'core/b.ts': "import { d } from './d.ts';\nimport { c } from './c.ts';\n",
      'core/c.ts': "import { a } from './a.ts';\n",
      'core/d.ts': "import type { b } from './b.ts';\n",
    });
    expect(lines).toEqual(['src/core/a.ts:1: import cycle: core/a.ts → core/b.ts → core/c.ts → core/a.ts']);
    expect(status).toBe(1);
  });

  it('warns of a long file', () => {
    const { status, lines } = layers({ 'core/a.ts': '\n'.repeat(501) });
    expect(lines[0]).toBe('src/core/a.ts:501: warning: 501 lines; split it');
    expect(status).toBe(0);
  });
});
