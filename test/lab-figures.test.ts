import { describe, expect, it } from 'vitest';
import { Arrivals } from '../demo/lanes/arrivals.ts';
import { laneFigures } from '../demo/lanes/lane-figures.ts';
import { METRICS } from '../demo/measure/metric-table.ts';
import { LANE_METRICS, NO_FIGURES, RUN_METRICS } from '../demo/measure/metrics.ts';
import type { LaneTotals } from '../demo/measure/metrics.ts';
import {
  dataChannelWireBytes,
  srtpWireBytes,
  webSocketWireBytes,
} from '../demo/measure/wire-bytes.ts';
import { labDefinitionsPage } from './helpers/lab-definitions-page.ts';
import { seededRandom } from './helpers/random.ts';

/*
 * The lab's figures: what they are called, and how they come from what lanes count.
 */

const TOTALS: LaneTotals = {
  atMs: 1000,
  packetsSent: 0,
  packetsDropped: 0,
  copiesSent: 0,
  payloadBytes: 0,
  wireBytes: 0,
  repeatedBytes: 0,
  packetsReceived: 0,
  packetsLost: 0,
  packetsLate: 0,
  packetsRecovered: 0,
  totalSamplesReceived: 0,
  concealedSamples: 0,
  insertedSamplesForDeceleration: 0,
  removedSamplesForAcceleration: 0,
  jitterBufferDelay: 0,
  jitterBufferTargetDelay: 0,
  jitterBufferEmittedCount: 0,
  encodeMs: 0,
  encodedSeconds: 0,
  decodeMs: 0,
  decodedSeconds: 0,
};

describe('the table of metrics', () => {
  it('defines each metric in full sentences, and separates those of lanes from those of runs', () => {
    for (const [id, { definition, label }] of Object.entries(METRICS)) {
      expect(id).toMatch(/^[a-z0-9_]+$/);
      expect(label.length).toBeLessThan(24);
      expect(definition, id).toMatch(/^[A-Z].{40,}\.$/s);
    }
    expect(new Set([...LANE_METRICS, ...RUN_METRICS]).size).toBe(Object.keys(METRICS).length);
    for (const id of ['latency_p50_ms', 'latency_p95_ms', 'bitrate_kbps', 'concealed_ratio']) {
      expect(LANE_METRICS).toContain(id);
    }
    expect(RUN_METRICS).toContain('link_lateness_p99_ms');
  });
});

describe('figures', () => {
  it('cover the time between two readings', () => {
    const after: LaneTotals = {
      ...TOTALS,
      atMs: 6000,
      packetsSent: 250,
      packetsReceived: 237,
      packetsLost: 12,
      copiesSent: 375,
      payloadBytes: 20_000,
      wireBytes: 40_000,
      totalSamplesReceived: 240_000,
      concealedSamples: 2400,
      insertedSamplesForDeceleration: 1200,
      removedSamplesForAcceleration: 1200,
      jitterBufferDelay: 0.05 * 200_000,
      jitterBufferTargetDelay: 0.06 * 200_000,
      jitterBufferEmittedCount: 200_000,
      encodeMs: 50,
      encodedSeconds: 5,
      decodeMs: 10,
      decodedSeconds: 4,
    };
    const figures = laneFigures(TOTALS, after, null, 'between');
    expect(figures).toMatchObject({
      latency_p50_ms: null,
      bitrate_kbps: 64,
      payload_kbps: 32,
      packets_sent: 250,
      packets_under_way: 1,
      copies_per_packet: 1.5,
      concealed_ratio: 0.01,
      time_scaled_ratio: 0.01,
      encode_ms_per_s: 10,
      decode_ms_per_s: 2.5,
    });
    expect(figures.loss_ratio).toBeCloseTo(12 / 249, 12);
    expect(figures.playout_delay_ms).toBeCloseTo(50, 9);
    expect(figures.playout_target_ms).toBeCloseTo(60, 9);
  });

  it('are unknown where a lane has none, or no time has passed', () => {
    const without = { ...TOTALS, concealedSamples: null, encodeMs: null };
    expect(laneFigures(without, { ...without, atMs: 2000 }, null, 'between')).toMatchObject({
      concealed_ratio: null,
      encode_ms_per_s: null,
      loss_ratio: null,
    });
    expect(laneFigures(null, { ...TOTALS, wireBytes: 500 }, null, 'all').bitrate_kbps).toBeNull();
    expect(laneFigures(TOTALS, null, null, 'all')).toEqual(NO_FIGURES);
  });

  it('count packets since the opening if requested', () => {
    const before = { ...TOTALS, packetsSent: 100 };
    const after = { ...TOTALS, packetsSent: 150 };
    expect(laneFigures(before, after, null, 'all').packets_sent).toBe(150);
    expect(laneFigures(before, after, null, 'between').packets_sent).toBe(50);
  });
});

describe('packets within a measured time', () => {
  /** A lane that sends a packet every 20 ms over a network with jitter, reordering and loss; read every so often. */
  function readings(seed: number): LaneTotals[] {
    const random = seededRandom(seed);
    const arrivals = new Arrivals(0);
    const packets = Array.from({ length: 1500 }, (_, sequence) => ({
      sequence,
      at: random() < 0.08 ? Infinity : sequence * 20 + 60 + 90 * random(),
    }));
    const coming = packets.toSorted((a, b) => a.at - b.at);
    const taken: LaneTotals[] = [];
    for (let now = 0; now < 25_000; now += 300 + 900 * random()) {
      while (coming.length > 0 && coming[0]!.at <= now) arrivals.add(coming.shift()!.sequence);
      taken.push({
        ...TOTALS,
        atMs: now,
        packetsSent: Math.floor(now / 20) + 1,
        packetsReceived: arrivals.received,
        packetsLost: arrivals.lost,
      });
    }
    return taken;
  }

  it('add up: sent are received, lost, or more under way than before', () => {
    let shrank = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const taken = readings(seed);
      for (let i = 1; i < taken.length; i++) {
        const figures = laneFigures(taken[i - 1]!, taken[i]!, null, 'between');
        const { packets_sent, packets_received, packets_lost, packets_under_way } = figures;
        expect(packets_received! + packets_lost! + packets_under_way!).toBe(packets_sent);
        if (packets_under_way! < 0) shrank++;
      }
    }
    expect(shrank).toBeGreaterThan(20);
  });

  it('add up since the opening too, including packets under way at this moment', () => {
    for (const totals of readings(3)) {
      const figures = laneFigures(null, totals, null, 'all');
      const { packets_sent, packets_received, packets_lost, packets_under_way } = figures;
      expect(packets_received! + packets_lost! + packets_under_way!).toBe(packets_sent);
      expect(packets_under_way).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('arrivals', () => {
  it('count each number once, and the missing ones below the highest, in any order', () => {
    const random = seededRandom(3);
    const sent = 3000;
    const arrivals = new Arrivals(0);
    const arriving = Array.from({ length: sent }, (_, sequence) => ({
      sequence,
      at: sequence + 40 * random(),
    })).filter(() => random() > 0.1);
    const doubled = [...arriving, ...arriving.filter(() => random() < 0.05)];
    doubled.sort((a, b) => a.at - b.at);
    for (const { sequence } of doubled) arrivals.add(sequence);
    const highest = Math.max(...arriving.map(({ sequence }) => sequence));
    expect(arrivals.received).toBe(arriving.length);
    expect(arrivals.lost).toBe(highest + 1 - arriving.length);
  });

  it('count packets lost before the first arrival, and subtract late ones', () => {
    const arrivals = new Arrivals(0);
    expect(arrivals.lost).toBe(0);
    arrivals.add(3);
    expect(arrivals.lost).toBe(3);
    expect(arrivals.add(1)).toBe(true);
    expect(arrivals.add(1)).toBe(false);
    expect([arrivals.received, arrivals.lost]).toEqual([2, 2]);
  });
});

describe('bytes on the wire', () => {
  it('include the headers of the standards', () => {
    // 2 + 4 of frame, 32 of TCP, 20 of IP.
    expect(webSocketWireBytes(80)).toBe(80 + 6 + 52);
    // The length takes two bytes more; two segments.
    expect(webSocketWireBytes(1920)).toBe(1920 + 8 + 2 * 52);
    expect(webSocketWireBytes(70_000)).toBe(70_000 + 14 + 49 * 52);
    // Padded to 84; 16 + 12 of SCTP, 22 of DTLS, 28 of UDP and IP.
    expect(dataChannelWireBytes(81)).toBe(84 + 28 + 22 + 28);
    expect(srtpWireBytes(100 + 20, 1)).toBe(120 + 10 + 28);
  });
});

describe('docs/lab-definitions.md', () => {
  it('has every lane and every figure as the page defines them', async () => {
    // Rewrite it with `npx vitest run --project node test/lab-figures.test.ts -u`.
    await expect(labDefinitionsPage()).toMatchFileSnapshot('../docs/lab-definitions.md');
  });
});
