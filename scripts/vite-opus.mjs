import { OPUS_NOTICE, opusWasm } from './opus-wasm.mjs';

const FILE_URL = /new URL\('\.\.\/\.\.\/wasm\/libopus\.wasm', import\.meta\.url\)/g;
const FILE_REQUEST = /\/wasm\/libopus\.wasm$/;
const INLINE_IMPORT = /\/wasm\/libopus\.inline\.js$/;
const INLINE_ID = '\0micwire-libopus';

/** The module that carries libopus in JavaScript, for where its file cannot be had. */
export async function opusInlineModule() {
  const { bytes } = await opusWasm();
  return `${OPUS_NOTICE}\nexport default '${Buffer.from(bytes).toString('base64')}';\n`;
}

/**
 * Lets Vite and Vitest run the library from source, where libopus is not yet beside the package: answers for
 * `new URL('../../wasm/libopus.wasm', import.meta.url)` and `import('../../wasm/libopus.inline.js')`.
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
      server.middlewares.use((request, response, next) => {
        if (!FILE_REQUEST.test((request.url ?? '').split('?', 1)[0] ?? '')) return next();
        opusWasm().then(({ bytes }) => {
          for (const [header, value] of Object.entries(server.config.server.headers ?? {})) {
            if (value !== undefined) response.setHeader(header, value);
          }
          response.setHeader('content-type', 'application/wasm');
          response.end(bytes);
        }, next);
      });
    },

    resolveId(id, importer) {
      // Only the sources' own import: an installed package has the real file.
      if (!INLINE_IMPORT.test(id) || importer?.includes('node_modules')) return undefined;
      return INLINE_ID;
    },

    async load(id) {
      if (id !== INLINE_ID) return undefined;
      return { code: await opusInlineModule(), moduleType: 'js' };
    },

    async transform(code, id) {
      if (!building || !id.endsWith('/web/opus-module.ts')) return undefined;
      const { bytes } = await opusWasm();
      const asset = this.emitFile({ type: 'asset', name: 'libopus.wasm', source: bytes });
      return {
        code: code.replace(FILE_URL, `new URL(import.meta.ROLLUP_FILE_URL_${asset})`),
        map: null,
      };
    },
  };
}
