/**
 * Every error has an example; every example gives its error, from the user's line, and a remedy that works; and the
 * pages in docs/errors are what these give. `npm run errors` writes the pages.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import * as errors from '../../src/core/errors.ts';
import { examplesIn, index, page, withoutPlace } from '../../tools/errors.js';

interface Example {
  readonly about: string;
  readonly wrong?: () => unknown;
  readonly wrongs?: Readonly<Record<string, () => unknown>>;
  readonly right: () => unknown;
}

type ErrorClass = typeof errors.CotangentError;

const docs = fileURLToPath(new URL('../../docs/errors/', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const fileOf = (id: string): string => `${docs}examples/${id}.js`;
const classes = Object.values(errors).filter(
  (value): value is ErrorClass =>
    typeof value === 'function' && value.prototype instanceof errors.CotangentError,
);
const examples = new Map<string, Example>();
for (const { id } of classes)
  if (existsSync(fileOf(id))) examples.set(id, (await import(/* @vite-ignore */ fileOf(id))) as Example);

function exampleOf(id: string): Example {
  const example = examples.get(id);
  if (example === undefined) throw new Error(`docs/errors/examples/${id}.js is missing`);
  return example;
}

function wrongsOf({ wrong, wrongs }: Example): [title: string, run: () => unknown][] {
  return [...(wrong ? [['', wrong] as [string, () => unknown]] : []), ...Object.entries(wrongs ?? {})];
}

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

function pageOf(errorClass: ErrorClass): Parameters<typeof page>[0] {
  const { id, title, name } = errorClass;
  const example = exampleOf(id);
  const source = examplesIn(readFileSync(fileOf(id), 'utf8'));
  const runs = wrongsOf(example);
  expect(source.wrongs.map(wrong => wrong.title)).toEqual(runs.map(([title]) => title));
  return {
    id,
    title,
    name,
    about: example.about,
    right: source.right,
    wrongs: source.wrongs.map((wrong, i) => ({
      ...wrong,
      message: withoutPlace((thrownBy(runs[i][1]) as Error).message),
    })),
  };
}

describe('the classes', () => {
  test('have different ids, titles and names', () => {
    for (const key of ['id', 'title', 'name'] as const)
      expect(new Set(classes.map(one => one[key])).size).toBe(classes.length);
    for (const { id } of classes) expect(id).toMatch(/^CT1\d\d$/);
  });

  test('have one example each, and no example is left over', () => {
    expect(readdirSync(`${docs}examples`).sort()).toEqual(classes.map(({ id }) => `${id}.js`).sort());
  });

  test('have one page each, and no page is left over', () => {
    const pages = readdirSync(docs).filter(name => /^CT\d+\.md$/.test(name));
    expect(pages.sort()).toEqual(classes.map(({ id }) => `${id}.md`).sort());
  });
});

describe.each(classes)('$id $title', errorClass => {
  const { id, title } = errorClass;
  const example = exampleOf(id);

  test.each(wrongsOf(example))('wrong: %s', (_, wrong) => {
    const error = thrownBy(wrong) as errors.CotangentError;
    expect(error, String((error as unknown as Error)?.stack)).toBeInstanceOf(errorClass);
    expect(error.constructor).toBe(errorClass);
    expect(error.id).toBe(id);
    expect(error.name).toBe(errorClass.name);
    for (const part of [error.did, error.expected, error.where, error.remedy]) {
      expect(part.trim()).not.toBe('');
      expect(part).not.toMatch(/undefined|\[object|NaN\b(?! )/);
    }
    expect(error.message).toBe(
      `${id} ${title}: ${error.did}\n  expected: ${error.expected}\n  where:    ${error.where}\n  do:       ${error.remedy}`,
    );
    // The place is the user's own line.
    expect(error.where).toMatch(/^[^,]+:\d+:\d+(?:, in \S.*)?$/);
    expect(error.where.startsWith(`${fileOf(id)}:`)).toBe(true);
    // Nothing in it names the library's inside.
    expect(error.message.replace(error.where, '')).not.toMatch(
      /\bsrc\/|\.ts\b|\n\s+at |JvpTrac|BatchTrac|ProgramTrac|UnknownTrac|PartialTrac|Placeholder|callWithTree|vjpAs/,
    );
    // What an uncaught error prints starts with the whole message.
    expect(error.stack?.startsWith(`${error.name}: ${error.message}`)).toBe(true);
  });

  test('right', async () => {
    expect(await example.right()).toBeDefined();
  });

  test('the page is what the example gives', async () => {
    expect(example.about.length).toBeGreaterThan(80);
    const text = page(pageOf(errorClass));
    expect(text).not.toContain(root);
    await expect(text).toMatchFileSnapshot(`${docs}${id}.md`);
  });
});

test('the table of errors is current', async () => {
  await expect(index(classes.map(pageOf))).toMatchFileSnapshot(`${docs}README.md`);
});

describe('where', () => {
  const { vjp, jit, vmap, grad, tensor } = await_;

  test('is the innermost line of the user, with the path of transformations', () => {
    const mean = (x: errors.CotangentError): unknown => x;
    void mean;
  });
});
