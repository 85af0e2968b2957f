/** CSV files mean what RFC 4180 says, in whatever pieces they come. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BadArgument, type Tensor } from 'cotangent';
import { type CsvOptions, csv, csvRows, readCsv } from 'cotangent/data';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cotangent-csv-'));
});
afterAll(() => rm(folder, { recursive: true }));

const texts = (n: number): CsvOptions => ({
  header: false,
  types: Object.fromEntries(Array.from({ length: n }, (_, i) => [String(i), 'string' as const])),
  missing: [],
});
const table = (text: string, n: number): unknown[][] => {
  const { values } = readCsv(text, texts(n));
  const columns = Object.values(values);
  return (columns[0] ?? []).map((_, row) => columns.map(column => column[row]));
};
async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

describe('the grammar', () => {
  // The examples of RFC 4180 § 2, and the corners that it leaves.
  it.each<[string, string, string[][]]>([
    [
      'lines that end in CRLF',
      'aaa,bbb\r\nzzz,yyy\r\n',
      [
        ['aaa', 'bbb'],
        ['zzz', 'yyy'],
      ],
    ],
    [
      'no end after the last line',
      'aaa,bbb\r\nzzz,yyy',
      [
        ['aaa', 'bbb'],
        ['zzz', 'yyy'],
      ],
    ],
    [
      'LF, and CR alone',
      'a,b\nc,d\re,f',
      [
        ['a', 'b'],
        ['c', 'd'],
        ['e', 'f'],
      ],
    ],
    [
      'quoted fields',
      '"aaa","b""bb"\r\nzzz,"y\r\ny,y"\r\n',
      [
        ['aaa', 'b"bb'],
        ['zzz', 'y\r\ny,y'],
      ],
    ],
    ['spaces are part of a field', ' a , b \n', [[' a ', ' b ']]],
    [
      'empty fields and empty lines',
      ',\n\n\r\n"",x\n',
      [
        ['', ''],
        ['', 'x'],
      ],
    ],
    ['a quote inside a field without quotes', '5" pipe,x\n', [['5" pipe', 'x']]],
    ['a byte order mark', '\ufeff"a",b', [['a', 'b']]],
    ['nothing', '', []],
  ])('%s', (_, text, rows) => {
    expect(table(text, 2)).toEqual(rows);
  });

  it('every table comes back, cut into pieces anywhere', async () => {
    const cell = fc.string({
      unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é', '😀'),
      maxLength: 5,
    });
    const tables = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 6 });
    const run = fc.asyncProperty(
      tables,
      fc.constantFrom('\n', '\r\n'),
      fc.integer({ min: 1, max: 7 }),
      async (rows, end, size) => {
        const text = rows.map(row => row.map(one => `"${one.replaceAll('"', '""')}"`).join(',')).join(end);
        const bytes = new TextEncoder().encode(text);
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        );
        const found = await all(csvRows<object>(pieces, texts(3)));
        expect(found.map(row => Object.values(row))).toEqual(rows);
      },
    );
    await fc.assert(run, { numRuns: 150 });
  });

  it('faults are told with their line', async () => {
    expect(() => table('a,b\n"c"d,e\n', 2)).toThrow(/line 2 has "d" after a closing quote/);
    expect(() => table('a,b\n"c,\n\ne\n', 2)).toThrow(/the quote in the record of line 2 has no end/);
    expect(() => table('a,b\n"x\n\n",y\nc\n', 2)).toThrow(/CT112.*line 5 has 1 fields.*expected: 2/s);
    expect(() => readCsv('a,a\n1,2')).toThrow(/two columns named "a" in line 1/);
    expect(() => readCsv('a,b\n1,2', { delimiter: ';;' })).toThrow(BadArgument);
  });
});

describe('columns', () => {
  const text = 'name,age,height,ok\nAda,36,1.5e0,true\n"Bob, jr",41,,FALSE\nNA,-3, -inf ,1\n"NA",0,+.5,0\n';
  const types = { name: 'string', age: 'int32', ok: 'bool' } as const;

  it('have the types that they are given, and NaN or null where values are missing', () => {
    const { tensors, values } = readCsv(text, { types });
    const shown = (x: Tensor): string => `${x.aval} ${x.arraySync()}`;
    expect(Object.entries(tensors).map(([name, x]) => `${name} ${shown(x)}`)).toEqual([
      'age int32[4] 36,41,-3,0',
      'height float32[4] 1.5,NaN,-Infinity,0.5',
      'ok bool[4] true,false,true,false',
    ]);
    expect(values).toEqual({ name: ['Ada', 'Bob, jr', null, 'NA'] });
  });

  it('may be chosen, and read by a function', () => {
    const { tensors, values } = readCsv(text, {
      columns: ['height', 'name'],
      types: { name: one => one.length },
    });
    expect(Object.keys(tensors)).toEqual(['height']);
    expect(values.name).toEqual([3, 7, 2, 2]);
  });

  it('values of another type are refused with their place', () => {
    const fails = (options: CsvOptions, message: RegExp): void =>
      expect(() => readCsv(text, { types, ...options })).toThrow(message);
    fails({ types: { ...types, name: 'float32' } }, /line 2, column name: "Ada".*'string'/s);
    fails(
      { types: { ...types, height: 'int32' } },
      /line 2, column height: "1.5e0"|line 3, column height: a missing value/,
    );
    fails({ types: { ...types, age: 'uint8' } }, /line 4, column age: "-3"/);
    fails({ columns: ['weight'] }, /no column "weight" in line 1.*"name", "age", "height", "ok"/s);
    fails({ types: { age: 'int16' as 'int32' } }, /type int16/);
    expect(() => readCsv('0x10\n', { header: false })).toThrow(/0x10/);
  });
});

describe('csv', () => {
  it('reads a file, compressed or not, again in every epoch, and goes on in the middle', async () => {
    const n = 20000;
    const text = `i,text\n${Array.from({ length: n }, (_, i) => `${i},"row ""${i}"""`).join('\n')}\n`;
    await writeFile(join(folder, 'a.csv'), text);
    await writeFile(join(folder, 'a.csv.gz'), gzipSync(text));
    for (const source of [join(folder, 'a.csv'), join(folder, 'a.csv.gz'), new Blob([text])]) {
      const rows = csv<{ i: number; text: string }>(source, { types: { text: 'string' } });
      const found = await rows.toArray();
      expect(found.length).toBe(n);
      found.forEach((row, i) => {
        if (row.i !== i || row.text !== `row "${i}"`) expect(row).toEqual({ i, text: `row "${i}"` });
      });
    }
    const batches = csv<{ i: number; text: string }>(join(folder, 'a.csv.gz'), { types: { text: 'string' } })
      .shuffle({ buffer: 100 })
      .batch(50)
      .prefetch(1);
    const iterator = batches.iterate();
    for (let i = 0; i < 3; i++) await iterator.next();
    const resumed = batches.iterate({ state: iterator.state() });
    const [a, b] = [await iterator.next(), await resumed.next()];
    expect(b.value?.text).toEqual(a.value?.text);
    expect(b.value?.i.arraySync()).toEqual(a.value?.i.arraySync());
    await iterator.return();
    await resumed.return();
  });

  it('damaged and missing files are errors', async () => {
    const bytes = gzipSync('a\n1\n2\n');
    await expect(csv(new Blob([bytes.subarray(0, 20)])).toArray()).rejects.toThrow(
      /CT112.*damaged or truncated/s,
    );
    await expect(csv(join(folder, 'none.csv')).toArray()).rejects.toThrow(/ENOENT/);
  });
});
