/**
 * `npm run build`: writes the package's `dist` from nothing. TypeScript compiles the library file by file, so that an
 * app's bundler drops what it does not use; only the worklets are bundled, since a worklet must be one file.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureInstalled } from './ensure-installed.mjs';
import { makeTypesPortable } from './portable-types.mjs';
import { ROOT, runTool } from './run.mjs';

// What follows is made of packages: a fresh clone has none.
await ensureInstalled();
const { WORKER_NAMES, bundleWorker, bundleWorklet, workletNames } =
  await import('./bundle-worklet.mjs');
const { buildMin } = await import('./build-min.mjs');
const { elementManifest } = await import('./element-manifest.mjs');
const { opusWasm } = await import('./opus-wasm.mjs');
const { opusInlineModule } = await import('./vite-opus.mjs');

const LIBRARY = [
  'src/core',
  'src/storage',
  'src/web',
  'src/elements',
  'src/worker',
  'src/testing',
  'src/testing/child',
  'src/testing/fakes',
  'src/cli',
  'worklets',
];

/**
 * Vite turns an asset below 4096 bytes into a `data:` address, and a page whose Content-Security-Policy says
 * `script-src 'self'` may not load that. A comment brings small worklets above the limit; it costs some 20 bytes when
 * compressed.
 */
const INLINE_LIMIT_BYTES = 4096;
const PADDING_NOTE = 'Spaces follow: a smaller file would become a data: URL, which CSP may block.';

// Emptied first: a file whose source is gone must not stay in the package.
await rm(join(ROOT, 'dist'), { recursive: true, force: true });

if ((await runTool('typescript', 'tsc', ['-b', ...LIBRARY])) !== 0) process.exit(1);
await makeTypesPortable(join(ROOT, 'dist/src'));

const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
const folder = join(ROOT, 'dist/worklets');
await mkdir(folder, { recursive: true });
for (const name of await workletNames()) {
  const { code } = await bundleWorklet(name, { minify: true });
  const script = `/*! micwire ${version}, worklets/${name}.js, MIT licence */\n${code.trimEnd()}\n`;
  await writeFile(join(folder, `${name}.js`), pad(script));
  await writeFile(join(folder, `${name}.inline.js`), `export default ${JSON.stringify(script)};\n`);
  console.log(`dist/worklets/${name}.js ${Buffer.byteLength(script)} bytes`);
}

const worker = join(ROOT, 'dist/worker');
await mkdir(worker, { recursive: true });
for (const name of WORKER_NAMES) {
  const { code } = await bundleWorker(name, { minify: true });
  const script = `/*! micwire ${version}, worker/${name}.js, MIT licence */\n${code.trimEnd()}\n`;
  await writeFile(join(worker, `${name}.js`), pad(script));
  await writeFile(join(worker, `${name}.inline.js`), `export default ${JSON.stringify(script)};\n`);
  console.log(`dist/worker/${name}.js ${Buffer.byteLength(script)} bytes`);
}

await writeFile(
  join(ROOT, 'dist/custom-elements.json'),
  `${JSON.stringify(await elementManifest(), null, 2)}\n`,
);

const wasm = join(ROOT, 'dist/wasm');
await mkdir(wasm, { recursive: true });
await writeFile(join(wasm, 'libopus.wasm'), (await opusWasm()).bytes);
await writeFile(join(wasm, 'libopus.inline.js'), await opusInlineModule());

await buildMin(version);

/** @param {string} script */
function pad(script) {
  const missing = INLINE_LIMIT_BYTES + 1 - Buffer.byteLength(script);
  if (missing <= 0) return script;
  return `${script}/* ${PADDING_NOTE}${' '.repeat(missing)}*/\n`;
}
