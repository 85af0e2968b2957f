/** Statements as JavaScript; see generate.ts. Local i is a variable c_i. */
import { childrenOf, type Expression, isFloat } from '../../kernel/expression.ts';
import type { Kernel, OrderedNest } from '../../kernel/kernel.ts';
import { Known } from '../../kernel/known.ts';
import { effectsOf, expressionsOf, type Statement, type Sum } from '../../kernel/statement.ts';
import { number, offsetOf, operationText, wrapped } from './print.ts';

export function generateOrdered(kernel: Kernel, nest: OrderedNest): string {
  const printer = new StatementPrinter(kernel, nest);
  let lines = [...nest.locals.map((_, i) => `let c${i} = 0;`), ...printer.block(nest.body)];
  for (let i = nest.extents.length - 1; i >= 0; i--)
    lines = [`for (let i${i} = 0; i${i} < ${nest.extents[i]}; i${i}++) {`, ...lines, '}'];
  return lines.join('\n');
}

class StatementPrinter {
  readonly #kernel: Kernel;
  readonly #known: Known<string>;
  readonly #uses = new Map<Expression, number>();
  readonly #offsets = new Map<Expression, Expression>();
  #lines: string[] = [];
  #next = 0;

  constructor(kernel: Kernel, nest: OrderedNest) {
    this.#kernel = kernel;
    this.#known = new Known(kernel.inputs.length);
    this.#count(expressionsOf(nest.body));
  }

  #count(roots: readonly Expression[]): void {
    for (const root of roots) {
      const uses = (this.#uses.get(root) ?? 0) + 1;
      this.#uses.set(root, uses);
      if (uses === 1) this.#count(childrenOf(root));
    }
  }

  /** The lines of statements, in a scope of their own. */
  block(statements: readonly Statement[]): string[] {
    const before = this.#lines;
    const own: string[] = [];
    this.#lines = own;
    this.#known.enter();
    for (const one of statements) this.#statement(one);
    this.#known.leave();
    this.#lines = before;
    return own;
  }

  #statement(one: Statement): void {
    switch (one.form) {
      case 'store': {
        const place = this.#text(this.#offset(one, one.at, this.#kernel.outputs[one.output].shape));
        const value = this.#text(one.value);
        this.#lines.push(`o${one.output}[${place}] = ${value};`);
        this.#known.change(effectsOf([one]));
        break;
      }
      case 'set': {
        const value = this.#number(one.value);
        this.#lines.push(`c${one.local} = ${value};`);
        this.#known.change(effectsOf([one]));
        break;
      }
      case 'loop': {
        const head = this.#head(one.axis, one.from, one.to, one.reverse);
        this.#known.change(effectsOf([one]));
        this.#lines.push(head, ...this.block(one.body), '}');
        this.#known.change(effectsOf([one]));
        break;
      }
      case 'sum':
        this.#sum(one);
        this.#known.change(effectsOf([one]));
        break;
      case 'if': {
        const test = this.#text(one.test);
        this.#lines.push(`if (${test}) {`, ...this.block(one.then));
        if (one.otherwise.length > 0) this.#lines.push('} else {', ...this.block(one.otherwise));
        this.#lines.push('}');
        this.#known.change(effectsOf([one]));
      }
    }
  }

  #head(axis: number, from: Expression, to: Expression, reverse: boolean): string {
    const [first, end] = [this.#text(from), this.#text(to)];
    const [i, e] = [`i${axis}`, `e${axis}`];
    return reverse
      ? `for (let ${i} = ${end} - 1, ${e} = ${first}; ${i} >= ${e}; ${i}--) {`
      : `for (let ${i} = ${first}, ${e} = ${end}; ${i} < ${e}; ${i}++) {`;
  }

  /** Floats are added up in double precision and rounded once, integers wrap around. */
  #sum({ axis, from, to, terms }: Sum): void {
    const head = this.#head(axis, from, to, false);
    const before = this.#lines;
    const inner: string[] = [];
    this.#lines = inner;
    this.#known.enter();
    for (const [i, { term }] of terms.entries()) {
      const text = this.#number(term);
      inner.push(
        isFloat(term.type) ? `s${i} += ${text};` : `s${i} = ${wrapped(term.type, `s${i} + ${text}`)};`,
      );
    }
    this.#known.leave();
    this.#lines = before;
    this.#lines.push('{', ...terms.map((_, i) => `let s${i} = 0;`), head, ...inner, '}');
    for (const [i, { local, term }] of terms.entries())
      this.#lines.push(`c${local} = ${wrapped(term.type, `c${local} + s${i}`)};`);
    this.#lines.push('}');
  }

  #offset(key: object, at: readonly Expression[], shape: readonly number[]): Expression {
    let offset = this.#offsets.get(key as Expression);
    if (offset === undefined) {
      offset = offsetOf(at, shape, () => 0);
      this.#offsets.set(key as Expression, offset);
    }
    return offset;
  }

  /** JavaScript for the expression; one that is needed several times gets a name. */
  #text(x: Expression): string {
    if (x.op === 'constant') return number(x.value);
    if (x.op === 'axis') return `i${x.axis}`;
    if (x.op === 'carry') return `c${x.index}`;
    const known = this.#known.find(x);
    if (known !== undefined) return known;
    const text = this.#make(x);
    if ((this.#uses.get(x) ?? 0) < 2) return text;
    const name = `t${this.#next++}`;
    this.#lines.push(`const ${name} = ${text};`);
    this.#known.keep(x, name);
    return name;
  }

  #make(x: Exclude<Expression, { op: 'constant' | 'axis' | 'carry' }>): string {
    if (x.op === 'load') {
      const { inputs, outputs } = this.#kernel;
      const k = x.source - inputs.length;
      const { shape } = k < 0 ? inputs[x.source] : outputs[k];
      return `${k < 0 ? `a${x.source}` : `o${k}`}[${this.#text(this.#offset(x, x.at, shape))}]`;
    }
    if (x.op === 'select') {
      const [test, yes, no] = x.args.map(arg => this.#text(arg));
      return `(${test} ? ${yes} : ${no})`;
    }
    const [a, b = ''] = x.args.map(arg => this.#number(arg));
    return operationText(x, a, b, false);
  }

  /** The expression as a JavaScript number, also where it is a bool. */
  #number(x: Expression): string {
    const text = this.#text(x);
    return x.type === 'bool' && x.op !== 'constant' ? `+${text}` : text;
  }
}
