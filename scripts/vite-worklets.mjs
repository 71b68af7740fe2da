import { existsSync } from 'node:fs';
import { join, sep } from 'node:path';
import { bundleWorklet, WORKLET_SOURCES } from './bundle-worklet.mjs';
import { servedAddress } from './served-address.mjs';

const FILE_URL = /new URL\('\.\.\/\.\.\/worklets\/([\w-]+)\.js', import\.meta\.url\)/g;
const SCRIPT = /^\/([\w-]+)\.js$/;
const INLINE_IMPORT = /\/worklets\/([\w-]+)\.inline\.js$/;
const INLINE_ID = /^\0micwire-worklet:([\w-]+)$/;

/**
 * Lets Vite and Vitest run the library from source. The published package has `worklets/NAME.js` and
 * `worklets/NAME.inline.js`; in the repository there is only `worklets/NAME.ts`. This plugin answers for both:
 *
 * - `new URL('../../worklets/NAME.js', import.meta.url)`: in dev a request for that file gets the bundle; in a build
 *   the bundle becomes an asset (left alone, Vite would find no such file and leave a dead address);
 * - `import('../../worklets/NAME.inline.js')`: a module whose default export is the bundle's text.
 *
 * @returns {import('vite').Plugin}
 */
export function worklets() {
  /** @type {Map<string, ReturnType<typeof bundleWorklet>>} */
  const bundles = new Map();
  let building = false;

  /** @param {string} name */
  const bundle = (name) => {
    let promise = bundles.get(name);
    if (!promise) {
      promise = bundleWorklet(name, { minify: building });
      promise.catch(() => bundles.delete(name));
      bundles.set(name, promise);
    }
    return promise;
  };

  return {
    name: 'micwire-worklets',
    enforce: 'pre',

    configResolved(config) {
      building = config.command === 'build';
    },

    configureServer(server) {
      const address = servedAddress(server.config.root, WORKLET_SOURCES);
      server.watcher.on('all', (_event, file) => {
        if (!file.startsWith(WORKLET_SOURCES + sep) && !file.includes(join('src', 'core'))) return;
        bundles.clear();
        for (const environment of Object.values(server.environments)) {
          for (const [id, module] of environment.moduleGraph.idToModuleMap) {
            if (INLINE_ID.test(id)) environment.moduleGraph.invalidateModule(module);
          }
        }
      });
      server.middlewares.use((request, response, next) => {
        const path = (request.url ?? '').split('?', 1)[0] ?? '';
        if (!path.startsWith(address)) return next();
        const name = SCRIPT.exec(path.slice(address.length))?.[1];
        if (name === undefined || !existsSync(join(WORKLET_SOURCES, `${name}.ts`))) return next();
        bundle(name).then(
          ({ code, sources }) => {
            server.watcher.add(sources);
            for (const [header, value] of Object.entries(server.config.server.headers ?? {})) {
              if (value !== undefined) response.setHeader(header, value);
            }
            response.setHeader('content-type', 'text/javascript');
            response.setHeader('cache-control', 'no-store');
            response.end(code);
          },
          (error) => next(error),
        );
      });
    },

    resolveId(id, importer) {
      const name = INLINE_IMPORT.exec(id)?.[1];
      // Only the sources' own import: an installed package has the real file.
      if (name === undefined || importer?.includes('node_modules')) return undefined;
      return `\0micwire-worklet:${name}`;
    },

    async load(id) {
      const name = INLINE_ID.exec(id)?.[1];
      if (name === undefined) return undefined;
      const { code, sources } = await bundle(name);
      for (const source of sources) this.addWatchFile(source);
      return { code: `export default ${JSON.stringify(code)};`, moduleType: 'js' };
    },

    async transform(code, id) {
      if (!/\/web\/[\w-]+-worklet\.ts$/.test(id)) return undefined;
      // In dev Vite would find NAME.ts in place of NAME.js and give its address; this form it leaves alone.
      if (!building)
        return code.replaceAll(FILE_URL, `new URL('../../worklets/$1.js', '' + import.meta.url)`);
      /** @type {Map<string, string>} */
      const assets = new Map();
      for (const [, name = ''] of code.matchAll(FILE_URL)) {
        const { code: source } = await bundle(name);
        assets.set(name, this.emitFile({ type: 'asset', name: `${name}.js`, source }));
      }
      return code.replaceAll(
        FILE_URL,
        (_, name) => `new URL(import.meta.ROLLUP_FILE_URL_${assets.get(name)}, import.meta.url)`,
      );
    },
  };
}
