/**
 * Compiles wasm/resampler/ (AssemblyScript) into src/core/resampler/resampler-wasm-bytes.ts, which is committed so that neither
 * users nor tests need the compiler. `--check` compiles and compares instead: the same compiler gives the same bytes.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TARGET = `${ROOT}src/core/resampler/resampler-wasm-bytes.ts`;

/** @returns {Promise<Uint8Array>} */
async function compile() {
  /** @type {Uint8Array | undefined} */
  let bytes;
  const { error, stderr } = await asc.main(
    [
      'wasm/resampler/index.ts',
      '--outFile',
      'resampler.wasm',
      '--baseDir',
      ROOT,
      ...['-O3', '--noAssert', '--enable', 'simd', '--runtime', 'stub'],
      ...['--importMemory', '--noExportMemory'],
    ],
    { writeFile: (_name, contents) => void (bytes = /** @type {Uint8Array} */ (contents)) },
  );
  // oxlint-disable-next-line typescript/no-base-to-string -- a stream that has toString
  if (error || !bytes) throw new Error(`asc failed.\n${stderr.toString()}`, { cause: error });
  return bytes;
}

const bytes = await compile();
const base64 = Buffer.from(bytes).toString('base64');
const lines = base64.match(/.{1,90}/g) ?? [];
const source =
  `/** wasm/resampler/, compiled by \`node scripts/build-resampler-wasm.mjs\`: ${bytes.length} bytes in Base64. */\n` +
  `export const RESAMPLER_WASM: string =\n${lines.map((line) => `  '${line}'`).join(' +\n')};\n`;
if (process.argv.includes('--check')) {
  if ((await readFile(TARGET, 'utf8')) !== source) {
    console.error(
      'src/core/resampler/resampler-wasm-bytes.ts is not what wasm/resampler/ compiles to.\n' +
        'Run: node scripts/build-resampler-wasm.mjs',
    );
    process.exitCode = 1;
  }
} else {
  await writeFile(TARGET, source);
  console.log(`${bytes.length} bytes of WebAssembly.`);
}
