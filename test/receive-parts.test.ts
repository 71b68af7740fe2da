import { describe, expect, it } from 'vitest';
import type { ReceiveDelivery } from '../src/core/messages.ts';
import { binaryFraming } from '../src/core/framing/binary.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import { ComfortNoise } from '../src/core/receive/comfort-noise.ts';
import { DELAY, DelayHistogram, PROVISIONAL } from '../src/core/receive/delay-histogram.ts';
import { PacketSlots } from '../src/core/receive/packet-slots.ts';
import { ReceiveFeed } from '../src/core/receive/receive-feed.ts';
import { RecentLeast } from '../src/core/receive/recent-least.ts';
import { seededRandom } from './helpers/random.ts';
import { noise } from './helpers/signals.ts';

describe('a histogram of delays', () => {
  function histogramOf(...delays: number[]) {
    const histogram = new DelayHistogram(1000);
    const add = (delay: number, elapsed = 0, share = 1) => {
      histogram.input.set([elapsed, delay, share]);
      histogram.forget();
      histogram.add();
    };
    for (const delay of delays) add(delay);
    return { histogram, add };
  }

  it('counts whole milliseconds, negative ones as 0, and longer or missing delays as lost', () => {
    const { histogram, add } = histogramOf(10.7, 10.2, 20, -5, 1023.9, 1024);
    histogram.miss(2);
    expect([0, 10, 20, 1023].map((ms) => histogram.share(ms))).toEqual([
      1 / 8,
      2 / 8,
      1 / 8,
      1 / 8,
    ]);
    add(30, 0, 0.5);
    expect(histogram.share(30)).toBeCloseTo(0.5 / 8.5, 12);
  });

  it('lets old delays fade to 1/e in its time constant, indefinitely', () => {
    const { histogram, add } = histogramOf(900);
    // So old that it fades by its time constant.
    add(7, 3000);
    for (let i = 1; i <= 50; i++) {
      add(100 + i, 1000);
      const ratio = histogram.share(7) / histogram.share(100 + i);
      expect(ratio * Math.exp(i)).toBeCloseTo(1, 9);
    }
    histogram.findMiddle();
    expect([histogram.middle, histogram.floor()]).toEqual([150, 144]);
  });

  it('fades by a third of its age while it is young', () => {
    const { histogram, add } = histogramOf();
    add(7, 100);
    add(8, 100);
    expect(histogram.share(7) / histogram.share(8)).toBeCloseTo(Math.exp(-3 / 2), 12);
    add(9, 200);
    expect(histogram.share(8) / histogram.share(9)).toBeCloseTo(Math.exp(-3 / 2), 12);
  });

  it('knows floor, middle and quantiles of the packets that arrived', () => {
    const { histogram } = histogramOf(10, 20, 20, 30);
    histogram.miss(100);
    histogram.findMiddle();
    expect([histogram.floor(), histogram.middle]).toEqual([10, 20]);
    const quantiles = [0, 0.2, 0.25, 0.5, 0.76].map((p) => histogram.quantileFrom(0, p));
    expect(quantiles).toEqual([10, 10, 20, 20, 30]);
    expect([0.5, 0.7].map((p) => histogram.quantileFrom(20, p))).toEqual([20, 30]);
    expect(histogram.quantileFrom(31, 0.5)).toBe(31);
    const even = histogramOf(10, 20).histogram;
    even.findMiddle();
    expect(even.middle).toBe(10);
    // One of a thousand does not count for the floor.
    const most = Array<number>(1000).fill(50);
    expect(histogramOf(3, ...most).histogram.floor()).toBe(50);
    expect(histogramOf(3, 4, ...most).histogram.floor()).toBe(4);
    expect(new DelayHistogram(1).floor()).toBe(0);
  });

  it('shifts up, where some delays become too long to count, and down, not below 0', () => {
    const { histogram } = histogramOf(10, 20, 20, 1000);
    histogram.miss(1);
    histogram.findMiddle();
    histogram.shift(30);
    expect([40, 50, 20].map((ms) => histogram.share(ms))).toEqual([1 / 4, 2 / 4, 0]);
    expect(histogram.middle).toBe(50);
    histogram.shift(-45);
    expect([0, 5, 40, 50].map((ms) => histogram.share(ms))).toEqual([1 / 4, 2 / 4, 0, 0]);
    expect(histogram.middle).toBe(5);
    histogram.findMiddle();
    expect(histogram.middle).toBe(5);
    histogram.shift(-3000);
    expect([histogram.share(0), histogram.middle]).toEqual([3 / 4, 0]);
    histogram.shift(3000);
    expect([histogram.share(0), histogram.share(1023), histogram.floor()]).toEqual([0, 0, 0]);
    histogram.reset();
    expect([histogram.middle, histogram.share(0)]).toEqual([0, Number.NaN]);
  });

  it('shifts the provisional delays of late packets that lie below a limit', () => {
    const histogram = new DelayHistogram(8000);
    const add = (delay: number, provisional: number) => {
      histogram.input[DELAY] = delay;
      histogram.input[PROVISIONAL] = provisional;
      histogram.add();
    };
    const shares = () => [20, 10, 40, 50, 60].map((ms) => Math.round(8 * histogram.share(ms)));
    add(40, 1);
    add(10, 0);
    for (const delay of [40, 50, 60, 60, 50, 10]) add(delay, 1);
    histogram.takeBack(60, 20);
    expect(shares()).toEqual([4, 1, 1, 0, 2]);
    histogram.takeBack(1024, 20);
    expect(shares()).toEqual([4, 1, 1, 0, 2]);
  });

  it('folds the delays beyond a limit onto those below it', () => {
    const { histogram } = histogramOf(10, 20, 30, 35, 35, 1023);
    histogram.fold(20, 25);
    expect([0, 5, 10, 20, 30, 35, 998].map((ms) => 6 * histogram.share(ms))).toEqual([
      1, 1, 3, 0, 0, 0, 1,
    ]);
  });
});

describe('the least of the last seconds', () => {
  it('is known from the first packet on, and forgotten after one to two windows', () => {
    const least = new RecentLeast(3000);
    const leastAfter = (now: number, lateness: number) => {
      least.input[0] = now;
      least.input[1] = lateness;
      least.add();
      return least.least;
    };
    expect(least.least).toBe(-Infinity);
    expect([leastAfter(0, 5), leastAfter(1000, 3), leastAfter(2999, 7)]).toEqual([5, 3, 3]);
    expect([leastAfter(5999, 7), leastAfter(8998, 8), leastAfter(8999, 9)]).toEqual([3, 3, 7]);
    least.shift(-5);
    expect(least.least).toBe(2);
    least.reset();
    expect(least.least).toBe(-Infinity);
  });

  it('is known after three seconds, and holds for three to six', () => {
    const least = new RecentLeast(3000);
    const valueAfter = (now: number, lateness: number) => {
      least.input[0] = now;
      least.input[1] = lateness;
      least.add();
      return least.value;
    };
    expect(least.value).toBe(-Infinity);
    expect([valueAfter(0, 5), valueAfter(1000, 3), valueAfter(2999, 7)]).toEqual([
      -Infinity,
      -Infinity,
      -Infinity,
    ]);
    expect([valueAfter(3000, 9), valueAfter(3001, 2), valueAfter(5999, 4)]).toEqual([3, 2, 2]);
    expect([valueAfter(6000, 8), valueAfter(8999, 9), valueAfter(9000, 10)]).toEqual([2, 2, 8]);
    least.shift(5);
    expect(least.value).toBe(13);
    // The window ended at 12000.
    expect([valueAfter(14_999, 20), valueAfter(17_999, 20)]).toEqual([15, 20]);
    expect(valueAfter(20_999 + 3000, 20)).toBe(-Infinity);
    least.reset();
    expect(valueAfter(30_000, 1)).toBe(-Infinity);
  });
});

describe('the places of packets', () => {
  it('hold one packet each, and are found cyclically', () => {
    const slots = new PacketSlots(64, 4);
    const put = (sequence: number, ...payload: number[]) => {
      const slot = sequence % 64;
      slots.put(slot, 10 * sequence, Uint8Array.from(payload), 2);
      slots.sequences[slot] = sequence;
      return slot;
    };
    for (const sequence of [95, 96, 127, 128]) {
      const slot = put(sequence, 1, 2, 3);
      expect([slots.count, slots.holds(slot, sequence)]).toEqual([1, true]);
      expect(slots.holds(slot, sequence + 64)).toBe(false);
      for (const from of [0, 1, 30, 31, 32, 33, 62, 63]) expect(slots.firstFrom(from)).toBe(slot);
      slots.release(slot);
      expect([slots.count, slots.holds(slot, sequence)]).toEqual([0, false]);
    }
    put(95, 1, 2, 3);
    put(127, 4, 5, 6, 7);
    put(96, 8);
    expect([0, 31, 32, 33, 63].map((from) => slots.firstFrom(from))).toEqual([31, 31, 32, 63, 63]);
    put(127 + 64, 9);
    expect(slots.count).toBe(3);
    expect([slots.holds(63, 127), slots.holds(63, 191)]).toEqual([false, true]);
    expect([slots.frames[63], slots.bytes[63], slots.copies[63]]).toEqual([1910, 1, 2]);
    expect([...slots.payloads.subarray(31 * 4, 31 * 4 + 3)]).toEqual([1, 2, 3]);
    expect(slots.payloads[63 * 4]).toBe(9);
    slots.clear();
    expect([slots.count, slots.holds(31, 95)]).toEqual([0, false]);
  });
});

describe('comfort noise', () => {
  const RATE = 8000;
  const rms = (samples: Float32Array) =>
    Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  const scaled = (samples: Float32Array, to: number) => {
    const by = to / rms(samples);
    return samples.map((sample) => sample * by);
  };
  const white = (seconds: number, level: number, seed = 1) =>
    scaled(noise(seededRandom(seed), seconds * RATE), level);
  const heard = (...channels: Float32Array[]) => {
    const comfort = new ComfortNoise(RATE, channels.length);
    const { historyFrames } = ComfortNoise;
    // In pieces of no length in particular.
    for (let at = historyFrames; at < channels[0]!.length; at += 333) {
      comfort.listen(channels, at, Math.min(333, channels[0]!.length - at));
    }
    return comfort;
  };
  const made = (comfort: ComfortNoise, channels = 1, gain = 1, step = 0) => {
    const output = Array.from({ length: channels }, () => new Float32Array(4 * RATE));
    comfort.add(output, 0, 4 * RATE, gain, step);
    return output;
  };
  /** How alike neighbours are, −1 to 1. */
  const correlation = (samples: Float32Array) =>
    samples.reduce((sum, sample, i) => sum + sample * (samples[i - 1] ?? 0), 0) /
    (samples.length * rms(samples) ** 2);

  it('is as loud as each channel was, up to −46 dBFS, and absent from a channel that was silent', () => {
    const comfort = heard(white(0.5, 0.002), white(0.5, 0.004, 2), new Float32Array(0.5 * RATE));
    const [a, b, c] = made(comfort, 3);
    expect(rms(a!) / 0.002).toBeCloseTo(1, 0);
    expect(rms(b!) / 0.004).toBeCloseTo(1, 0);
    expect(rms(a!)).toBeGreaterThan(0.0017);
    expect(rms(b!)).toBeLessThan(0.0046);
    expect(c!.every((sample) => sample === 0)).toBe(true);
    expect(rms(made(heard(white(0.5, 0.1)))[0]!)).toBeLessThan(0.0056);
    expect(rms(made(heard(new Float32Array(RATE)))[0]!)).toBe(0);
    comfort.reset();
    expect(rms(made(comfort, 3)[0]!)).toBe(0);
  });

  it('has the spectral tilt of the background, rising or falling', () => {
    for (const pole of [0.9, -0.8]) {
      const samples = noise(seededRandom(3), RATE);
      for (let i = 1; i < samples.length; i++) samples[i]! += pole * samples[i - 1]!;
      const [output] = made(heard(scaled(samples, 0.003)));
      expect(Math.abs(correlation(output!) - pole)).toBeLessThan(0.2);
      expect(rms(output!) / 0.003).toBeGreaterThan(0.5);
      expect(rms(output!) / 0.003).toBeLessThan(1.3);
    }
    expect(Math.abs(correlation(made(heard(white(1, 0.003)))[0]!))).toBeLessThan(0.25);
  });

  it('follows the quietest audio within one and a half to three seconds', () => {
    const after = (seconds: number) => {
      const samples = new Float32Array((0.2 + seconds) * RATE);
      samples.set(white(0.2, 0.001));
      samples.set(white(seconds, 0.004, 2), 0.2 * RATE);
      return rms(made(heard(samples))[0]!);
    };
    expect(after(1.3)).toBeLessThan(0.0013);
    expect(after(3.2)).toBeGreaterThan(0.003);
  });

  it('follows its gain from frame to frame, within 0 and 1, and is added to the output', () => {
    const samples = white(0.5, 0.002);
    const [full] = made(heard(samples));
    const [rising] = made(heard(samples), 1, -0.5, 1 / RATE);
    const [falling] = made(heard(samples), 1, 1.5, -1 / RATE);
    for (let i = 0; i < 4 * RATE; i += 97) {
      const gain = Math.min(1, Math.max(0, i / RATE - 0.5));
      expect(Math.abs(rising![i]! - full![i]! * gain)).toBeLessThan(1e-7);
      expect(Math.abs(falling![i]! - full![i]! * (1 - gain))).toBeLessThan(1e-7);
    }
    const output = [new Float32Array(10).fill(0.25)];
    heard(samples).add(output, 3, 4, 1, 0);
    expect([...output[0]!].map((sample) => sample === 0.25)).toEqual([
      ...[true, true, true],
      ...[false, false, false, false],
      ...[true, true, true],
    ]);
    expect(output[0]![3]! - 0.25).toBeCloseTo(full![0]!, 6);
  });
});

describe('the feed of a receiver', () => {
  const STREAM = { format: 's16', sampleRate: 8000, channels: 1 } as const;
  const packet = (sequence: number, changes: Partial<Packet> = {}): Packet => ({
    ...STREAM,
    sequence,
    frame: 2 * sequence,
    frames: 2,
    timestamp: 250 * sequence,
    dropped: 0,
    payload: Uint8Array.of(sequence, 0, 1, 0),
    ...changes,
  });
  function feedOf(
    options: { readonly framing?: typeof binaryFraming } = { framing: binaryFraming },
  ) {
    const sent: ReceiveDelivery[] = [];
    const feed = new ReceiveFeed({
      ...STREAM,
      ...options,
      maxPayloadBytes: 8,
      maxPacketFrames: 3,
      send: (delivery) => sent.push(delivery),
    });
    const order = () =>
      sent.splice(0).map((one) => (one.type === 'packet' ? [one.sequence, one.copy] : [one.type]));
    return { feed, sent, order };
  }

  it('hands a packet over before its copies, with the distance of each copy', () => {
    const { feed, sent, order } = feedOf();
    feed.insert(packet(3));
    expect(sent).toEqual([
      { type: 'packet', sequence: 3, frame: 6, frames: 2, copy: 0, bytes: packet(3).payload },
    ]);
    expect(order()).toEqual([[3, 0]]);
    feed.insert(packet(4, { redundant: true }));
    expect(order()).toEqual([[4, 1]]);
    const copy = (sequence: number) => packet(sequence, { redundant: true });
    feed.insert([copy(7), copy(9), packet(10), copy(10), packet(11)]);
    expect(order()).toEqual([
      [10, 0],
      [9, 1],
      [7, 3],
      [11, 0],
      [10, 1],
    ]);
    feed.insert([copy(12)]);
    expect(order()).toEqual([[12, 1]]);
    feed.insert([]);
    expect(order()).toEqual([]);
  });

  it('refuses packets of another stream, and inserts the others', () => {
    const { feed, order } = feedOf();
    for (const changes of [{ sampleRate: 16_000 }, { format: 'f32' }, { channels: 2 }] as const) {
      const packets = [packet(1), packet(2, changes), packet(3)];
      expect(() => feed.insert(packets)).toThrow(expect.objectContaining({ reason: 'bad-field' }));
      expect(order()).toEqual([
        [1, 0],
        [3, 0],
      ]);
    }
    expect(feed.badMessages).toBe(0);
  });

  it('refuses packets without a valid place in the stream, and inserts nothing of their list', () => {
    const { feed, order } = feedOf();
    const wrong = [undefined, null, '1', NaN, Infinity, -1, 0.5, 2 ** 53];
    for (const field of ['sequence', 'frame'] as const) {
      for (const value of wrong) {
        const bad = packet(2, { [field]: value });
        const error = typeof value === 'number' ? RangeError : TypeError;
        expect(() => feed.insert(bad)).toThrow(error);
        expect(() => feed.insert([packet(1), bad])).toThrow(
          new RegExp(`^${field} must .*, got ${value === '1' ? "'1'" : String(value)}\\.$`),
        );
      }
    }
    for (const value of [null, undefined, 5, 'x', {}]) {
      const bad = packet(2, { payload: value as never });
      expect(() => feed.insert([packet(1), bad])).toThrow(/^payload must be a Uint8Array, got /);
    }
    for (const value of [null, undefined, 5, 'x']) {
      const told = /^packets must be a packet or a list of packets, got /;
      expect(() => feed.insert(value as never)).toThrow(told);
      expect(() => feed.insert([packet(1), value as never])).toThrow(told);
    }
    expect(order()).toEqual([]);
  });

  it('counts a message as bad if its decoder gives a packet without a place', () => {
    const { feed, order } = feedOf({
      framing: {
        ...binaryFraming,
        createDecoder: () => ({
          decode: () => [packet(1), packet(2, { frame: NaN })],
          reset() {},
        }),
      },
    });
    expect(feed.receive('x')).toBe(false);
    expect([order(), feed.badMessages]).toEqual([[], 1]);
  });

  it('treats a packet as a copy only if it is marked redundant', () => {
    const { feed, order } = feedOf();
    feed.insert({ ...packet(3), redundant: false } as never);
    feed.insert({ ...packet(4), redundant: undefined } as never);
    feed.insert([{ ...packet(5), redundant: false }] as never);
    feed.insert(packet(6, { redundant: true }));
    expect(order()).toEqual([
      [3, 0],
      [4, 0],
      [5, 0],
      [6, 1],
    ]);
  });

  it('counts payloads that no decoder accepts: half frames, and more frames than there is room for', () => {
    const { feed, order } = feedOf();
    feed.insert(packet(1, { payload: new Uint8Array(6), frames: 3 }));
    feed.insert(packet(2, { payload: new Uint8Array(0), frames: 0 }));
    expect([order(), feed.decodeErrors]).toEqual([
      [
        [1, 0],
        [2, 0],
      ],
      0,
    ]);
    feed.insert(packet(3, { payload: new Uint8Array(5) }));
    feed.insert(packet(4, { payload: new Uint8Array(8), frames: 4 }));
    feed.insert(packet(5, { payload: new Uint8Array(9) }));
    feed.insert(packet(6, { payload: new Uint8Array(0), frames: 1 }));
    expect([order(), feed.decodeErrors]).toEqual([[], 4]);
  });

  it('reads messages in the types of all transports, and counts those that it cannot read', () => {
    const { feed, order } = feedOf();
    const bytes = binaryFraming.createEncoder().encode(packet(3)) as Uint8Array<ArrayBuffer>;
    expect(feed.receive(bytes)).toBe(true);
    expect(feed.receive(bytes.slice().buffer)).toBe(true);
    expect(feed.receive(new DataView(bytes.buffer))).toBe(true);
    expect(order()).toEqual([
      [3, 0],
      [3, 0],
      [3, 0],
    ]);
    expect([feed.receive('text'), feed.receive(bytes.subarray(1))]).toEqual([false, false]);
    const other = binaryFraming.createEncoder().encode(packet(3, { sampleRate: 16_000 }));
    expect(feed.receive(other)).toBe(false);
    expect([order(), feed.badMessages]).toEqual([[], 3]);
    expect(() => feed.receive(5 as never)).toThrow(TypeError);
    expect(() => feedOf({}).feed.receive(bytes)).toThrow(/needs the option framing/);
    feed.close();
    expect(feed.receive(bytes)).toBe(false);
    expect(() => feed.insert(packet(4))).toThrow(expect.objectContaining({ code: 'closed' }));
    expect(order()).toEqual([]);
  });

  it('reuses returned buffers', () => {
    const { feed, sent } = feedOf();
    const buffers = () => sent.map((one) => one.type === 'packet' && one.bytes.buffer);
    feed.insert(packet(1));
    const [first] = buffers();
    feed.giveBack({ type: 'buffer', frame: 0, buffer: first as ArrayBuffer });
    feed.insert(packet(2));
    feed.insert(packet(3));
    expect(buffers()[1]).toBe(first);
    expect(buffers()[2]).not.toBe(first);
    expect((first as ArrayBuffer).byteLength).toBe(8);
  });
});
