/**
 * Captures a microphone for MICWIRE_SOAK_SECONDS (600) in Chromium, from a 44.1 kHz context to 16 kHz s16 chunks of 20 ms,
 * with the page's thread under load, four ways at once; and says what became of every frame.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createServer } from 'vite';

const SECONDS = Number(process.env['MICWIRE_SOAK_SECONDS'] ?? 600);
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
  const browser = await openBrowser('chromium', {
    microphone: join(ROOT, 'test/fixtures/speech.wav'),
  });
  try {
    const address = /** @type {import('node:net').AddressInfo} */ (server.httpServer?.address());
    await browser.goto(`http://127.0.0.1:${address.port}/bench/capture-soak/index.html`);
    const soak = /** @type {import('./capture-soak/page.ts').Soak} */ (
      await browser.evaluate(`return soak(${SECONDS});`)
    );
    return rowsOf(soak);
  } finally {
    await browser.close();
    await server.close();
  }
}

/**
 * @param {import('./capture-soak/page.ts').Soak} soak
 * @returns {import('./measure.ts').Row[]}
 */
function rowsOf(soak) {
  const name = `${soak.seconds.toFixed(0)} s (${soak.contextSeconds.toFixed(1)} s of the context), ${soak.contextRate} Hz → 16 kHz s16, page ${(soak.load * 100).toFixed(0)} % busy, blocked for up to ${soak.longestBlockMs.toFixed(0)} ms`;
  return Object.entries(soak.accounts).flatMap(([subject, account]) => {
    const { captured, delivered, dropped, queued } = account.stats;
    /** @type {[string, number, string][]} */
    const figures = [
      ['captured', captured, 'frames'],
      ['delivered', delivered, 'frames'],
      ['dropped', dropped, 'frames'],
      ['unaccounted for', captured - delivered - dropped - queued, 'frames'],
      ['chunks', account.chunks, 'chunks'],
      ['chunks out of place', account.faults, 'chunks'],
      ['worst error of contextTime', account.clockErrorUs, 'µs'],
    ];
    return figures.map(([metric, value, unit]) => ({ case: name, subject, metric, value, unit }));
  });
}
