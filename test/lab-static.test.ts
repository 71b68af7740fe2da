/**
 * The lab as `npm run build:lab` makes it, in Chromium: files alone, below a path of a plain host that sets no header but a strict
 * Content-Security-Policy.
 */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { run } from '../scripts/run.mjs';
import { serveFolder } from '../scripts/serve-folder.mjs';
import { openBrowser } from './engines/open-browser.mjs';
import type { OpenBrowser } from './engines/open-browser.mjs';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
  "connect-src 'self'; img-src 'self'; media-src 'self' blob: mediastream:";
const LANES = ['pcm-binary-ws', 'opus-binary-ws', 'opus-rtp-dc', 'recorder-json-ws'];

let folder: string;
let host: Awaited<ReturnType<typeof serveFolder>>;
let browser: OpenBrowser;
let page: Page;
let lab: string;
/** Uncaught errors, console errors, requests that failed or left the lab's folder, and WebSockets. */
const faults: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'micwire-static-'));
  const script = path('../scripts/build-lab.mjs');
  const out = join(folder, 'repo/lab');
  expect(await run(process.execPath, [script, '--out', out], { quiet: true })).toBe(0);
  host = await serveFolder(folder, { 'content-security-policy': POLICY });
  lab = `${host.url}repo/lab/`;
  browser = await openBrowser('chromium', { microphone: path('fixtures/speech.wav') });
  page = browser.page!;
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('websocket', (socket) => faults.push(socket.url()));
  page.on('requestfailed', (request) => {
    // Leaving a page ends what it still loads.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') faults.push(request.url());
  });
  page.on('response', (response) => {
    const url = response.url();
    if (!response.ok() || !(url.startsWith(lab) || url.startsWith('blob:'))) faults.push(url);
  });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await host?.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  faults.length = 0;
});

const open = async (address: string): Promise<void> => {
  // An address that differs by its fragment alone would load nothing.
  await page.goto('about:blank');
  await page.goto(lab + address);
};
const press = (name: string) => page.getByRole('button', { name, exact: true }).first().click();
const choose = (name: string) => page.getByRole('radio', { name, exact: true }).check();
const row = (lane: string) => page.locator(`lab-lanes tr[data-lane="${lane}"]`);
const words = (lane: string) => row(lane).locator('.lane .caption').textContent();
/** The first figure of a column: 0 is the latency, 1 the bitrate, 2 the loss; −1 for none. */
const figure = async (lane: string, column: number): Promise<number> => {
  const text = await row(lane).locator('td.figure').nth(column).locator('.value').textContent();
  return text === '–' ? -1 : Number(text?.replaceAll(',', ''));
};
const levelOf = async (lane: string): Promise<number> =>
  Number(await row(lane).getByRole('meter').getAttribute('aria-valuenow'));
/** Figures are made of the last 5 s, and lanes open one after the other. */
const eventually = <T>(value: () => T) => expect.poll(value, { timeout: 45_000, interval: 200 });

test('has files with relative addresses, and no names that static hosts leave out', async () => {
  const page = await readFile(join(folder, 'repo/lab/index.html'), 'utf8');
  const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address!);
  expect(addresses.length).toBeGreaterThan(3);
  expect(addresses.filter((address) => !address.startsWith('./assets/'))).toEqual([]);
  const files = await readdir(join(folder, 'repo/lab'), { recursive: true });
  expect(files.filter((file) => /(^|[/\\])[._]/.test(file))).toEqual([]);
});

test(
  'sends the microphone over the simulated network in its Worker, and shows the returning audio',
  { timeout: 180_000 },
  async () => {
    await open(`?lanes=${[...LANES, 'webrtc'].join()}`);
    await page.getByText('This copy of the lab has no server').waitFor();
    await choose('Microphone');
    await press('Start');
    for (const lane of [...LANES, 'webrtc']) {
      // Meters are drawn while they are visible.
      await row(lane).scrollIntoViewIfNeeded();
      await eventually(() => levelOf(lane)).toBeGreaterThan(-50);
      await eventually(() => figure(lane, 0)).toBeGreaterThan(0);
      await eventually(() => figure(lane, 1)).toBeGreaterThan(20);
      expect(await figure(lane, 2)).toBe(0);
    }

    // Nothing arrives before the network's delay has passed.
    await choose('Satellite');
    for (const lane of LANES) await eventually(() => figure(lane, 0)).toBeGreaterThan(300);
    await eventually(() => words('webrtc')).toMatch(/the lab’s own server.*npm start/);
    expect(await figure('webrtc', 0)).toBe(-1);

    await choose('5 % loss');
    await eventually(() => figure('opus-rtp-dc', 2)).toBeGreaterThan(0);
    // TCP repeats what is lost.
    await eventually(() => figure('opus-binary-ws', 0)).toBeLessThan(2000);
    expect(await figure('opus-binary-ws', 2)).toBe(0);

    await choose('Clean');
    await eventually(() => figure('webrtc', 0)).toBeGreaterThan(0);
    await press('Stop');
    expect(faults).toEqual([]);
  },
);

test('carries one lane over the network of its Worker and back', { timeout: 90_000 }, async () => {
  await open('#lane');
  await press('Start');
  await page.getByText(/[1-9]\d+ came back/).waitFor();
  await page.getByText('to a Worker of this page and back').waitFor();
  await choose('Satellite');
  const trip = page.locator('lab-readings .cell').filter({ hasText: 'Round trip' });
  await eventually(async () =>
    Number((await trip.locator('.value .number').textContent())!.replace('–', '0')),
  ).toBeGreaterThan(300);
  await press('Stop');
  expect(faults).toEqual([]);
});

test(
  'cuts the connection to its Worker, and the session loses nothing',
  { timeout: 90_000 },
  async () => {
    await open('#session');
    await press('Start');
    const figure = async (way: string, name: string) => {
      const term = page.locator(`section[aria-labelledby="${way}"] dl > div`);
      const text = await term.filter({ hasText: name }).locator('.number').textContent();
      return Number(text);
    };
    await eventually(() => figure('session', 'Acknowledged')).toBeGreaterThan(0.5);
    await eventually(() => figure('plain', 'Received')).toBeGreaterThan(0.5);
    await press('Cut the wire');
    await eventually(() => figure('session', 'Waiting')).toBeGreaterThan(1);
    const captured = await figure('session', 'Captured');
    await press('Mend the wire');
    await eventually(() => figure('plain', 'Lost')).toBeGreaterThan(0.5);
    await eventually(() => figure('session', 'Acknowledged')).toBeGreaterThan(captured);
    expect(await figure('session', 'Dropped')).toBe(0);
    await page.getByText('Nothing is lost so far.').waitFor();
    await press('Stop');
    expect(faults).toEqual([]);
  },
);

test('says that calls and the telephone need the lab’s server', async () => {
  await open('#call');
  await page.getByRole('heading', { name: 'A call needs the server' }).waitFor();
  await page.getByText('npm start', { exact: true }).waitFor();
  await open('#learn/ice');
  await page.getByText('This page needs the lab’s server.').waitFor();
  await page.getByText('npm start', { exact: true }).waitFor();
  await open('#learn/sip');
  await page.getByText('This copy of the lab has no server, and so no telephone.').waitFor();
  const telephone = page.locator('section[aria-labelledby="telephone"]');
  expect(await telephone.locator('button, input, [role="status"]').count()).toBe(0);
  expect(faults).toEqual([]);
});

test('opens every page of Learn, and its source code', { timeout: 90_000 }, async () => {
  await open('#learn');
  const links = page.locator('lab-learn nav a');
  await links.first().waitFor();
  const pages = await links.evaluateAll((all: HTMLAnchorElement[]) => all.map(({ hash }) => hash));
  expect(pages.length).toBeGreaterThan(3);
  for (const hash of pages) {
    await open(hash);
    const source = page.locator('lab-learn .sources a[href^="#learn/"]').first();
    await source.waitFor();
    if (await page.getByRole('button', { name: 'Start', exact: true }).isVisible()) {
      await press('Start');
      await page.getByText('Running.', { exact: true }).waitFor();
    }
    await source.click();
    await page.locator('lab-learn pre.panel').waitFor();
  }
  expect(faults).toEqual([]);
});
