import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import { AdaptiveRedundancy } from '../src/core/rtp/adaptive-redundancy.ts';
import {
  lossPatternBytes,
  readLossPatterns,
  writeLossPattern,
} from '../src/core/rtp/loss-pattern.ts';
import { LossReporter } from '../src/core/rtp/loss-reporter.ts';
import type { RedundancyControllerOptions } from '../src/core/rtp/redundancy-controller.ts';
import { isRtcp, readReports, reportBytes, writeReport } from '../src/core/rtp/rtcp.ts';
import type { ReportBlock } from '../src/core/rtp/rtcp.ts';
import { seededRandom } from './helpers/random.ts';

const STREAM: StreamFormat = { format: 'opus', sampleRate: 48_000, channels: 1 };
const FRAMES = 960;
const PACKET_MS = 20;
const PACKETS_A_SECOND = 1000 / PACKET_MS;
const PAYLOAD_BYTES = 60;
/** The clocks of both ends have nothing in common. */
const RECEIVER_CLOCK_MS = 987_654_321;

interface Message {
  readonly bytes: Uint8Array;
  readonly atMs: number;
}

/** What the channel does to messages, in both directions. */
interface Weather {
  readonly loss: number;
  /** Packets of a run of lost ones on average. @default as it is by chance */
  readonly meanRun?: number;
  readonly delayMs?: number;
  /** Added to the delay, evenly from 0: what is sent earlier may come later. */
  readonly jitterMs?: number;
}

function opusPacket(sequence: number): Packet {
  const payload = new Uint8Array(PAYLOAD_BYTES).fill(sequence);
  payload[0] = 31 << 3; // 20 ms
  return {
    ...STREAM,
    sequence,
    frame: sequence * FRAMES,
    frames: FRAMES,
    timestamp: sequence * PACKET_MS * 1000,
    dropped: 0,
    payload,
  };
}

/** Both ends of a channel that carries sound there and reports back, and loses of both. */
class Channel {
  readonly encoder = rtpFraming.createEncoder(STREAM);
  readonly sender: AdaptiveRedundancy;
  readonly reporter = new LossReporter(STREAM);
  /** Copies in each packet that was sent. */
  readonly copies: number[] = [];
  reports = 0;
  reportedBytes = 0;
  readonly #decoder = rtpFraming.createDecoder(STREAM);
  readonly #random: () => number;
  readonly #came = new Set<number>();
  #there: Message[] = [];
  #back: Message[] = [];
  #bad = false;

  constructor(seed: number, options: RedundancyControllerOptions = { bitrate: 24_000 }) {
    this.sender = new AdaptiveRedundancy(this.encoder, options);
    this.#random = seededRandom(seed);
  }

  run(seconds: number, weather: Weather): void {
    const { loss, meanRun = 1 / (1 - loss), delayMs = 40, jitterMs = 0 } = weather;
    const end = this.copies.length + seconds * PACKETS_A_SECOND;
    const arrival = (nowMs: number) => nowMs + delayMs + jitterMs * this.#random();
    for (let sequence = this.copies.length; sequence < end; sequence++) {
      const nowMs = sequence * PACKET_MS;
      for (const { bytes, atMs } of this.#due('there', nowMs)) {
        for (const packet of this.#decoder.decode(bytes)) {
          this.#came.add(packet.sequence);
          const report = this.reporter.receive(packet, atMs + RECEIVER_CLOCK_MS);
          if (report === null) continue;
          expect(isRtcp(report)).toBe(true);
          this.reports++;
          this.reportedBytes += report.length;
          if (this.#random() >= loss) this.#back.push({ bytes: report, atMs: arrival(atMs) });
        }
      }
      for (const { bytes, atMs } of this.#due('back', nowMs)) this.sender.receive(bytes, atMs);
      const bytes = this.encoder.encode(opusPacket(sequence));
      this.copies.push(this.encoder.redundancy);
      const enter = loss === 0 ? 0 : loss / meanRun / (1 - loss);
      this.#bad = this.#random() < (this.#bad ? 1 - 1 / meanRun : enter);
      if (!this.#bad) this.#there.push({ bytes, atMs: arrival(nowMs) });
    }
  }

  /** Packets of the last seconds whose sound did not come by any message, as a part of all; the newest may be under way. */
  missing(seconds: number): number {
    const to = this.copies.length - PACKETS_A_SECOND;
    const from = this.copies.length - seconds * PACKETS_A_SECOND;
    let missing = 0;
    for (let sequence = from; sequence < to; sequence++) {
      if (!this.#came.has(sequence)) missing++;
    }
    return missing / (to - from);
  }

  #due(way: 'there' | 'back', nowMs: number): Message[] {
    const queue = way === 'there' ? this.#there : this.#back;
    const late = queue.filter(({ atMs }) => atMs > nowMs);
    if (way === 'there') this.#there = late;
    else this.#back = late;
    return queue.filter(({ atMs }) => atMs <= nowMs).sort((a, b) => a.atMs - b.atMs);
  }
}

/** Seconds from a packet on until packets carry so many copies; Infinity where they never do. */
function secondsUntil(channel: Channel, from: number, copies: (count: number) => boolean): number {
  const at = channel.copies.findIndex((count, i) => i >= from && copies(count));
  return at < 0 ? Infinity : (at - from) / PACKETS_A_SECOND;
}

describe('adaptive redundancy, over a channel that loses audio and reports alike', () => {
  it('without loss, costs nothing but a report of 76 bytes a second', () => {
    const channel = new Channel(1);
    channel.run(60, { loss: 0 });
    expect(Math.max(...channel.copies)).toBe(0);
    expect(channel.sender.loss).toBe(0);
    expect(channel.reports).toBeGreaterThanOrEqual(57);
    expect(channel.reports).toBeLessThanOrEqual(60);
    expect(channel.reportedBytes / channel.reports).toBeLessThanOrEqual(76);
  });

  it('does not count packets that overtake each other as lost', () => {
    const channel = new Channel(2);
    channel.run(60, { loss: 0, jitterMs: 150 });
    expect(Math.max(...channel.copies)).toBe(0);
    expect(channel.sender.loss).toBeLessThan(0.005);
  });

  it.each([
    ['5 % at random', { loss: 0.05 }, 1, 0.006],
    ['15 % at random', { loss: 0.15 }, 2, 0.009],
    ['5 % in runs of 3', { loss: 0.05, meanRun: 3 }, 1, 0.018],
  ])(
    '%s: restores most packets, or nearly all, from four seconds on',
    (_name, weather, least, limit) => {
      const channel = new Channel(3);
      channel.run(10, { loss: 0 });
      channel.run(110, weather);
      expect(secondsUntil(channel, 10 * PACKETS_A_SECOND, (copies) => copies > 0)).toBeLessThan(4);
      const last = channel.copies.slice(-100 * PACKETS_A_SECOND);
      expect(last.filter((copies) => copies >= least).length / last.length).toBeGreaterThan(0.95);
      expect(channel.missing(100)).toBeLessThan(limit);
    },
  );

  it('stops sending copies when the channel is clean', () => {
    const channel = new Channel(4);
    channel.run(60, { loss: 0.1 });
    expect(channel.copies.at(-1)).toBeGreaterThan(0);
    const from = channel.copies.length;
    channel.run(60, { loss: 0 });
    const seconds = secondsUntil(channel, from, (copies) => copies === 0);
    expect(seconds).toBeGreaterThan(10);
    expect(seconds).toBeLessThan(40);
    expect(channel.copies.at(-1)).toBe(0);
    expect(channel.sender.settings.expectedLossPercent).toBe(0);
  });

  it('stays below its bitrate limit, and reports the remaining loss to Opus', () => {
    // Payload and one copy: 24 kb/s each, headers 7 kb/s.
    const channel = new Channel(5, { bitrate: 24_000, maxBitrate: 60_000 });
    channel.run(60, { loss: 0.2 });
    expect(Math.max(...channel.copies)).toBe(1);
    const { fec, expectedLossPercent } = channel.sender.settings;
    expect(fec).toBe(true);
    expect(expectedLossPercent).toBeGreaterThanOrEqual(3);
  });

  it('puts copies further apart when losses come in runs', () => {
    const alone = new Channel(6);
    alone.run(60, { loss: 0.05 });
    const runs = new Channel(6);
    runs.run(60, { loss: 0.05, meanRun: 3 });
    expect(alone.sender.settings.spacing).toBe(1);
    expect(runs.sender.settings.spacing).toBeGreaterThan(1);
  });
});

describe('the sender with adaptive redundancy', () => {
  const BLOCK: ReportBlock = {
    ssrc: rtpFraming.createEncoder(STREAM).ssrc,
    fractionLost: 0,
    packetsLost: 0,
    highestSequence: 0,
    jitter: 0,
    lastSenderReport: 0,
    delaySinceSenderReport: 0,
  };
  const message = (block: Partial<ReportBlock>) => {
    const report = { type: 'receiver', ssrc: 1, reports: [{ ...BLOCK, ...block }] } as const;
    const bytes = new Uint8Array(reportBytes(report));
    writeReport(report, bytes);
    return bytes;
  };
  /** One whose encoder has sent packets with the numbers `from` up to `to`. */
  const create = (to = 5000, from = 0) => {
    const encoder = rtpFraming.createEncoder(STREAM);
    const send = (first: number, behind: number) => {
      for (let sequence = first; sequence < behind; sequence++) {
        encoder.encode(opusPacket(sequence));
      }
    };
    send(from, to);
    return { sender: new AdaptiveRedundancy(encoder, { bitrate: 24_000 }), encoder, send };
  };
  const patternOf = (begin: number, came: readonly number[]) => {
    const pattern = { reporter: 1, ssrc: BLOCK.ssrc, begin, came: Uint8Array.from(came) };
    const bytes = new Uint8Array(lossPatternBytes(pattern));
    writeLossPattern(pattern, bytes);
    return bytes;
  };

  it('uses only reports about itself, and each only once', () => {
    const { sender } = create();
    sender.receive(message({ ssrc: 7, fractionLost: 0.5, packetsLost: 25 }), 0);
    expect(sender.loss).toBe(0);
    sender.receive(message({ packetsLost: 3, highestSequence: 50 }), 0);
    sender.receive(message({ packetsLost: 11, highestSequence: 114 }), 1000);
    expect(sender.loss).toBe(0.125);
    for (let i = 0; i < 20; i++) {
      sender.receive(message({ packetsLost: 11, highestSequence: 114 }), 1000 + i);
    }
    expect(sender.loss).toBe(0.125);
  });

  it('computes loss from totals, so that a lost report hides nothing', () => {
    const { sender } = create();
    sender.receive(message({ highestSequence: 50 }), 1000);
    // In between 50 packets were lost, of which a report told that did not come.
    sender.receive(message({ fractionLost: 0, packetsLost: 50, highestSequence: 150 }), 3000);
    expect(sender.loss).toBeGreaterThan(0.2);
  });

  it('continues if the highest number wraps, if the receiver restarts its counts, and if the sender does', () => {
    const wrapped = create(2 ** 32 + 50, 2 ** 32 - 100).sender;
    wrapped.receive(message({ highestSequence: 2 ** 32 - 25 }), 1000);
    wrapped.receive(message({ packetsLost: 25, highestSequence: 25 }), 2000);
    expect(wrapped.loss).toBeGreaterThan(0.2);

    const { sender: another, send } = create(30_000);
    // The receiver has heard 65,536 more than there are, it says: it began elsewhere. Then another one takes its place.
    another.receive(message({ packetsLost: 10_000, highestSequence: 65_536 + 29_000 }), 1000);
    for (let second = 2; second < 30; second++) {
      send(30_000 + 50 * (second - 2), 30_000 + 50 * (second - 1));
      const totals = { packetsLost: 5 * second, highestSequence: 29_900 + 50 * second };
      another.receive(message(totals), second * 1000);
    }
    expect(another.loss).toBeCloseTo(0.1, 2);

    const { sender: restarted, send: again } = create(30_000);
    restarted.receive(message({ packetsLost: 4000, highestSequence: 29_900 }), 1000);
    for (let second = 1; second < 30; second++) {
      again(50 * (second - 1), 50 * second);
      const totals = { packetsLost: 5 * second, highestSequence: 50 * second - 5 };
      restarted.receive(message(totals), 1000 + second * 1000);
    }
    expect(restarted.loss).toBeCloseTo(0.1, 2);
  });

  it('ignores reports that cannot be true', () => {
    const nothing = new AdaptiveRedundancy(rtpFraming.createEncoder(STREAM), { bitrate: 24_000 });
    for (let second = 1; second < 10; second++) {
      const totals = { packetsLost: 25 * second, highestSequence: 50 * second };
      nothing.receive(message(totals), second * 1000);
    }
    expect([nothing.loss, nothing.settings.copies]).toEqual([0, 0]);

    const impossible: readonly (readonly [string, Uint8Array])[] = [
      ['a packet never sent', message({ packetsLost: 900, highestSequence: 4001 })],
      ['before the first', message({ packetsLost: 900, highestSequence: 99 })],
      ['nothing received', message({ packetsLost: 900, highestSequence: 0 })],
      ['another round', message({ packetsLost: 900, highestSequence: 40_000 })],
      ['more lost than sent', message({ packetsLost: 3000, highestSequence: 3050 })],
      ['more doubled than sent', message({ packetsLost: -(2 ** 23), highestSequence: 3050 })],
      ['more lost since than sent since', message({ packetsLost: 2000, highestSequence: 3999 })],
      ['going back', message({ packetsLost: 50, highestSequence: 1000 })],
    ];
    for (const [what, bytes] of impossible) {
      const { sender } = create(4000, 100);
      sender.receive(message({ packetsLost: 5, highestSequence: 3000 }), 1000);
      sender.receive(bytes, 2000);
      expect([what, sender.loss, sender.settings.copies]).toEqual([what, 0, 0]);
      // And the next that is true counts by the last that was.
      sender.receive(message({ packetsLost: 15, highestSequence: 3100 }), 3000);
      expect([what, sender.loss]).toEqual([what, 0.1]);
    }
  });

  it('ignores loss patterns about packets that were never sent or already reported', () => {
    const spacingAfter = (...patterns: Uint8Array[]) => {
      const { sender, encoder } = create(4000, 100);
      sender.receive(message({ highestSequence: 200 }), 0);
      for (const bytes of patterns) sender.receive(bytes, 500);
      for (let second = 1; second < 20; second++) {
        const totals = { packetsLost: 5 * second, highestSequence: 200 + 100 * second };
        sender.receive(message(totals), 1000 * second);
      }
      expect(encoder.redundancy).toBeGreaterThan(0);
      return encoder.redundancySpacing;
    };
    const runs = Array.from({ length: 300 }, (_, i) => (i % 30 < 3 ? 0 : 1));
    const alone = Array.from({ length: 300 }, (_, i) => (i % 10 === 0 ? 0 : 1));
    expect(spacingAfter()).toBe(1);
    expect(spacingAfter(patternOf(500, runs))).toBeGreaterThan(1);
    expect(spacingAfter(patternOf(3750, runs))).toBe(1); // up to 4049
    expect(spacingAfter(patternOf(50, runs))).toBe(1); // from before the first
    expect(spacingAfter(patternOf(40_000, runs))).toBe(1);
    const once = spacingAfter(patternOf(500, runs), patternOf(1000, alone));
    const again = Array.from({ length: 50 }, () => patternOf(500, runs));
    expect(spacingAfter(patternOf(500, runs), patternOf(1000, alone), ...again)).toBe(once);
  });

  it('throws nothing but PacketError, for any bytes', () => {
    const random = seededRandom(7);
    const { sender } = create();
    const channel = new Channel(8);
    channel.run(5, { loss: 0.3 });
    const good = message({ fractionLost: 0.1, packetsLost: 5, highestSequence: 99 });
    let refused = 0;
    for (let i = 0; i < 5000; i++) {
      const bytes = good.slice(0, random() < 0.2 ? Math.floor(random() * good.length) : undefined);
      for (let changes = Math.floor(random() * 4); changes > 0; changes--) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      }
      try {
        sender.receive(bytes, i);
      } catch (error) {
        if (!(error instanceof PacketError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
    expect(sender.loss).toBeGreaterThanOrEqual(0);
    expect(sender.loss).toBeLessThanOrEqual(1);
  });
});

describe('the receiver’s reports', () => {
  it('are about the given source and its numbers', () => {
    const stream = { ...STREAM, ssrc: 99, sequenceOffset: 65_500 };
    const reporter = new LossReporter(stream, { intervalMs: 2000, reporter: 5 });
    const times: number[] = [];
    let last = new Uint8Array();
    for (let sequence = 0; sequence < 300; sequence++) {
      if (sequence === 100) continue;
      const nowMs = sequence * PACKET_MS;
      expect(reporter.receive({ ...opusPacket(sequence), redundant: true }, nowMs)).toBeNull();
      const report = reporter.receive(opusPacket(sequence), nowMs);
      if (report === null) continue;
      times.push(nowMs);
      last = report;
    }
    expect(times).toEqual([2020, 4020]);
    expect(readReports(last)).toMatchObject([
      {
        type: 'receiver',
        ssrc: 5,
        reports: [{ ssrc: 99, packetsLost: 1, highestSequence: 65_500 + 201, jitter: 0 }],
      },
    ]);
    const [pattern] = readLossPatterns(last);
    expect(pattern).toMatchObject({ reporter: 5, ssrc: 99 });
    expect((pattern!.begin + pattern!.came.indexOf(0)) % 65_536).toBe((65_500 + 100) % 65_536);
  });

  it('require an interval from 0.1 to 60 s', () => {
    expect(() => new LossReporter(STREAM, { intervalMs: 99 })).toThrow(RangeError);
    expect(() => new LossReporter(STREAM, { reporter: -1 })).toThrow(RangeError);
    expect(() => new LossReporter({ ...STREAM, format: 'f32' })).toThrow(TypeError);
  });
});
