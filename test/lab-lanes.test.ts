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
import { eventually } from './helpers/eventually.ts';

/*
 * All lanes of the lab at once, in Chromium, over the real simulated network: that sound comes through each, and is counted.
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

/** Starts lanes over a link, with an encoder that leaves a busy machine time for the rest. */
const start = (link: string, lanes: readonly LaneId[]) =>
  page.evaluate(
    async ([name, ids]) => {
      const { session, linkNamed } = (globalThis as unknown as { lab: HeadlessLab }).lab;
      await session.setLink(linkNamed(name)!);
      await session.chooseLanes(ids);
      await session.configure({ complexity: 2 });
      session.setVolume(0, true);
      await session.start();
    },
    [link, lanes] as const,
  );

const stop = () =>
  page.evaluate(() => (globalThis as unknown as { lab: HeadlessLab }).lab.session.stop());

const seen = (): Promise<Seen[]> =>
  page.evaluate(() =>
    (globalThis as unknown as { lab: HeadlessLab }).lab.session.lanes
      .filter(({ state }) => state !== 'off')
      .map(({ id, state, reason, figures }) => ({ id, state, reason, figures })),
  );

/** Bytes on the wire of the lanes that are calls: as the lab computes them, and as the engine tells. */
const wireBytes = async () =>
  new Map(
    await page.evaluate(async () => {
      const { lanes } = (globalThis as unknown as { lab: HeadlessLab }).lab.session;
      const calls = lanes.filter(({ lane }) => lane?.call);
      return Promise.all(
        calls.map(async ({ id, lane }) => {
          const [totals, stats] = await Promise.all([lane!.totals(), lane!.call!.sender.stats()]);
          return [id, { computed: totals.wireBytes!, told: stats.wireBytesSent }] as const;
        }),
      );
    }),
  );

/** Bytes that TCP has sent again, of the WebSocket lane with the fewest. */
const leastRepeated = () =>
  page.evaluate(async () => {
    const { lanes } = (globalThis as unknown as { lab: HeadlessLab }).lab.session;
    const streams = lanes.filter(({ lane, id }) => lane !== null && id.endsWith('-ws'));
    const totals = await Promise.all(streams.map(({ lane }) => lane!.totals()));
    return Math.min(...totals.map(({ repeatedBytes }) => repeatedBytes!));
  });

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
function notYet(lanes: readonly LaneId[], correlation: number): () => Promise<string[]> {
  const best = new Map<LaneId, number>();
  return async () => {
    for (const { id, state, reason } of await seen()) {
      expect(state, `${id}: ${reason}`).not.toMatch(/failed|unavailable/);
    }
    for (const [id, value] of await correlations()) {
      best.set(id, Math.max(best.get(id) ?? 0, value));
    }
    const missing = lanes.filter((id) => (best.get(id) ?? 0) < correlation);
    return missing.map((id) => `${id}: ${best.get(id)?.toFixed(3)}`);
  };
}

/** The lanes with their figures, once each has a latency: that is of some seconds of sound, and a quick machine is here before. */
const measured = (): Promise<Seen[]> =>
  eventually(
    async () => {
      const lanes = await seen();
      for (const { id, figures } of lanes) expect(figures.latency_p50_ms, id).not.toBeNull();
      return lanes;
    },
    { timeout: 30_000 },
  );

/** That a lane runs, and that its figures are those of sound. */
function expectSound(id: LaneId, state: string, figures: LaneFigures): void {
  expect(state, id).toBe('running');
  // MediaRecorder sends ten a second, and a quiet machine is done in two.
  expect(figures.packets_sent, id).toBeGreaterThan(8);
  // Read at the sender a moment before the receiver.
  expect(figures.packets_under_way, id).toBeGreaterThanOrEqual(-2);
  expect(figures.packets_under_way, id).toBeLessThan(50);
  expect(figures.first_sound_ms, id).toBeGreaterThan(0);
  expect(figures.latency_p50_ms, id).toBeGreaterThan(5);
}

/** Those over a WebSocket, and those over a peer connection or QUIC: half of them at a time leave a busy machine the rest. */
const STREAMS: readonly LaneId[] = LANE_IDS.filter((id) => id.endsWith('-ws'));
const CALLS: readonly LaneId[] = LANE_IDS.filter((id) => !id.endsWith('-ws'));
/** Samples take nearly all that TCP carries at 5 % of loss, or more: they may be later than the 2 s in which sound is searched for. */
const SAMPLES: readonly LaneId[] = STREAMS.filter((id) => id.startsWith('pcm'));

describe('the lanes', { timeout: 180_000 }, () => {
  it('over WebSockets all carry the audio through a clean link, and lose no packet', async () => {
    await start('clean', STREAMS);
    await expect.poll(notYet(STREAMS, 0.9), { timeout: 60_000, interval: 500 }).toEqual([]);
    const lanes = await measured();
    expect(lanes.map(({ id }) => id)).toEqual(STREAMS);
    for (const { id, state, figures } of lanes) {
      expectSound(id, state, figures);
      expect(figures.packets_lost, id).toBe(0);
    }
    const of = (id: LaneId) => lanes.find((lane) => lane.id === id)!.figures;
    // 48 kHz of 16 bits, and their envelope; Base64 takes a third more.
    expect(of('pcm-binary-ws').payload_kbps).toBeGreaterThan(650);
    expect(of('pcm-json-ws').bitrate_kbps).toBeGreaterThan(of('pcm-binary-ws').bitrate_kbps! * 1.2);
    expect(of('opus-binary-ws').payload_kbps).toBeLessThan(50);
    await stop();
  });

  it('over peer connections and QUIC all carry it, the former in as many bytes as the engine reports', async () => {
    await start('clean', CALLS);
    const first = await wireBytes();
    await expect.poll(notYet(CALLS, 0.9), { timeout: 60_000, interval: 500 }).toEqual([]);
    const lanes = await measured();
    expect(lanes.map(({ id }) => id)).toEqual(CALLS);
    for (const { id, state, figures } of lanes) {
      expectSound(id, state, figures);
      // A channel that may not repeat drops a packet for which the machine had no time.
      expect(figures.packets_lost! / figures.packets_sent!, id).toBeLessThan(0.01);
    }
    // What a page cannot see is computed; the engine tells all that a call sends, STUN and RTCP included.
    // The two are not read at the same instant: of so many bytes a packet or two are little.
    const since = async () => {
      const grown = [...(await wireBytes())].map(([id, now]) => {
        const before = first.get(id)!;
        return { id, told: now.told - before.told, computed: now.computed - before.computed };
      });
      expect(Math.min(...grown.map(({ told }) => told))).toBeGreaterThan(40_000);
      return grown;
    };
    for (const { id, told, computed } of await eventually(since, { timeout: 30_000 })) {
      expect(computed / told, id).toBeGreaterThan(0.9);
      expect(computed / told, id).toBeLessThan(1.03);
    }
    const captured = await page.evaluate(async () => {
      const slots = (globalThis as unknown as { lab: HeadlessLab }).lab.session.lanes;
      const files = slots.map(async ({ id, lane }) => {
        return [id, (await lane?.captureFile())?.length ?? 0] as const;
      });
      return Promise.all(files);
    });
    // Of RTP there is a capture file, with 70 bytes or more for each packet.
    for (const [id, length] of captured) {
      const figures = lanes.find((lane) => lane.id === id)?.figures;
      const least = id.startsWith('opus-rtp') ? 70 * figures!.packets_received! : 0;
      expect(length, id).toBeGreaterThanOrEqual(least);
    }
    await stop();
  });

  it('all start under 5 % of loss, and those that lose packets count them as the link does', async () => {
    await start('loss-5', LANE_IDS);
    const inTime = LANE_IDS.filter((id) => !SAMPLES.includes(id));
    await expect.poll(notYet(inTime, 0.6), { timeout: 60_000, interval: 500 }).toEqual([]);
    const late = async () =>
      (await seen())
        .filter(({ id }) => SAMPLES.includes(id))
        .map(({ figures }) => figures.first_sound_ms !== null && figures.packets_received! > 100);
    await expect.poll(late, { timeout: 60_000 }).toEqual(SAMPLES.map(() => true));
    const sent = async () =>
      Math.min(
        ...(await seen())
          .filter(({ id }) => CALLS.includes(id))
          .map(({ figures }) => figures.packets_sent ?? 0),
      );
    await expect.poll(sent, { timeout: 30_000, interval: 500 }).toBeGreaterThan(300);
    for (const { id, figures } of await seen()) {
      const { packets_sent, packets_received, packets_lost, packets_under_way } = figures;
      expect(packets_received! + packets_lost! + packets_under_way!, id).toBe(packets_sent);
      expect(packets_under_way, id).toBeGreaterThanOrEqual(-2);
      if (!CALLS.includes(id)) {
        expect(packets_lost, id).toBe(0);
        continue;
      }
      expect(packets_under_way, id).toBeLessThan(50);
      // Of 300 packets at 5 %: 15, with a standard deviation of 4.
      expect(packets_lost! / packets_sent!, id).toBeGreaterThan(0.01);
      expect(packets_lost! / packets_sent!, id).toBeLessThan(0.12);
    }
    // What its receiver reported has the sender repeat packets, and copies stand in for lost ones.
    const adapted = async () => {
      const { figures } = (await seen()).find(({ id }) => id === 'opus-rtp-dc-red')!;
      return (figures.copies_per_packet ?? 0) > 0.5 && (figures.packets_recovered ?? 0) > 3;
    };
    await expect.poll(adapted, { timeout: 30_000, interval: 500 }).toBe(true);
    // What TCP sends again a page cannot see: the network tells, and it counts.
    await expect.poll(leastRepeated, { timeout: 30_000, interval: 500 }).toBeGreaterThan(0);
    await stop();
  });
});
