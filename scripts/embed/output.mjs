import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** How the script of a worklet ends, also when another minifier was at it, and with the address of its source map. */
const WORKLET_END =
  /registerProcessor\(.micwire-([\w-]+).,[\w$]+\)\}?catch(?:\(\w+\))?\{\}\}\)?\(\)\)?;?\s*(?:\/\*[^*]*\*\/\s*|\/\/.*\s*)?$/;

/** The worklets that a bundler has put out. @param {string} folder */
export async function workletsIn(folder) {
  /** @type {Set<string>} */
  const names = new Set();
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.js')) continue;
    const [, worklet] = WORKLET_END.exec(await readFile(join(folder, name), 'utf8')) ?? [];
    if (worklet !== undefined) names.add(worklet);
  }
  return [...names].toSorted();
}
