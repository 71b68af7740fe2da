import { fileURLToPath } from 'node:url';
import type { Rolldown, ViteDevServer } from 'vite';
import { build, createServer } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { workletNames } from '../scripts/bundle-worklet.mjs';
import { worklets } from '../scripts/vite-worklets.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const names = await workletNames();

/** What must not be in a script that is to be loaded by address, with nothing beside it. */
const NOT_SELF_CONTAINED = /^\s*(import|export)\b|\bimport\(/m;

describe('a Vite build', () => {
  let output: Rolldown.RolldownOutput['output'];
  beforeAll(async () => {
    const result = await build({
      configFile: false,
      root,
      logLevel: 'error',
      plugins: [worklets()],
      build: {
        write: false,
        assetsInlineLimit: 0,
        rolldownOptions: {
          input: `${root}test/helpers/worklet-files.ts`,
          preserveEntrySignatures: 'strict',
        },
      },
    });
    output = (result as Rolldown.RolldownOutput).output;
  });

  test('ships each worklet as a file that is a script of its own', () => {
    const scripts = output.filter((file) => file.type === 'asset');
    expect(scripts.map(({ names: [name = ''] }) => name).sort()).toEqual(
      names.map((n) => `${n}.js`).sort(),
    );
    for (const { source } of scripts) {
      expect(source).toContain('registerProcessor');
      expect(source).not.toMatch(NOT_SELF_CONTAINED);
    }
  });

  test('has their addresses, and no address of TypeScript', () => {
    const [entry] = output;
    for (const file of output) {
      if (file.type === 'asset') expect(entry.code).toContain(file.fileName.replace(/^.*\//, ''));
    }
    expect(entry.code).not.toMatch(/\.ts\b|data:/);
  });

  test('keeps the inline copies in chunks that load when asked for', () => {
    const [entry] = output;
    // Those of Opus come with `micwire/opus-inline`.
    const others = names.filter((name) => !name.endsWith('-opus'));
    expect(entry.dynamicImports).toHaveLength(others.length);
    expect(entry.imports).toEqual([]);
  });
});

describe('the dev server', () => {
  let server: ViteDevServer;
  let base: string;
  beforeAll(async () => {
    server = await createServer({
      configFile: false,
      root,
      logLevel: 'error',
      optimizeDeps: { noDiscovery: true },
      server: { host: '127.0.0.1', port: 0, watch: null, headers: { 'x-test': 'kept' } },
      plugins: [worklets()],
    });
    await server.listen();
    base = server.resolvedUrls!.local[0]!;
  });
  afterAll(() => server.close());

  test.each(names)(
    'answers for worklets/%s.js with the bundle and the usual headers',
    async (n) => {
      const response = await fetch(new URL(`worklets/${n}.js`, base));
      const script = await response.text();
      expect(response.headers.get('content-type')).toBe('text/javascript');
      expect(response.headers.get('x-test')).toBe('kept');
      expect(script).toContain('registerProcessor');
      expect(script).not.toMatch(NOT_SELF_CONTAINED);
    },
  );

  test('does not change the address of the script, even if TypeScript lies beside it', async () => {
    for (const name of names) {
      const response = await fetch(new URL(`src/web/${name}-worklet.ts`, base));
      const [code] = (await response.text()).split('//# sourceMappingURL');
      expect(code).toContain(`worklets/${name}.js`);
      expect(code).not.toContain(`worklets/${name}.ts`);
    }
  });

  test('does not answer for other scripts', async () => {
    const response = await fetch(new URL('worklets/nothing.js', base));
    expect(await response.text()).not.toContain('registerProcessor');
    expect(response.headers.get('content-type')).not.toBe('text/javascript');
  });
});
