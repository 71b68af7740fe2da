/**
 * `npm run build:lab`: builds the lab as files that any host serves, without the lab's server, under any path, into dist/lab.
 * `npm run build:lab -- --out FOLDER` builds into another folder, which is emptied first.
 */
import { join, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { ROOT } from './run.mjs';

const { values } = (() => {
  try {
    return parseArgs({ options: { out: { type: 'string', default: join(ROOT, 'dist/lab') } } });
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\nKnown: --out.`);
  }
})();

await ensureInstalled();
const outDir = resolve(values.out);
// The folder is emptied first.
if (`${resolve(ROOT)}${sep}`.startsWith(`${outDir}${sep}`)) {
  fail(`--out must be a folder of its own, got '${values.out}', which holds the project.`);
}
console.log('Building the lab …');
const { build } = await import('vite');
await build({
  configFile: join(ROOT, 'vite.config.ts'),
  root: join(ROOT, 'demo'),
  // What `demo/page/static-build.ts` asks for.
  mode: 'static',
  base: './',
  logLevel: 'warn',
  worker: { rolldownOptions: { checks: { pluginTimings: false } } },
  build: {
    outDir,
    emptyOutDir: true,
    // No data: addresses, which a Content-Security-Policy may forbid.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: Infinity,
    rolldownOptions: {
      checks: { pluginTimings: false },
      output: {
        // GitHub Pages leaves out files whose names begin with an underscore.
        chunkFileNames: ({ name }) => `assets/${name.replace(/^_+/, '')}-[hash].js`,
      },
    },
  },
});
console.log(`The lab is in ${outDir}. Serve that folder with any web server.`);
