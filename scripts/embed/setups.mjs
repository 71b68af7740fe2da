import {
  STRICT,
  copiedFiles,
  esbuildBundle,
  fromDisk,
  importMap,
  parcelBuild,
  rollupBuild,
  viteBuild,
  viteDev,
  webpackBuild,
} from './bundlers.mjs';
import { astro, next, svelteKit } from './frameworks.mjs';

/**
 * One way of putting the package into an app.
 *
 * @typedef {object} EmbedSetup
 * @property {string} name
 * @property {string} tools - its folder in test/fixtures/embed
 * @property {'file' | 'blob:' | 'data:'} worklet - how worklets come
 * @property {string} [cure] - what the app's author does, as Markdown; nothing by default
 * @property {boolean} [quick] - part of a plain `npm run test:embed`
 * @property {boolean} [dev] - a server for development, whose sizes say nothing
 * @property {boolean} [all] - its output holds all worklets, used or not
 * @property {number} [node] - the major version of Node that it needs
 * @property {(app: import('./bundlers.mjs').App) => Promise<import('./bundlers.mjs').ServedApp>} open
 */

const BRING_OPUS = "Opus: `import 'micwire/opus-inline'`";

/** @type {readonly EmbedSetup[]} */
export const SETUPS = [
  { name: 'Vite 5, dev', tools: 'vite-5', worklet: 'file', dev: true, open: viteDev },
  {
    name: 'Vite 5, build',
    tools: 'vite-5',
    worklet: 'file',
    all: true,
    open: (app) => viteBuild(app),
  },
  { name: 'Vite 6, dev', tools: 'vite-6', worklet: 'file', dev: true, open: viteDev },
  {
    name: 'Vite 6, build',
    tools: 'vite-6',
    worklet: 'file',
    all: true,
    open: (app) => viteBuild(app),
  },
  { name: 'Vite 7, dev', tools: 'vite-7', worklet: 'file', quick: true, dev: true, open: viteDev },
  {
    name: 'Vite 7, build',
    tools: 'vite-7',
    worklet: 'file',
    all: true,
    open: (app) => viteBuild(app),
  },
  { name: 'Vite 8, dev', tools: 'vite-8', worklet: 'file', quick: true, dev: true, open: viteDev },
  {
    name: 'Vite 8, build',
    tools: 'vite-8',
    worklet: 'file',
    quick: true,
    all: true,
    open: (app) => viteBuild(app),
  },
  {
    name: 'Vite 8, strict policy',
    tools: 'vite-8',
    worklet: 'file',
    cure: "`script-src 'self'`; Opus: `'wasm-unsafe-eval'` too",
    quick: true,
    all: true,
    open: (app) => viteBuild(app, STRICT),
  },
  {
    name: 'webpack 5',
    tools: 'webpack-5',
    worklet: 'file',
    quick: true,
    open: (app) => webpackBuild(app, 'webpack'),
  },
  {
    name: 'Rspack 2',
    tools: 'rspack-2',
    worklet: 'file',
    quick: true,
    open: (app) => webpackBuild(app, '@rspack/core'),
  },
  {
    name: 'Rollup 4',
    tools: 'rollup-4',
    worklet: 'blob:',
    cure: BRING_OPUS,
    quick: true,
    open: rollupBuild,
  },
  {
    name: 'esbuild, one file',
    tools: 'esbuild',
    worklet: 'blob:',
    cure: BRING_OPUS,
    quick: true,
    open: (app) => esbuildBundle(app, 'esm'),
  },
  {
    name: 'esbuild, splitting',
    tools: 'esbuild',
    worklet: 'blob:',
    cure: BRING_OPUS,
    quick: true,
    open: (app) => esbuildBundle(app, 'esm', { splitting: true }),
  },
  {
    name: 'esbuild, classic script',
    tools: 'esbuild',
    worklet: 'blob:',
    cure: BRING_OPUS,
    quick: true,
    open: (app) => esbuildBundle(app, 'iife'),
  },
  {
    name: 'esbuild, strict policy',
    tools: 'esbuild',
    worklet: 'file',
    cure: '`npx micwire copy`, and the files’ addresses',
    quick: true,
    all: true,
    open: copiedFiles,
  },
  {
    name: '`file://`',
    tools: 'esbuild',
    worklet: 'data:',
    cure: `a classic script; ${BRING_OPUS}`,
    quick: true,
    open: fromDisk,
  },
  {
    name: 'import map',
    tools: 'import-map',
    worklet: 'file',
    cure: 'a line for each entry that you import',
    open: (app) => importMap(app, 'dist/src/web/index.js'),
  },
  {
    name: 'import map, `micwire/min`',
    tools: 'import-map',
    worklet: 'file',
    cure: 'a line for each entry that you import',
    quick: true,
    open: (app) => importMap(app, 'dist/min/micwire.js'),
  },
  { name: 'Parcel 2', tools: 'parcel-2', worklet: 'file', open: (app) => parcelBuild(app) },
  {
    name: 'Parcel 2, other entries',
    tools: 'parcel-2',
    worklet: 'file',
    cure: 'the setting `packageExports`, see below',
    open: (app) => parcelBuild(app, { packageExports: true }),
  },
  {
    name: 'Next 16, dev',
    tools: 'next-16',
    worklet: 'file',
    dev: true,
    open: (app) => next(app, 'dev'),
  },
  {
    name: 'Next 16, build',
    tools: 'next-16',
    worklet: 'file',
    open: (app) => next(app, 'start'),
  },
  { name: 'Astro 7, build', tools: 'astro-7', worklet: 'file', all: true, node: 22, open: astro },
  {
    name: 'SvelteKit 3, build',
    tools: 'sveltekit-3',
    worklet: 'file',
    all: true,
    node: 22,
    open: svelteKit,
  },
];
