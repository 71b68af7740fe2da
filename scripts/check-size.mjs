import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { workletNames } from './bundle-worklet.mjs';
import { ROOT } from './run.mjs';

/** @typedef {{ readonly imports: string, readonly worklets: string[], readonly service?: string }} Use */

/** What a page imports, and which worklets it then loads. @type {Readonly<Record<string, Use>>} */
const USES = {
  capture: { imports: '{ Capture }', worklets: ['capture'] },
  meter: { imports: '{ Meter }', worklets: ['meter'] },
  microphone: { imports: '{ Capture, Microphone }', worklets: ['capture', 'microphone'] },
  speaker: { imports: '{ Speaker }', worklets: [] },
  playout: { imports: '{ Playout }', worklets: ['playout'] },
  receiver: { imports: '{ Receiver }', worklets: ['receive'] },
  session: {
    imports: '{ Session }',
    // A service is chosen by its import: one is paid for.
    service: 'openai-realtime',
    worklets: ['capture', 'playout'],
  },
  call: { imports: '{ Call, WebSocketSignalling }', worklets: [] },
  all: { imports: '*', worklets: ['capture', 'meter', 'microphone', 'playout', 'receive'] },
};

/** Budgets are multiples of this, so that not every line of code moves one. */
const STEP_BYTES = 256;
const BUDGET = join(ROOT, 'size-budget.json');

/**
 * Compares what users download, minified and compressed, with size-budget.json. A change that needs more raises the
 * budget in the same commit, where a review sees it.
 *
 * @param {{ readonly update: boolean }} options - raise what does not suffice, and drop what is no more
 * @returns {Promise<boolean>}
 */
export async function checkSize({ update }) {
  /** @type {Record<string, number>} */
  const budget = JSON.parse(await readFile(BUDGET, 'utf8'));
  /** @type {Record<string, number>} */
  const needed = {};
  let good = true;
  for (const [name, { minified, gzip }] of Object.entries(await measureSizes())) {
    const limit = budget[name];
    const fits = limit !== undefined && gzip <= limit;
    console.log(
      `  ${name.padEnd(28)} ${String(minified).padStart(7)} B min ${String(gzip).padStart(6)} B gzip, ` +
        `budget ${limit ?? 'none'}${fits ? '' : ', too little'}`,
    );
    needed[name] = fits ? limit : Math.ceil(gzip / STEP_BYTES) * STEP_BYTES;
    good &&= fits;
  }
  if (update) await writeFile(BUDGET, `${JSON.stringify(needed, null, 2)}\n`);
  return good || update;
}

/**
 * `page` is what an import from 'micwire' costs at once, `on demand` what it may fetch later: the filter design when rates
 * differ, the diagnosis when a worklet cannot be loaded. The inline copies of the worklets are not counted: they are fetched
 * where nothing else works, in place of the files.
 *
 * @returns {Promise<Record<string, Size>>}
 */
async function measureSizes() {
  /** @type {Record<string, Size>} */
  const sizes = {};
  for (const name of await workletNames()) {
    sizes[`worklets/${name}.js`] = weigh(await readFile(join(ROOT, `dist/worklets/${name}.js`)));
  }
  for (const [name, use] of Object.entries(USES)) {
    const { worklets } = use;
    const { atOnce, onDemand } = await bundlePage(use);
    sizes[`${name}: page`] = atOnce;
    if (onDemand.gzip > 0) sizes[`${name}: on demand`] = onDemand;
    const files = worklets.map((worklet) => sizes[`worklets/${worklet}.js`]);
    sizes[`${name}: page + worklets`] = sum([atOnce, ...files]);
  }
  return sizes;
}

/**
 * What an app's bundler makes of an import from 'micwire'.
 *
 * @param {Use} use
 * @returns {Promise<{ atOnce: Size, onDemand: Size }>}
 */
async function bundlePage({ imports, service }) {
  const lines = [`export ${imports} from ${JSON.stringify(join(ROOT, 'dist/src/web/index.js'))};`];
  if (service !== undefined) {
    const file = join(ROOT, `dist/src/core/services/${service}.js`);
    lines.push(`export * from ${JSON.stringify(file)};`);
  }
  const build = await rolldown({
    input: 'virtual:app',
    platform: 'browser',
    external: /\.inline\.js$/,
    plugins: [
      {
        name: 'app',
        resolveId: (id) => (id === 'virtual:app' ? id : undefined),
        load: (id) => (id === 'virtual:app' ? lines.join('\n') : undefined),
      },
    ],
  });
  try {
    const { output } = await build.generate({ format: 'esm', minify: true });
    const chunks = output.filter((file) => file.type === 'chunk');
    const [entry] = chunks;
    const first = new Set([entry?.fileName]);
    for (const fileName of first) {
      for (const imported of chunks.find((chunk) => chunk.fileName === fileName)?.imports ?? []) {
        first.add(imported);
      }
    }
    return {
      atOnce: sum(
        chunks.filter((chunk) => first.has(chunk.fileName)).map(({ code }) => weigh(code)),
      ),
      onDemand: sum(
        chunks.filter((chunk) => !first.has(chunk.fileName)).map(({ code }) => weigh(code)),
      ),
    };
  } finally {
    await build.close();
  }
}

/** @typedef {{ minified: number, gzip: number }} Size */

/**
 * @param {readonly (Size | undefined)[]} sizes
 * @returns {Size}
 */
function sum(sizes) {
  const total = { minified: 0, gzip: 0 };
  for (const size of sizes) {
    total.minified += size?.minified ?? 0;
    total.gzip += size?.gzip ?? 0;
  }
  return total;
}

/** @param {string | Uint8Array} content */
function weigh(content) {
  return { minified: Buffer.byteLength(content), gzip: gzipSync(content, { level: 9 }).length };
}
