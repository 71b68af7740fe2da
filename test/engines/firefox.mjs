import { endOr } from './child.mjs';
import { findBrowser } from './find-browser.mjs';
import { startSilentSound } from './silent-sound.mjs';

/**
 * Firefox over WebDriver BiDi.
 *
 * @param {import('./open-browser.mjs').BrowserOptions} options
 * @returns {Promise<import('./open-browser.mjs').OpenBrowser>}
 */
export async function openFirefox({ args = [], sound: given }) {
  const { default: puppeteer } = await import('puppeteer-core');
  const executablePath = findBrowser('firefox');
  const sound = given === undefined ? await startSilentSound() : { env: given.env, stop: () => {} };
  try {
    const browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath,
      headless: true,
      protocolTimeout: 180_000,
      args: [...args],
      env: { ...process.env, ...sound.env },
      extraPrefsFirefox: {
        'media.navigator.streams.fake': given === undefined,
        'media.navigator.permission.disabled': true,
        'media.autoplay.default': 0,
        'media.autoplay.blocking_policy': 0,
        'media.peerconnection.ice.loopback': true,
        'media.peerconnection.ice.obfuscate_host_addresses': false,
      },
    });
    // Puppeteer reads Firefox's messages only until it has started; after some 200 kB of them Firefox would wait for good.
    browser.process()?.stderr?.resume();
    try {
      const page = await browser.newPage();
      /** @type {string[]} */
      const logs = [];
      page.on('console', (message) => logs.push(message.text()));
      page.on('pageerror', (error) => logs.push(`uncaught: ${String(error)}`));
      return {
        engine: 'firefox',
        version: await browser.version(),
        logs,
        goto: async (url) => void (await page.goto(url)),
        evaluate: (body) => page.evaluate(`(async () => {${body}})()`),
        close: async () => {
          await endOr(
            () => browser.close(),
            () => browser.process()?.kill('SIGKILL'),
          );
          sound.stop();
        },
      };
    } catch (error) {
      await browser.close();
      throw error;
    }
  } catch (error) {
    sound.stop();
    throw error;
  }
}
