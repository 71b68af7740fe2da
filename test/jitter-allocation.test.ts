import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

test('inserting packets and deciding about playout allocate nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'micwire-jitter-'));
  try {
    const build = await rolldown({
      input: fileURLToPath(new URL('helpers/jitter-allocation-child.ts', import.meta.url)),
      platform: 'node',
      logLevel: 'silent',
    });
    const file = join(folder, 'child.mjs');
    await build.write({ file, format: 'esm' });
    await build.close();
    const args = [
      '--expose-gc',
      '--max-semi-space-size=64',
      '--min-semi-space-size=64',
      // As the gate of processors does: interpreted code boxes numbers.
      '--interrupt-budget=5000',
      '--no-concurrent-recompilation',
      file,
    ];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const figures = JSON.parse(stdout) as Record<string, number>;
    // A call that is not inlined is handed its time in a number of its own, of 16 bytes; nothing else.
    expect(figures['bytesPerPacket']).toBeLessThan(17);
    // It did all there is to do.
    for (const figure of ['played', 'concealed', 'recovered', 'removed']) {
      expect(figures[figure], figure).toBeGreaterThan(1000 / 20);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);
