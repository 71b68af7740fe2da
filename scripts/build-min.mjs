/**
 * Writes dist/min: each entry of the package as one minified module, for pages without a bundler. An import map then costs one
 * request instead of more than a hundred. Worklets, Workers and libopus stay files beside it.
 */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { ROOT } from './run.mjs';

const MIN = join(ROOT, 'dist/min');
/** What modules fetch by address or import where no file can be fetched, with the way up to dist. */
const FETCHED = /(['"])(?:\.\.\/)+((?:worklets|worker|wasm)\/[\w.-]+)\1/g;
const INLINE_COPY = /\.inline\.js$/;

/** What `opus-inline` changes is another module of the bundle that it is part of: alone in a file it changes nothing. */
const WITHOUT = new Set(['opus-inline']);

/** @typedef {{ readonly name: string, readonly from: string }} MinEntry `name`: below dist/min; `from`: below the package */

/**
 * The entries that package.json exports as modules with types: a pattern is one for each of its files.
 *
 * @returns {Promise<MinEntry[]>}
 */
export async function minEntries() {
  const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  /** @type {MinEntry[]} */
  const entries = [];
  for (const [path, target] of Object.entries(exports)) {
    const from = target?.default;
    // A file in dist/min is a program of its own, so that this entry could not reach the others; they fetch what it brings.
    if (!from?.startsWith('./dist/src/') || path === './opus-inline') continue;
    // Elements need Lit, which the app brings: a file of one module would hold a second one.
    if (path.startsWith('./elements')) continue;
    // Servers need no file of one module, and have Node's own modules.
    if (path === './node') continue;
    const name = path === '.' ? 'micwire' : path.slice('./'.length);
    if (WITHOUT.has(name)) continue;
    if (!path.includes('*')) {
      entries.push({ name, from });
      continue;
    }
    for (const file of await readdir(join(ROOT, dirname(from)))) {
      const matched = /^([\w-]+)\.js$/.exec(file)?.[1];
      if (matched !== undefined) {
        entries.push({ name: name.replace('*', matched), from: from.replace('*', matched) });
      }
    }
  }
  return entries;
}

/** @param {string} version of the package */
export async function buildMin(version) {
  for (const { name, from } of await minEntries()) {
    const target = join(MIN, `${name}.js`);
    await mkdir(dirname(target), { recursive: true });
    const code = await bundle(join(ROOT, from), dirname(target));
    await writeFile(
      target,
      `/*! micwire ${version}, min/${name}.js, MIT licence */\n${code.trimEnd()}\n`,
    );
    const source = relative(dirname(target), join(ROOT, from)).replaceAll('\\', '/');
    await writeFile(join(MIN, `${name}.d.ts`), `export * from '${source}';\n`);
    console.log(`dist/min/${name}.js ${Buffer.byteLength(code)} bytes`);
  }
}

/**
 * @param {string} entry
 * @param {string} folder where the file will be
 * @returns {Promise<string>}
 */
async function bundle(entry, folder) {
  const up = relative(folder, join(ROOT, 'dist')).replaceAll('\\', '/');
  const build = await rolldown({
    input: entry,
    platform: 'browser',
    makeAbsoluteExternalsRelative: false,
    plugins: [
      {
        name: 'addresses-from-min',
        resolveId: (id) => (INLINE_COPY.test(id) ? { id, external: true } : null),
        transform: (code) => code.replaceAll(FETCHED, `$1${up}/$2$1`),
      },
    ],
    onLog(level, log) {
      if (level === 'warn') throw new Error(`${entry}: ${log.message}`);
    },
  });
  try {
    const { output } = await build.generate({ format: 'esm', codeSplitting: false, minify: true });
    if (output.length !== 1) throw new Error(`${entry} does not bundle into one file.`);
    return output[0].code;
  } finally {
    await build.close();
  }
}
