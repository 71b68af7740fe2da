import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import type { PayloadDecoder } from '../src/core/codec/codec.ts';
import { readStatistics } from '../src/core/receive/receive-report.ts';
import { ReceiveSource } from '../src/core/receive/receive-source.ts';
import { seededRandom } from './helpers/random.ts';
import { noise, sine } from './helpers/signals.ts';

const RATE = 8000;
/** Packets of 20 ms. */
const FRAMES = 160;
/** Frames of a pull: 4 ms. */
const PULL = 32;
/** The first packet comes at 20 ms, and waits for 40 ms. */
const BEGIN = (60 * RATE) / 1000;
/** Of the cross-fade into what comes: 4 ms. */
const MERGED = 32;

/** What a payload of the test's codec says, in its first bytes; its sequence number follows. */
const GOOD = 0;
const BAD_FORM = 1;
const BAD_BYTES = 2;
const SHORT = 3;
const BROKEN = 4;

interface Options {
  readonly signal?: Float32Array;
  readonly decoderConceals?: boolean;
  /** In place of the samples 0.5. */
  readonly concealed?: number | 'refuses' | 'fails';
  readonly limits?: readonly [number, number];
}

/** A source whose decoder is the test's: packet n holds frames 160 n … of the signal, and comes at 20 (n + 1) ms. */
class Rig {
  readonly calls: string[] = [];
  readonly source: ReceiveSource;
  readonly signal: Float32Array;
  readonly output: number[] = [];
  /** Packets that do not come. */
  readonly lost = new Set<number>();
  readonly kinds = new Map<number, number>();
  /** Frames before a packet that it tells about. */
  readonly told = new Map<number, number>();
  sequence = 0;
  #frame = 0;

  constructor({
    signal,
    decoderConceals = false,
    concealed = 0.5,
    limits = [40, 40],
  }: Options = {}) {
    this.signal =
      signal ?? sine({ frequency: 200, sampleRate: RATE, frames: 2 * RATE, amplitude: 0.5 });
    const note = (...what: readonly (string | number)[]) => this.calls.push(what.join(' '));
    const sequenceIn = (source: Uint8Array, offset: number) =>
      source[offset + 1]! + 256 * source[offset + 2]!;
    const decoder: PayloadDecoder = {
      format: 'opus',
      sampleRate: RATE,
      channels: 1,
      framesIn: (source, offset) => {
        if (source[offset] === BAD_FORM) throw new PacketError('bad-field', 'Bad form.');
        return source[offset] === SHORT ? FRAMES - 1 : FRAMES;
      },
      decode: (source, offset, bytes, [samples], at) => {
        if (source[offset] === BAD_BYTES) throw new PacketError('bad-field', 'Bad bytes.');
        if (source[offset] === BROKEN) throw new TypeError('A fault of the decoder.');
        const from = sequenceIn(source, offset) * FRAMES;
        expect(bytes).toBe(3);
        samples!.set(this.signal.subarray(from, from + FRAMES), at);
        return FRAMES;
      },
      conceal: (frames, [samples], at) => {
        note('conceal', frames);
        if (concealed === 'refuses') throw new PacketError('bad-field', 'No.');
        if (concealed === 'fails') throw new TypeError('A fault of the decoder.');
        samples!.fill(concealed, at, at + frames);
        return frames;
      },
      redundantFramesIn: (source, offset) => {
        if (source[offset] === BAD_FORM) throw new PacketError('bad-field', 'Bad form.');
        return this.told.get(sequenceIn(source, offset)) ?? 0;
      },
      recover: (source, offset, bytes, frames, [samples], at) => {
        note('recover', sequenceIn(source, offset), bytes, frames);
        samples!.fill(0.25, at, at + frames);
        return frames;
      },
      reset: () => note('reset'),
      close: () => note('close'),
    };
    this.source = new ReceiveSource({
      decoder,
      decoderConceals,
      latencyMs: 0,
      maxPacketFrames: FRAMES,
      capacityPackets: 64,
      maxPayloadBytes: 8,
      minDelayMs: limits[0],
      maxDelayMs: limits[1],
      latencyCost: null,
    });
  }

  get stats() {
    return readStatistics(this.source.buffer.counters.values);
  }

  insert(n: number, payload = Uint8Array.of(this.kinds.get(n) ?? GOOD, n & 255, n >> 8)): void {
    this.source.setArrival((this.#frame * 1000) / RATE);
    this.source.insert(n, n * FRAMES, FRAMES, payload, 0);
  }

  /** Until packets of `ms` have come, and a moment more. */
  run(ms: number, seen: () => void = () => undefined): this {
    const { source } = this;
    const samples = new Float32Array(PULL);
    const until = this.#frame + (ms * RATE) / 1000;
    for (; this.#frame < until; this.#frame += PULL) {
      for (; (this.sequence + 1) * FRAMES <= this.#frame; this.sequence++) {
        if (!this.lost.has(this.sequence)) this.insert(this.sequence);
      }
      source.beginQuantum();
      source.setTime((this.#frame * 1000) / RATE, 0);
      samples.fill(Number.NaN);
      source.pull([samples], 0, PULL);
      this.output.push(...samples);
      seen();
    }
    return this;
  }

  /** What was heard of packet n. */
  heard(n: number): number[] {
    return this.output.slice(BEGIN + n * FRAMES, BEGIN + (n + 1) * FRAMES);
  }

  packet(n: number): number[] {
    return [...this.signal.subarray(n * FRAMES, (n + 1) * FRAMES)];
  }
}

const rms = (samples: readonly number[]) =>
  Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);

function expectNear(actual: readonly number[], expected: readonly number[]): void {
  const worst = expected.reduce((most, one, i) => Math.max(most, Math.abs(one - actual[i]!)), 0);
  // The background may be heard as well, up to −46 dBFS.
  expect(worst).toBeLessThan(0.003);
  expect(actual.length).toBe(expected.length);
}

describe('packets in time', () => {
  it('are played unchanged, after the target’s delay and a fade', () => {
    const rig = new Rig();
    rig.run(56);
    expect([rig.source.decision.started, rig.stats.totalSamplesReceived]).toEqual([false, 0]);
    rig.run(404);
    expect(rig.output.slice(0, BEGIN).every((sample) => sample === 0)).toBe(true);
    expect(rig.heard(0).slice(MERGED)).toEqual(rig.packet(0).slice(MERGED));
    expect(rms(rig.heard(0).slice(0, 10))).toBeLessThan(0.5 * rms(rig.packet(0).slice(0, 10)));
    for (let n = 1; n < 20; n++) expect(rig.heard(n)).toEqual(rig.packet(n));
    expect(rig.source.conceals).toBe(false);
    // What is decoded and not heard is part of a packet.
    const { decodedFrames } = rig.source;
    expect(rig.stats.jitterBufferEmittedCount).toBe(rig.output.length - BEGIN + decodedFrames);
    expect(decodedFrames).toBeLessThan(FRAMES);
    // Playing began within a pull, of which all counts.
    expect(rig.stats.totalSamplesReceived).toBe(rig.output.length - BEGIN);
    expect(rig.stats.concealedSamples).toBe(0);
    expect(rig.stats.jitterBufferDelay / rig.stats.jitterBufferEmittedCount).toBeCloseTo(0.04, 9);
    expect(rig.stats.jitterBufferTargetDelay / rig.stats.jitterBufferEmittedCount).toBeCloseTo(
      0.04,
      9,
    );
  });

  it('begin again after a reset, and the counts stay', () => {
    const rig = new Rig().run(200);
    rig.source.reset();
    expect([rig.source.decodedFrames, rig.source.decision.started]).toEqual([0, false]);
    expect(rig.calls).toEqual(['reset']);
    const { packetsReceived } = rig.stats;
    expect(packetsReceived).toBe(9);
    const { length } = rig.output;
    rig.run(200);
    // It waits for the next packet, of 200 ms, and then for the target's delay.
    const begin = rig.output.findIndex((sample, i) => i >= length && sample !== 0);
    expect(begin).toBeGreaterThanOrEqual(((200 + 40) * RATE) / 1000);
    expect(begin).toBeLessThan(((200 + 45) * RATE) / 1000 + 2);
    expect(rig.stats.concealedSamples).toBe(0);
    rig.source.close();
    expect(rig.calls).toEqual(['reset', 'close']);
  });
});

describe('a packet that is lost', () => {
  /** At full level for 10 ms, silent after 60 ms. */
  const gain = (frame: number) => (frame < 80 ? 1 : 1 - (frame - 80) / 400);

  it('is concealed by the last period, which fades, and the next packet fades in', () => {
    const rig = new Rig();
    rig.lost.add(10);
    const conceals: boolean[] = [];
    rig.run(400, () => conceals.push(rig.source.conceals));
    expect(rig.heard(9)).toEqual(rig.packet(9));
    expectNear(
      rig.heard(10),
      rig.packet(10).map((sample, i) => sample * gain(i)),
    );
    const next = rig.heard(11);
    expect(next.slice(MERGED)).toEqual(rig.packet(11).slice(MERGED));
    expectNear(
      next.slice(0, MERGED),
      rig
        .packet(11)
        .slice(0, MERGED)
        .map((sample, i) => {
          const rise = Math.sin(((i + 0.5) / MERGED) * (Math.PI / 2)) ** 2;
          return sample * (rise + (1 - rise) * gain(FRAMES + i));
        }),
    );
    expect(rig.stats).toMatchObject({
      concealedSamples: FRAMES,
      concealmentEvents: 1,
      silentConcealedSamples: 0,
      packetsLost: 1,
    });
    expect(conceals.filter(Boolean).length * PULL).toBe(FRAMES);
    expect(rig.calls).toEqual([]);
  });

  it('and those after it become silence after 60 ms, which is counted separately', () => {
    const rig = new Rig();
    for (const n of [10, 11, 12, 13]) rig.lost.add(n);
    rig.run(440);
    expect(rig.stats).toMatchObject({
      concealedSamples: 4 * FRAMES,
      concealmentEvents: 1,
      silentConcealedSamples: FRAMES,
    });
    expect(rms(rig.heard(13))).toBeLessThan(0.006);
    expect(rms(rig.heard(12))).toBeGreaterThan(0.02);
    expect(rig.heard(14).slice(MERGED)).toEqual(rig.packet(14).slice(MERGED));
  });

  it('is concealed by the decoder if its concealment is used: for 100 ms', () => {
    const rig = new Rig({ decoderConceals: true });
    for (const n of [10, 11, 12, 13, 14, 15, 16]) rig.lost.add(n);
    rig.run(520);
    const frames = rig.calls.map((call) => Number(call.split(' ')[1]));
    expect(frames.reduce((sum, count) => sum + count, 0)).toBe(5 * FRAMES);
    // As good as heard: nothing is faded into.
    expect(rig.heard(10).every((sample) => sample === 0.5)).toBe(true);
    expect(rig.heard(14).every((sample) => sample === 0.5)).toBe(true);
    expect(rig.heard(15).every((sample) => sample === 0.5)).toBe(false);
    expect(rig.stats).toMatchObject({ concealedSamples: 7 * FRAMES, concealmentEvents: 1 });
    const one = new Rig({ decoderConceals: true });
    one.lost.add(10);
    one.run(400);
    expect(one.heard(11)).toEqual(one.packet(11));
  });

  it('is concealed without the decoder if that refuses, and its faults are not hidden', () => {
    const rig = new Rig({ decoderConceals: true, concealed: 'refuses' });
    rig.lost.add(10);
    rig.run(400);
    expectNear(
      rig.heard(10),
      rig.packet(10).map((sample, i) => sample * gain(i)),
    );
    const broken = new Rig({ decoderConceals: true, concealed: 'fails' });
    broken.lost.add(10);
    expect(() => broken.run(400)).toThrow('A fault of the decoder.');
  });
});

it('a cross-fade that a short packet could not hold ends in the decoder’s concealment of the next one', () => {
  const frames = MERGED / 2;
  const steady = (samples: Float32Array, at: number, count: number): number => {
    samples.fill(0.5, at, at + count);
    return count;
  };
  const source = new ReceiveSource({
    decoder: {
      format: 'opus',
      sampleRate: RATE,
      channels: 1,
      framesIn: () => frames,
      decode: (_source, _offset, _bytes, [samples], at) => steady(samples!, at, frames),
      conceal: (count, [samples], at) => steady(samples!, at, count),
      redundantFramesIn: () => 0,
      recover: () => 0,
      reset: () => undefined,
      close: () => undefined,
    },
    decoderConceals: true,
    latencyMs: 0,
    maxPacketFrames: frames,
    capacityPackets: 256,
    maxPayloadBytes: 8,
    minDelayMs: 40,
    maxDelayMs: 40,
    latencyCost: null,
  });
  const heard: number[] = [];
  for (let n = 0; n < 100; n++) {
    source.setArrival((n * frames * 1000) / RATE);
    if (n !== 1) source.insert(n, n * frames, frames, Uint8Array.of(GOOD), 0);
    source.beginQuantum();
    source.setTime((n * frames * 1000) / RATE, 0);
    const samples = new Float32Array(frames);
    source.pull([samples], 0, frames);
    heard.push(...samples);
  }
  const begin = heard.findIndex((sample) => sample > 0);
  // Up to the half within the first packet; then as it was decoded.
  expect(heard[begin + frames - 1]).toBeLessThan(0.3);
  expect(new Set(heard.slice(begin + frames))).toEqual(new Set([0.5]));
});

describe('FEC about the packet before', () => {
  it('is played in place of it', () => {
    const rig = new Rig({ decoderConceals: true });
    rig.lost.add(10);
    rig.told.set(11, FRAMES);
    rig.run(400);
    expect(rig.calls).toEqual([`recover 11 3 ${FRAMES}`]);
    expect(rig.heard(10).every((sample) => sample === 0.25)).toBe(true);
    expect(rig.heard(11)).toEqual(rig.packet(11));
    expect(rig.source.fecFrames).toBe(FRAMES);
    expect(rig.stats).toMatchObject({ concealedSamples: 0, packetsRecovered: 1 });
  });

  it('may cover only its end', () => {
    const rig = new Rig({ decoderConceals: true });
    rig.lost.add(10);
    rig.told.set(11, 60);
    rig.run(400);
    expect(rig.calls).toEqual(['conceal 100', 'recover 11 3 60']);
    expect(rig.heard(10)).toEqual([...Array(100).fill(0.5), ...Array(60).fill(0.25)]);
    expect(rig.source.fecFrames).toBe(60);
    expect(rig.stats.concealedSamples).toBe(100);
  });

  it('is not requested of samples, of bytes without the form, nor of an empty packet', () => {
    const samples = new Rig();
    samples.lost.add(10);
    samples.told.set(11, FRAMES);
    samples.run(400);
    expect(samples.calls).toEqual([]);
    const rig = new Rig({ decoderConceals: true });
    rig.lost.add(10);
    rig.lost.add(11);
    rig.told.set(11, FRAMES).set(0, FRAMES);
    rig.run(236);
    rig.insert(11, Uint8Array.of(BAD_FORM, 11, 0));
    rig.source.insert(12, 12 * FRAMES, 0, new Uint8Array(0), 0);
    expect(rig.stats.fecPacketsReceived).toBe(1);
  });
});

describe('bytes that the codec rejects', () => {
  it.each([BAD_FORM, BAD_BYTES, SHORT])('are counted and concealed (%i)', (kind) => {
    const rig = new Rig();
    rig.kinds.set(10, kind);
    rig.run(400);
    expect(rig.source.decodeErrors).toBe(1);
    expect(rig.stats).toMatchObject({ concealedSamples: FRAMES, packetsLost: 0 });
    expect(rms(rig.heard(10))).toBeGreaterThan(0.2);
    expect(rig.heard(10)).not.toEqual(rig.packet(10));
    expect(rig.heard(11).slice(MERGED)).toEqual(rig.packet(11).slice(MERGED));
  });

  it('do not hide an internal fault of the decoder', () => {
    const rig = new Rig();
    rig.kinds.set(10, BROKEN);
    expect(() => rig.run(400)).toThrow('A fault of the decoder.');
  });
});

describe('the background', () => {
  const LEVEL = 0.002;
  const white = noise(seededRandom(1), 2 * RATE);
  const scale = LEVEL / rms([...white]);
  const background = white.map((sample) => sample * scale);
  const run = (decoderConceals: boolean) => {
    const rig = new Rig({ signal: background, decoderConceals, concealed: 0 });
    for (let n = 30; n < 50; n++) rig.lost.add(n);
    rig.run(1200);
    return rig;
  };

  it('is heard after concealment has faded', () => {
    const rig = run(false);
    for (const n of [34, 40, 48])
      expect(Math.abs(rms(rig.heard(n)) / LEVEL - 1)).toBeLessThan(0.25);
  });

  it('is not learned from concealed audio', () => {
    const rig = run(true);
    expect(rms(rig.heard(32))).toBe(0);
    // It fades in after the decoder's concealment; then it is as loud as before the gap.
    for (const n of [39, 44, 48])
      expect(Math.abs(rms(rig.heard(n)) / LEVEL - 1)).toBeLessThan(0.25);
  });

  it('is heard while nothing plays, once it is known', () => {
    const rig = new Rig({ signal: background });
    rig.run(600);
    for (let n = rig.sequence; n < 200; n++) rig.lost.add(n);
    // With nothing to play for a second the stream has paused.
    rig.run(1400);
    expect(rig.source.decision.started).toBe(false);
    expect(Math.abs(rms(rig.output.slice(-800)) / LEVEL - 1)).toBeLessThan(0.25);
    expect(rig.source.conceals).toBe(false);
  });
});

describe('a target that changes', () => {
  it.each([
    ['less', 120, 40],
    ['more', 40, 120],
  ])(
    'is followed to %s delay by whole periods, and every frame is accounted for',
    (_, from, to) => {
      const rig = new Rig({ limits: [from, from] }).run(300);
      rig.source.target.setLimits(to, to);
      rig.run(900);
      const { stats, source } = rig;
      const removed = stats.removedSamplesForAcceleration;
      const inserted = stats.insertedSamplesForDeceleration;
      const periods = (Math.abs(to - from) * RATE) / 1000 / 40;
      expect(Math.abs((removed - inserted) / 40 - Math.sign(from - to) * periods)).toBeLessThan(4);
      expect(Math.min(removed, inserted)).toBe(0);
      expect((removed + inserted) % 40).toBe(0);
      expect(stats.totalSamplesReceived).toBe(
        stats.jitterBufferEmittedCount - source.decodedFrames + inserted - removed,
      );
      // A tone of whole periods stays the tone.
      const late = rig.output.slice(-400);
      for (let i = 0; i + 40 < late.length; i++) expect(late[i]! - late[i + 40]!).toBeCloseTo(0, 6);
      expect(Math.abs(source.decision.surplusMs)).toBeLessThan(9);
    },
  );
});
