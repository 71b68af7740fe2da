import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from 'playwright-core';
import { createServer } from 'vite';
import type { ViteDevServer } from 'vite';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import type { OpenBrowser } from '../engines/open-browser.mjs';
import { openBrowser } from '../engines/open-browser.mjs';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The lab in Chromium, as a test sees it. */
export interface LabPage {
  readonly page: Page;
  /** What went wrong in the page: uncaught errors and console errors. Empty before each test. */
  readonly faults: string[];
  /** Polls: text changes twice a second, and the machine may be busy. */
  readonly eventually: <T>(value: () => T) => ReturnType<typeof expect.poll<T>>;
  /** Opens the page again: as a user finds it. @param query of its address, with the question mark */
  readonly reopen: (query?: string) => Promise<void>;
  readonly status: () => Locator;
  readonly start: () => Promise<void>;
  /** The number of the reading with that label; −1 for none. */
  readonly reading: (label: string) => Promise<number>;
  /** What the meter of that name says, in dBFS. */
  readonly level: (name: string) => Promise<number>;
}

/**
 * Serves the lab for the tests of a file, in one browser. Each test finds the page that the one before has left, with nothing running:
 * one that needs it fresh opens it again.
 * @param view the fragment of the page's address
 */
export function useLab(view: 'compare' | 'lane' | 'session' | 'call' | 'learn'): LabPage {
  const faults: string[] = [];
  let vite: ViteDevServer;
  let browser: OpenBrowser;
  let page: Page;
  let address: string;

  const reopen = async (query = ''): Promise<void> => {
    // An address that differs by its fragment alone would not load anything.
    await page.goto('about:blank');
    // The first time the server bundles everything.
    await page.goto(`${address}${query}#${view}`, { timeout: 40_000 });
    await page.getByRole('button', { name: 'Start', exact: true }).waitFor({ timeout: 40_000 });
  };

  beforeAll(async () => {
    vite = await createServer({
      configFile: path('../../vite.config.ts'),
      root: path('../../demo'),
      logLevel: 'silent',
      // Its own: where two servers bundle the same packages again, pages of one get what the other has outdated.
      cacheDir: path(`../../node_modules/.vite/${basename(expect.getState().testPath!)}`),
      server: { host: '127.0.0.1', port: 0, watch: null, hmr: false },
    });
    await vite.listen();
    address = `http://127.0.0.1:${(vite.httpServer!.address() as AddressInfo).port}/`;
    browser = await openBrowser('chromium', { microphone: path('../fixtures/speech.wav') });
    page = browser.page!;
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    await reopen();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await vite?.close();
  });

  beforeEach(async () => {
    faults.length = 0;
    const stop = page.getByRole('button', { name: 'Stop', exact: true });
    if (await stop.isVisible()) await stop.click();
  });

  return {
    get page(): Page {
      return page;
    },
    faults,
    eventually: (value) => expect.poll(value, { timeout: 12_000, interval: 100 }),
    reopen,
    status: () => page.locator('lab-status p'),
    start: () => page.getByRole('button', { name: 'Start', exact: true }).click(),
    reading: async (label) => {
      const cell = page
        .locator('lab-readings .cell')
        .filter({ has: page.locator('dt', { hasText: new RegExp(`^${label}$`) }) })
        .locator('.value .number');
      const text = (await cell.textContent()) ?? '';
      return text === '–' ? -1 : Number(text.replaceAll(',', ''));
    },
    level: async (name) => {
      const meter = page.getByRole('meter', { name });
      return Number(await meter.getAttribute('aria-valuenow'));
    },
  };
}

/** Elements without a name that a screen reader could say, by their outer HTML. */
export function namelessControls(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const visit = (root: Document | ShadowRoot): void => {
      for (const element of root.querySelectorAll('*')) {
        if (element.shadowRoot) visit(element.shadowRoot);
        if (!element.matches('button, input:not([hidden]), select')) continue;
        const labels = (element as HTMLInputElement).labels ?? [];
        const name = [...labels].map(({ textContent }) => textContent).join('');
        const said = element.getAttribute('aria-label') ?? '';
        if ((name + said + element.textContent).trim() === '') found.push(element.outerHTML);
      }
    };
    visit(document);
    return found;
  });
}

/** Where everything of a view lies: name, place and size of each element of its main part, one level deep. */
export function placesIn(page: Page, view: string): Promise<string[]> {
  return page.evaluate((name) => {
    const shell = document.querySelector('lab-page')!.shadowRoot!;
    const main = shell.querySelector(name)!.shadowRoot!;
    return [...main.querySelectorAll('main *')].map((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return `${element.localName} ${x} ${y + scrollY} ${width} ${height}`;
    });
  }, view);
}
