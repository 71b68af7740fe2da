import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import type { RtpStreamOptions } from '../src/core/rtp/rtp-stream.ts';
import { InterarrivalJitter, ReceptionStatistics } from '../src/core/rtp/reception-statistics.ts';
import { readLossPatterns } from '../src/core/rtp/loss-pattern.ts';
import { LossReporter } from '../src/core/rtp/loss-reporter.ts';
import { writeRedBlockHeader, writeRedPrimaryHeader } from '../src/core/rtp/red.ts';
import { readReports } from '../src/core/rtp/rtcp.ts';
import { writeRtpHeader } from '../src/core/rtp/rtp-header.ts';
import { seededRandom } from './helpers/random.ts';

const PCMU: StreamFormat = { format: 'mulaw', sampleRate: 8000, channels: 1 };
const OPUS: StreamFormat = { format: 'opus', sampleRate: 48_000, channels: 1 };
const FRAMES = 160;
const TWO_16 = 2 ** 16;
const TWO_32 = 2 ** 32;

/** A message of PCMU, 20 ms unless it says otherwise. */
function rtp(
  sequence: number,
  timestamp: number,
  { ssrc = 7, type = 0, bytes = FRAMES, padding = 0, marker = false } = {},
): Uint8Array {
  const message = new Uint8Array(12 + bytes + padding);
  const header = {
    payloadType: type,
    sequenceNumber: ((sequence % TWO_16) + TWO_16) % TWO_16,
    timestamp: ((timestamp % TWO_32) + TWO_32) % TWO_32,
    ssrc,
    marker,
  };
  writeRtpHeader(header, message);
  message.fill(sequence, 12);
  if (padding > 0) {
    message[0]! |= 0x20;
    message[message.length - 1] = padding;
  }
  return message;
}

/** Decodes as an app does, and holds every packet to what a receiver relies on. */
class Listener {
  readonly decoder;
  readonly packets: Packet[] = [];
  refused = 0;
  dropped = 0;
  /** Packets whose numbers go back, or are missing. */
  faults = 0;
  #sequence = -1;
  #end = -1;

  constructor(stream: RtpStreamOptions = PCMU) {
    this.decoder = rtpFraming.createDecoder(stream);
  }

  hear(message: Uint8Array): readonly Packet[] {
    try {
      const packets = this.decoder.decode(message);
      for (const packet of packets) this.#note(packet);
      return packets;
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.refused++;
      return [];
    }
  }

  /** Packets that the numbers say are missing. */
  get missing(): number {
    const sequences = new Set(this.packets.map(({ sequence }) => sequence));
    const first = Math.min(...sequences);
    return this.#sequence - first + 1 - sequences.size;
  }

  #note(packet: Packet): void {
    if (packet.sequence < 0 || packet.frame < 0) this.faults++;
    if (packet.redundant === true) return;
    this.packets.push(packet);
    this.dropped += packet.dropped;
    if (packet.sequence <= this.#sequence) return;
    if (packet.noAudio === undefined) {
      if (packet.frame < this.#end) this.faults++;
      this.#end = packet.frame + packet.frames;
    }
    this.#sequence = packet.sequence;
  }
}

describe('a sender that restarts under the same SSRC', () => {
  it('reports no frames as dropped if its last packet before was shorter than the one in its place', () => {
    const listener = new Listener();
    listener.hear(rtp(0, 0));
    listener.hear(rtp(1, FRAMES));
    listener.hear(rtp(2, 2 * FRAMES, { bytes: 64 }));
    for (const n of [0, 1, 2]) listener.hear(rtp(n, n * FRAMES));
    expect(listener.hear(rtp(3, 3 * FRAMES))).toMatchObject([{ frame: 3 * FRAMES, dropped: 0 }]);
    // A shorter one takes nothing back.
    listener.hear(rtp(3, 3 * FRAMES, { bytes: 64 }));
    expect(listener.hear(rtp(4, 4 * FRAMES))).toMatchObject([{ dropped: 0 }]);
  });

  it('is heard from its first packet on, wherever it restarts', () => {
    const random = seededRandom(1);
    for (let round = 0; round < 400; round++) {
      const listener = new Listener();
      let [sequence, timestamp] = [0, 0];
      let sent = 0;
      for (let run = 0; run < 3; run++) {
        // Both at random; both at 0; one of them alone.
        const kind = Math.floor(random() * 4);
        if (kind === 1) [sequence, timestamp] = [0, 0];
        if (kind === 0 || kind === 2) sequence = Math.floor(random() * TWO_16);
        if (kind === 0 || kind === 3) timestamp = Math.floor(random() * TWO_32);
        const count = 120 + Math.floor(random() * 50);
        for (let i = 0; i < count; i++) listener.hear(rtp(sequence++, (timestamp += FRAMES)));
        sent += count;
      }
      expect([listener.refused, listener.faults]).toEqual([0, 0]);
      // A run that looks like what is left of the one before it (8 packets), or starts up to 32 numbers ahead of it.
      expect(Math.abs(listener.packets.length - sent)).toBeLessThanOrEqual(9);
      expect(listener.missing).toBeLessThan(64);
    }
  });

  it('loses nothing, and reports nothing as dropped', () => {
    const random = seededRandom(2);
    let short = 0;
    let gaps = 0;
    for (let round = 0; round < 1000; round++) {
      const listener = new Listener();
      for (let run = 0; run < 2; run++) {
        const sequence = Math.floor(random() * TWO_16);
        const timestamp = Math.floor(random() * TWO_32);
        for (let i = 0; i < 50; i++) listener.hear(rtp(sequence + i, timestamp + i * FRAMES));
      }
      if (listener.packets.length !== 100) short++;
      if (listener.missing > 0 || listener.dropped > 0) gaps++;
      expect(listener.faults).toBe(0);
      expect(listener.decoder.statistics.restarts).toBeLessThanOrEqual(1);
      const { frame } = listener.packets.at(-1)!;
      if (listener.missing === 0) expect(frame - listener.packets[0]!.frame).toBe(99 * FRAMES);
    }
    expect(short).toBe(0);
    // A thousand times 32 in 65,536.
    expect(gaps).toBeLessThan(3);
  });

  it('is heard after thirty seconds, if only its timestamps or only its numbers restart', () => {
    for (const [sequence, timestamp] of [
      [1050, 4e9],
      [60_000, 5000 + 50 * FRAMES],
      [0, 0],
      [900, 12],
    ] as const) {
      const listener = new Listener();
      for (let i = 0; i < 50; i++) listener.hear(rtp(1000 + i, 5000 + i * FRAMES));
      for (let i = 0; i < 6000; i++) listener.hear(rtp(sequence + i, timestamp + i * FRAMES));
      expect([listener.refused, listener.faults]).toEqual([0, 0]);
      expect(listener.packets.length).toBe(6050);
      expect(listener.missing).toBe(0);
      expect(listener.dropped).toBe(0);
    }
  });

  it('counts only its real losses, and its redundant copies keep their numbers', () => {
    const random = seededRandom(3);
    const listener = new Listener(OPUS);
    const recovered = new Set<number>();
    for (let run = 0; run < 20; run++) {
      const encoder = rtpFraming.createEncoder({
        ...OPUS,
        sequenceOffset: Math.floor(random() * TWO_16),
        timestampOffset: Math.floor(random() * TWO_32),
      });
      encoder.redundancy = 1;
      for (let i = 0; i < 400; i++) {
        const payload = Uint8Array.of(31 << 3, run, i & 255, i >> 8);
        const message = encoder.encode({
          ...OPUS,
          sequence: i,
          frame: i * 960,
          frames: 960,
          timestamp: i * 20_000,
          dropped: 0,
          payload,
        });
        if (i % 10 === 5) continue;
        for (const packet of listener.hear(message)) {
          // The payload says which one it is.
          if (packet.redundant !== true) continue;
          const [, ofRun, low, high] = packet.payload;
          const n = ofRun! * 400 + low! + 256 * high!;
          expect(packet.sequence - listener.packets[0]!.sequence).toBe(n);
          recovered.add(n);
        }
      }
    }
    expect(listener.refused).toBe(0);
    expect(listener.missing).toBe(20 * 40);
    expect([...recovered].filter((n) => n % 10 === 5).length).toBe(20 * 40);
  });
});

describe('a first packet that was overtaken', () => {
  it.each([
    [0, 160, 65_535, 0],
    [0, 5_000_000, 65_535, 5_000_000 - FRAMES],
    [3, 700, 65_534, 700 - 5 * FRAMES],
    [61_790, 78, 61_789, 78 - FRAMES],
  ])('%i at %i, then %i at %i, is numbered below it', (first, at, earlier, before) => {
    const listener = new Listener();
    const [one] = listener.hear(rtp(first, at));
    const [two] = listener.hear(rtp(earlier, before));
    expect(listener.refused).toBe(0);
    const back = (first - earlier + TWO_16) % TWO_16;
    expect(two!.sequence).toBe(one!.sequence - back);
    expect(two!.frame).toBe(one!.frame - back * FRAMES);
    expect(two!.payload[0]).toBe(earlier & 255);
  });
});

describe('another SSRC', () => {
  it('is followed after eight of its packets in a row, if the stream names no SSRC', () => {
    const listener = new Listener();
    for (let i = 0; i < 50; i++) listener.hear(rtp(i, i * FRAMES));
    for (let i = 0; i < 50; i++) listener.hear(rtp(9000 + i, 3e9 + i * FRAMES, { ssrc: 8 }));
    expect(listener.refused).toBe(7);
    expect(listener.packets.length).toBe(93);
    expect(listener.missing).toBe(0);
    expect(listener.packets.at(-1)!.rtp!.ssrc).toBe(8);
    expect(listener.decoder.statistics.restarts).toBe(1);
    // What is left of the old one changes nothing.
    listener.hear(rtp(50, 50 * FRAMES));
    expect(listener.hear(rtp(9050, 3e9 + 50 * FRAMES, { ssrc: 8 })).length).toBe(1);
  });

  it('is not followed while both send, however many packets of the first are lost or overtaken', () => {
    const random = seededRandom(11);
    for (let run = 0; run < 200; run++) {
      const listener = new Listener();
      for (let i = 0; i < 10; i++) listener.hear(rtp(i, i * FRAMES));
      for (let i = 10; i < 110; i++) {
        const pair = [rtp(i, i * FRAMES), rtp(9000 + i, i * FRAMES, { ssrc: 8 })];
        if (random() < 0.5) pair.reverse();
        for (const message of pair) if (random() < 0.5) listener.hear(message);
      }
      expect(listener.decoder.statistics.restarts).toBe(0);
    }
  });

  it('changes nothing beside the stream, nor if the stream names its own SSRC', () => {
    const random = seededRandom(4);
    const listener = new Listener();
    const strict = new Listener({ ...PCMU, ssrc: 7 });
    for (let i = 0; i < 1000; i++) {
      const message = rtp(i, i * FRAMES);
      listener.hear(message);
      strict.hear(message);
      for (let k = Math.floor(random() * 3); k > 0; k--) {
        const stray = rtp(500 + 3 * i - k, 1e9 + i * FRAMES, { ssrc: 8 });
        listener.hear(stray);
        strict.hear(stray);
      }
    }
    for (let i = 0; i < 50; i++) strict.hear(rtp(i, i * FRAMES, { ssrc: 8 }));
    for (const one of [listener, strict]) {
      expect(one.packets.length).toBe(1000);
      expect(one.missing).toBe(0);
    }
  });
});

describe('packets without audio', () => {
  it('change no timeline, and are counted by kind', () => {
    const stream: RtpStreamOptions = {
      format: 's16',
      sampleRate: 16_000,
      channels: 1,
      payloadType: 96,
    };
    const listener = new Listener(stream);
    const audio = { type: 96, bytes: 640 };
    const kinds = [
      rtp(2, 0, { type: 96, bytes: 0, padding: 4 }),
      rtp(3, 0, { type: 96, bytes: 0, padding: 255 }),
      rtp(4, 320, { type: 101, bytes: 4, marker: true }), // a telephone event (RFC 4733)
      rtp(5, 320, { type: 101, bytes: 4 }),
      rtp(6, 320, { type: 13, bytes: 1 }), // comfort noise (RFC 3389)
      rtp(7, 12_345, { type: 77, bytes: 99 }),
      rtp(8, 0, { type: 112, bytes: 0, padding: 40 }), // of RED, as Chromium pads
      rtp(9, 0, { type: 77, bytes: 0, padding: 40 }),
    ];
    const [first] = listener.hear(rtp(1, 0, audio));
    const others = kinds.flatMap((message) => listener.hear(message));
    const [last] = listener.hear(rtp(10, 320, audio));
    expect(others.map(({ sequence, frames, noAudio }) => [sequence, frames, noAudio])).toEqual([
      [2, 0, 'padding'],
      [3, 0, 'padding'],
      [4, 0, 'other'],
      [5, 0, 'other'],
      [6, 0, 'comfort-noise'],
      [7, 0, 'other'],
      [8, 0, 'padding'],
      [9, 0, 'padding'],
    ]);
    expect(others.every(({ payload, dropped }) => payload.length === 0 && dropped === 0)).toBe(
      true,
    );
    expect(others[2]!.rtp).toEqual({
      ssrc: 7,
      sequenceNumber: 4,
      timestamp: 320,
      payloadType: 101,
      marker: true,
    });
    expect([first!.frame, last!.frame, last!.dropped]).toEqual([0, 320, 0]);
    expect(listener.decoder.statistics).toEqual({
      packetsReceived: 10,
      withoutAudio: { padding: 4, 'comfort-noise': 1, other: 3 },
      strays: 0,
      restarts: 0,
    });
    expect(listener.missing).toBe(0);
  });

  it('may overtake audio, and do not hide frames that the sender dropped before it', () => {
    const padding = (sequence: number) => rtp(sequence, 0, { bytes: 0, padding: 4 });
    const droppedOf = (listener: Listener, ...messages: Uint8Array[]) =>
      messages.flatMap((message) => listener.hear(message)).at(-1)!.dropped;
    const begun = () => {
      const listener = new Listener();
      listener.hear(rtp(0, 0));
      return listener;
    };
    // The sender has dropped 200 frames before packet 2.
    const late = rtp(2, FRAMES + 200);
    expect(droppedOf(begun(), padding(1), late)).toBe(200);
    expect(droppedOf(begun(), padding(1), padding(3), late)).toBe(200);
    expect(droppedOf(begun(), padding(3), padding(1), late)).toBe(200);
    // Packet 1 may have been lost, and those frames with it.
    expect(droppedOf(begun(), padding(3), late)).toBe(0);
    // However many come in a silence.
    const many = Array.from({ length: 100 }, (_, i) => padding(i + 1));
    expect(droppedOf(begun(), ...many, rtp(101, FRAMES + 200))).toBe(200);
    // The first packet follows nothing.
    expect(droppedOf(new Listener(), rtp(0, 5000))).toBe(0);
  });

  it('do not hide lost frames, nor lost packets', () => {
    const listener = new Listener();
    listener.hear(rtp(1, 0));
    // 2 is lost, 3 is padding, 4 is the next audio: its distance is that of packet 2.
    listener.hear(rtp(3, 0, { bytes: 0, padding: 1 }));
    expect(listener.hear(rtp(4, 2 * FRAMES))[0]!.dropped).toBe(0);
    expect(listener.missing).toBe(1);
    listener.hear(rtp(5, 0, { bytes: 0, padding: 1 }));
    expect(listener.hear(rtp(6, 5 * FRAMES))[0]!.dropped).toBe(2 * FRAMES);
  });

  it('that overtake audio do not change frame numbers', () => {
    const listener = new Listener();
    listener.hear(rtp(1, 0));
    for (let n = 3, t = FRAMES; n < 50; n += 2, t += FRAMES) {
      listener.hear(rtp(n, 0, { type: 13, bytes: 1 }));
      expect(listener.hear(rtp(n - 1, t))).toMatchObject([
        { sequence: n - 1, frame: t, dropped: 0 },
      ]);
    }
    expect(listener.hear(rtp(50, 25 * FRAMES))).toMatchObject([{ frame: 25 * FRAMES, dropped: 0 }]);
    expect(listener.missing).toBe(0);
  });

  it('lie between a copy and its packet', () => {
    const opus = (sequenceNumber: number, timestamp: number, copyOffset?: number) => {
      const message = new Uint8Array(40);
      const payloadType = copyOffset === undefined ? 111 : 112;
      let at = writeRtpHeader({ payloadType, sequenceNumber, timestamp, ssrc: 7 }, message);
      if (copyOffset !== undefined) {
        at = writeRedBlockHeader(111, copyOffset, 2, message, at);
        at = writeRedPrimaryHeader(111, message, at);
        message.set([31 << 3, 1], at);
        at += 2;
      }
      message.set([31 << 3, 2], at);
      return message.subarray(0, at + 2);
    };
    const listener = new Listener(OPUS);
    listener.hear(opus(10, 0));
    // 11 is lost; 12 and 13 are padding; 14 brings 11 back.
    for (const n of [12, 13]) listener.hear(rtp(n, 0, { type: 112, bytes: 0, padding: 9 }));
    expect(listener.hear(opus(14, 1920, 960))).toMatchObject([
      { sequence: 11, frame: 960, redundant: true },
      { sequence: 14, frame: 1920 },
    ]);
    // 15 is lost, 16 is padding: one packet back is 15, two are 14.
    listener.hear(rtp(16, 0, { type: 111, bytes: 0, padding: 9 }));
    expect(listener.hear(opus(17, 4 * 960, 960))[0]).toMatchObject({ sequence: 15 });
    expect(listener.hear(opus(17, 4 * 960, 2 * 960))[0]).toMatchObject({ sequence: 14 });
  });

  it('cannot be the first packet of a source, unless they are padding of our own type', () => {
    const listener = new Listener();
    listener.hear(rtp(1, 0, { type: 77, ssrc: 5 }));
    expect(listener.refused).toBe(1);
    expect(listener.hear(rtp(5, 800, { bytes: 0, padding: 1 })).length).toBe(1);
    expect(listener.hear(rtp(6, 800))).toMatchObject([{ sequence: 6, frame: 800, dropped: 0 }]);
  });
});

describe('reports about a stream', () => {
  /** Feeds messages 20 ms apart to decoder and reporter. @returns each report's only block, and its pattern */
  function report(messages: Iterable<Uint8Array | null>, stream: RtpStreamOptions = PCMU) {
    const decoder = rtpFraming.createDecoder(stream);
    const reporter = new LossReporter(stream);
    const blocks = [];
    let nowMs = 0;
    for (const message of messages) {
      nowMs += 20;
      if (message === null) continue;
      let packets: readonly Packet[] = [];
      try {
        packets = decoder.decode(message);
      } catch (error) {
        if (!(error instanceof PacketError)) throw error;
      }
      for (const packet of packets) {
        const bytes = reporter.receive(packet, nowMs);
        if (bytes === null) continue;
        const [pattern] = readLossPatterns(bytes);
        blocks.push({ ...readReports(bytes)[0]!.reports[0]!, pattern });
      }
    }
    return { blocks, reporter };
  }

  it('do not hide losses after a restart, nor invent any', () => {
    const random = seededRandom(5);
    for (const [sequence, timestamp] of [
      [0, 0],
      [1234, 99],
      ...Array.from({ length: 30 }, () => [random() * TWO_16, random() * TWO_32] as const),
    ]) {
      const messages: (Uint8Array | null)[] = [];
      for (let i = 0; i < 1500; i++) messages.push(rtp(i, i * FRAMES));
      for (let i = 0; i < 1500; i++) {
        const lost = i % 5 === 0;
        const [n, t] = [Math.floor(sequence!) + i, Math.floor(timestamp!) + i * FRAMES];
        messages.push(lost ? null : rtp(n, t));
      }
      const { blocks, reporter } = report(messages);
      const last = blocks.at(-1)!;
      expect(last.fractionLost).toBeCloseTo(0.2, 1);
      expect(Math.abs(last.packetsLost - 300)).toBeLessThan(14);
      expect(Math.abs(reporter.statistics.lost - 300)).toBeLessThan(14);
      const behind = (Math.floor(sequence!) + 1500 - last.highestSequence) & 0xffff;
      expect(behind).toBeLessThan(60);
      const { begin, came } = last.pattern!;
      // Which packets were lost is told by their numbers.
      const offset = ((begin - Math.floor(sequence!) + TWO_16) % TWO_16) % 5;
      expect([...came].every((one, i) => (one === 0) === ((i + offset) % 5 === 0))).toBe(true);
    }
  });

  it('count packets without audio as received', () => {
    const messages: Uint8Array[] = [];
    for (let i = 0, t = 0; i < 500; i++) {
      if (i % 3 === 1)
        messages.push(rtp(i, 0, { type: [0, 13, 101, 96][i % 4]!, bytes: 0, padding: 8 }));
      else messages.push(rtp(i, (t += FRAMES)));
    }
    const { blocks, reporter } = report(messages);
    expect(
      blocks.every(({ packetsLost, fractionLost }) => packetsLost === 0 && fractionLost === 0),
    ).toBe(true);
    expect(blocks.at(-1)!.pattern!.came).not.toContain(0);
    expect([reporter.statistics.received, reporter.statistics.lost]).toEqual([500, 0]);
  });

  it('are about the source that is heard, also after another one has replaced it', () => {
    const messages: Uint8Array[] = [];
    for (let i = 0; i < 200; i++) messages.push(rtp(i, i * FRAMES));
    for (let i = 0; i < 200; i++) messages.push(rtp(i, i * FRAMES, { ssrc: 9 }));
    const { blocks } = report(messages);
    expect(blocks[0]).toMatchObject({ ssrc: 7, packetsLost: 0 });
    expect(blocks.at(-1)).toMatchObject({ ssrc: 9, packetsLost: 0, fractionLost: 0 });
  });

  it('count a first packet that was overtaken as received', () => {
    const { reporter } = report([1, 0, 2, 3].map((i) => rtp(65_535 + i, i * FRAMES)));
    expect([reporter.statistics.expected, reporter.statistics.lost]).toEqual([4, 0]);
    expect(reporter.statistics.report(0).highestSequence & 0xffff).toBe(2);
  });
});

describe('reception statistics and jitter by themselves', () => {
  it('follow a restart from its second packet, like a decoder', () => {
    const statistics = new ReceptionStatistics(1, 8000);
    for (let i = 0; i < 1000; i++) statistics.update(100 + i, i * FRAMES, i * 20);
    for (let i = 0; i < 1000; i++) {
      if (i % 4 !== 2) statistics.update(40_000 + i, 3e9 + i * FRAMES, (1000 + i) * 20);
    }
    expect([statistics.restarts, statistics.strays, statistics.lost]).toEqual([1, 0, 250]);
    expect(statistics.report(0)).toMatchObject({ packetsLost: 250, highestSequence: 40_999 });
    expect(statistics.lossRuns.lost).toBeGreaterThan(230);
    expect(statistics.lossRuns.meanLength).toBe(1);
  });

  it('do not count a timestamp jump as jitter', () => {
    const random = seededRandom(6);
    for (let round = 0; round < 500; round++) {
      const jitter = new InterarrivalJitter(8000);
      const begin = 1e9 + Math.floor(random() * 2e9);
      for (let i = 0; i < 50; i++) jitter.update(1000 + i * FRAMES, i * 20);
      for (let i = 0; i < 50; i++) jitter.update(begin + i * FRAMES, 1000 + i * 20);
      expect(jitter.jitter).toBe(0);
    }
    // A stall is jitter: 5 s of it, a sixteenth there and a sixteenth back.
    const stalled = new InterarrivalJitter(8000);
    for (let i = 0; i < 50; i++) stalled.update(i * FRAMES, i * 20 + (i === 25 ? 5000 : 0));
    expect(stalled.jitterMs).toBeGreaterThan(100);
  });
});
