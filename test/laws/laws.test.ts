/** The laws that every primitive obeys, from the samples of its declaration. */
import { describe, expect, test } from 'vitest';
import '../../src/setup.ts';
import { lawsOf } from '../../src/primitive/laws.ts';
import { primitivesByFamily } from '../../src/primitives/index.ts';

for (const [family, primitives] of Object.entries(primitivesByFamily)) {
  describe(family, () => {
    test('is not empty', () => expect(primitives.length).toBeGreaterThan(0));
    for (const primitive of primitives)
      describe(primitive.name, () => {
        for (const { name, run } of lawsOf(primitive)) test(name, run);
      });
  });
}
