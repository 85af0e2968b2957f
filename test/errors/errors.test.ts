/** Every error has an example that really throws it, and a page that shows what it says. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CotangentError } from '../../src/core/errors.ts';
import { currentPath } from '../../src/core/path.ts';
import { currentTrace } from '../../src/core/trace.ts';
import { classes, docs, indexPage, loadExample, page, thrownBy } from './pages.ts';

const examples = await Promise.all(classes.map(loadExample));

test('ids are distinct, without gaps, and every page and example belongs to a class', () => {
  const ids = classes.map(one => one.id);
  expect(ids).toEqual(ids.map((_, i) => `CT${101 + i}`));
  expect(new Set(classes.map(one => one.title)).size).toBe(classes.length);
  for (const name of [...readdirSync(docs), ...readdirSync(`${docs}examples`)])
    if (name.startsWith('CT')) expect(ids, name).toContain(name.slice(0, 5));
});

describe.each(examples)('$type.id $type.title', ({ type, file, about, wrongs, right }) => {
  test('says why it is a mistake', () => {
    expect(about).toMatch(/\.$/);
    expect(wrongs.length).toBeGreaterThan(0);
  });

  test.each(wrongs)('$name', ({ run, source }) => {
    const error = thrownBy(run);
    expect(`${error.name} ${error.message}`).toMatch(new RegExp(`^${type.name} ${type.id} `));
    expect(error).toBeInstanceOf(type);
    expect(error).toBeInstanceOf(CotangentError);
    expect(error.id).toBe(type.id);
    expect(String(error.stack)).toContain(error.message);

    expect(error.message).toBe(
      `${type.id} ${type.title}: ${error.did}\n  expected: ${error.expected}\n  where:    ${error.where}\n  do:       ${error.remedy}`,
    );
    for (const part of [error.did, error.expected, error.where, error.remedy]) {
      expect(part.trim()).not.toBe('');
      expect(part).not.toMatch(/\n|undefined|\[object |\bsrc\/|Tracer|Trace\b|Placeholder|Aval\b/);
    }

    const [place] = error.where.split(', in ');
    expect(place.slice(0, file.length + 1)).toBe(`${file}:`);
    const line = Number(place.slice(file.length + 1).split(':')[0]);
    expect(line, error.where).toBeGreaterThanOrEqual(source.first);
    expect(line, error.where).toBeLessThanOrEqual(source.last);
    expect(currentPath()).toBe('');
    expect(currentTrace().name).toBe('evaluation');
  });

  test('the right way works', async () => {
    expect(await right()).toBeDefined();
  });
});

test.each(examples)('the page of $type.id', async example => {
  await expect(page(example)).toMatchFileSnapshot(`${docs}${example.type.id}.md`);
});

test('the index', async () => {
  await expect(indexPage(examples)).toMatchFileSnapshot(`${docs}README.md`);
});
