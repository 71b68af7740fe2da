/**
 * Opus in a real Chromium, in real time: encoding on the audio thread for MICWIRE_LIVE_SECONDS (60) at 24 kb/s, complexity 5
 * and 10; and the engine's own encoder and decoder (WebCodecs) beside ours in a Worker.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createServer } from 'vite';

const SECONDS = Number(process.env['MICWIRE_LIVE_SECONDS'] ?? 60);
const ROOT = process.cwd();

/** Not bundled with the suite: these find their neighbours by their own address. @param {string} path */
const load = (path) => import(pathToFileURL(join(ROOT, path)).href);

/** @returns {Promise<import('./measure.ts').Row[]>} */
export async function run() {
  const { openBrowser } = await load('test/engines/open-browser.mjs');
  const { worklets } = await load('scripts/vite-worklets.mjs');
  const { opus } = await load('scripts/vite-opus.mjs');
  const server = await createServer({
    configFile: false,
    root: ROOT,
    logLevel: 'warn',
    plugins: [worklets(), opus()],
    optimizeDeps: { noDiscovery: true },
    server: {
      host: '127.0.0.1',
      port: 0,
      hmr: false,
      watch: null,
      headers: {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      },
    },
  });
  await server.listen();
  const browser = await openBrowser('chromium');
  try {
    const address = /** @type {import('node:net').AddressInfo} */ (server.httpServer?.address());
    await browser.goto(`http://127.0.0.1:${address.port}/bench/opus-live/index.html`);
    /** @type {import('./measure.ts').Row[]} */
    const rows = [];
    rows.push(.../** @type {any} */ (await browser.evaluate('return codecs();')));
    for (const complexity of [5, 10]) {
      rows.push(
        .../** @type {any} */ (await browser.evaluate(`return firstFrames(${complexity});`)),
      );
    }
    for (const complexity of [0, 5, 10]) {
      rows.push(
        .../** @type {any} */ (await browser.evaluate(`return live(${SECONDS}, ${complexity});`)),
      );
    }
    return rows;
  } finally {
    await browser.close();
    await server.close();
  }
}
