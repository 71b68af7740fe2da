/** A suite's page in an installed browser, cross-origin isolated, with the library's sources served to it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createServer } from 'vite';

const ROOT = process.cwd();
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Not bundled with the suite: these find their neighbours by their own address. @param {string} path */
const load = (path) => import(pathToFileURL(join(ROOT, path)).href);

/**
 * Opens `page`, lets `use` ask it things, and closes everything.
 *
 * @template Result
 * @param {object} options
 * @param {string} options.page - an HTML file, from the repository's root
 * @param {string} [options.microphone] - a WAV that speaks into the fake microphone, from there too
 * @param {{ readonly env: Record<string, string> }} [options.sound] - a sound server in the fake microphone's place
 * @param {readonly string[]} [options.args] - further arguments for the browser
 * @param {readonly import('vite').Plugin[]} [options.plugins] - further plugins of the server
 * @param {import('../test/engines/find-browser.mjs').Engine} [options.engine] - Chromium if left out
 * @param {(evaluate: (script: string) => Promise<any>, browser: import('../test/engines/open-browser.mjs').OpenBrowser) =>
 *   Promise<Result>} use - `evaluate` runs the body of a function there
 * @returns {Promise<Result>}
 */
export async function withLivePage(
  { page, microphone, sound, args, plugins = [], engine = 'chromium' },
  use,
) {
  const { openBrowser } = await load('test/engines/open-browser.mjs');
  const { worklets } = await load('scripts/vite-worklets.mjs');
  const { opus } = await load('scripts/vite-opus.mjs');
  const server = await createServer({
    configFile: false,
    root: ROOT,
    logLevel: 'warn',
    plugins: [worklets(), opus(), asItIs(page), ...plugins],
    optimizeDeps: { noDiscovery: true },
    server: {
      host: '127.0.0.1',
      port: 0,
      hmr: false,
      watch: null,
      headers: HEADERS,
    },
  });
  await server.listen();
  const browser = await openBrowser(engine, {
    ...(microphone === undefined ? {} : { microphone: join(ROOT, microphone) }),
    ...(sound === undefined ? {} : { sound }),
    ...(args === undefined ? {} : { args }),
  });
  try {
    const address = /** @type {import('node:net').AddressInfo} */ (server.httpServer?.address());
    await browser.goto(`http://127.0.0.1:${address.port}/${page}`);
    return await use((script) => browser.evaluate(script), browser);
  } finally {
    await browser.close();
    await server.close();
  }
}

/**
 * Serves the page without the client that Vite puts into pages: a page that was frozen loses its connection, and the client
 * would then load it again.
 *
 * @param {string} page
 * @returns {import('vite').Plugin}
 */
function asItIs(page) {
  return {
    name: 'page-as-it-is',
    configureServer(server) {
      server.middlewares.use(`/${page}`, (_request, response) => {
        response.writeHead(200, { 'Content-Type': 'text/html', ...HEADERS });
        response.end(readFileSync(join(ROOT, page)));
      });
    },
  };
}
