import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endOr, eventually, start } from './child.mjs';
import { findBrowser, findProgram, isRoot } from './find-browser.mjs';

/**
 * WebKitGTK's MiniBrowser by plain WebDriver requests, on a virtual display.
 *
 * @param {import('./open-browser.mjs').BrowserOptions} options
 * @returns {Promise<import('./open-browser.mjs').OpenBrowser>}
 */
export async function openWebkit({ args = [] }) {
  const binary = findBrowser('webkit');
  for (const name of ['Xvfb', 'WebKitWebDriver']) {
    if (findProgram(name) === undefined) {
      throw new Error(
        `${name} was not found. Install it with: apt-get install -y webkit2gtk-driver xvfb`,
      );
    }
  }
  const home = mkdtempSync(join(tmpdir(), 'micwire-webkit-'));
  // -displayfd: the server picks a free display itself and says which when it is ready.
  const display = start('Xvfb', [
    '-displayfd',
    '1',
    '-screen',
    '0',
    '1280x800x24',
    '-nolisten',
    'tcp',
  ]);
  /** @type {ReturnType<typeof start> | undefined} */
  let driver;
  const stop = () => {
    driver?.stop();
    display.stop();
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await eventually(() => /^\d+\n/m.test(display.output()), 'Xvfb did not start.');
    const port = await freePort();
    driver = start('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], {
      env: {
        DISPLAY: `:${/^(\d+)\n/m.exec(display.output())?.[1]}`,
        HOME: home,
        XDG_CONFIG_HOME: home,
        XDG_CACHE_HOME: home,
        XDG_DATA_HOME: home,
        XDG_RUNTIME_DIR: home,
        NO_AT_BRIDGE: '1',
        WEBKIT_DISABLE_COMPOSITING_MODE: '1',
        // WebKitGTK has SharedArrayBuffer on isolated pages only with this switch.
        JSC_useSharedArrayBuffer: '1',
        ...(isRoot() ? { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' } : {}),
      },
    });
    const call = webdriver(`http://127.0.0.1:${port}`);
    await eventually(() => call('GET', '/status'), 'WebKitWebDriver did not start.');
    return await openSession(call, binary, args, stop, driver.output);
  } catch (error) {
    stop();
    throw error;
  }
}

/** @typedef {(method: string, path: string, body?: unknown) => Promise<any>} Call */

/**
 * @param {Call} call
 * @param {string} binary
 * @param {readonly string[]} args
 * @param {() => void} stop
 * @param {() => string} output
 * @returns {Promise<import('./open-browser.mjs').OpenBrowser>}
 */
async function openSession(call, binary, args, stop, output) {
  const session = await call('POST', '/session', {
    capabilities: {
      alwaysMatch: {
        'webkitgtk:browserOptions': {
          binary,
          args: [
            '--automation',
            '--autoplay-policy=allow',
            '--enable-mock-capture-devices=true',
            '--enable-media-stream=true',
            ...args,
          ],
        },
      },
    },
  });
  const path = `/session/${session.sessionId}`;
  await call('POST', `${path}/timeouts`, { script: 180_000, pageLoad: 60_000 });
  return {
    engine: 'webkit',
    version: `${session.capabilities.browserName} ${session.capabilities.browserVersion}`,
    get logs() {
      return [output()];
    },
    goto: async (url) => void (await call('POST', `${path}/url`, { url })),
    evaluate: async (body) => {
      const script = `const done = arguments[arguments.length - 1];
        (async () => {${body}})().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
      const result = await call('POST', `${path}/execute/async`, { script, args: [] });
      if (result.error !== undefined) throw new Error(result.error);
      return result.value;
    },
    close: async () => {
      await endOr(() => call('DELETE', path));
      stop();
    },
  };
}

/**
 * @param {string} base
 * @returns {Call}
 */
function webdriver(base) {
  return async (method, path, body) => {
    const response = await fetch(base + path, {
      method,
      headers: { 'content-type': 'application/json' },
      // The driver waits for good for a browser that does not start.
      signal: AbortSignal.timeout(path === '/session' ? 30_000 : 200_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { value } = await response.json();
    if (value?.error)
      throw new Error(`WebDriver ${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  };
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
