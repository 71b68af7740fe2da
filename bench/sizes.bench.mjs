/**
 * What users download, compressed: each use of micwire beside peers, bundled and minified by one bundler, with every file that
 * the use fetches: worklets, filters, WebAssembly, models. `npm run build` first writes what is weighed.
 */
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** `npm run bench` starts here. */
const ROOT = process.cwd();
const PEERS_FOLDER = join(ROOT, 'bench/node_modules');

/**
 * What an app imports of a peer, and the files that it then fetches from the package, by pattern.
 *
 * @type {readonly { subject: string, title: string, imports: string, fetched: readonly (readonly [folder: string, file: RegExp])[] }[]}
 */
const PEERS = [
  {
    subject: 'wavtools',
    title: 'PCM capture and playout at the context’s rate',
    imports: '{ WavRecorder, WavStreamPlayer }',
    fetched: [],
  },
  {
    subject: '@ricky0123/vad-web',
    title: 'capture of speech, 16 kHz',
    imports: '{ MicVAD }',
    fetched: [
      ['@ricky0123/vad-web/dist', /^(vad\.worklet\.bundle\.min\.js|silero_vad_legacy\.onnx)$/],
      ['onnxruntime-web/dist', /^ort-wasm-simd-threaded\.(mjs|wasm)$/],
    ],
  },
  {
    subject: '@elevenlabs/client',
    title: 'a voice conversation',
    imports: '{ Conversation }',
    fetched: [],
  },
  {
    subject: 'livekit-client',
    title: 'a room with audio',
    imports: '{ Room }',
    fetched: [],
  },
];

/** @returns {Promise<import('./measure.ts').Row[]>} */
export async function run() {
  // The suite runs as a bundle: what finds the project by its own address must not be part of it.
  const load = (/** @type {string} */ file) => import(pathToFileURL(join(ROOT, file)).href);
  if (!existsSync(join(ROOT, 'dist/min/micwire.js'))) {
    const { run: runCommand } = await load('scripts/run.mjs');
    const build = join(ROOT, 'scripts/build.mjs');
    if ((await runCommand(process.execPath, [build], { quiet: true })) !== 0) {
      throw new Error('npm run build failed.');
    }
  }
  const { appThatUses, measureBundle, sum, weigh } = await load('scripts/measure-size.mjs');
  const { SIZE_USES, measureUse } = await load('scripts/size-uses.mjs');
  /** @type {import('./measure.ts').Row[]} */
  const rows = [];
  const add = (
    /** @type {string} */ title,
    /** @type {string} */ subject,
    /** @type {Record<string, { gzip: number }>} */ parts,
  ) => {
    for (const [metric, { gzip }] of Object.entries(parts)) {
      rows.push({ case: title, subject, metric, value: gzip, unit: 'bytes' });
    }
  };
  for (const use of Object.values(SIZE_USES)) {
    if (use.title === undefined) continue;
    const { page, worklets, fetched, inAll } = await measureUse(use);
    add(use.title, 'micwire', { page, worklets, fetched, 'in all': inAll });
  }
  for (const { subject, title, imports, fetched } of PEERS) {
    const { atOnce, onDemand } = await measureBundle(appThatUses(imports, subject), {
      from: PEERS_FOLDER,
      external: [],
    });
    const files = [];
    for (const [folder, wanted] of fetched) {
      const path = join(PEERS_FOLDER, folder);
      for (const file of (await readdir(path)).filter((name) => wanted.test(name))) {
        files.push(weigh(await readFile(join(path, file))));
      }
    }
    const more = sum(files);
    add(title, subject, { page: atOnce, fetched: more, 'in all': sum([atOnce, more]) });
    if (onDemand.gzip > 0) add(title, subject, { 'not counted': onDemand });
  }
  return rows;
}
