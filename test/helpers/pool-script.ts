import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

/** The script of a `StreamPool`'s threads as one file: Node 20 runs no TypeScript. */
export async function poolScript(): Promise<{ url: URL; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'micwire-pool-'));
  const build = await rolldown({
    input: join(process.cwd(), 'src/node/pool/pool-worker.ts'),
    platform: 'node',
    logLevel: 'silent',
  });
  const { output } = await build.generate({ format: 'esm', codeSplitting: false });
  await build.close();
  const file = join(folder, 'pool-worker.mjs');
  await writeFile(file, output[0].code);
  return { url: pathToFileURL(file), remove: () => rm(folder, { recursive: true }) };
}
