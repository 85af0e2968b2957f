// Writes docs/errors: a page for each error, with the message that its example really gives.
// usage: node tools/errors.js [--check]
// The examples run in test/errors/errors.test.ts, which also compares the pages; this file says what a page is.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * One function of an example module as its source, and what it threw.
 * @typedef {object} Wrong
 * @property {string} title empty where there is only one
 * @property {string} code
 * @property {string} message
 */

/**
 * @typedef {object} Page
 * @property {string} id
 * @property {string} title
 * @property {string} name of the class
 * @property {string} about
 * @property {readonly Wrong[]} wrongs
 * @property {string} right
 */

/**
 * The text of a page.
 * @param {Page} page
 */
export function page({ id, title, name, about, wrongs, right }) {
  const parts = [`# ${id}: ${title}`, `\`${name}\``, about];
  for (const wrong of wrongs) {
    parts.push(`## ${capital(wrong.title || 'Wrong')}`, fence('js', wrong.code), fence('', wrong.message));
  }
  parts.push('## Right', fence('js', right));
  return `${parts.join('\n\n')}\n`;
}

/**
 * The text of the table of all errors.
 * @param {readonly Page[]} pages
 */
export function index(pages) {
  const rows = pages.map(
    ({ id, title, name, wrongs }) =>
      `| [${id}](${id}.md) | ${title} | \`${name}\` | ${wrongs.map(wrong => wrong.title).join('; ')} |`,
  );
  return `# Errors

Every error that cotangent throws is a \`CotangentError\` of one of these classes. Its message has four parts, which are
also properties of the error: what was done (\`did\`), what was \`expected\`, \`where\` (your own line, and the
transformations around it), and what to do (\`remedy\`). The number, \`error.id\`, never changes its meaning.

| id | mistake | class | for example |
|---|---|---|---|
${rows.join('\n')}

The pages are made from the modules in [examples](examples) by \`npm run errors\`.
`;
}

/**
 * The message with the user's place left open.
 * @param {string} message
 */
export function withoutPlace(message) {
  return message.replace(/^( {2}where: {4})[^\n,]*:\d+:\d+/m, '$1file:line');
}

/**
 * The code of each function in a formatted example module: of `wrong`, `right`, or the entries of `wrongs`, with the
 * imports that it needs.
 * @param {string} source
 * @returns {{ wrongs: { title: string, code: string }[], right: string }}
 */
export function examplesIn(source) {
  const imports = [...source.matchAll(/^import \{([^}]*)\} from '([^']+)';$/gm)].map(match => ({
    names: match[1].split(',').map(name => name.trim()),
    from: match[2],
  }));
  /** @param {string} code */
  const withImports = code => {
    const lines = imports.flatMap(({ names, from }) => {
      const used = names.filter(name => new RegExp(`\\b${name}\\b`).test(code));
      return used.length > 0 ? [`import { ${used.join(', ')} } from '${from}';`] : [];
    });
    return `${lines.join('\n')}\n\n${code}`;
  };
  /** @param {string} name */
  const functionNamed = name => {
    const match = new RegExp(`^export (?:async )?function ${name}\\(\\) \\{\\n([\\s\\S]*?)^\\}$`, 'm').exec(
      source,
    );
    return match ? withImports(statements(match[1], 2)) : '';
  };
  const list = /^export const wrongs = \{\n([\s\S]*?)^\};$/m.exec(source);
  const entries =
    list?.[1].matchAll(/^ {2}(?:'(.+)'|(\w+)): (?:async )?\(\) => \{\n([\s\S]*?)^ {2}\},$/gm) ?? [];
  const wrongs = [...entries].map(([, quoted, plain, body]) => ({
    title: quoted ?? plain,
    code: withImports(statements(body, 4)),
  }));
  const wrong = functionNamed('wrong');
  if (wrong) wrongs.unshift({ title: '', code: wrong });
  return { wrongs, right: functionNamed('right') };
}

/**
 * The body of a function as statements: what it returns is an expression.
 * @param {string} body
 * @param {number} indent
 */
function statements(body, indent) {
  return body
    .replace(new RegExp(`^ {${indent}}`, 'gm'), '')
    .replace(/^return /m, '')
    .trim();
}

/** @param {string} text */
function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

/**
 * @param {string} language
 * @param {string} text
 */
function fence(language, text) {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const update = process.argv.includes('--check') ? '--update=none' : '--update=all';
  const { status } = spawnSync(
    process.execPath,
    [`${root}node_modules/vitest/vitest.mjs`, 'run', 'test/errors/errors.test.ts', update],
    { cwd: root, stdio: 'inherit' },
  );
  process.exitCode = status ?? 1;
}
