import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';

it(
  'reading and writing a packet of RTP allocates nothing once it is warm',
  { timeout: 60_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'micwire-rtp-'));
    try {
      const build = await rolldown({
        input: fileURLToPath(new URL('helpers/rtp-allocation-child.ts', import.meta.url)),
        platform: 'node',
        logLevel: 'silent',
      });
      const file = join(folder, 'child.mjs');
      await build.write({ file, format: 'esm' });
      await build.close();
      const args = ['--expose-gc', '--max-semi-space-size=64', '--min-semi-space-size=64', file];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      const figures = JSON.parse(stdout) as Record<string, number>;
      expect(Object.keys(figures)).toEqual(['write', 'read', 'unwrap', 'statistics', 'sum']);
      // The smallest object there is costs 16 bytes.
      for (const [act, bytes] of Object.entries(figures)) expect(bytes, act).toBeLessThan(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
