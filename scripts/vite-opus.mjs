import { join } from 'node:path';
import { bundleWorker } from './bundle-worklet.mjs';
import { OPUS_NOTICE, opusWasm } from './opus-wasm.mjs';
import { ROOT } from './run.mjs';
import { servedAddress } from './served-address.mjs';

/** The module that carries libopus in JavaScript, for where its file cannot be had. */
export async function opusInlineModule() {
  const { bytes } = await opusWasm();
  return `${OPUS_NOTICE}\nexport default '${Buffer.from(bytes).toString('base64')}';\n`;
}

/**
 * Each file that the published package has and the repository has not: where it lies, the module that asks for it, what it is.
 * Beside it lies a module that carries the same in JavaScript.
 *
 * @type {readonly { path: string, user: string, type: string, file(minify: boolean): Promise<string | Uint8Array>,
 *   inline(minify: boolean): Promise<string> }[]}
 */
const FILES = [
  {
    path: 'wasm/libopus.wasm',
    user: '/web/opus-module.ts',
    type: 'application/wasm',
    file: async () => (await opusWasm()).bytes,
    inline: opusInlineModule,
  },
  workerFile('opus', '/web/opus-capture.ts'),
  workerFile('backup', '/web/recorder-backup.ts'),
  workerFile('blocks', '/web/blocks-worker.ts'),
];

/**
 * @param {'opus' | 'backup' | 'blocks'} name
 * @param {string} user
 */
function workerFile(name, user) {
  /** @param {boolean} minify */
  const script = async (minify) => (await bundleWorker(name, { minify })).code;
  return {
    path: `worker/${name}.js`,
    user,
    type: 'text/javascript',
    file: script,
    /** @param {boolean} minify */
    inline: async (minify) => `export default ${JSON.stringify(await script(minify))};`,
  };
}

/** The way from a module up to the package's own folder: modules lie at different depths. */
const UP = /^(?:\.\.\/)+/;
const INLINE_ID = '\0micwire-opus:';

/**
 * Lets Vite and Vitest run the library from source: answers for `new URL('../../PATH', import.meta.url)`, from any depth, and
 * for the import of the same in JavaScript.
 *
 * @returns {import('vite').Plugin}
 */
export function opus() {
  let building = false;
  return {
    name: 'micwire-opus',
    enforce: 'pre',

    configResolved(config) {
      building = config.command === 'build';
    },

    configureServer(server) {
      const { root } = server.config;
      server.middlewares.use((request, response, next) => {
        const asked = (request.url ?? '').split('?', 1)[0] ?? '';
        const known = FILES.find(({ path }) => asked === servedAddress(root, join(ROOT, path)));
        if (!known) return next();
        known.file(false).then((content) => {
          for (const [header, value] of Object.entries(server.config.server.headers ?? {})) {
            if (value !== undefined) response.setHeader(header, value);
          }
          response.setHeader('content-type', known.type);
          response.setHeader('cache-control', 'no-store');
          response.end(content);
        }, next);
      });
    },

    resolveId(id, importer) {
      // Only the sources' own import: an installed package has the real file.
      if (importer?.includes('node_modules')) return undefined;
      const known = FILES.find(({ path }) => id.replace(UP, '') === inlinePath(path));
      return known && INLINE_ID + known.path;
    },

    async load(id) {
      const known = FILES.find(({ path }) => id === INLINE_ID + path);
      return known && { code: await known.inline(building), moduleType: 'js' };
    },

    async transform(code, id) {
      const known = FILES.find(({ user }) => id.endsWith(user));
      if (!building || !known) return undefined;
      const name = known.path.replace(/^.*\//, '');
      const asset = this.emitFile({ type: 'asset', name, source: await known.file(true) });
      const address = new RegExp(
        `new URL\\('(?:\\.\\./)+${known.path.replace('.', '\\.')}', import\\.meta\\.url\\)`,
        'g',
      );
      return {
        code: code.replace(
          address,
          `new URL(import.meta.ROLLUP_FILE_URL_${asset}, import.meta.url)`,
        ),
        map: null,
      };
    },
  };
}

/** @param {string} path */
function inlinePath(path) {
  return path.replace(/\.\w+$/, '.inline.js');
}
