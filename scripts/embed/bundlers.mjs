import { cp, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { run } from '../run.mjs';
import { serveFolder } from '../serve-folder.mjs';

/**
 * An app before it is built.
 *
 * @typedef {object} App
 * @property {string} folder - its own, in the bundler's
 * @property {string} node - the program that the set-up needs
 */

/**
 * What a set-up has made of an app.
 *
 * @typedef {object} ServedApp
 * @property {string} url - where its pages are
 * @property {string} [output] - the folder that a bundler wrote
 * @property {(page: 'pcm' | 'opus') => string} page - the path of a page
 * @property {string} [barePage] - the path of a page without micwire, where a framework is part of all pages
 * @property {() => Promise<void>} close
 */

/** The policy of a page that trusts nothing but its own origin's files. */
export const STRICT = {
  'Content-Security-Policy':
    "default-src 'none'; img-src data:; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'",
};

const PAGES = /** @type {const} */ (['pcm', 'opus']);
/** @param {'pcm' | 'opus'} page */
const htmlPage = (page) => `${page}.html`;

/** @param {App} app @returns {Promise<ServedApp>} */
export async function viteDev({ folder }) {
  const vite = await load(folder, 'vite');
  const server = await vite.createServer({
    root: folder,
    configFile: false,
    logLevel: 'error',
    server: { host: '127.0.0.1', port: 0, hmr: false },
  });
  await server.listen();
  const { port } = server.httpServer.address();
  return { url: `http://127.0.0.1:${port}/`, page: htmlPage, close: () => server.close() };
}

/**
 * @param {App} app
 * @param {Record<string, string>} [headers]
 */
export async function viteBuild({ folder }, headers) {
  const vite = await load(folder, 'vite');
  const input = PAGES.map((page) => join(folder, htmlPage(page)));
  await vite.build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: { rollupOptions: { input } },
  });
  return serveOutput(folder, headers);
}

/** webpack, and Rspack, which has the same interface. @param {App} app @param {string} name */
export async function webpackBuild({ folder }, name) {
  const { default: pack, rspack = pack } = await load(folder, name);
  const stats = await new Promise((resolve, reject) => {
    rspack(
      {
        mode: 'production',
        context: folder,
        entry: { 'pcm-main': './pcm-main.js', 'opus-main': './opus-main.js' },
        output: { path: join(folder, 'dist'), filename: '[name].js' },
        performance: { hints: false },
      },
      (/** @type {Error | null} */ error, /** @type {unknown} */ done) =>
        error ? reject(error) : resolve(done),
    );
  });
  if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }));
  await copyPages(folder);
  return serveOutput(folder);
}

/** @param {App} app */
export async function rollupBuild({ folder }) {
  await bringOpus(folder);
  const { rollup } = await load(folder, 'rollup');
  const { default: resolve } = await load(folder, '@rollup/plugin-node-resolve');
  const bundle = await rollup({
    input: PAGES.map((page) => join(folder, `${page}-main.js`)),
    plugins: [resolve()],
  });
  await bundle.write({ dir: join(folder, 'dist'), format: 'es' });
  await bundle.close();
  await copyPages(folder);
  return serveOutput(folder);
}

/**
 * @param {App} app
 * @param {'esm' | 'iife'} format
 * @param {object} [options]
 * @param {Record<string, string>} [options.headers]
 * @param {boolean} [options.splitting] - what is imported on demand becomes files of its own
 * @param {boolean} [options.bring] - with `micwire/opus-inline`
 */
export async function esbuildBundle(
  { folder },
  format,
  { headers, splitting = false, bring = true } = {},
) {
  if (bring) await bringOpus(folder);
  const esbuild = await load(folder, 'esbuild');
  await esbuild.build({
    absWorkingDir: folder,
    entryPoints: PAGES.map((page) => `${page}-main.js`),
    bundle: true,
    minify: true,
    format,
    splitting,
    outdir: join(folder, 'dist'),
    // An import.meta in a classic script is empty, which is what that set-up is about.
    logOverride: { 'empty-import-meta': 'silent' },
    logLevel: 'warning',
  });
  await copyPages(folder, (html) =>
    format === 'iife' ? html.replace('type="module"', 'defer') : html,
  );
  return serveOutput(folder, headers);
}

/** A page on a disk: no server. @param {App} app @returns {Promise<ServedApp>} */
export async function fromDisk(app) {
  const { close, output = '' } = await esbuildBundle(app, 'iife');
  await close();
  return {
    url: pathToFileURL(join(output, '/')).href,
    output,
    page: htmlPage,
    close: async () => {},
  };
}

/**
 * @param {App} app
 * @param {object} [options]
 * @param {boolean} [options.packageExports] - lets it read `exports`, for entries besides `micwire`
 */
export async function parcelBuild({ folder, node }, { packageExports = false } = {}) {
  if (packageExports) {
    await bringOpus(folder);
    await edit(join(folder, 'package.json'), (manifest) =>
      JSON.stringify({
        ...JSON.parse(manifest),
        '@parcel/resolver-default': { packageExports: true },
      }),
    );
  }
  const bin = join(folder, '../node_modules/parcel/lib/bin.js');
  const args = ['build', ...PAGES.map(htmlPage), '--no-cache', '--log-level', 'error'];
  await runQuietly(node, [bin, ...args], folder);
  return serveOutput(folder);
}

/**
 * No bundler: the browser finds the package's files by an import map.
 *
 * @param {App} app
 * @param {string} entry - below the package
 */
export async function importMap({ folder }, entry) {
  const map = JSON.stringify({ imports: { micwire: `/node_modules/micwire/${entry}` } });
  const script = `<script type="importmap">${map}</script>\n    <script type="module"`;
  for (const page of PAGES) {
    await edit(join(folder, htmlPage(page)), (html) =>
      html.replace('<script type="module"', script),
    );
  }
  return { ...(await serveFolder(folder)), page: htmlPage };
}

/** The way for a strict page under any bundler: host the files, and say where. @param {App} app */
export async function copiedFiles(app) {
  const { folder, node } = app;
  for (const page of PAGES) {
    await edit(join(folder, htmlPage(page)), (html) =>
      html.replace('<html', '<html data-hosted="/micwire/"'),
    );
  }
  const served = await esbuildBundle(app, 'esm', { headers: STRICT, bring: false });
  const bin = join(folder, 'node_modules/micwire/dist/src/cli/micwire.js');
  await runQuietly(node, [bin, 'copy', join(folder, 'dist/micwire')], folder);
  return served;
}

/** The app says that it carries Opus itself. @param {string} folder */
function bringOpus(folder) {
  return edit(join(folder, 'opus.js'), (script) => `import 'micwire/opus-inline';\n${script}`);
}

/**
 * @param {string} folder
 * @param {(html: string) => string} [change]
 */
async function copyPages(folder, change = (html) => html) {
  for (const page of PAGES) {
    const target = join(folder, 'dist', htmlPage(page));
    await cp(join(folder, htmlPage(page)), target);
    await edit(target, change);
  }
}

/**
 * @param {string} file
 * @param {(text: string) => string} change
 */
async function edit(file, change) {
  await writeFile(file, change(await readFile(file, 'utf8')));
}

/**
 * @param {string} folder
 * @param {Record<string, string>} [headers]
 * @returns {Promise<ServedApp>}
 */
async function serveOutput(folder, headers) {
  const output = join(folder, 'dist');
  return { ...(await serveFolder(output, headers)), output, page: htmlPage };
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 */
export async function runQuietly(program, args, cwd) {
  const code = await run(program, args, { cwd, quiet: true });
  if (code !== 0) throw new Error(`${args.slice(0, 2).join(' ')} ended with code ${code}.`);
}

/**
 * A package that is installed beside the app, not beside this program: as an ES module.
 *
 * @param {string} folder
 * @param {string} name
 * @returns {Promise<any>}
 */
async function load(folder, name) {
  // Vite 5 has another entry for `require`, which complains.
  const resolved =
    name === 'vite'
      ? join(folder, '../node_modules/vite/dist/node/index.js')
      : createRequire(join(folder, 'main.js')).resolve(name);
  return import(pathToFileURL(resolved).href);
}
