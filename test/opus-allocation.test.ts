import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CaseRunner } from './helpers/case-runner.ts';
import { OPUS_CASES } from './helpers/opus-cases.ts';

describe('the Opus processor allocates nothing in process()', () => {
  let runner: CaseRunner;
  beforeAll(async () => {
    runner = await CaseRunner.open();
  });
  afterAll(() => runner.close());

  // The first differs from the second in its options only, and encoding takes its time.
  it.concurrent.each(OPUS_CASES.slice(1))('$name', { timeout: 120_000 }, async (kase) => {
    if (kase.worksBetween) expect(await runner.sites(kase)).toEqual([]);
    else await runner.expectNoAllocation(kase);
  });
});

it('codecs allocate nothing once they are warm', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'micwire-codec-'));
  try {
    const build = await rolldown({
      input: fileURLToPath(new URL('helpers/codec-allocation-child.ts', import.meta.url)),
      platform: 'node',
      logLevel: 'silent',
    });
    const file = join(folder, 'child.mjs');
    await build.write({ file, format: 'esm' });
    await build.close();
    const args = ['--expose-gc', '--max-semi-space-size=64', '--min-semi-space-size=64', file];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const codecs = JSON.parse(stdout) as Record<string, Record<string, number>>;
    for (const [codec, figures] of Object.entries(codecs)) {
      // The smallest object there is costs 16 bytes.
      for (const [act, bytes] of Object.entries(figures)) {
        expect(bytes, `${codec}: ${act}`).toBeLessThan(2);
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
