import { browserEnvironment, findBrowser, hasSandbox } from './find-browser.mjs';

/**
 * Chrome, Chromium or Edge over the DevTools protocol.
 *
 * @param {import('./open-browser.mjs').BrowserOptions} options
 * @returns {Promise<import('./open-browser.mjs').OpenBrowser>}
 */
export async function openChromium({ microphone, args = [], width = 1280, height = 800 }) {
  const { chromium } = await import('playwright-core');
  const executablePath = findBrowser('chromium');
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    chromiumSandbox: hasSandbox(executablePath),
    env: browserEnvironment(executablePath),
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
      // A machine without a network has no other interface to call itself over.
      '--allow-loopback-in-peer-connection',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      ...(microphone === undefined ? [] : [`--use-file-for-fake-audio-capture=${microphone}`]),
      ...args,
    ],
  });
  try {
    const page = await browser.newPage({ viewport: { width, height } });
    /** @type {string[]} */
    const logs = [];
    page.on('console', (message) => logs.push(message.text()));
    page.on('pageerror', (error) => logs.push(`uncaught: ${error.message}`));
    return {
      engine: 'chromium',
      version: browser.version(),
      logs,
      page,
      goto: async (url) => void (await page.goto(url)),
      evaluate: (body) => page.evaluate(`(async () => {${body}})()`),
      close: () => browser.close(),
    };
  } catch (error) {
    await browser.close();
    throw error;
  }
}
