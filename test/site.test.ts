/**
 * The site that `npm run docs` builds, in Chromium: its snippets run on the page, with a microphone.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { run } from '../scripts/run.mjs';
import { serveFolder } from '../scripts/serve-folder.mjs';
import { openBrowser } from './engines/open-browser.mjs';
import type { OpenBrowser } from './engines/open-browser.mjs';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
let site: Awaited<ReturnType<typeof serveFolder>>;
let browser: OpenBrowser;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  expect(await run(process.execPath, [path('../scripts/docs.mjs')], { quiet: true })).toBe(0);
  site = await serveFolder(path('../docs/site/dist'));
  browser = await openBrowser('chromium', { microphone: path('fixtures/speech.wav') });
  page = browser.page!;
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
});
beforeEach(() => {
  faults.length = 0;
});

/** What runs on the site, and a line that it prints. */
const SNIPPETS = [
  ['guide/capture.html', 0, /\d/],
  ['guide/metering.html', 0, /LUFS/],
  ['guide/recording.html', 0, /\d/],
  ['guide/webrtc.html', 0, /create/],
] as const;

test.each(SNIPPETS)(
  '%s: snippet %d runs, and stops',
  { timeout: 60_000 },
  async (at, nth, line) => {
    await page.goto(site.url + at);
    const snippet = page.locator('.run-snippet').nth(nth);
    await snippet.getByRole('button', { name: 'Run', exact: true }).click();
    const log = () => snippet.getByRole('log', { name: 'Output' }).textContent();
    await expect.poll(log, { timeout: 20_000 }).toMatch(line);
    await snippet.getByRole('button', { name: 'Stop', exact: true }).click();
    await snippet.getByRole('button', { name: 'Run', exact: true }).waitFor();
    // It runs a second time, on a page that is as it was.
    await snippet.getByRole('button', { name: 'Run', exact: true }).click();
    await expect.poll(log, { timeout: 20_000 }).toMatch(line);
    await snippet.getByRole('button', { name: 'Stop', exact: true }).click();
    expect(faults).toEqual([]);
  },
);

test('every guide is in the sidebar', async () => {
  await page.goto(site.url);
  const links = await page
    .locator('.VPSidebar a')
    .evaluateAll((all: HTMLAnchorElement[]) => all.map(({ pathname }) => pathname));
  const guides = (await readdir(path('../docs'))).filter((name) => name.endsWith('.md'));
  expect(links).toEqual(
    expect.arrayContaining(guides.map((name) => `/guide/${name.replace('.md', '.html')}`)),
  );
  for (const link of links) expect((await fetch(new URL(link, site.url))).status).toBe(200);
  expect(faults).toEqual([]);
});

test('the search finds a class of the reference', async () => {
  await page.goto(site.url);
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('searchbox').fill('StreamConverter');
  await page.locator('.VPLocalSearchBox .result').first().waitFor();
  const found = await page.locator('.VPLocalSearchBox .result').allTextContents();
  expect(found.join('\n')).toMatch(/StreamConverter/);
  expect(faults).toEqual([]);
});

test('the lab is included, and starts', { timeout: 60_000 }, async () => {
  await page.goto(join(site.url, 'lab/index.html').replace(':/', '://'));
  await page.getByRole('button', { name: 'Start', exact: true }).waitFor();
  // The site has no server for it.
  await page.getByText('This copy of the lab has no server').waitFor();
});
