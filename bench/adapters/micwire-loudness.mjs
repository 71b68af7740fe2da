/**
 * micwire for referees of loudness meters, in plain Node: `measure(channels, sampleRate)` meters a whole signal and returns
 * `{ M_max, S_max, I, LRA, TP_max, series: { hop, M, S } }` in LUFS, LU, dBTP and seconds. The sources are bundled on import.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = `${HERE}node_modules/.adapters`;
const FILE = `${FOLDER}/micwire-loudness-${process.pid}.mjs`;

const build = await rolldown({ input: `${HERE}loudness/micwire.ts`, platform: 'neutral' });
const { output } = await build.generate({ format: 'esm', codeSplitting: false });
await build.close();
await mkdir(FOLDER, { recursive: true });
await writeFile(FILE, output[0].code);
/** @type {typeof import('../loudness/micwire.ts')} */
const { measureWithMicwire } = await import(pathToFileURL(FILE).href);

/**
 * @param {readonly Float32Array[]} channels
 * @param {number} sampleRate
 */
export function measure(channels, sampleRate) {
  const measured = measureWithMicwire(channels, sampleRate);
  return {
    M_max: measured.maxMomentary,
    S_max: measured.maxShortTerm,
    I: measured.integrated,
    LRA: measured.range,
    TP_max: measured.truePeak,
    series: {
      hop: measured.series?.step,
      M: measured.series?.momentary,
      S: measured.series?.shortTerm,
    },
  };
}
export default measure;
