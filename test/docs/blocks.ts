/** The blocks of code of a page, and how JavaScript among them is run. */
import { format } from 'node:util';

export interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

export const blocksOf = (page: string): Block[] =>
  [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(match => ({
    language: match[1],
    text: match[2],
    line: page.slice(0, match.index).split('\n').length,
  }));

/** The block as the body of a function: imports become constants taken from `modules`. */
function body(text: string): string {
  const from = (name: string): string => `modules[${JSON.stringify(name)}]`;
  return text
    .replace(
      /^import \{([^}]*)\} from '([^']+)';$/gm,
      (_, names: string, name: string) => `const {${names.replaceAll(' as ', ': ')}} = ${from(name)};`,
    )
    .replace(
      /^import \* as (\w+) from '([^']+)';$/gm,
      (_, as: string, name: string) => `const ${as} = ${from(name)};`,
    );
}

/** What a block prints. */
export async function printed(text: string, modules: Readonly<Record<string, object>>): Promise<string> {
  const lines: string[] = [];
  const console = { log: (...values: unknown[]) => lines.push(format(...values)) };
  const AsyncFunction = (async () => {}).constructor as new (
    ...parts: string[]
  ) => (...values: unknown[]) => Promise<void>;
  await new AsyncFunction('modules', 'console', body(text))(modules, console);
  return lines.map(line => `${line}\n`).join('');
}

export const trimmed = (text: string): string => text.replace(/[ \t]+$/gm, '');
