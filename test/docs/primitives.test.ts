/** The primitives that docs/primitives.md declares are declared, obey the laws, and print what the page says. */
import { readFileSync } from 'node:fs';
import * as cotangent from 'cotangent';
import * as primitive from 'cotangent/primitive';
import { describe, expect, test } from 'vitest';
import { blocksOf, printed, trimmed } from './blocks.ts';

const modules = { cotangent, 'cotangent/primitive': primitive };
const blocks = blocksOf(readFileSync(new URL('../../docs/primitives.md', import.meta.url), 'utf8'));

describe('docs/primitives.md', () => {
  test('has examples', () => expect(blocks.filter(({ language }) => language === 'js').length).toBe(2));

  blocks.forEach(({ language, text, line }, i) => {
    if (language !== 'js') return;
    test(`the block at line ${line} prints what is written below it`, async () => {
      expect(blocks[i + 1].language).toBe('text');
      expect(trimmed(await printed(text, modules))).toBe(blocks[i + 1].text);
    });
  });
});

describe('checkPrimitive', () => {
  const { kernel, elements, elementwiseRule, floats, op } = primitive;
  type Cube = primitive.Op<[x: cotangent.Tensor], Record<string, never>>;
  const right: primitive.Smooth<Record<string, never>> = {
    name: 'cube',
    kind: 'smooth',
    abstract: elementwiseRule('cube', 'float'),
    jvp: [(dx, [x]) => dx.mul(x.square()).mul(3)],
    batch: 'elementwise',
    lower: (operands, _, [out]) => {
      const [x] = elements(operands);
      return { form: 'map', extents: out.shape, values: [kernel.times(x, kernel.times(x, x))] };
    },
    samples: [{ operands: [floats([2, 3])], params: {} }],
  };
  const check = (changes: object): void =>
    primitive.checkPrimitive(
      op<Cube>(
        { ...right, ...changes } as typeof right,
        x => [x],
        () => ({}),
      ),
    );

  test('passes what obeys the laws', () => check({}));

  const rule = (jvp: primitive.JvpRule<Record<string, never>>): object => ({ jvp: [jvp] });
  test.each([
    [
      'a wrong factor',
      rule((dx, [x]) => dx.mul(x.square()).mul(2)),
      /the pushforward is the central difference/,
    ],
    [
      'a rule whose own derivative is lost',
      rule((dx, [x]) => dx.mul(cotangent.stopGradient(x.square()).mul(3))),
      /second order/,
    ],
    ['a wrong type', { abstract: () => new primitive.Aval('float64', [2, 3]) }, /abstract/],
    [
      'a wrong shape',
      { abstract: ([x]: primitive.Aval[]) => x.with({ shape: [3, 2] }) },
      /a batch is a loop/,
    ],
    [
      'a batch rule that shifts',
      { batch: (_: number, [x]: cotangent.Tensor[]) => x.add(1) },
      /a batch is a loop/,
    ],
    ['no samples', { samples: [] }, /has no samples/],
  ])('finds %s', (_, changes, message) => {
    expect(() => check(changes)).toThrow(message);
  });

  test('finds a transpose that is none', () => {
    const { jvp: _, ...rest } = right;
    const doubled: primitive.Linear<Record<string, never>> = {
      ...rest,
      name: 'double',
      kind: 'linear',
      lower: (operands, __, [out]) => {
        const [x] = elements(operands);
        return { form: 'map', extents: out.shape, values: [kernel.plus(x, x)] };
      },
      transpose: [ct => ct],
    };
    const check = (): void => primitive.checkPrimitive(primitive.primitive(doubled));
    expect(check).toThrow(cotangent.BrokenLaw);
    expect(check).toThrow(/the pullback is the adjoint/);
  });
});
