import { describe, expect, it } from 'vitest';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import type { RtpStreamOptions } from '../src/core/rtp/rtp-stream.ts';
import { RedBlocks, writeRedBlockHeader, writeRedPrimaryHeader } from '../src/core/rtp/red.ts';
import { writeRtpHeader } from '../src/core/rtp/rtp-header.ts';
import { RtpPacket } from '../src/core/rtp/rtp-packet.ts';
import { rtpClockRate, rtpMap, rtpPayloadType } from '../src/core/rtp/rtp-payload-format.ts';
import { MAX_MISORDER } from '../src/core/rtp/stream-continuity.ts';
import { bytesOf } from './helpers/hex.ts';
import { opusLibrary } from './helpers/opus.ts';
import { outcomeOf } from './helpers/outcome.ts';
import { randomPackets } from './helpers/packet-streams.ts';
import { seededRandom } from './helpers/random.ts';
import { speech } from './helpers/speech.ts';

const OPUS: StreamFormat = { format: 'opus', sampleRate: 48_000, channels: 1 };
const SPEECH: StreamFormat = { format: 's16', sampleRate: 16_000, channels: 1 };
/** A packet of Opus of 20 ms (RFC 6716 table 2: CELT, fullband, code 0), and how many frames of 48 kHz that is. */
const TOC_20_MS = 31 << 3;
const FRAMES_20_MS = 960;

/** 20 ms of Opus each, in a row. */
function opusPackets(count: number, payloadBytes = 50, from = 0): Packet[] {
  return Array.from({ length: count }, (_, i) => {
    const sequence = from + i;
    const payload = new Uint8Array(payloadBytes).fill(i);
    payload[0] = TOC_20_MS;
    const frame = sequence * FRAMES_20_MS;
    const timestamp = sequence * 20_000;
    return { ...OPUS, sequence, frame, frames: FRAMES_20_MS, timestamp, dropped: 0, payload };
  });
}

/** A message by hand: RED with one copy, or plain. */
function message(
  sequenceNumber: number,
  timestamp: number,
  payload: Uint8Array,
  copy?: { readonly offset: number; readonly payload: Uint8Array; readonly type?: number },
): Uint8Array {
  const bytes = new Uint8Array(2000);
  const payloadType = copy === undefined ? 111 : 112;
  let at = writeRtpHeader({ payloadType, sequenceNumber, timestamp, ssrc: 5 }, bytes);
  if (copy !== undefined) {
    at = writeRedBlockHeader(copy.type ?? 111, copy.offset, copy.payload.length, bytes, at);
    at = writeRedPrimaryHeader(111, bytes, at);
    bytes.set(copy.payload, at);
    at += copy.payload.length;
  }
  bytes.set(payload, at);
  return bytes.slice(0, at + payload.length);
}

const payload20Ms = Uint8Array.of(TOC_20_MS, 1);

describe('a packet as RTP', () => {
  it('has twelve bytes of header, and samples in network byte order', () => {
    const stream: RtpStreamOptions = { ...SPEECH, ssrc: 0xdead_beef };
    const sent: Packet = {
      ...SPEECH,
      sequence: 0x1_0003,
      frame: 0x1_0000_0005,
      frames: 2,
      timestamp: Math.round((0x1_0000_0005 / 16_000) * 1e6),
      dropped: 0,
      payload: bytesOf('00 80 ff 7f'), // −32768, 32767, little-endian
    };
    expect(rtpFraming.createEncoder(stream).encode(sent)).toEqual(
      bytesOf(`
        80           // V=2
        e0           // M=1, for it is the first; PT=96
        00 03        // the last 16 bits of the sequence
        00 00 00 05  // the last 32 bits of the frame
        de ad be ef  // SSRC
        80 00 7f ff  // −32768, 32767, big-endian`),
    );
  });

  it.each([
    [{ format: 'opus', sampleRate: 16_000, channels: 1 }, 111, 'opus/48000/2', 48_000],
    [{ format: 's16', sampleRate: 44_100, channels: 2 }, 10, 'L16/44100/2', 44_100],
    [{ format: 's16', sampleRate: 44_100, channels: 1 }, 11, 'L16/44100', 44_100],
    [{ format: 's16', sampleRate: 16_000, channels: 1 }, 96, 'L16/16000', 16_000],
    [{ format: 's24', sampleRate: 48_000, channels: 2 }, 97, 'L24/48000/2', 48_000],
    [{ format: 'mulaw', sampleRate: 8000, channels: 1 }, 0, 'PCMU/8000', 8000],
    [{ format: 'mulaw', sampleRate: 16_000, channels: 1 }, 98, 'PCMU/16000', 16_000],
    [{ format: 'alaw', sampleRate: 8000, channels: 1 }, 8, 'PCMA/8000', 8000],
  ] as const)('%j has payload type %s, %s in SDP', (stream, type, map, clockRate) => {
    expect(rtpPayloadType(stream)).toBe(type);
    expect(rtpMap(stream)).toBe(map);
    expect(rtpClockRate(stream)).toBe(clockRate);
  });

  it.each([
    ['format', { format: 'f32' }, TypeError],
    ['sampleRate', { format: 'opus', sampleRate: 44_100 }, RangeError],
    ['sampleRate', { sampleRate: 100 }, RangeError],
    ['channels', { format: 'opus', sampleRate: 48_000, channels: 3 }, RangeError],
    ['payloadType', { payloadType: 128 }, RangeError],
    ['redPayloadType', { redPayloadType: -1 }, RangeError],
    ['payloadType', { payloadType: 112 }, RangeError],
    ['redPayloadType', { redPayloadType: 96 }, RangeError],
    ['redPayloadType', { payloadType: 63, redPayloadType: 63 }, RangeError],
    ['sequenceOffset', { sequenceOffset: 65_536 }, RangeError],
    ['timestampOffset', { timestampOffset: 0.5 }, RangeError],
    ['ssrc', { ssrc: 2 ** 32 }, RangeError],
  ] as const)('is refused where RTP cannot carry its %s: %j', (name, changes, error) => {
    const stream: RtpStreamOptions = { ...SPEECH, ...changes };
    expect(() => rtpFraming.createEncoder(stream)).toThrow(error);
    expect(() => rtpFraming.createEncoder(stream)).toThrow(name);
    expect(() => rtpFraming.createDecoder(stream)).toThrow(error);
  });

  it('counts Opus at 48 kHz, whatever the rate of the audio', () => {
    for (const sampleRate of [8000, 12_000, 16_000, 24_000]) {
      const stream: StreamFormat = { format: 'opus', sampleRate, channels: 1 };
      const sent = randomPackets(stream, 20, seededRandom(1));
      const encoder = rtpFraming.createEncoder(stream);
      const timestamps = sent.map(
        (packet) => new RtpPacket().parse(encoder.encode(packet)).timestamp,
      );
      expect(timestamps).toEqual(sent.map(({ frame }) => (frame * 48_000) / sampleRate));
    }
  });
});

describe('a stream as RTP', () => {
  it('extends sequence numbers and timestamps that wrap', () => {
    const encoder = rtpFraming.createEncoder(OPUS);
    const decoder = rtpFraming.createDecoder(OPUS);
    // 5 million packets in steps of 20,000: 76 rounds of sequence numbers, one and more of timestamps.
    for (let sequence = 0; sequence < 5_000_000; sequence += 20_000) {
      const [sent] = opusPackets(1, 3, sequence);
      expect(decoder.decode(encoder.encode(sent!))).toEqual([sent]);
    }
  });

  it('may begin anywhere, if both ends know the offsets', () => {
    const stream: RtpStreamOptions = {
      ...OPUS,
      sequenceOffset: 65_000,
      timestampOffset: 2 ** 32 - 1000,
    };
    const encoder = rtpFraming.createEncoder(stream);
    const decoder = rtpFraming.createDecoder(stream);
    const sent = opusPackets(1000, 3);
    const messages = sent.map((packet) => encoder.encode(packet));
    const numbers = messages.map((bytes) => new RtpPacket().parse(bytes).sequenceNumber);
    expect(numbers).toEqual(sent.map(({ sequence }) => (sequence + 65_000) % 65_536));
    expect(messages.flatMap((bytes) => decoder.decode(bytes))).toEqual(sent);
  });

  it('distinguishes frames dropped by the sender from packets lost on the way', () => {
    const decoder = rtpFraming.createDecoder(OPUS);
    const droppedOf = (sequence: number, frame: number) =>
      decoder.decode(message(sequence, frame, payload20Ms)).at(-1)!.dropped;
    expect(droppedOf(10, 5000)).toBe(0); // the first: nobody knows
    expect(droppedOf(11, 5960)).toBe(0);
    expect(droppedOf(12, 7000)).toBe(80); // the timestamp jumps, and no packet is missing
    expect(droppedOf(14, 9000)).toBe(0); // 13 is missing, and took its frames along
    expect(droppedOf(13, 8000)).toBe(0); // late
    expect(droppedOf(15, 9960)).toBe(0);
  });

  it('sets the marker if the audio does not continue from the packet before (RFC 3551 §4.1)', () => {
    const encoder = rtpFraming.createEncoder(OPUS);
    const [a, b, c, d] = opusPackets(4);
    const markerOf = (packet: Packet) => new RtpPacket().parse(encoder.encode(packet)).marker;
    expect([a!, b!, d!].map(markerOf)).toEqual([true, false, true]);
    encoder.reset();
    expect([a!, b!, { ...c!, dropped: 1 }].map(markerOf)).toEqual([true, false, true]);
    for (const first of [b!, c!]) {
      encoder.reset();
      expect(markerOf(first)).toBe(true);
    }
    const later = rtpFraming.createEncoder(OPUS).encode(b!);
    expect(new RtpPacket().parse(later).marker).toBe(true);
  });

  it('reports the first and the last number that was sent, as the wire counts them', () => {
    const encoder = rtpFraming.createEncoder({ ...OPUS, sequenceOffset: 100 });
    const sentAfter = (sequence: number) => {
      encoder.encode(opusPackets(1, 3, sequence)[0]!);
      return [encoder.firstSent, encoder.lastSent];
    };
    expect([encoder.firstSent, encoder.lastSent]).toEqual([-1, -1]);
    expect(sentAfter(5000)).toEqual([5100, 5100]);
    expect(sentAfter(5002)).toEqual([5100, 5102]);
    expect(sentAfter(5001)).toEqual([5100, 5102]); // overtaken
    expect(sentAfter(5002 - MAX_MISORDER)).toEqual([5100, 5102]); // by as much as may be
    expect(sentAfter(5001 - MAX_MISORDER)).toEqual([5101 - MAX_MISORDER, 5101 - MAX_MISORDER]);
    expect(sentAfter(0)).toEqual([100, 100]); // a caller who has restarted
    encoder.reset();
    expect([encoder.firstSent, encoder.lastSent]).toEqual([-1, -1]);
    expect(sentAfter(7)).toEqual([107, 107]);
  });

  it('counts dropped frames even if a frame is several units of the clock', () => {
    const decoder = rtpFraming.createDecoder({ ...OPUS, sampleRate: 16_000 });
    const read = (sequence: number, tick: number) =>
      decoder.decode(message(sequence, tick, payload20Ms))[0];
    // Three units for each of its 320 frames, and a sender whose first is no multiple of them.
    expect(read(10, 2)).toMatchObject({ frame: 0, frames: 320, dropped: 0 });
    expect(read(11, 962)).toMatchObject({ frame: 320, dropped: 0 });
    expect(read(12, 1922 + 15)).toMatchObject({ frame: 645, dropped: 5 });
  });

  it('has one source: the first that is heard, or the configured one', () => {
    const [first] = opusPackets(1);
    const from = (ssrc: number) => rtpFraming.createEncoder({ ...OPUS, ssrc }).encode(first!);
    const decoder = rtpFraming.createDecoder(OPUS);
    expect(decoder.decode(from(7))).toEqual([first]);
    expect(outcomeOf(() => decoder.decode(from(8)))).toBe('unknown-type');
    expect(decoder.statistics).toMatchObject({ packetsReceived: 1, strays: 1, restarts: 0 });
    decoder.reset();
    expect(decoder.statistics).toMatchObject({ packetsReceived: 0, strays: 0 });
    expect(decoder.decode(from(8))).toEqual([first]);
    const strict = rtpFraming.createDecoder({ ...OPUS, ssrc: 9 });
    expect(outcomeOf(() => strict.decode(from(8)))).toBe('unknown-type');
    strict.reset();
    expect(outcomeOf(() => strict.decode(from(8)))).toBe('unknown-type');
    expect(strict.decode(from(9))).toEqual([first]);
  });

  it('refuses anything but its packets, and continues', () => {
    const decoder = rtpFraming.createDecoder(OPUS);
    const reason = (bytes: Uint8Array) => outcomeOf(() => decoder.decode(bytes));
    // Whose packets those are nobody knows yet.
    const other = message(1, 960, payload20Ms);
    other[1] = 110;
    expect(reason(other)).toBe('unknown-type');
    expect(reason(message(0, 0, payload20Ms))).toBe('read');
    expect(reason(message(1, 960, Uint8Array.of(TOC_20_MS | 3, 0)))).toBe('bad-field');
    expect(decoder.decode(message(65_535, 0, payload20Ms))).toEqual([]); // before the first
    expect(decoder.decode(message(1, 960, payload20Ms))).toMatchObject([
      { sequence: 1, dropped: 0 },
    ]);
    const samples = rtpFraming.createDecoder({ ...SPEECH, payloadType: 111 });
    expect(outcomeOf(() => samples.decode(message(0, 0, new Uint8Array(3))))).toBe('truncated');
  });
});

describe('redundant copies (RFC 2198)', () => {
  it.each([
    [1, 1],
    [2, 1],
    [3, 1],
    [1, 4],
    [2, 3],
    [3, 4],
  ])(
    '%s of them, %s packets apart, restore lost packets, each under its own number',
    (copies, spacing) => {
      const random = seededRandom(copies * 10 + spacing);
      const encoder = rtpFraming.createEncoder(OPUS);
      const decoder = rtpFraming.createDecoder(OPUS);
      encoder.redundancy = copies;
      encoder.redundancySpacing = spacing;
      const sent = opusPackets(1500, 20);
      const came = new Map<number, Packet>();
      const arrived = new Set<number>();
      let bad = false;
      let inOrder = true;
      const primaries: Packet[] = [];
      for (const packet of sent) {
        const bytes = encoder.encode(packet);
        // Gilbert: bursts of two on average, but the first arrives.
        bad = packet.sequence > 0 && (bad ? random() < 0.5 : random() < 0.1);
        if (bad) continue;
        arrived.add(packet.sequence);
        const packets = decoder.decode(bytes);
        primaries.push(packets.at(-1)!);
        inOrder &&= packets.every(
          ({ sequence }, i) => i === 0 || sequence > packets[i - 1]!.sequence,
        );
        for (const one of packets) if (!came.has(one.sequence)) came.set(one.sequence, one);
      }
      expect(inOrder).toBe(true);
      expect(primaries).toEqual(sent.filter(({ sequence }) => arrived.has(sequence)));
      const lost = sent.filter(({ sequence }) => !arrived.has(sequence));
      const expected = lost.filter(({ sequence }) =>
        Array.from({ length: copies }, (_, i) => sequence + (i + 1) * spacing).some((carrier) =>
          arrived.has(carrier),
        ),
      );
      const recovered = lost.flatMap(({ sequence }) => came.get(sequence) ?? []);
      expect(recovered).toEqual(expected.map((packet) => ({ ...packet, redundant: true })));
      expect(recovered.length).toBeGreaterThan(50);
      expect(encoder.skippedCopies).toBe(0);
    },
  );

  it('of samples are restored in their own byte order', () => {
    const encoder = rtpFraming.createEncoder(SPEECH);
    const decoder = rtpFraming.createDecoder(SPEECH);
    encoder.redundancy = 1;
    const sent = Array.from({ length: 3 }, (_, sequence): Packet => ({
      ...SPEECH,
      sequence,
      frame: sequence * 2,
      frames: 2,
      timestamp: sequence * 125,
      dropped: 0,
      payload: Uint8Array.of(sequence, 1, 2, 3),
    }));
    const [, , last] = sent.map((packet) => encoder.encode(packet));
    expect(decoder.decode(last!)).toEqual([{ ...sent[1], redundant: true }, sent[2]]);
  });

  it('are left out if RED cannot hold them: longer than 1023 bytes', () => {
    const encoder = rtpFraming.createEncoder(OPUS);
    const decoder = rtpFraming.createDecoder(OPUS);
    encoder.redundancy = 2;
    const [a, b, c, d] = [1023, 1024, 50, 50].map((bytes, i) => opusPackets(1, bytes, i)[0]!);
    expect(decoder.decode(encoder.encode(a!))).toEqual([a]);
    expect(decoder.decode(encoder.encode(b!))).toEqual([{ ...a, redundant: true }, b]);
    expect(decoder.decode(encoder.encode(c!))).toEqual([{ ...a, redundant: true }, c]);
    expect(encoder.skippedCopies).toBe(1);
    // Only 1 and 2 would be due; 1 is too long.
    expect(decoder.decode(encoder.encode(d!))).toEqual([{ ...c, redundant: true }, d]);
    expect(encoder.skippedCopies).toBe(2);
    encoder.redundancy = 0;
    expect(decoder.decode(encoder.encode(opusPackets(1, 50, 4)[0]!)).length).toBe(1);
  });

  it('are left out if they lie more than 16383 units back: 341 ms at 48 kHz', () => {
    const encoder = rtpFraming.createEncoder(OPUS);
    const decoder = rtpFraming.createDecoder(OPUS);
    encoder.redundancy = 3;
    encoder.redundancySpacing = 2;
    const frames = 2880; // 60 ms
    const counts = Array.from({ length: 8 }, (_, sequence) => {
      const payload = Uint8Array.of((11 << 3) | 0, sequence);
      const frame = sequence * frames;
      const timestamp = sequence * 60_000;
      const packet: Packet = { ...OPUS, sequence, frame, frames, timestamp, dropped: 0, payload };
      return decoder.decode(encoder.encode(packet)).length - 1;
    });
    // Two packets are 120 ms, four 240, six 360.
    expect(counts).toEqual([0, 0, 1, 1, 2, 2, 2, 2]);
    expect(encoder.skippedCopies).toBe(2);
  });

  it('are not sent across a gap, where their number would be ambiguous', () => {
    const encoder = rtpFraming.createEncoder(OPUS);
    const decoder = rtpFraming.createDecoder(OPUS);
    encoder.redundancy = 3;
    const [a, b, c, d] = opusPackets(4);
    const moved = [a!, b!, { ...c!, dropped: 960 }, d!].map((packet, i) => ({
      ...packet,
      frame: packet.frame + (i > 1 ? 960 : 0),
      timestamp: packet.timestamp + (i > 1 ? 20_000 : 0),
    }));
    const counts = moved.map((packet) => decoder.decode(encoder.encode(packet)).length - 1);
    expect(counts).toEqual([0, 1, 0, 1]);
    // The third packet lacks two, the fourth two; there is none from before the first.
    expect(encoder.skippedCopies).toBe(4);
    encoder.reset();
    expect(encoder.skippedCopies).toBe(0);
    for (const first of [2, 3, 4]) {
      encoder.encode(opusPackets(1, 50, first)[0]!);
      expect(encoder.skippedCopies).toBe(0);
      encoder.reset();
    }
  });

  it('are sent between packets of different lengths, as long as a receiver counts back to the same number', () => {
    // Opus of 10, 20 and 60 ms (RFC 6716 table 2), in an order of its own.
    const kinds = [
      [(30 << 3) | 0, 480],
      [(31 << 3) | 0, 960],
      [(11 << 3) | 0, 2880],
    ] as const;
    const random = seededRandom(8);
    const encoder = rtpFraming.createEncoder(OPUS);
    encoder.redundancy = 3;
    const sent: Packet[] = [];
    let copies = 0;
    let frame = 0;
    for (let sequence = 0; sequence < 2000; sequence++) {
      const [toc, frames] = kinds[Math.floor(random() * 3)]!;
      const payload = Uint8Array.of(toc, sequence & 255, sequence >> 8);
      const timestamp = Math.round((frame / 48_000) * 1e6);
      const packet: Packet = { ...OPUS, sequence, frame, frames, timestamp, dropped: 0, payload };
      sent.push(packet);
      frame += frames;
      // A receiver that has heard nothing else counts by the copies alone.
      const packets = rtpFraming.createDecoder(OPUS).decode(encoder.encode(packet));
      for (const one of packets.slice(0, -1)) {
        const [, low, high] = one.payload;
        expect(one.sequence % 65_536).toBe(low! + 256 * high!);
        copies++;
      }
    }
    expect(copies).toBeGreaterThan(1000);
    expect(encoder.skippedCopies).toBeGreaterThan(1000);
    expect(copies + encoder.skippedCopies).toBe(3 * 2000 - (3 + 2 + 1));
  });

  it('may lie exactly as far back as RED can express, and no further', () => {
    for (const [frames, copied] of [
      [16_383, 1],
      [16_384, 0],
    ] as const) {
      const encoder = rtpFraming.createEncoder(OPUS);
      encoder.redundancy = 1;
      const [a, b] = opusPackets(2).map((packet, i) => ({ ...packet, frames, frame: i * frames }));
      const blocks = new RedBlocks();
      encoder.encode(a!);
      const message = encoder.encode(b!);
      const packet = new RtpPacket().parse(message);
      const isRed = packet.payloadType === 112;
      expect(isRed).toBe(copied === 1);
      if (isRed) blocks.parse(message, packet.payloadOffset, packet.payloadBytes);
      expect(isRed ? blocks.timestampOffset(0) : 0).toBe(copied * frames);
      expect(encoder.skippedCopies).toBe(1 - copied);
    }
  });

  it('of Opus fit at 20 ms up to 400 kb/s, of longer packets at less', async () => {
    const library = await opusLibrary();
    const input = speech(6000);
    const skipped = ([packetDurationMs, bitrate]: readonly [20 | 60 | 120, number]) => {
      const bitrateMode = 'constant' as const;
      const opus = new OpusEncoder(library, { ...OPUS, bitrate, bitrateMode, packetDurationMs });
      const encoder = rtpFraming.createEncoder(OPUS);
      encoder.redundancy = 1;
      const target = new Uint8Array(opus.maxBytes(opus.packetFrames));
      for (let sequence = 0; sequence < 5; sequence++) {
        const frames = opus.packetFrames;
        const length = opus.encode([input], 0, frames, target, 0);
        const frame = sequence * frames;
        const timestamp = Math.round((frame / 48_000) * 1e6);
        const payload = target.slice(0, length);
        encoder.encode({ ...OPUS, sequence, frame, frames, timestamp, dropped: 0, payload });
      }
      opus.close();
      return encoder.skippedCopies;
    };
    const fits = ([20, 60, 120] as const).map(
      (ms) => [ms, Math.floor((1023 * 8) / ms) * 1000] as const,
    );
    expect(fits.map(([, bitrate]) => bitrate)).toEqual([409_000, 136_000, 68_000]);
    expect(fits.map(skipped)).toEqual([0, 0, 0]);
    expect(skipped([60, 150_000])).toBe(4);
    expect(skipped([120, 80_000])).toBe(4);
  });

  it('of a long packet after short ones are placed before those', () => {
    const decoder = rtpFraming.createDecoder(OPUS);
    const short = Uint8Array.of(30 << 3, 1); // 10 ms
    const long = Uint8Array.of(11 << 3, 1); // 60 ms
    decoder.decode(message(10, 0, short));
    // 11, of 60 ms, is lost. 12 comes, and 13 carries 11: counted by its duration it would be 12.
    decoder.decode(message(12, 480 + 2880, short));
    const packets = decoder.decode(
      message(13, 960 + 2880, short, { offset: 480 + 2880, payload: long }),
    );
    expect(packets).toMatchObject([
      { sequence: 11, frame: 480, frames: 2880, redundant: true },
      { sequence: 13 },
    ]);
  });

  it('of a sender that pauses in silence are placed between the known packets', () => {
    const decoder = rtpFraming.createDecoder(OPUS);
    decoder.decode(message(10, 0, payload20Ms));
    // 11 is lost. 12 comes after a pause of nine packets without a number, and carries 11.
    const copy = { offset: 9 * 960, payload: Uint8Array.of(TOC_20_MS, 9) };
    const packets = decoder.decode(message(12, 10 * 960, payload20Ms, copy));
    expect(packets).toMatchObject([
      { sequence: 11, frame: 960, redundant: true, dropped: 0 },
      { sequence: 12, frame: 9600 },
    ]);
    // Once more 12, by 13 after a pause: it is known by its frame.
    const again = decoder.decode(
      message(13, 20 * 960, payload20Ms, { offset: 9600, payload: payload20Ms }),
    );
    expect(again).toMatchObject([{ sequence: 12, frame: 9600, redundant: true }, { sequence: 13 }]);
  });

  it('are skipped if they are of another kind, empty, or from before the start', () => {
    const decoder = rtpFraming.createDecoder(OPUS);
    const read = (copy: Parameters<typeof message>[3]) =>
      decoder.decode(message(1, 960, payload20Ms, copy)).length;
    expect(read({ offset: 960, payload: payload20Ms })).toBe(2);
    expect(read({ offset: 960, payload: payload20Ms, type: 13 })).toBe(1); // comfort noise
    expect(read({ offset: 960, payload: new Uint8Array(0) })).toBe(1);
    expect(read({ offset: 1920, payload: payload20Ms })).toBe(1);
  });

  it('that are malformed refuse their packet', () => {
    const decoder = rtpFraming.createDecoder(OPUS);
    const copy = { offset: 960, payload: Uint8Array.of(TOC_20_MS | 3, 0) };
    expect(outcomeOf(() => decoder.decode(message(1, 960, payload20Ms, copy)))).toBe('bad-field');
    expect(decoder.statistics.packetsReceived).toBe(0);
  });

  it('keep their numbers when a stream starts, and restarts', () => {
    const decoder = rtpFraming.createDecoder(OPUS);
    for (let run = 0; run < 2; run++) {
      decoder.decode(message(0, 0, payload20Ms));
      const packets = decoder.decode(
        message(2, 1920, payload20Ms, { offset: 960, payload: payload20Ms }),
      );
      expect(packets).toMatchObject([{ sequence: 1, redundant: true }, { sequence: 2 }]);
      decoder.reset();
    }
  });

  it('of the packet before silence and comfort noise are counted back past those', () => {
    const decoder = rtpFraming.createDecoder(OPUS);
    const noise = message(12, 1920, Uint8Array.of(40));
    noise[1] = 13;
    decoder.decode(message(10, 0, payload20Ms));
    expect(decoder.decode(noise)).toMatchObject([{ sequence: 12, noAudio: 'comfort-noise' }]);
    expect(decoder.statistics.withoutAudio['comfort-noise']).toBe(1);
    // 11 was lost; 13 brings it back.
    const copy = { offset: 960, payload: payload20Ms };
    expect(decoder.decode(message(13, 1920, payload20Ms, copy))).toMatchObject([
      { sequence: 11, frame: 960, redundant: true },
      { sequence: 13, frame: 1920 },
    ]);
    decoder.reset();
    expect(decoder.statistics).toEqual({
      packetsReceived: 0,
      withoutAudio: { padding: 0, 'comfort-noise': 0, other: 0 },
      strays: 0,
      restarts: 0,
    });
  });

  it.each([
    ['redundancy', -1],
    ['redundancy', 4],
    ['redundancy', 0.5],
    ['redundancySpacing', 0],
    ['redundancySpacing', 5],
  ] as const)('refuses %s = %s', (property, value) => {
    const encoder = rtpFraming.createEncoder(OPUS);
    expect(() => {
      encoder[property] = value;
    }).toThrow(RangeError);
  });
});
