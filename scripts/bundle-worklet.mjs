import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** The folder that holds one TypeScript file per processor. */
export const WORKLET_SOURCES = fileURLToPath(new URL('../worklets', import.meta.url));

/**
 * The names of the processors' files: `worklets/NAME.ts`, without the ambient declarations.
 *
 * @returns {Promise<string[]>}
 */
export async function workletNames() {
  const files = await readdir(WORKLET_SOURCES);
  return files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => basename(file, '.ts'))
    .sort();
}

/**
 * Bundles `worklets/NAME.ts` into one self-contained script.
 *
 * The form is an IIFE, which reads the same as a module and as a classic script: no import, no export, no top-level
 * await, and no top-level name, so that a file loaded twice (or wrapped in a function by another library) does no harm.
 *
 * @param {string} name
 * @param {{ readonly minify?: boolean }} [options]
 * @returns {Promise<{ code: string, sources: string[] }>} `sources`: absolute paths of every file that went in
 */
export function bundleWorklet(name, options) {
  return bundleScript(`worklets/${name}.ts`, join(WORKLET_SOURCES, `${name}.ts`), options);
}

/** The Workers that the package ships, by the name of their file: one encodes Opus, one stores recordings, one reads tracks. */
export const WORKER_NAMES = /** @type {const} */ (['opus', 'backup', 'blocks']);

/**
 * A Worker as one script: see `bundleWorklet`.
 *
 * @param {typeof WORKER_NAMES[number]} name
 * @param {{ readonly minify?: boolean }} [options]
 */
export function bundleWorker(name, options) {
  const entry = fileURLToPath(new URL(`../src/worker/${name}.ts`, import.meta.url));
  return bundleScript(`src/worker/${name}.ts`, entry, options);
}

/**
 * A script's options come from the page, which has checked them: the checks are left out, with the names of options and the words
 * of messages. What comes from the network is checked where it is read, without them.
 *
 * @param {boolean} values - leaves out the checks of values too, not only those of names
 * @returns {import('rolldown').Plugin}
 */
const withoutOptionChecks = (values) => ({
  name: 'without-option-checks',
  async load(id) {
    const path = id.replaceAll('\\', '/');
    if (path.endsWith('/src/core/option-names.ts')) {
      return ['checkOptions', 'checkSpelling', 'checkContext', 'checkObject', 'checkText']
        .map((name) => `/* @__NO_SIDE_EFFECTS__ */ export function ${name}() {}`)
        .concat(
          '/* @__NO_SIDE_EFFECTS__ */ export const checkBytes = (_: string, value: unknown) => value;',
        )
        .join('\n');
    }
    if (!values || !path.endsWith('/src/core/arguments.ts')) return null;
    const source = await readFile(id, 'utf8');
    return source
      .replaceAll(
        /export function (integerIn|numberIn|oneOf)\b.*?\n}\n/gs,
        '/* @__NO_SIDE_EFFECTS__ */ export const $1: any = (_: string, value: unknown) => value;\n',
      )
      .replaceAll(
        /export function (describe\w*).*?\n}\n/gs,
        'export const $1 = (value: unknown): string => typeof value;\n',
      );
  },
});

/** The page has no meters, so that it does not check their settings: their worklet does. */
const CHECKS_VALUES = ['worklets/meter.ts'];

/**
 * @param {string} label what messages call it
 * @param {string} entry
 * @param {{ readonly minify?: boolean }} [options]
 * @returns {Promise<{ code: string, sources: string[] }>}
 */
async function bundleScript(label, entry, { minify = false } = {}) {
  const build = await rolldown({
    input: entry,
    platform: 'neutral',
    transform: { target: 'es2022' },
    plugins: [withoutOptionChecks(!CHECKS_VALUES.includes(label))],
    onLog(level, log) {
      // On a busy machine it warns that plugins are slow: nothing is wrong with the script.
      if (level === 'warn' && log.code !== 'PLUGIN_TIMINGS')
        throw new Error(`${label}: ${log.message}`);
    },
  });
  try {
    const { output } = await build.generate({
      format: 'iife',
      codeSplitting: false,
      minify,
      // Once the bundle is made, its annotations have served.
      comments: { annotation: !minify, jsdoc: !minify, legal: true },
      sourcemap: minify ? false : 'inline',
    });
    const [chunk, ...others] = output.filter((file) => file.type === 'chunk');
    if (
      !chunk ||
      others.length > 0 ||
      chunk.imports.length > 0 ||
      chunk.dynamicImports.length > 0
    ) {
      throw new Error(`${label} does not bundle into one self-contained file.`);
    }
    if (chunk.exports.length > 0) throw new Error(`${label} must not export anything.`);
    return { code: chunk.code, sources: chunk.moduleIds.filter((id) => !id.startsWith('\0')) };
  } finally {
    await build.close();
  }
}
