/** What an app's users download for a use of a library: bundled and minified as an app would, and compressed. */
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { ROOT } from './run.mjs';

/** @typedef {{ minified: number, gzip: number }} Size */

/**
 * A bundle by the time at which its parts are fetched.
 *
 * @typedef {object} BundleSize
 * @property {Size} atOnce the entry, and what it imports
 * @property {Size} onDemand everything that it may import later
 * @property {Size} fetched of `onDemand`, what the use fetches
 */

/**
 * @param {string} app the app's module
 * @param {object} [options]
 * @param {readonly string[]} [options.fetches] file names of modules, without extension, that the app is known to import on demand
 * @param {RegExp | string[]} [options.external] what is not counted
 * @param {string} [options.from] the folder from which the app's imports are resolved
 * @returns {Promise<BundleSize>}
 */
export async function measureBundle(
  app,
  { fetches = [], external = /\.inline\.js$/, from = ROOT } = {},
) {
  const entry = join(from, 'app-that-is-measured.js');
  const build = await rolldown({
    input: entry,
    platform: 'browser',
    external,
    // As Vite builds an app: what the entry shares with later parts may lie in it.
    preserveEntrySignatures: false,
    plugins: [
      {
        name: 'app',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? app : undefined),
      },
    ],
    onLog() {},
  });
  try {
    const { output } = await build.generate({ format: 'esm', minify: true });
    const chunks = output.filter((file) => file.type === 'chunk');
    const [start] = chunks;
    const withImports = (/** @type {(string | undefined)[]} */ names) => {
      const all = new Set(names);
      for (const name of all) {
        for (const imported of chunks.find(({ fileName }) => fileName === name)?.imports ?? []) {
          all.add(imported);
        }
      }
      return all;
    };
    const first = withImports([start?.fileName]);
    const wanted = fetches.map((name) => {
      const chunk = chunks.find(
        ({ moduleIds, fileName }) =>
          !first.has(fileName) && moduleIds.some((id) => basename(id) === `${name}.js`),
      );
      if (chunk === undefined) throw new Error(`The app imports no ${name} on demand.`);
      return chunk.fileName;
    });
    const later = withImports(wanted);
    const total = (/** @type {(name: string) => boolean} */ counts) =>
      sum(chunks.filter(({ fileName }) => counts(fileName)).map(({ code }) => weigh(code)));
    return {
      atOnce: total((name) => first.has(name)),
      onDemand: total((name) => !first.has(name)),
      fetched: total((name) => later.has(name) && !first.has(name)),
    };
  } finally {
    await build.close();
  }
}

let uses = 0;

/**
 * A module that imports names, and uses them: bundlers drop what an app does not.
 *
 * @param {string} names `{ A, B }`, or `*` for all
 * @param {string} module
 * @returns {string}
 */
export function appThatUses(names, module) {
  const name = `use${uses++}`;
  const from = JSON.stringify(module);
  return names === '*'
    ? `import * as ${name} from ${from};\nglobalThis.${name} = ${name};`
    : `import ${names} from ${from};\nglobalThis.${name} = ${names};`;
}

/**
 * @param {readonly (Size | undefined)[]} sizes
 * @returns {Size}
 */
export function sum(sizes) {
  const total = { minified: 0, gzip: 0 };
  for (const size of sizes) {
    total.minified += size?.minified ?? 0;
    total.gzip += size?.gzip ?? 0;
  }
  return total;
}

/**
 * @param {string | Uint8Array} content
 * @returns {Size}
 */
export function weigh(content) {
  return { minified: Buffer.byteLength(content), gzip: gzipSync(content, { level: 9 }).length };
}
