/** For any meter of streaming resamplers that loads adapters by file: the library's sources, bundled on the spot. */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { micwireStreams } from './micwire-streams.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = `${ROOT}node_modules/.cache/micwire`;

await mkdir(FOLDER, { recursive: true });
const file = `${FOLDER}/resampler-${process.pid}.mjs`;
const build = await rolldown({
  input: `${ROOT}src/core/resampler/resampler.ts`,
  platform: 'neutral',
});
await build.write({ file, format: 'esm' });
await build.close();
const { Resampler } = await import(pathToFileURL(file).href);

export default micwireStreams(Resampler);
