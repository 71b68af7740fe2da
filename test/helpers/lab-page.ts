import type { AddressInfo } from 'node:net';
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
  readonly status: () => Locator;
  readonly start: () => Promise<void>;
  /** The number of the reading with that label; −1 for none. */
  readonly reading: (label: string) => Promise<number>;
  /** What the meter of that name says, in dBFS. */
  readonly level: (name: string) => Promise<number>;
}

/** Serves the lab for the tests of a file, in one browser; each test begins with the page just opened. */
export function useLab(): LabPage {
  const faults: string[] = [];
  let vite: ViteDevServer;
  let browser: OpenBrowser;
  let page: Page;
  let address: string;

  beforeAll(async () => {
    vite = await createServer({
      configFile: path('../../vite.config.ts'),
      root: path('../../demo'),
      logLevel: 'silent',
      server: { host: '127.0.0.1', port: 0, watch: null },
    });
    await vite.listen();
    address = `http://127.0.0.1:${(vite.httpServer!.address() as AddressInfo).port}/#lane`;
    browser = await openBrowser('chromium', { microphone: path('../fixtures/speech.wav') });
    page = browser.page!;
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    // The first visit makes Vite find and bundle the page's dependencies, and may reload the page.
    await page.goto(address, { waitUntil: 'networkidle' });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await vite?.close();
  });

  beforeEach(async () => {
    faults.length = 0;
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto('about:blank');
    await page.goto(address);
    await page.getByRole('button', { name: 'Start' }).waitFor();
  });

  return {
    get page(): Page {
      return page;
    },
    faults,
    eventually: (value) => expect.poll(value, { timeout: 12_000, interval: 100 }),
    status: () => page.locator('lab-status p'),
    start: () => page.getByRole('button', { name: 'Start' }).click(),
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
