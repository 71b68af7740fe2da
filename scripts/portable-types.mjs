import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const TYPED_ARRAY = /\b(\w+Array)<ArrayBuffer>/g;
const VIEW = /\bArrayBufferView<ArrayBuffer>/g;
/** What both are where the compiler writes it by itself: any memory. */
const ANY_MEMORY = /\b(\w+Array|ArrayBufferView|DataView)<ArrayBufferLike>/g;
/** How {@link portableTypes} writes a typed array. */
const PORTABLE = /ReturnType<(\w+Array)\['slice'\]>/g;

/**
 * Writes the types of declarations in a way that TypeScript 5.4 to 5.6 can read too. Since 5.7 typed arrays have a parameter,
 * and an older compiler says "Type 'Uint8Array' is not generic". `slice` of a typed array always returns one on memory of its
 * own, so what it returns is `Uint8Array<ArrayBuffer>` where that exists, and `Uint8Array` elsewhere: one set of declarations
 * suits all.
 *
 * @param {string} declarations
 */
export function portableTypes(declarations) {
  return declarations
    .replace(VIEW, '(ArrayBufferView & { readonly buffer: ArrayBuffer })')
    .replace(TYPED_ARRAY, "ReturnType<$1['slice']>")
    .replace(ANY_MEMORY, '$1');
}

/**
 * Undoes it in what people read.
 *
 * @param {string} text
 */
export function readableTypes(text) {
  return text
    .replaceAll(
      '(ArrayBufferView & { readonly buffer: ArrayBuffer })',
      'ArrayBufferView<ArrayBuffer>',
    )
    .replace(PORTABLE, '$1<ArrayBuffer>');
}

/**
 * Rewrites the declarations of a folder.
 *
 * @param {string} folder
 */
export async function makeTypesPortable(folder) {
  const files = await readdir(folder, { recursive: true });
  for (const name of files.filter((each) => each.endsWith('.d.ts'))) {
    const file = join(folder, name);
    const text = await readFile(file, 'utf8');
    if (portableTypes(text) !== text) await writeFile(file, portableTypes(text));
  }
}
