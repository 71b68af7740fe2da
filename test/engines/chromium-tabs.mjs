import { browserEnvironment, findBrowser, hasSandbox } from './find-browser.mjs';

/**
 * Chromium with the devices of a sound server, and a page that can be hidden and frozen. Playwright keeps each of its pages
 * visible, so it is puppeteer that drives it.
 *
 * @param {import('./open-browser.mjs').BrowserOptions & { readonly sound: { readonly env: Record<string, string> } }} options
 * @returns {Promise<import('./open-browser.mjs').OpenBrowser>}
 */
export async function openChromiumTabs({ sound, args = [] }) {
  const { default: puppeteer } = await import('puppeteer-core');
  const executablePath = findBrowser('chromium');
  const browser = await puppeteer.launch({
    executablePath,
    headless: true,
    protocolTimeout: 180_000,
    env: { ...browserEnvironment(executablePath), ...sound.env },
    // With them hidden pages run as visible ones do.
    ignoreDefaultArgs: [
      '--disable-backgrounding-occluded-windows',
      '--disable-renderer-backgrounding',
      '--disable-background-timer-throttling',
      // Only the sound server hears it.
      '--mute-audio',
    ],
    args: [
      ...(hasSandbox(executablePath) ? [] : ['--no-sandbox']),
      '--disable-gpu',
      '--disable-quic',
      '--autoplay-policy=no-user-gesture-required',
      '--use-fake-ui-for-media-stream',
      ...args,
    ],
  });
  try {
    const page = (await browser.pages())[0] ?? (await browser.newPage());
    const protocol = await page.createCDPSession();
    /** @type {string[]} */
    const logs = [];
    page.on('console', (message) => logs.push(message.text()));
    page.on('pageerror', (error) => logs.push(`uncaught: ${String(error)}`));
    /** In front of the page while it is hidden. @type {import('puppeteer-core').Page | undefined} */
    let cover;
    return {
      engine: 'chromium',
      version: await browser.version(),
      logs,
      goto: async (url) => void (await page.goto(url)),
      evaluate: (body) => page.evaluate(`(async () => {${body}})()`),
      life: {
        hide: async () => {
          cover ??= await browser.newPage();
          await cover.bringToFront();
        },
        show: async () => {
          await page.bringToFront();
          await cover?.close();
          cover = undefined;
        },
        freeze: async () => {
          await protocol.send('Page.setWebLifecycleState', { state: 'frozen' });
        },
        resume: async () => {
          await protocol.send('Page.setWebLifecycleState', { state: 'active' });
        },
      },
      close: () => browser.close(),
    };
  } catch (error) {
    await browser.close();
    throw error;
  }
}
