/** The pages in docs/errors, made from the classes and their examples. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import '../../src/setup.ts';
import * as errors from '../../src/core/errors.ts';

export type ErrorClass = typeof errors.CotangentError;

/** Every class but the base, in order of their ids. */
export const classes: readonly ErrorClass[] = Object.values(errors)
  .filter((one): one is ErrorClass => typeof one === 'function' && 'id' in one && one.id !== 'CT100')
  .sort((a, b) => a.id.localeCompare(b.id));

/** Mistakes that only someone who works on the library can make: their examples are in test/errors/internal. */
const internal = new Set(['CT116', 'CT120', 'CT121', 'CT124', 'CT127']);

export const docs = fileURLToPath(new URL('../../docs/errors/', import.meta.url));

/** A part of an example's text, and the line where it begins. */
interface Snippet {
  readonly text: string;
  readonly first: number;
  readonly last: number;
}

export interface Wrong {
  readonly name: string;
  readonly run: () => unknown;
  readonly source: Snippet;
}

export interface Example {
  readonly type: ErrorClass;
  readonly file: string;
  readonly about: string;
  readonly wrongs: readonly Wrong[];
  readonly right: () => unknown;
  readonly rightSource: Snippet;
}

/** The body of the arrow function that begins on line `start`, without what surrounds it. */
function bodyOf(lines: readonly string[], start: number, end: number): Snippet {
  const arrow = lines[start].indexOf('=>');
  const rest = lines[start].slice(arrow + 2).trim();
  const block = rest === '{';
  const sameLine = rest !== '' && !block;
  const first = sameLine ? start : start + 1;
  const body = lines.slice(first, block ? end - 1 : end);
  if (sameLine) body[0] = rest;
  const indents = body
    .slice(sameLine ? 1 : 0)
    .filter(line => line.trim() !== '')
    .map(line => line.length - line.trimStart().length);
  const indent = Math.min(...indents, Number.POSITIVE_INFINITY);
  const cut = body.map((line, i) => (sameLine && i === 0 ? line : line.slice(Math.min(indent, line.length))));
  const text = cut.join('\n').trimEnd();
  return {
    text: block ? text : `${text.replace(/[,;]$/, '')};`,
    first: first + 1,
    last: first + body.length,
  };
}

/** Where the statement or entry that begins on line `start` ends: before the next line of its indentation that opens another. */
function endOf(lines: readonly string[], start: number): number {
  const indent = lines[start].length - lines[start].trimStart().length;
  for (let i = start + 1; i < lines.length; i++) {
    const here = lines[i].length - lines[i].trimStart().length;
    if (lines[i].trim() !== '' && here <= indent)
      return /^\s*[}\])]/.test(lines[i]) && here === indent ? i + 1 : i;
  }
  return lines.length;
}

export async function loadExample(type: ErrorClass): Promise<Example> {
  const file = internal.has(type.id)
    ? fileURLToPath(new URL(`internal/${type.id}.ts`, import.meta.url))
    : `${docs}examples/${type.id}.js`;
  const module = (await import(/* @vite-ignore */ file)) as {
    about: string;
    wrongs: Record<string, () => unknown>;
    right: () => unknown;
  };
  const lines = readFileSync(file, 'utf8').split('\n');
  const wrongs = Object.entries(module.wrongs).map(([name, run]) => {
    const start = lines.findIndex(line =>
      [`'${name}'`, `"${name}"`, name].some(key => line.startsWith(`  ${key}: () =>`)),
    );
    if (start < 0) throw new Error(`${file}: no function '${name}' found`);
    return { name, run, source: bodyOf(lines, start, endOf(lines, start)) };
  });
  const start = lines.findIndex(line => line.startsWith('export const right'));
  const rightSource = bodyOf(lines, start, endOf(lines, start));
  return { type, file, about: module.about, wrongs, right: module.right, rightSource };
}

/** What `run` throws. */
export function thrownBy(run: () => unknown): errors.CotangentError {
  let out: unknown;
  try {
    out = run();
  } catch (error) {
    if (error instanceof errors.CotangentError) return error;
    throw error;
  }
  throw new Error(`nothing was thrown, the result is ${String(out)}`);
}

/** The message with the place counted from the first line of the code shown. */
export function shownMessage(file: string, { source }: Wrong, { message }: Error): string {
  return message.replace(
    new RegExp(`${file.replace(/[.\\]/g, '\\$&')}:(\\d+):\\d+`, 'g'),
    (_, line) => `your-file.js:${Number(line) - source.first + 1}`,
  );
}

const fenced = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\`\n`;

export function page({ type, file, about, wrongs, rightSource }: Example): string {
  const typescript = file.endsWith('.ts');
  const language = typescript ? 'ts' : 'js';
  const link = typescript ? `../../test/errors/internal/${type.id}.ts` : `examples/${type.id}.js`;
  const sections = wrongs.map(wrong => {
    const message = shownMessage(file, wrong, thrownBy(wrong.run));
    return `## Wrong: ${wrong.name}\n\n${fenced(language, wrong.source.text)}\n${fenced('text', message)}`;
  });
  return [
    `# ${type.id} ${type.title}\n`,
    `\`${type.name}\`. ${about}\n`,
    ...sections,
    `## Right\n\n${fenced(language, rightSource.text)}`,
    `The whole file: [${type.id}.${language}](${link}). All errors: [index](README.md).\n`,
  ].join('\n');
}

export function indexPage(examples: readonly Example[]): string {
  const rows = examples.map(
    ({ type, about }) =>
      `| [${type.id}](${type.id}.md) | ${type.title} | \`${type.name}\` | ${/^.*?[.:](?= |$)/.exec(about)?.[0].replace(/:$/, '.')} |`,
  );
  return [
    '# Errors\n',
    'Every mistake has an id, a class, and a message of four parts: what was done, what was expected, where, and what to do. Catch one kind with `error instanceof ShapeMismatch`, all of them with `error instanceof CotangentError`; `error.id`, `error.did`, `error.expected`, `error.where` and `error.remedy` are the parts.\n',
    '| Id | Title | Class | In short |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
