/** The library in a real browser: with threads in an isolated page, without them elsewhere, and under a strict policy. */
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compute, type Report } from './page.ts';
import { type Training, train } from './training.ts';

const executable = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  path => path !== undefined && existsSync(path),
);
if (executable === undefined)
  console.log('browser tests skipped: no Chromium at /usr/bin/chromium, and CHROMIUM names none');

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Headers of the pages. */
const pages: Record<string, Record<string, string>> = {
  '/isolated': {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
  },
  '/plain': {},
  '/training': {},
  '/strict': { 'Content-Security-Policy': "script-src 'self'" },
};

const html = '<!doctype html><title>cotangent</title><script type="module" src="/main.js"></script>';

/** The library and what the page does with it, as one script. */
async function script(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import 'cotangent/reference';
        import { compute } from './page.ts';
        import { train } from './training.ts';
        const training = location.pathname === '/training';
        globalThis.report = (training ? train() : compute(location.pathname === '/strict' ? 2 : 600)).catch(error => ({ error: String(error?.stack ?? error) }));`,
      resolveDir: here('.'),
    },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    alias: {
      'cotangent/reference': here('../../src/reference.ts'),
      'cotangent/nn': here('../../src/nn/index.ts'),
      'cotangent/optim': here('../../src/optim/index.ts'),
      'cotangent/random': here('../../src/random/index.ts'),
      'cotangent/train': here('../../src/train/index.ts'),
      cotangent: here('../../src/index.ts'),
    },
    // The package's list of files with side effects names those of the build.
    ignoreAnnotations: true,
    write: false,
    logLevel: 'error',
  });
  return outputFiles[0].text;
}

describe.skipIf(executable === undefined)('in Chromium', () => {
  let server: Server;
  let browser: Browser;

  beforeAll(async () => {
    const main = await script();
    server = createServer(({ url = '' }, response) => {
      const isScript = url === '/main.js';
      response.writeHead(isScript || url in pages ? 200 : 404, {
        'Content-Type': isScript ? 'text/javascript' : 'text/html',
        ...pages[url],
      });
      response.end(isScript ? main : html);
    });
    await new Promise<void>(done => {
      server.listen(0, '127.0.0.1', done);
    });
    browser = await chromium.launch({ executablePath: executable as string, args: ['--no-sandbox'] });
  });

  afterAll(async () => {
    await browser.close();
    server.close();
  });

  async function visit<R = Report>(path: string): Promise<{ report: R; complaints: string[] }> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', error => complaints.push(String(error)));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
    await page.waitForFunction('globalThis.report !== undefined');
    const report = (await page.evaluate('globalThis.report')) as R & { error?: string };
    await page.close();
    expect(report.error).toBeUndefined();
    return { report, complaints };
  }

  test.each(['/isolated', '/plain'])('%s gives the bits that Node gives', async path => {
    const { report, complaints } = await visit(path);
    const expected = await compute();
    expect(complaints).toEqual([]);
    expect(report.device).toBe('wasm');
    expect(report.isolated).toBe(path === '/isolated');
    expect(report.large).toHaveLength(1);
    expect({ ...report, isolated: false }).toEqual({ ...expected, isolated: false });
    expect(report.after).toBeLessThan(report.before / 4);
  });

  test('training gives the weights that Node gives, and the page goes on drawing', async () => {
    const { report, complaints } = await visit<Training>('/training');
    const expected = await train();
    expect(complaints).toEqual([]);
    expect(report.weights).toEqual(expected.weights);
    expect(report.last).toBeLessThan(report.first / 2);
    expect(report.frames).toBeGreaterThan(5 * report.seconds);
    expect([report.aborted, expected.aborted]).toEqual(['aborted', 'aborted']);
  });

  test('a policy without generated code: plain JavaScript, interpreted', async () => {
    const { report, complaints } = await visit('/strict');
    expect(complaints).toEqual([]);
    expect(report.device).toBe('reference');
    expect(report.sine).toBeCloseTo(-Math.sin(0.5), 6);
    expect(report.after).toBeLessThan(report.before / 4);
  });
});
