/**
 * Compiles the kernels of wasm/ (AssemblyScript) into TypeScript that holds their bytes, which is committed so that neither users
 * nor tests need the compiler. `--check` compiles and compares instead: the same compiler gives the same bytes.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { textOfBytes } from './byte-text.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Entry in wasm/ → what holds its bytes. */
const KERNELS = {
  'meter/index': { target: 'src/core/metering/meter-wasm-bytes.ts', name: 'METER_WASM' },
  'resampler/single': {
    target: 'src/core/resampler/resampler-wasm-bytes.ts',
    name: 'RESAMPLER_WASM',
  },
  'resampler/wide': {
    target: 'src/core/resampler/resampler-wide-wasm-bytes.ts',
    name: 'RESAMPLER_WIDE_WASM',
  },
};

/**
 * @param {string} entry
 * @returns {Promise<Uint8Array>}
 */
async function compile(entry) {
  /** @type {Uint8Array | undefined} */
  let bytes;
  const { error, stderr } = await asc.main(
    [
      `wasm/${entry}.ts`,
      ...['--outFile', 'kernel.wasm', '--baseDir', ROOT],
      ...['-O3', '--noAssert', '--enable', 'simd', '--runtime', 'stub'],
      ...['--importMemory', '--noExportMemory'],
    ],
    { writeFile: (_name, contents) => void (bytes = /** @type {Uint8Array} */ (contents)) },
  );
  // oxlint-disable-next-line typescript/no-base-to-string -- a stream that has toString
  if (error || !bytes) throw new Error(`asc failed.\n${stderr.toString()}`, { cause: error });
  return bytes;
}

for (const [entry, { target, name }] of Object.entries(KERNELS)) {
  const bytes = await compile(entry);
  const lines = textOfBytes(bytes).match(/.{1,90}/g) ?? [];
  const source =
    `/** wasm/${entry}.ts, compiled by \`node scripts/build-wasm.mjs\`: ${bytes.length} bytes as text. */\n` +
    `export const ${name}: string =\n${lines.map((line) => `  '${line}'`).join(' +\n')};\n`;
  if (!process.argv.includes('--check')) {
    await writeFile(ROOT + target, source);
    console.log(`wasm/${entry}.ts: ${bytes.length} bytes of WebAssembly.`);
  } else if ((await readFile(ROOT + target, 'utf8')) !== source) {
    console.error(
      `${target} is not what wasm/${entry}.ts compiles to.\nRun: node scripts/build-wasm.mjs`,
    );
    process.exitCode = 1;
  }
}
