import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

test('deciding what to play allocates nothing', async () => {
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
    // The smallest object there is costs 16 bytes: one in 16 packets is too many.
    expect(figures['bytesPerPacket']).toBeLessThan(1);
    // It did all there is to do.
    for (const figure of ['played', 'concealed', 'recovered', 'removed']) {
      expect(figures[figure], figure).toBeGreaterThan(1000 / 20);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);
