import { describe, expect, it } from 'vitest';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import type { RtpStreamOptions } from '../src/core/rtp/rtp-stream.ts';
import { AdaptiveRedundancy } from '../src/core/rtp/adaptive-redundancy.ts';
import { HeaderExtensionCursor } from '../src/core/rtp/header-extensions.ts';
import { readLossPatterns } from '../src/core/rtp/loss-pattern.ts';
import { RedBlocks } from '../src/core/rtp/red.ts';
import { readReports } from '../src/core/rtp/rtcp.ts';
import { RtpPacket } from '../src/core/rtp/rtp-packet.ts';
import { writeRtpHeader } from '../src/core/rtp/rtp-header.ts';

const SIZES = [1024, 32 * 1024, 1024 * 1024] as const;
const OPUS: StreamFormat = { format: 'opus', sampleRate: 48_000, channels: 1 };
const SSRC = rtpFraming.createEncoder(OPUS).ssrc;

/** Bytes that count how often one of them is looked at. What copies whole stretches is the engine's, and counts as one. */
function counted(bytes: Uint8Array): { readonly bytes: Uint8Array; reads: number } {
  const counter = { bytes, reads: 0 };
  counter.bytes = new Proxy(bytes, {
    get(target, property) {
      counter.reads++;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return counter;
}

/** RTCP of `type` with as many of the blocks as fit, in packets as long as they may be. */
function rtcpOf(size: number, type: number, block: Uint8Array, most: number): Uint8Array {
  const message = new Uint8Array(size - (size % 4));
  const view = new DataView(message.buffer);
  let at = 0;
  while (message.length - at >= 8 + block.length) {
    const count = Math.min(most, Math.floor((message.length - at - 8) / block.length));
    const bytes = 8 + count * block.length;
    message[at] = 0x80 | (type === 207 ? 0 : count);
    message[at + 1] = type;
    view.setUint16(at + 2, bytes / 4 - 1);
    for (let i = 0; i < count; i++) message.set(block, at + 8 + i * block.length);
    at += bytes;
  }
  return message.slice(0, at);
}

/** A loss block of 20 bytes about 65,532 packets, all of them lost. */
const BOMB = new Uint8Array(20);
{
  const view = new DataView(BOMB.buffer);
  view.setUint8(0, 1);
  view.setUint16(2, 4);
  view.setUint32(4, SSRC);
  view.setUint16(8, 5);
  view.setUint16(10, 1);
  for (let chunk = 0; chunk < 4; chunk++) view.setUint16(12 + 2 * chunk, 0x3fff);
}

const REPORT = new Uint8Array(24);
new DataView(REPORT.buffer).setUint32(0, SSRC);

/** At most so many looks at each byte. */
const LOOKS = 8;

describe.each(SIZES)('of a hostile message of %i bytes', (size) => {
  it('loss patterns cost in proportion to its bytes, not to the numbers they claim', () => {
    const message = rtcpOf(size, 207, BOMB, 3000);
    const counter = counted(message);
    expect(() => readLossPatterns(counter.bytes)).toThrow(
      expect.objectContaining({ reason: 'oversized' }),
    );
    expect(counter.reads).toBeLessThan(LOOKS * size);
    // The most that are read, all of them unpacked, and one more.
    const bombs = rtcpOf(16 * 28, 207, BOMB, 1);
    const told = readLossPatterns(bombs).map(({ came }) => came.length);
    expect(told).toEqual(Array(16).fill(65_532));
    expect(() => readLossPatterns(Uint8Array.of(...bombs, ...bombs.subarray(0, 28)))).toThrow(
      'loss patterns must tell about at most 1048576 packets, got 1114044.',
    );
  });

  it('reports cost in proportion to its bytes', () => {
    const message = rtcpOf(size, 201, REPORT, 31);
    const counter = counted(message);
    const reports = readReports(counter.bytes);
    const blocks = reports.reduce((sum, { reports: some }) => sum + some.length, 0);
    expect(blocks).toBeGreaterThan(size / 26);
    expect(blocks).toBeLessThanOrEqual(size / 24);
    expect(counter.reads).toBeLessThan(LOOKS * size);
    // Packets of 4 bytes, of a type that nobody knows.
    const empty = new Uint8Array(size).map((_, i) => [0x80, 204, 0, 0][i % 4]!);
    const small = counted(empty);
    expect(readReports(small.bytes)).toEqual([]);
    expect(small.reads).toBeLessThan(LOOKS * size);
  });

  it('the answer of a sender to both costs no more', () => {
    const encoder = rtpFraming.createEncoder(OPUS);
    const sender = new AdaptiveRedundancy(encoder, { bitrate: 24_000 });
    for (const message of [rtcpOf(size, 207, BOMB, 3000), rtcpOf(size, 201, REPORT, 31)]) {
      const counter = counted(message);
      sender.receive(counter.bytes, 1000);
      // Reports and patterns are looked for one after the other.
      expect(counter.reads).toBeLessThan(2 * LOOKS * size);
    }
  });

  it('header extensions, redundant blocks and packets cost in proportion to its bytes', () => {
    const message = new Uint8Array(size);
    writeRtpHeader({ payloadType: 112, sequenceNumber: 1, timestamp: 2 ** 31, ssrc: 7 }, message);
    // Thirty-one copies of one byte, as far back as they may be.
    let at = 12;
    for (let block = 0; block < 31; block++, at += 4) message.set([0x80 | 111, 0xff, 0xfc, 1], at);
    message[at++] = 111;
    message.fill(31 << 3, at);
    const counter = counted(message);
    const packet = new RtpPacket().parse(counter.bytes);
    expect(new RedBlocks().parse(counter.bytes, 12, size - 12)).toBe(32);
    expect(packet.payloadBytes).toBe(size - 12);
    expect(counter.reads).toBeLessThan(500);
    const samples: RtpStreamOptions = {
      format: 'mulaw',
      sampleRate: 48_000,
      channels: 1,
      payloadType: 111,
    };
    const decoder = rtpFraming.createDecoder(samples);
    const parts = decoder.decode(message);
    expect(parts.length).toBe(32);
    const bytes = parts.reduce((sum, { payload }) => sum + payload.length, 0);
    expect(bytes).toBeLessThanOrEqual(size);

    const words = Math.min(65_535, Math.floor((size - 16) / 4));
    const extended = new Uint8Array(16 + 4 * words);
    writeRtpHeader({ payloadType: 111, sequenceNumber: 1, timestamp: 0, ssrc: 7 }, extended);
    extended[0]! |= 0x10;
    extended.set([0xbe, 0xde, words >> 8, words & 255], 12);
    for (let i = 16; i < extended.length; i += 2) extended[i] = 0x10;
    const seen = counted(extended);
    const cursor = new HeaderExtensionCursor();
    cursor.begin(new RtpPacket().parse(seen.bytes));
    let elements = 0;
    while (cursor.next()) elements++;
    expect(elements).toBe(2 * words);
    expect(seen.reads).toBeLessThan(LOOKS * extended.length);
  });
});
