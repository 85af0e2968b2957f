/** Every block of the README: JavaScript runs and prints what the text says, declarations are those of the source. */
import { readdirSync, readFileSync } from 'node:fs';
import * as cotangent from 'cotangent';
import * as data from 'cotangent/data';
import * as linalg from 'cotangent/linalg';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';
import * as train from 'cotangent/train';
import { describe, expect, test } from 'vitest';
import { blocksOf, printed, trimmed } from './blocks.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const readme = read('README.md');

const modules: Readonly<Record<string, object>> = {
  cotangent,
  'cotangent/data': data,
  'cotangent/linalg': linalg,
  'cotangent/nn': nn,
  'cotangent/optim': optim,
  'cotangent/random': random,
  'cotangent/train': train,
};

const blocks = blocksOf(readme);

describe('README.md', () => {
  blocks.forEach(({ language, text, line }, i) => {
    if (language !== 'js') return;
    test(`the block at line ${line} runs and prints what is written below it`, async () => {
      const output = await printed(text, modules);
      const next = blocks[i + 1];
      const said = next?.language === 'text' ? next.text : '';
      expect(trimmed(output)).toBe(said);
    });
  });

  test('has no output without the code that prints it', () => {
    const alone = blocks.filter((block, i) => block.language === 'text' && blocks[i - 1]?.language !== 'js');
    expect(alone).toEqual([]);
  });

  test('shows declarations as they are in the source', () => {
    const folder = 'src/primitives/';
    const sources = readdirSync(new URL(folder, root)).map(file => read(folder + file));
    const declarations = blocks
      .filter(({ language }) => language === 'ts')
      .flatMap(({ text }) => text.trim().split('\n\n'));
    expect(declarations.length).toBeGreaterThan(0);
    for (const declaration of declarations)
      expect(sources.filter(source => source.includes(declaration)).length, declaration).toBe(1);
  });

  test('names only functions that exist in its table of transformations', () => {
    const table = readme.slice(readme.indexOf('| transformation |'), readme.indexOf('\n\n## NumPy'));
    const names = [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell]) =>
      [...cell.matchAll(/`(\w+)[(`]/g)].map(match => match[1]),
    );
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) expect(cotangent, name).toHaveProperty(name);
  });

  test('links to files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(match => match[1]);
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) expect(() => readFileSync(new URL(link, root)), link).not.toThrow();
  });
});
