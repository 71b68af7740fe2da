import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { createServer } from 'vite';
import type { ViteDevServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeadlessLab } from '../demo/headless/headless.ts';
import { LANE_IDS } from '../demo/lanes/lane-ids.ts';
import type { LaneId } from '../demo/lanes/lane-ids.ts';
import type { LaneFigures } from '../demo/measure/metrics.ts';
import type { OpenBrowser } from './engines/open-browser.mjs';
import { openBrowser } from './engines/open-browser.mjs';

/*
 * All lanes of the lab at once, in Chromium, over the real link engine: that sound comes through each, and is counted.
 */

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

let vite: ViteDevServer;
let browser: OpenBrowser;
let page: Page;

/** What of a lane a test looks at. */
interface Seen {
  readonly id: LaneId;
  readonly state: string;
  readonly reason: string;
  readonly figures: LaneFigures;
}

beforeAll(async () => {
  vite = await createServer({
    configFile: path('../vite.config.ts'),
    root: path('../demo'),
    logLevel: 'silent',
    // The page needs no package: nothing that is found late may reload it.
    optimizeDeps: { noDiscovery: true },
    server: { host: '127.0.0.1', port: 0, watch: null, hmr: false },
  });
  await vite.listen();
  browser = await openBrowser('chromium', { args: ['--allow-loopback-in-peer-connection'] });
  page = browser.page!;
  const { port } = vite.httpServer!.address() as AddressInfo;
  await page.goto(`http://127.0.0.1:${port}/headless/`, { waitUntil: 'networkidle' });
  await page.waitForFunction(() => 'lab' in globalThis);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await vite?.close();
});

/** Starts every lane over a link, with an encoder that leaves a busy machine time for the rest. */
const start = (link: string) =>
  page.evaluate(async (name) => {
    const { session, linkNamed } = (globalThis as unknown as { lab: HeadlessLab }).lab;
    await session.setLink(linkNamed(name)!);
    await session.configure({ complexity: 2 });
    session.setVolume(0, true);
    await session.start();
  }, link);

const stop = () =>
  page.evaluate(() => (globalThis as unknown as { lab: HeadlessLab }).lab.session.stop());

const seen = (): Promise<Seen[]> =>
  page.evaluate(() =>
    (globalThis as unknown as { lab: HeadlessLab }).lab.session.lanes.map(
      ({ id, state, reason, figures }) => ({ id, state, reason, figures }),
    ),
  );

/** How the sound of the last second or so correlates with what went in. */
const correlations = () =>
  page.evaluate(async () => {
    const { session } = (globalThis as unknown as { lab: HeadlessLab }).lab;
    const heard = await session.soundOfLast(1.2);
    return [...heard].map(([id, { figures }]) => [id, figures.correlation ?? 0] as const);
  });

/**
 * A poll for the lanes whose sound has not been that near to the source in any second so far: a busy machine spoils some of each. Fails
 * at once when a lane does.
 */
function notYet(correlation: number): () => Promise<string[]> {
  const best = new Map<LaneId, number>();
  return async () => {
    for (const { id, state, reason } of await seen()) {
      expect(state, `${id}: ${reason}`).not.toMatch(/failed|unavailable/);
    }
    for (const [id, value] of await correlations()) {
      best.set(id, Math.max(best.get(id) ?? 0, value));
    }
    const missing = LANE_IDS.filter((id) => (best.get(id) ?? 0) < correlation);
    return missing.map((id) => `${id}: ${best.get(id)?.toFixed(3)}`);
  };
}

describe('the lanes', { timeout: 120_000 }, () => {
  it('all bring the sound through a clean link, and count every packet', async () => {
    await start('clean');
    await expect.poll(notYet(0.9), { timeout: 60_000, interval: 500 }).toEqual([]);
    const lanes = await seen();
    expect(lanes.map(({ id }) => id)).toEqual(LANE_IDS);
    for (const { id, state, figures } of lanes) {
      expect(state, id).toBe('running');
      expect(figures.packets_lost, id).toBe(0);
      expect(figures.packets_sent, id).toBeGreaterThan(20);
      expect(figures.packets_under_way, id).toBeGreaterThanOrEqual(-1);
      expect(figures.packets_under_way, id).toBeLessThan(25);
      expect(figures.first_sound_ms, id).toBeGreaterThan(0);
      expect(figures.latency_p50_ms, id).toBeGreaterThan(5);
    }
    const captured = await page.evaluate(async () => {
      const { session } = (globalThis as unknown as { lab: HeadlessLab }).lab;
      const files = session.lanes.map(async ({ lane }) => lane?.captureFile());
      return (await Promise.all(files)).map((file) => file?.length ?? 0);
    });
    // Of RTP there is a capture file, with 70 bytes or more for each packet.
    captured.forEach((length, lane) => {
      const { id, figures } = lanes[lane]!;
      const isRtp = id.startsWith('opus-rtp');
      expect(length > 0, id).toBe(isRtp);
      if (isRtp) expect(length, id).toBeGreaterThan(70 * figures.packets_received!);
    });
    const of = (id: LaneId) => lanes.find((lane) => lane.id === id)!.figures;
    // 48 kHz of 16 bits, and what stands around them; Base64 takes a third more.
    expect(of('pcm-binary-ws').payload_kbps).toBeGreaterThan(650);
    expect(of('pcm-json-ws').bitrate_kbps).toBeGreaterThan(of('pcm-binary-ws').bitrate_kbps! * 1.2);
    expect(of('opus-binary-ws').payload_kbps).toBeLessThan(50);
    expect(of('webrtc').payload_kbps).toBeLessThan(50);
    await stop();
  });

  it('all come up under 5 % of loss, which those that lose count as the link does', async () => {
    await start('loss-5');
    await expect.poll(notYet(0.6), { timeout: 60_000, interval: 500 }).toEqual([]);
    const lossy: readonly LaneId[] = ['opus-rtp-dc', 'opus-rtp-dc-red', 'webrtc', 'webrtc-red'];
    const sent = async () =>
      Math.min(
        ...(await seen())
          .filter(({ id }) => lossy.includes(id))
          .map(({ figures }) => figures.packets_sent ?? 0),
      );
    await expect.poll(sent, { timeout: 30_000, interval: 500 }).toBeGreaterThan(300);
    for (const { id, figures } of await seen()) {
      const { packets_sent, packets_received, packets_lost, packets_under_way } = figures;
      expect(packets_received! + packets_lost! + packets_under_way!, id).toBe(packets_sent);
      expect(packets_under_way, id).toBeGreaterThanOrEqual(-2);
      if (!lossy.includes(id)) {
        expect(packets_lost, id).toBe(0);
        continue;
      }
      expect(packets_under_way, id).toBeLessThan(25);
      // Of 300 packets at 5 %: 15, with a standard deviation of 4.
      expect(packets_lost! / packets_sent!, id).toBeGreaterThan(0.01);
      expect(packets_lost! / packets_sent!, id).toBeLessThan(0.12);
    }
    await stop();
  });
});
