import { openChromiumTabs } from './chromium-tabs.mjs';
import { openChromium } from './chromium.mjs';
import { openFirefox } from './firefox.mjs';
import { openWebkit } from './webkit.mjs';

/**
 * One browser with one page, the same for every engine.
 *
 * @typedef {object} OpenBrowser
 * @property {import('./find-browser.mjs').Engine} engine
 * @property {string} version
 * @property {string[]} logs - the page's console and uncaught errors (WebKit: the driver's output)
 * @property {(url: string) => Promise<void>} goto - resolves when the page has loaded
 * @property {(body: string) => Promise<unknown>} evaluate - runs `body` as an async function's body in the page; its
 *   value must survive JSON
 * @property {import('playwright-core').Page} [page] - Chromium only, for tests that need clicks, keys or screenshots
 * @property {PageLife} [life] - Chromium with `sound` only
 * @property {() => Promise<void>} close - ends the browser and everything that was started for it
 */

/**
 * What the user and the system do with a page. A page must be hidden to be frozen.
 *
 * @typedef {{ readonly [Step in 'hide' | 'show' | 'freeze' | 'resume']: () => Promise<void> }} PageLife
 */

/**
 * @typedef {object} BrowserOptions
 * @property {string} [microphone] - path of a WAV file that plays in a loop as the microphone (Chromium)
 * @property {{ readonly env: Record<string, string> }} [sound] - a sound server whose devices take the place of the fake
 *   microphone (Chromium and Firefox)
 * @property {readonly string[]} [args] - further arguments for the browser
 * @property {number} [width] - of the page, CSS px (Chromium)
 * @property {number} [height] - of the page, CSS px (Chromium)
 */

/**
 * Opens an installed browser with a microphone that needs no permission and audio that needs no gesture.
 *
 * @param {import('./find-browser.mjs').Engine} engine
 * @param {BrowserOptions} [options]
 * @returns {Promise<OpenBrowser>}
 */
export function openBrowser(engine, options = {}) {
  switch (engine) {
    case 'chromium':
      return options.sound === undefined
        ? openChromium(options)
        : openChromiumTabs({ ...options, sound: options.sound });
    case 'firefox':
      return openFirefox(options);
    case 'webkit':
      return openWebkit(options);
    default:
      throw new Error(`The engine must be chromium, firefox or webkit, got ${String(engine)}.`);
  }
}
