/** The grammar of RFC 4180, as a machine that is fed with pieces of text. */
import { BadArgument } from '../core/errors.ts';

export interface Record {
  readonly texts: readonly string[];
  /** Which of them were in quotes. */
  readonly quoted: readonly boolean[];
  /** Where it begins, from 1. */
  readonly line: number;
}

const quote = 34;
const lf = 10;
const cr = 13;

export class CsvParser {
  readonly #what: string;
  readonly #delimiter: number;
  /** Before a field, in one without and with quotes, after a quote in one with quotes. */
  #state: 'start' | 'bare' | 'quoted' | 'closed' = 'start';
  /** What earlier pieces had of the field. */
  #text = '';
  #texts: string[] = [];
  #quoted: boolean[] = [];
  #line = 1;
  #began = 1;
  #first = true;
  #afterCr = false;

  constructor(what: string, delimiter = ',') {
    if (delimiter.length !== 1 || '"\r\n'.includes(delimiter))
      throw new BadArgument({
        did: `${what} with the delimiter ${JSON.stringify(delimiter)}`,
        expected: 'one character that is neither a quote nor the end of a line',
        remedy: "delimiter: ';'",
      });
    this.#what = what;
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /** The records that end in this piece. */
  push(piece: string): Record[] {
    const found: Record[] = [];
    // The byte order mark that some programs write.
    let from = this.#first && piece.charCodeAt(0) === 0xfeff ? 1 : 0;
    if (piece !== '') this.#first = false;
    for (let i = from; i < piece.length; i++) {
      const code = piece.charCodeAt(i);
      const ends = code === lf || code === cr;
      // CRLF is one end, also where a piece ends between its halves.
      const half = code === lf && this.#afterCr;
      this.#afterCr = code === cr;
      if (ends && !half) this.#line++;
      if (this.#state === 'quoted') {
        if (code !== quote) continue;
        this.#text += piece.slice(from, i);
        this.#state = 'closed';
      } else if (this.#state === 'closed' && code === quote) {
        this.#text += '"';
        this.#state = 'quoted';
        from = i + 1;
      } else if (code === this.#delimiter || ends) {
        if (half && this.#state === 'start' && this.#texts.length === 0) {
          this.#began = this.#line;
          continue;
        }
        this.#endField(this.#state === 'bare' ? piece.slice(from, i) : '');
        if (ends) this.#endRecord(found);
      } else if (this.#state === 'start') {
        this.#state = code === quote ? 'quoted' : 'bare';
        from = code === quote ? i + 1 : i;
      } else if (this.#state === 'closed') {
        throw this.#wrong(`line ${this.#line} has ${JSON.stringify(piece[i])} after a closing quote`);
      }
    }
    if (this.#state === 'bare' || this.#state === 'quoted') this.#text += piece.slice(from);
    return found;
  }

  /** The last record, where no line end follows it. */
  end(): Record[] {
    if (this.#state === 'quoted')
      throw this.#wrong(`the quote in the record of line ${this.#began} has no end`);
    const found: Record[] = [];
    if (this.#state !== 'start' || this.#texts.length > 0) {
      this.#endField('');
      this.#endRecord(found);
    }
    return found;
  }

  #endField(rest: string): void {
    this.#texts.push(this.#text + rest);
    this.#quoted.push(this.#state === 'closed');
    this.#text = '';
    this.#state = 'start';
  }

  #endRecord(found: Record[]): void {
    const texts = this.#texts;
    const quoted = this.#quoted;
    const empty = texts.length === 1 && texts[0] === '' && !quoted[0];
    if (!empty) found.push({ texts, quoted, line: this.#began });
    this.#texts = [];
    this.#quoted = [];
    this.#began = this.#line;
  }

  #wrong(problem: string): BadArgument {
    return new BadArgument({
      did: `${this.#what}: ${problem}`,
      expected: 'quotes around a whole field, and doubled inside it: "a ""b"" c"',
      remedy: "correct the line, or name the delimiter: { delimiter: ';' }",
    });
  }
}
