import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const src = fileURLToPath(new URL('./src', import.meta.url));

/** What must hold on every device; the rest of the tests names its backends itself, or needs none. */
const onEveryDevice = ['laws', 'linalg', 'nn', 'numpy', 'optim', 'oracle', 'random', 'transforms'];

const shared = {
  environment: 'node' as const,
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  resolve: {
    alias: [
      { find: /^cotangent$/, replacement: `${src}/node.ts` },
      { find: /^cotangent\/reference$/, replacement: `${src}/reference.ts` },
      { find: /^cotangent\/(\w+)$/, replacement: `${src}/$1/index.ts` },
    ],
  },
  test: {
    pool: 'threads',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { ...shared, name: 'wasm', include: ['test/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          ...shared,
          name: 'reference',
          include: onEveryDevice.map(room => `test/${room}/**/*.test.ts`),
          setupFiles: ['test/reference.ts'],
        },
      },
    ],
  },
});
