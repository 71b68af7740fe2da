import { expect, test } from 'vitest';
import { packageFile } from '../src/web/package-file.ts';

/** What `new URL('../../PATH', import.meta.url)` makes in a module. */
const beside = (path: string, module: string): URL => new URL(`../../${path}`, module);

test('a file is found in the package where Vite has moved the module that names it', () => {
  const module = 'http://localhost:5173/app/node_modules/.vite/deps/chunk-ABC.js?v=1';
  expect(packageFile(beside('worklets/capture.js', module))).toBe(
    'http://localhost:5173/app/node_modules/micwire/dist/worklets/capture.js',
  );
  expect(packageFile(beside('wasm/libopus.wasm', module))).toBe(
    'http://localhost:5173/app/node_modules/micwire/dist/wasm/libopus.wasm',
  );
});

test.each([
  'https://example.com/node_modules/micwire/dist/src/web/meter.js',
  'https://example.com/node_modules/micwire/dist/min/micwire.js',
  'https://example.com/assets/index.js',
  'file:///app/index.js',
])('the file beside %s keeps its address', (module) => {
  const url = beside('worklets/capture.js', module);
  expect(packageFile(url)).toBe(url.href);
});
