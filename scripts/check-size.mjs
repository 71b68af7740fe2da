import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { workletNames } from './bundle-worklet.mjs';
import { ROOT } from './run.mjs';

/** What a page imports, and which worklets it then loads. */
const USES = {
  capture: { imports: '{ Capture }', worklets: ['capture'] },
  meter: { imports: '{ Meter }', worklets: ['meter'] },
  playout: { imports: '{ Playout }', worklets: ['playout'] },
  all: { imports: '*', worklets: await workletNames() },
};

/**
 * Compares what users download, minified and compressed, with size-budget.json. A change that needs more raises the
 * budget in the same commit, where a review sees it.
 *
 * @returns {Promise<boolean>}
 */
export async function checkSize() {
  /** @type {Record<string, number>} */
  const budget = JSON.parse(await readFile(join(ROOT, 'size-budget.json'), 'utf8'));
  const sizes = await measureSizes();
  let good = true;
  for (const [name, { minified, gzip }] of Object.entries(sizes)) {
    const limit = budget[name];
    const fits = limit !== undefined && gzip <= limit;
    console.log(
      `  ${name.padEnd(28)} ${String(minified).padStart(7)} B min ${String(gzip).padStart(6)} B gzip, ` +
        `budget ${limit ?? 'none'}${fits ? '' : '  ✗ size-budget.json must say so'}`,
    );
    good &&= fits;
  }
  return good;
}

/** @returns {Promise<Record<string, { minified: number, gzip: number }>>} */
async function measureSizes() {
  /** @type {Record<string, { minified: number, gzip: number }>} */
  const sizes = {};
  for (const name of await workletNames()) {
    sizes[`worklets/${name}.js`] = weigh(await readFile(join(ROOT, `dist/worklets/${name}.js`)));
  }
  for (const [name, { imports, worklets }] of Object.entries(USES)) {
    const page = weigh(await bundlePage(imports));
    const total = { ...page };
    for (const worklet of worklets) {
      total.minified += sizes[`worklets/${worklet}.js`]?.minified ?? 0;
      total.gzip += sizes[`worklets/${worklet}.js`]?.gzip ?? 0;
    }
    sizes[`${name}, page`] = page;
    sizes[`${name}, page + worklets`] = total;
  }
  return sizes;
}

/**
 * What an app's bundler makes of an import from 'micwire'. The inline copies of the worklets are chunks of their own
 * that are fetched only when nothing else works, so they do not count.
 *
 * @param {string} imports
 * @returns {Promise<string>}
 */
async function bundlePage(imports) {
  const build = await rolldown({
    input: 'virtual:app',
    platform: 'browser',
    external: /\.inline\.js$/,
    plugins: [
      {
        name: 'app',
        resolveId: (id) => (id === 'virtual:app' ? id : undefined),
        load: (id) =>
          id === 'virtual:app'
            ? `export ${imports} from ${JSON.stringify(join(ROOT, 'dist/src/web/index.js'))};`
            : undefined,
      },
    ],
  });
  try {
    const { output } = await build.generate({ format: 'esm', minify: true });
    return output.map((file) => (file.type === 'chunk' ? file.code : '')).join('');
  } finally {
    await build.close();
  }
}

/** @param {string | Uint8Array} content */
function weigh(content) {
  return { minified: Buffer.byteLength(content), gzip: gzipSync(content, { level: 9 }).length };
}
