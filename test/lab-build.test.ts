import { fileURLToPath } from 'node:url';
import type { Rolldown } from 'vite';
import { build } from 'vite';
import { expect, test } from 'vitest';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

test('the lab builds, with its elements and its worklets', { timeout: 60_000 }, async () => {
  const result = await build({
    configFile: path('../vite.config.ts'),
    root: path('../demo'),
    logLevel: 'error',
    build: { write: false },
  });
  const { output } = result as Rolldown.RolldownOutput;
  const names = output.map(({ fileName }) => fileName.replace(/-[\w-]{8}\./, '.'));
  for (const name of ['index.html', 'assets/capture.js', 'assets/meter.js', 'assets/playout.js']) {
    expect(names).toContain(name);
  }
  // Elements are imported for their effect alone, which a bundler drops when the package says that there is none.
  const code = output.map((file) => (file.type === 'chunk' ? file.code : '')).join('');
  expect(code).toContain('lab-page');
  // The address of a file that was emitted is a path; a URL needs a base with it.
  const addresses: string[] = code.match(/new URL\(["'`]\/assets\/[^)]*\)/g) ?? [];
  expect(addresses.filter((address) => address.includes('libopus'))).toHaveLength(1);
  expect(addresses.filter((address) => !address.includes(','))).toEqual([]);
});
