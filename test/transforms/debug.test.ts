/** debugNans() names the operation and the user's line where the first NaN or infinity arose. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  AsyncFunction,
  BadArgument,
  cond,
  type DebugNansOptions,
  debugNans,
  grad,
  hessian,
  jit,
  NotFinite,
  scan,
  type Tensor,
  tensor,
  vmap,
  where,
  whileLoop,
} from 'cotangent';
import { crossEntropy } from 'cotangent/nn';
import { afterEach, describe, expect, test } from 'vitest';

const file = fileURLToPath(import.meta.url);
const text = readFileSync(file, 'utf8').split('\n');
const f64 = (values: number | number[] | number[][]): Tensor => tensor(values, 'float64');

function thrownBy(run: () => unknown): NotFinite {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(NotFinite);
    return error as NotFinite;
  }
  throw new Error('nothing was thrown');
}

/** Whether the error names this message and the only line of this file with the mark. */
function expectAt(mark: string, did: RegExp, run: () => unknown): void {
  const error = thrownBy(run);
  expect(error.did).toMatch(did);
  const line = text.findIndex(one => one.includes(`// ${mark}`)) + 1;
  expect(error.where).toMatch(new RegExp(`^${file.replaceAll('.', '\\.')}:${line}:`));
}

describe('the place', () => {
  const logarithm = (x: Tensor): Tensor => {
    const y = x.mul(2);
    return y
      .log() // the logarithm
      .sum();
  };
  const root = (x: Tensor): Tensor => {
    const y = x.mul(3);
    return y
      .sqrt() // the root
      .sum();
  };
  const zero = f64([1, 0]);

  test.each<[string, () => unknown]>([
    ['eager', () => debugNans(logarithm)(zero)],
    ['jit', () => debugNans(jit(logarithm))(zero)],
    ['vmap', () => debugNans(vmap(logarithm))(f64([[1, 0]]))],
    ['grad', () => debugNans(grad(logarithm))(zero)],
    ['grad of jit', () => debugNans(grad(jit(logarithm)))(zero)],
    ['jit of grad', () => debugNans(jit((x: Tensor) => [logarithm(x), grad(logarithm)(x)]))(zero)],
    ['inside of grad', () => grad(debugNans(logarithm))(zero)],
  ])('of a value, %s', (_, run) => {
    expectAt('the logarithm', /(^|: )log of .* gave -Infinity at \[(0, )?1\] of float64/, run);
  });

  test.each<[string, () => unknown]>([
    ['grad', () => debugNans(grad(root))(zero)],
    ['grad of jit', () => debugNans(grad(jit(root)))(zero)],
    ['jit of grad', () => debugNans(jit(grad(root)))(zero)],
    ['vmap of grad', () => debugNans(vmap(grad(root)))(f64([[1, 0]]))],
    ['hessian', () => debugNans(hessian(root))(zero)],
  ])('of a derivative whose value is finite, %s', (_, run) => {
    expectAt('the root', /^in the (reverse pass through|derivative of) sqrt: div of .* gave Infinity/, run);
    expect(debugNans(root)(zero).item()).toBe(Math.sqrt(3));
  });

  test('the reverse pass through an operation is told from its forward derivative', () => {
    expect(thrownBy(() => debugNans(grad(root))(zero)).did).toBe(
      'in the reverse pass through sqrt: div of 1 and 0 gave Infinity at [1] of float64[2]',
    );
  });

  test('a jitted function that was traced before is traced again for its lines, once', () => {
    const compiled = jit(logarithm);
    expect(compiled(zero).item()).toBe(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < 2; i++) expectAt('the logarithm', /^log of 0 gave/, () => debugNans(compiled)(zero));
    expect(compiled.traces).toBe(1);
  });
});

describe('control flow', () => {
  test('names the step of a scan', () => {
    const f = (x: Tensor): Tensor =>
      scan(
        (c: Tensor, s: Tensor) => [
          c.add(s.log()), // in a step
          null,
        ],
        f64(0),
        x,
      )[0];
    expectAt('in a step', /^in step 2 of 4, counted from 0: log of 0 gave -Infinity$/, () =>
      debugNans(f)(f64([1, 2, 0, 0])),
    );
    expectAt('in a step', /^in step 2 of 4, .*log of 0/, () => debugNans(jit(f))(f64([1, 2, 0, 0])));
  });

  test('names the step of the reverse pass', () => {
    const f = (x: Tensor): Tensor =>
      scan(
        (c: Tensor, s: Tensor) => [
          c.add(s.sqrt()), // a root in a step
          null,
        ],
        f64(0),
        x,
      )[0];
    expectAt(
      'a root in a step',
      /^in step 1 of 3, counted from 0: in the reverse pass through sqrt: div/,
      () => debugNans(grad(f))(f64([1, 0, 2])),
    );
  });

  test('whileLoop and cond', () => {
    const f = (x: Tensor): Tensor =>
      whileLoop(
        ({ i }) => i.less(9),
        ({ i, y }) => ({
          i: i.add(1),
          y: y.square(), // squared
        }),
        { i: tensor(0, 'int32'), y: x },
      ).y;
    expectAt('squared', /^in step 4, counted from 0: .* gave Infinity$/, () => debugNans(f)(f64(1e10)));
    const g = (x: Tensor): Tensor =>
      cond(
        x.greater(0),
        (y: Tensor) => y,
        (y: Tensor) => y.log(), // a branch
        x,
      );
    expectAt('a branch', /^log of -1 gave NaN/, () => debugNans(g)(f64(-1)));
    expect(debugNans(g)(f64(2)).item()).toBe(2);
  });
});

describe('what counts', () => {
  test('finite results pass unchanged, of any tree', () => {
    const out = debugNans((x: Tensor) => ({ y: x.sin(), n: 3, list: [x] }))(f64([1, 2]));
    expect(out.n).toBe(3);
    expect(Array.from(out.y.dataSync())).toEqual([Math.sin(1), Math.sin(2)]);
  });

  test('infinities that were written down do not, nor do they hide a NaN made of them', () => {
    const masked = (x: Tensor): Tensor =>
      where(tensor([true, false]), x, Number.NEGATIVE_INFINITY)
        .exp()
        .sum();
    expect(debugNans(masked)(f64([0, 0])).item()).toBe(1);
    expect(debugNans((x: Tensor) => x.mul(2))(f64(Number.POSITIVE_INFINITY)).item()).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect(thrownBy(() => debugNans((x: Tensor) => x.sub(x))(f64(Number.POSITIVE_INFINITY))).did).toBe(
      'sub of Infinity and Infinity gave NaN',
    );
  });

  test('with infinities: false only NaN', () => {
    const options: DebugNansOptions = { infinities: false };
    const f = (x: Tensor): Tensor => x.log();
    expect(debugNans(f, options)(f64(0)).item()).toBe(Number.NEGATIVE_INFINITY);
    expect(thrownBy(() => debugNans(f, options)(f64(-1))).did).toBe('log of -1 gave NaN');
  });

  test('a NaN that came in is traced to where it was met first', () => {
    expectAt('met here', /^add handed on NaN that came in with argument 1$/, () =>
      debugNans((x: Tensor, y: Tensor) => {
        const z = x.mul(2).add(y); // met here
        return z.sin();
      })(f64(1), f64(Number.NaN)),
    );
    expectAt('no class', /came in with a constant$/, () =>
      debugNans((x: Tensor) => {
        return crossEntropy(x, tensor([7], 'int32')); // no class
      })(f64([[1, 2]])),
    );
    expect(debugNans((x: Tensor) => where(x.isNaN(), 0, x))(f64(Number.NaN)).item()).toBe(0);
  });

  test('inside of jit there are no values to look at', () => {
    const inside = jit((x: Tensor) => debugNans((y: Tensor) => y.log())(x));
    expect(inside(f64(0)).item()).toBe(Number.NEGATIVE_INFINITY);
  });

  test('a function that returns a promise', () => {
    expect(() => debugNans(async (x: Tensor) => x)(f64(1))).toThrow(AsyncFunction);
  });
});

describe('debugNans(true)', () => {
  afterEach(() => debugNans(false));

  test('watches everything until it is switched off', () => {
    debugNans(true);
    debugNans(true);
    expect(thrownBy(() => f64(0).log()).did).toBe('log of 0 gave -Infinity');
    expect(thrownBy(() => grad((x: Tensor) => x.sqrt())(0)).did).toMatch(/reverse pass through sqrt/);
    const step = jit((x: Tensor) => x.mul(2), { donate: [0] });
    expect(step(f64([1, 2])).arraySync()).toEqual([2, 4]);
    debugNans(true, { infinities: false });
    expect(f64(0).log().item()).toBe(Number.NEGATIVE_INFINITY);
    debugNans(false);
    expect(f64(-1).log().item()).toBeNaN();
  });

  test('only outside of transformations', () => {
    const late = (x: Tensor): Tensor => {
      debugNans(true);
      return x;
    };
    expect(() => grad(late)(1)).toThrow(BadArgument);
  });
});
