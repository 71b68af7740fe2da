import { defineBrowserProvider } from '@vitest/browser';
import { openBrowser } from './open-browser.mjs';

/**
 * A provider for Vitest's browser mode that drives the browsers which are installed, all three engines alike. The
 * providers of Vitest's own want a download of their own builds, and have no WebKitGTK.
 *
 * @param {import('./open-browser.mjs').BrowserOptions} [options]
 */
export function installedBrowsers(options = {}) {
  return defineBrowserProvider({
    name: 'installed-browsers',
    supportedBrowser: ['chromium', 'firefox', 'webkit'],
    options,
    providerFactory: (project) =>
      // The name was checked against supportedBrowser.
      new InstalledBrowser(/** @type {any} */ (project.config.browser.name), options),
  });
}

class InstalledBrowser {
  name = 'installed-browsers';
  supportsParallelism = false;
  /** @type {string[]} */
  initScripts = [];
  /** @type {Promise<import('./open-browser.mjs').OpenBrowser> | undefined} */
  #browser;
  #engine;
  #options;

  /**
   * @param {import('./find-browser.mjs').Engine} engine
   * @param {import('./open-browser.mjs').BrowserOptions} options
   */
  constructor(engine, options) {
    this.#engine = engine;
    this.#options = options;
  }

  getCommandsContext() {
    return { engine: this.#engine, browser: this.#browser };
  }

  /**
   * @param {string} _sessionId
   * @param {string} url
   */
  async openPage(_sessionId, url) {
    this.#browser ??= openBrowser(this.#engine, this.#options);
    const browser = await this.#browser;
    await browser.goto(url);
  }

  async close() {
    const browser = await this.#browser?.catch(() => undefined);
    this.#browser = undefined;
    await browser?.close();
  }
}
