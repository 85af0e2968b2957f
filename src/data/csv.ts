/** Comma-separated values (RFC 4180), read in pieces. */
import { type DType, dtypeInfo, isDType } from '../core/dtype.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { gunzipped } from '../io/inflate.ts';
import { chunksOf, type Source } from '../io/source.ts';
import { tensor } from '../numpy/array.ts';
import { CsvParser, type Record as Fields } from './csv-parser.ts';
import { Dataset } from './dataset.ts';
import { streamStage } from './stages/source.ts';

/** A number of an element type, text, or what a function makes of the text. */
export type ColumnType = DType | 'string' | ((text: string) => unknown);

export interface CsvOptions {
  /** Whether the first record has the names (the default); or the names. With false they are '0', '1', … */
  readonly header?: boolean | readonly string[];
  /** Default ','. */
  readonly delimiter?: string;
  /** The type of each column; those that are not named are float32. */
  readonly types?: Readonly<Record<string, ColumnType>>;
  /** Which columns to give. Default all. */
  readonly columns?: readonly string[];
  /** What stands for a missing value, unless it is quoted: NaN of a float, null of text. Default '', 'NA', 'NaN', 'null'. */
  readonly missing?: readonly string[];
}

/**
 * A record by the names of its columns: numbers (booleans for 'bool'), text, or null where text is missing. With `types`,
 * name what comes out yourself: `csv<{ width: number; species: string }>(…)`.
 */
export type CsvRow = Record<string, number>;

/** Makes rows of records, the first of which may hold the names. */
class RowReader {
  readonly #what: string;
  readonly #options: CsvOptions;
  readonly #missing: ReadonlySet<string>;
  #names: readonly string[] | undefined;
  /** Which fields are given, and how each is read. */
  #fields: readonly { place: number; name: string; type: ColumnType }[] = [];

  constructor(what: string, options: CsvOptions) {
    this.#what = what;
    this.#options = options;
    this.#missing = new Set(options.missing ?? ['', 'NA', 'NaN', 'null']);
    const { header = true } = options;
    if (typeof header !== 'boolean') this.#choose(header, '');
  }

  get fields(): readonly { name: string; type: ColumnType }[] {
    return this.#fields;
  }

  /** The values of a record; undefined for that of the names. */
  read(record: Fields): unknown[] | undefined {
    const { texts, line } = record;
    if (this.#names === undefined) {
      const named = this.#options.header !== false;
      this.#choose(named ? texts : texts.map((_, i) => String(i)), ` in line ${line}`);
      if (named) return undefined;
    }
    const names = this.#names as readonly string[];
    if (texts.length !== names.length)
      throw this.#wrong(
        `line ${line} has ${texts.length} fields`,
        `${names.length}: ${names.join(', ')}`,
        'put quotes around fields with a delimiter in them, or name another { delimiter }',
      );
    return this.#fields.map(({ place, name, type }) => this.#value(record, place, name, type));
  }

  #value({ texts, quoted, line }: Fields, place: number, name: string, type: ColumnType): unknown {
    const text = texts[place];
    const isMissing = !quoted[place] && this.#missing.has(text);
    if (type === 'string') return isMissing ? null : text;
    if (typeof type === 'function') return type(text);
    const value = isMissing ? NaN : numberIn(text, type);
    const { kind, min, max } = dtypeInfo(type);
    const fits =
      kind === 'float'
        ? isMissing || !Number.isNaN(value)
        : Number.isInteger(value) && value >= min && value <= max;
    if (!fits)
      throw this.#wrong(
        `line ${line}, column ${name}: ${isMissing ? 'a missing value' : JSON.stringify(text)}`,
        `a value of type ${type}`,
        isMissing
          ? `types: { ${JSON.stringify(name)}: 'float32' }, which has NaN for it`
          : `types: { ${JSON.stringify(name)}: 'string' }, or a function: text => …`,
      );
    return type === 'bool' ? value === 1 : value;
  }

  #choose(names: readonly string[], where: string): void {
    const { columns = names, types = {} } = this.#options;
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice !== undefined)
      throw this.#wrong(
        `two columns named ${JSON.stringify(twice)}${where}`,
        'different names',
        "header: ['a', 'b', …]",
      );
    for (const name of [...columns, ...Object.keys(types)])
      if (!names.includes(name))
        throw this.#wrong(
          `no column ${JSON.stringify(name)}${where}`,
          `one of ${names.map(one => JSON.stringify(one)).join(', ')}`,
          'header: false where the file has no names',
        );
    for (const [name, type] of Object.entries(types))
      if (!isDType(type) && type !== 'string' && typeof type !== 'function')
        throw this.#wrong(
          `column ${name} of type ${String(type)}`,
          "an element type, 'string' or a function",
          "types: { a: 'int32' }",
        );
    this.#names = names;
    this.#fields = columns.map(name => ({
      name,
      place: names.indexOf(name),
      type: Object.hasOwn(types, name) ? types[name] : 'float32',
    }));
  }

  #wrong(problem: string, expected: string, remedy: string): BadArgument {
    return new BadArgument({ did: `${this.#what}: ${problem}`, expected, remedy });
  }
}

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const infinite = /^([+-]?)inf(?:inity)?$/i;

/** The number that a text stands for, NaN where it is none. */
function numberIn(text: string, type: DType): number {
  const trimmed = text.trim();
  if (decimal.test(trimmed)) return Number(trimmed);
  if (type === 'bool') return /^true$/i.test(trimmed) ? 1 : /^false$/i.test(trimmed) ? 0 : NaN;
  const sign = infinite.exec(trimmed)?.[1];
  return sign === undefined ? NaN : sign === '-' ? -Infinity : Infinity;
}

/**
 * The records of comma-separated text that comes in pieces, such as the body of a response: UTF-8 or strings.
 *
 * Lines end in LF or CRLF; a field in quotes may hold delimiters, line ends and, doubled, quotes. Empty lines are left
 * out.
 *
 * @example from(async function* () { yield* csvRows((await fetch(url)).body, { types: { name: 'string' } }) })
 * @throws BadArgument with the line: for values that are not of the column's type, records that are too long or too
 *   short, unknown columns, text after a closing quote, a quote without an end
 */
export async function* csvRows<Row = CsvRow>(
  pieces: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  options: CsvOptions = {},
): AsyncGenerator<Row, void, undefined> {
  yield* rowsIn('csvRows', pieces, options);
}

async function* rowsIn<Row>(
  what: string,
  pieces: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  options: CsvOptions,
): AsyncGenerator<Row, void, undefined> {
  const parser = new CsvParser(what, options.delimiter);
  const reader = new RowReader(what, options);
  const decoder = new TextDecoder();
  const rows = function* (records: Fields[]): Generator<Row> {
    for (const record of records) {
      const values = reader.read(record);
      if (values === undefined) continue;
      yield Object.fromEntries(reader.fields.map(({ name }, i) => [name, values[i]])) as Row;
    }
  };
  for await (const piece of pieces)
    yield* rows(parser.push(typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true })));
  yield* rows([...parser.push(decoder.decode()), ...parser.end()]);
}

/**
 * The records of a file of comma-separated values, also compressed by gzip, read piece by piece in every epoch.
 *
 * @param source a path (in Node), or a Blob such as a File
 * @returns a data set of records by column: numbers for element types, text for 'string'
 * @example
 * const rows = csv('iris.csv', { types: { species: 'string' } })
 * rows.map(r => ({ x: tensor([r.width, r.length]), y: r.species })).shuffle({ buffer: 1000 }).batch(32)
 * @throws as {@link csvRows}, when it is iterated over
 */
export function csv<Row = CsvRow>(source: Source, options: CsvOptions = {}): Dataset<Row> {
  return new Dataset(streamStage(() => rowsIn('csv', gunzipped('csv', chunksOf('csv', source)), options)));
}

export interface CsvColumns {
  /** The columns of an element type. */
  readonly tensors: Record<string, Tensor>;
  /** The others: text, null where it is missing, or what a function made of the text. */
  readonly values: Record<string, unknown[]>;
}

/**
 * The columns of comma-separated text.
 *
 * @param text the content of a file
 * @example const { tensors, values } = readCsv(text, { types: { species: 'string', age: 'int32' } })
 * @throws as {@link csvRows}
 */
export function readCsv(text: string | Uint8Array, options: CsvOptions = {}): CsvColumns {
  const parser = new CsvParser('readCsv', options.delimiter);
  const reader = new RowReader('readCsv', options);
  const content = typeof text === 'string' ? text : new TextDecoder().decode(text);
  const rows = [...parser.push(content), ...parser.end()].flatMap(record => {
    const values = reader.read(record);
    return values === undefined ? [] : [values];
  });
  const tensors: [string, Tensor][] = [];
  const values: [string, unknown[]][] = [];
  for (const [i, { name, type }] of reader.fields.entries()) {
    const column = rows.map(row => row[i]);
    if (isDType(type)) tensors.push([name, tensor(column as number[], type)]);
    else values.push([name, column]);
  }
  return { tensors: Object.fromEntries(tensors), values: Object.fromEntries(values) };
}
