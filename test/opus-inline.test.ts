import { afterEach, expect, test, vi } from 'vitest';
import { MicwireError } from '../src/core/errors.ts';
import { loadOpusModule } from '../src/web/opus-module.ts';

afterEach(() => void vi.unstubAllGlobals());

/** A bundler has left the files behind. */
function withoutFiles(): void {
  vi.stubGlobal('fetch', async () => new Response('not found', { status: 404 }));
}

// Of one file: what an import brings, it brings for good.
test('without the file, and without micwire/opus-inline, the error names that entry', async () => {
  withoutFiles();
  const error = await loadOpusModule().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(MicwireError);
  expect(error).toMatchObject({ code: 'codec-load' });
  expect((error as MicwireError).message).toContain("import 'micwire/opus-inline'");
});

test('with micwire/opus-inline, libopus loads without its file', async () => {
  withoutFiles();
  await import('../src/web/opus-inline.ts');
  expect(await loadOpusModule()).toBeInstanceOf(WebAssembly.Module);
});
