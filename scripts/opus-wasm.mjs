/**
 * Gets libopus out of the package that brings it, at build time.
 *
 * `libopus-wasm` carries its WebAssembly as text inside a script that its `exports` do not let anyone import, and wraps it in
 * an interface that allocates on each call. So its bytes are taken out, unchanged, and `src/core/codec/opus-library.ts` speaks
 * to them directly. The version is pinned exactly, and the bytes are checked: the names of the exports are minified and mean
 * something in this version only.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { ROOT } from './run.mjs';

const SCRIPT = 'node_modules/libopus-wasm/dist/generated/libopus.generated.mjs';
/** Of libopus-wasm 0.4.0, which is libopus 1.6.1. */
const SHA256 = '703ed72e2f5ccb988fedafd996d34ff36b3464bb8fcae6bc1c458c0a30f65579';

/** The text in single quotes that the package's script decodes. */
const TEXT = /binaryDecode\('((?:[^'\\]|\\[\s\S])*)'\)/;
/** One export in that script: `_oc_encode=Module["_oc_encode"]=wasmExports["k"]`, or without the middle. */
const EXPORT = /(\w+)=(?:Module\["\w+"\]=|wasmMemory=)?wasmExports\["(\w+)"\]/g;

/** The notices that have to travel with the bytes, in one comment. */
export const OPUS_NOTICE =
  '/*! libopus 1.6.1, copyright Xiph.Org, Skype Limited, Octasic, Jean-Marc Valin and others, BSD licence ' +
  '(https://opus-codec.org/license/); compiled by libopus-wasm 0.4.0, copyright openclaw, MIT licence */';

/**
 * @param {string} [root] the repository, for those who are bundled elsewhere
 * @returns {Promise<{ bytes: Uint8Array, exports: ReadonlyMap<string, string> }>} `exports`: name in C → name in the module
 */
export async function opusWasm(root = ROOT) {
  const script = await readFile(join(root, SCRIPT), 'utf8');
  const literal = TEXT.exec(script)?.[1];
  if (literal === undefined) throw new Error('libopus-wasm: its script has another form.');
  /** @type {string} */
  const text = new Script(`'${literal}'`).runInThisContext();
  // As the package's own binaryDecode: a byte is a character, and zero is written as U+0100.
  const bytes = Uint8Array.from({ length: text.length }, (_, i) => {
    const code = text.charCodeAt(i);
    return (~code >> 8) & code;
  });
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== SHA256) {
    throw new Error(
      `libopus-wasm: expected the bytes of version 0.4.0 (SHA-256 ${SHA256}), got ${digest}. ` +
        'Compare the exports with src/core/codec/opus-library.ts before this line is changed.',
    );
  }
  /** @type {Map<string, string>} */
  const names = new Map();
  for (const [, name = '', minified = ''] of script.matchAll(EXPORT)) names.set(name, minified);
  return { bytes, exports: names };
}
