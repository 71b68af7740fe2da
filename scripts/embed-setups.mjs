import { cp, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { run } from './run.mjs';
import { serveFolder } from './serve-folder.mjs';

/**
 * What a set-up has made of the app.
 *
 * @typedef {object} ServedApp
 * @property {string} url
 * @property {readonly string[]} [files] - the scripts that the bundler wrote
 * @property {() => Promise<void>} close
 */

/**
 * One way of putting the package into an app.
 *
 * @typedef {object} EmbedSetup
 * @property {string} name
 * @property {'http:' | 'blob:'} worklet - how the worklet is expected to come
 * @property {(folder: string) => Promise<ServedApp>} open - `folder`: a copy of the app beside the installed package
 */

/** The policy of a page that trusts nothing but its own origin's files. */
const STRICT = {
  'Content-Security-Policy':
    "default-src 'none'; img-src data:; script-src 'self'; connect-src 'self'",
};

/** @type {readonly EmbedSetup[]} */
export const SETUPS = [
  { name: 'Vite dev', worklet: 'http:', open: viteDev },
  { name: 'Vite build', worklet: 'http:', open: (folder) => viteBuild(folder) },
  {
    name: "Vite build, CSP script-src 'self'",
    worklet: 'http:',
    open: (folder) => viteBuild(folder, STRICT),
  },
  { name: 'webpack', worklet: 'http:', open: webpackBuild },
  { name: 'esbuild, ES module', worklet: 'blob:', open: (folder) => esbuildBundle(folder, 'esm') },
  {
    name: 'esbuild, code splitting',
    worklet: 'blob:',
    open: (folder) => esbuildBundle(folder, 'esm', undefined, true),
  },
  {
    name: 'esbuild, classic script',
    worklet: 'blob:',
    open: (folder) => esbuildBundle(folder, 'iife'),
  },
  { name: 'import map', worklet: 'http:', open: importMap },
  { name: "copied file, CSP script-src 'self'", worklet: 'http:', open: copiedFile },
];

/** @param {string} folder */
async function viteDev(folder) {
  const vite = await load(folder, 'vite');
  const server = await vite.createServer({
    root: folder,
    configFile: false,
    logLevel: 'error',
    cacheDir: join(folder, '.vite'),
    server: { host: '127.0.0.1', port: 0, hmr: false },
  });
  await server.listen();
  const { port } = server.httpServer.address();
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

/**
 * @param {string} folder
 * @param {Record<string, string>} [headers]
 */
async function viteBuild(folder, headers) {
  const vite = await load(folder, 'vite');
  await vite.build({ root: folder, configFile: false, logLevel: 'error' });
  return serveBundle(join(folder, 'dist'), headers);
}

/** @param {string} folder */
async function webpackBuild(folder) {
  const { default: webpack } = await load(folder, 'webpack');
  const output = join(folder, 'dist');
  const stats = await new Promise((resolve, reject) => {
    webpack(
      {
        mode: 'production',
        context: folder,
        entry: './main.js',
        output: { path: output, filename: 'main.js' },
        performance: { hints: false },
      },
      (/** @type {Error | null} */ error, /** @type {unknown} */ done) =>
        error ? reject(error) : resolve(done),
    );
  });
  if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }));
  await cp(join(folder, 'index.html'), join(output, 'index.html'));
  return serveBundle(output);
}

/**
 * @param {string} folder
 * @param {'esm' | 'iife'} format
 * @param {Record<string, string>} [headers]
 * @param {boolean} [splitting] - what is imported on demand becomes files of its own
 */
async function esbuildBundle(folder, format, headers, splitting = false) {
  const esbuild = await load(folder, 'esbuild');
  const output = join(folder, 'dist');
  await esbuild.build({
    absWorkingDir: folder,
    entryPoints: ['main.js'],
    bundle: true,
    minify: true,
    format,
    splitting,
    outdir: output,
    // An import.meta in a classic script is empty, which is what this set-up is about.
    logOverride: { 'empty-import-meta': 'silent' },
    logLevel: 'warning',
  });
  const page = await readFile(join(folder, 'index.html'), 'utf8');
  const script = format === 'iife' ? page.replace('type="module"', 'defer') : page;
  await writeFile(join(output, 'index.html'), script);
  return serveBundle(output, headers);
}

/** No bundler: the browser finds the package's files by an import map. @param {string} folder */
async function importMap(folder) {
  const page = await readFile(join(folder, 'index.html'), 'utf8');
  const map = JSON.stringify({
    imports: { micwire: '/node_modules/micwire/dist/src/web/index.js' },
  });
  const script = `<script type="importmap">${map}</script>\n    <script type="module"`;
  await writeFile(join(folder, 'index.html'), page.replace('<script type="module"', script));
  await cp(join(folder, '../../node_modules/micwire'), join(folder, 'node_modules/micwire'), {
    recursive: true,
  });
  return serveFolder(folder);
}

/** The way for a strict page under any bundler: host the file, and say where. @param {string} folder */
async function copiedFile(folder) {
  const page = await readFile(join(folder, 'index.html'), 'utf8');
  const told = page.replace('<html', '<html data-worklets="/worklets/"');
  await writeFile(join(folder, 'index.html'), told);
  const app = await esbuildBundle(folder, 'esm', STRICT);
  const bin = join(folder, '../../node_modules/micwire/dist/src/cli/micwire.js');
  const target = join(folder, 'dist/worklets');
  if ((await run(process.execPath, [bin, 'copy', target], { quiet: true })) !== 0) {
    throw new Error('micwire copy failed.');
  }
  return app;
}

/**
 * @param {string} folder
 * @param {Record<string, string>} [headers]
 */
async function serveBundle(folder, headers) {
  const all = await readdir(folder, { recursive: true });
  const files = all.filter((name) => name.endsWith('.js')).map((name) => join(folder, name));
  return { ...(await serveFolder(folder, headers)), files };
}

/**
 * A package that is installed beside the app, not beside this program.
 *
 * @param {string} folder
 * @param {string} name
 * @returns {Promise<any>}
 */
function load(folder, name) {
  const resolved = createRequire(join(folder, 'package.json')).resolve(name);
  return import(pathToFileURL(resolved).href);
}

/**
 * Makes a fresh copy of the app for a set-up.
 *
 * @param {string} source
 * @param {string} folder
 */
export async function copyApp(source, folder) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(source, folder, { recursive: true });
}

/**
 * The size of files together.
 *
 * @param {readonly string[]} files
 */
export async function sizeOf(files) {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
