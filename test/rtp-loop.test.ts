import { describe, expect, it } from 'vitest';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import {
  lossPatternBytes,
  readLossPatterns,
  summarizeLosses,
  writeLossPattern,
} from '../src/core/rtp/loss-pattern.ts';
import {
  ntpFraction,
  ntpSeconds,
  isRtcp,
  readReports,
  reportBytes,
  roundTripMs,
  writeReport,
} from '../src/core/rtp/rtcp.ts';
import { ReceptionStatistics } from '../src/core/rtp/reception-statistics.ts';
import { RedundancyController } from '../src/core/rtp/redundancy-controller.ts';
import type { ReceiverReport, SenderReport } from '../src/core/rtp/rtcp.ts';
import { seededRandom } from './helpers/random.ts';

const STREAM: StreamFormat = { format: 'opus', sampleRate: 48_000, channels: 1 };
const FRAMES = 960;
const PACKET_MS = 20;
const REPORT_MS = 1000;
const THERE_MS = 35;
const BACK_MS = 25;
/** The clocks of both ends have nothing in common. */
const RECEIVER_CLOCK_MS = 123_456_789;

interface Message {
  readonly bytes: Uint8Array;
  readonly atMs: number;
}

function opusPacket(sequence: number): Packet {
  const frame = sequence * FRAMES;
  const payload = new Uint8Array(60).fill(sequence);
  payload[0] = 31 << 3; // 20 ms
  return {
    ...STREAM,
    sequence,
    frame,
    frames: FRAMES,
    timestamp: sequence * 20_000,
    dropped: 0,
    payload,
  };
}

/** A call of so many seconds, in which nothing but bytes goes to and fro. */
function call(seconds: number, loss: number, meanRun: number, seed: number) {
  const random = seededRandom(seed);
  const encoder = rtpFraming.createEncoder(STREAM);
  const decoder = rtpFraming.createDecoder(STREAM);
  const controller = new RedundancyController({ bitrate: 24_000 });
  const statistics = new ReceptionStatistics(encoder.ssrc, 48_000);
  const toReceiver: Message[] = [];
  const toSender: Message[] = [];
  const came = new Set<number>();
  const roundTrips: number[] = [];
  let octetCount = 0;
  let bad = false;
  let fractionLost = 0;

  const receive = ({ bytes, atMs }: Message): void => {
    const nowMs = atMs + RECEIVER_CLOCK_MS;
    if (isRtcp(bytes)) {
      for (const report of readReports(bytes)) {
        if (report.type === 'sender') statistics.senderReport(report, nowMs);
      }
      return;
    }
    for (const packet of decoder.decode(bytes)) {
      came.add(packet.sequence);
      if (packet.redundant !== true) statistics.update(packet.sequence, packet.frame, nowMs);
    }
  };
  const report = (atMs: number): Message => {
    const block = statistics.report(atMs + RECEIVER_CLOCK_MS);
    const receiver: ReceiverReport = { type: 'receiver', ssrc: 2, reports: [block] };
    const { begin, came: pattern } = statistics.lossRuns.takePattern();
    const losses = { reporter: 2, ssrc: encoder.ssrc, begin: begin % 65_536, came: pattern };
    const bytes = new Uint8Array(reportBytes(receiver) + lossPatternBytes(losses));
    writeLossPattern(losses, bytes, writeReport(receiver, bytes));
    return { bytes, atMs: atMs + BACK_MS };
  };
  const heed = ({ bytes, atMs }: Message): void => {
    for (const { reports } of readReports(bytes)) {
      for (const block of reports) {
        ({ fractionLost } = block);
        roundTrips.push(roundTripMs(block, atMs));
      }
    }
    for (const { came: pattern } of readLossPatterns(bytes)) {
      const { meanLength } = summarizeLosses(pattern);
      const { copies, spacing } = controller.update({ fractionLost, meanRun: meanLength }, atMs);
      encoder.redundancy = copies;
      encoder.redundancySpacing = spacing;
    }
  };

  const packets = (seconds * 1000) / PACKET_MS;
  for (let sequence = 0; sequence < packets; sequence++) {
    const nowMs = sequence * PACKET_MS;
    while (toReceiver.length > 0 && toReceiver[0]!.atMs <= nowMs) receive(toReceiver.shift()!);
    while (toSender.length > 0 && toSender[0]!.atMs <= nowMs) heed(toSender.shift()!);
    const message = encoder.encode(opusPacket(sequence));
    octetCount += message.length;
    bad = sequence > 0 && random() < (bad ? 1 - 1 / meanRun : loss / meanRun / (1 - loss));
    if (!bad) toReceiver.push({ bytes: message, atMs: nowMs + THERE_MS });
    if (nowMs % REPORT_MS !== 0) continue;
    const sender: SenderReport = {
      type: 'sender',
      ssrc: encoder.ssrc,
      ntpSeconds: ntpSeconds(nowMs),
      ntpFraction: ntpFraction(nowMs),
      rtpTimestamp: (sequence * FRAMES) % 2 ** 32,
      packetCount: sequence,
      octetCount,
      reports: [],
    };
    const bytes = new Uint8Array(reportBytes(sender));
    writeReport(sender, bytes);
    toReceiver.push({ bytes, atMs: nowMs + THERE_MS });
    toSender.push(report(nowMs));
  }
  const second = Math.floor(packets / 2);
  let missing = 0;
  for (let sequence = second; sequence < packets - 20; sequence++) {
    if (!came.has(sequence)) missing++;
  }
  return {
    residual: missing / (packets - 20 - second),
    roundTrips: roundTrips.filter((ms) => !Number.isNaN(ms)),
    jitterMs: statistics.jitter.jitterMs,
    lost: statistics.lost / statistics.expected,
    settings: controller.settings,
    bitrate: (octetCount * 8) / seconds,
  };
}

describe('sender and receiver, with nothing between them but a lossy channel', () => {
  it.each([
    ['none', 0, 1, 0],
    ['5 % at random', 0.05, 1.05, 0.006],
    ['15 % at random', 0.15, 1.18, 0.008],
    ['5 % in runs of 2.5', 0.05, 2.5, 0.015],
  ])('%s: measure loss and round trip, and agree on copies', (_name, loss, meanRun, limit) => {
    const figures = call(120, loss, meanRun, 1);
    expect(figures.residual).toBeLessThanOrEqual(limit);
    expect(figures.lost).toBeCloseTo(loss, 1);
    expect(figures.roundTrips.length).toBeGreaterThan(100);
    // The clocks are read to 15 µs.
    expect(Math.min(...figures.roundTrips)).toBeCloseTo(THERE_MS + BACK_MS, 0);
    expect(Math.max(...figures.roundTrips)).toBeCloseTo(THERE_MS + BACK_MS, 0);
    expect(figures.jitterMs).toBeCloseTo(0, 6);
    expect(figures.settings.copies > 0).toBe(loss > 0);
    if (loss === 0) expect(figures.bitrate).toBe((60 + 12) * 8 * 50);
  });
});
