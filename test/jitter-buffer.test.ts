import { describe, expect, test } from 'vitest';
import { FEC_COPY, JitterBuffer } from '../src/core/receive/jitter-buffer.ts';
import type { ArrivalListener, InsertOutcome } from '../src/core/receive/jitter-buffer.ts';
import { seededRandom } from './helpers/random.ts';

const RATE = 48_000;
const FRAMES = 960;

/** A buffer of 20 ms packets whose payload is the packet's number and which copy it is. */
class Rig {
  readonly told: { frame: number; copy: number; late: boolean }[] = [];
  missed = 0;
  restarted = 0;
  readonly buffer: JitterBuffer;
  readonly #payload = new Uint8Array(16);
  readonly #view = new DataView(this.#payload.buffer);

  constructor(capacityPackets = 64) {
    const listener: ArrivalListener = {
      arrived: (frame, _now, copy, late) => void this.told.push({ frame, copy, late }),
      missed: (count) => void (this.missed += count),
      restarted: () => void this.restarted++,
    };
    this.buffer = new JitterBuffer({
      sampleRate: RATE,
      capacityPackets,
      maxPayloadBytes: 16,
      listener,
    });
  }

  insert(sequence: number, { copy = 0, frame = sequence * FRAMES, now = sequence * 20 } = {}) {
    this.#view.setFloat64(0, sequence);
    this.#payload[8] = copy;
    const outcome = this.buffer.insert(sequence, frame, FRAMES, this.#payload, now, copy);
    // The caller's bytes are the caller's again.
    this.#payload.fill(0xee);
    return outcome;
  }

  /** A packet without audio. */
  insertEmpty(sequence: number, now = sequence * 20) {
    return this.buffer.insert(sequence, 0, 0, new Uint8Array(0), now);
  }

  /** Takes the next packet. @returns what its payload says */
  take(): { sequence: number; copy: number } {
    const { buffer } = this;
    const slot = buffer.next();
    expect(slot).toBeGreaterThanOrEqual(0);
    buffer.take(slot, 0);
    const offset = buffer.offsetOf(slot);
    const view = new DataView(buffer.payloads.buffer, offset, buffer.bytesOf(slot));
    expect(view.getUint8(8)).toBe(buffer.copyOf(slot));
    return { sequence: view.getFloat64(0), copy: view.getUint8(8) };
  }

  takeAll(): number[] {
    const taken: number[] = [];
    while (this.buffer.next() >= 0) taken.push(this.take().sequence);
    return taken;
  }
}

describe('packets that arrived are played in order', () => {
  test('packets that overtook each other', () => {
    const rig = new Rig();
    for (const n of [10, 12, 11, 14, 13]) expect(rig.insert(n)).toBe('stored');
    expect(rig.takeAll()).toEqual([10, 11, 12, 13, 14]);
    expect(rig.buffer.counters.get('packetsReordered')).toBe(2);
    expect(rig.buffer.packetsLost).toBe(0);
  });

  test('an older packet moves the start back while nothing has been played, and is late afterwards', () => {
    const rig = new Rig();
    rig.insert(10);
    expect(rig.insert(9)).toBe('stored');
    expect(rig.take().sequence).toBe(9);
    expect(rig.insert(8)).toBe('late');
    expect(rig.buffer.counters.get('packetsLate')).toBe(1);
  });

  test('a gap is as long as the packets that are missing', () => {
    const rig = new Rig();
    rig.insert(1);
    rig.insert(4);
    rig.take();
    expect(rig.buffer.gapBefore(rig.buffer.next())).toBe(2 * FRAMES);
    rig.buffer.pass(FRAMES);
    expect(rig.insert(2)).toBe('late');
    expect(rig.insert(3)).toBe('stored');
    expect(rig.takeAll()).toEqual([3, 4]);
    expect(rig.buffer.packetsLost).toBe(0);
  });

  test('a packet that is partly covered returns the number of covered frames', () => {
    const rig = new Rig();
    rig.insert(1);
    rig.take();
    rig.buffer.pass(100);
    rig.insert(2);
    expect(rig.buffer.take(rig.buffer.next(), 0)).toBe(100);
    expect(rig.buffer.playFrame).toBe(3 * FRAMES);
  });

  test('a duplicate is dropped, held or played', () => {
    const rig = new Rig();
    rig.insert(1);
    rig.insert(2);
    expect(rig.insert(2)).toBe('duplicate');
    rig.take();
    expect(rig.insert(1)).toBe('duplicate');
    expect(rig.takeAll()).toEqual([2]);
    expect(rig.buffer.counters.get('packetsDuplicated')).toBe(2);
    // RFC 3550 A.3: duplicates offset losses.
    expect(rig.buffer.packetsLost).toBe(-2);
  });

  test('a stream longer than the window leaves out its oldest packets', () => {
    const rig = new Rig(32);
    for (let n = 0; n < 40; n++) rig.insert(n);
    expect(rig.buffer.count).toBe(32);
    expect(rig.takeAll()[0]).toBe(8);
    expect(rig.buffer.counters.get('packetsDiscarded')).toBe(8);
  });
});

describe('copies', () => {
  test('fill a hole, and do nothing else', () => {
    const rig = new Rig();
    rig.insert(1);
    rig.insert(3);
    expect(rig.insert(2, { copy: 1 })).toBe('recovered');
    expect(rig.insert(1, { copy: 2 })).toBe('duplicate');
    expect(rig.insert(9, { copy: 1 })).toBe('stray');
    expect(rig.takeAll()).toEqual([1, 2, 3]);
    const { counters } = rig.buffer;
    expect(counters.get('packetsRecovered')).toBe(1);
    expect(counters.get('fecPacketsReceived')).toBe(3);
    expect(counters.get('fecPacketsDiscarded')).toBe(2);
    expect(counters.get('packetsReceived')).toBe(2);
    expect(rig.buffer.packetsLost).toBe(1);
  });

  test('are replaced by copies that are closer to the original', () => {
    const rig = new Rig();
    for (const n of [1, 3]) rig.insert(n);
    expect(rig.insert(2, { copy: FEC_COPY })).toBe('recovered');
    expect(rig.insert(2, { copy: 1 })).toBe('recovered');
    expect(rig.insert(2, { copy: 2 })).toBe('duplicate');
    rig.take();
    expect(rig.take()).toEqual({ sequence: 2, copy: 1 });
    for (const n of [4, 6]) rig.insert(n);
    rig.insert(5, { copy: 1 });
    expect(rig.insert(5)).toBe('stored');
    rig.take();
    rig.take();
    expect(rig.take()).toEqual({ sequence: 5, copy: 0 });
  });

  test('make their packet late, not duplicate, once they have been played', () => {
    const rig = new Rig();
    for (const n of [1, 3]) rig.insert(n);
    rig.insert(2, { copy: 1 });
    rig.takeAll();
    expect(rig.insert(2)).toBe('late');
  });
});

describe('packets without audio', () => {
  test('are accounted for, and leave no gap', () => {
    const rig = new Rig(32);
    expect(rig.insertEmpty(7)).toBe('stray'); // nothing is known yet
    let frame = 0;
    for (let n = 10; n < 200; n++) {
      if (n % 3 === 0) expect(rig.insertEmpty(n)).toBe('empty');
      else rig.insert(n, { frame: FRAMES * frame++, now: n * 20 });
      if (rig.buffer.next() < 0) continue;
      expect(rig.buffer.gapBefore(rig.buffer.next())).toBe(0);
      rig.take();
    }
    expect(rig.buffer.packetsLost).toBe(0);
    expect(rig.missed).toBe(0);
    expect(rig.buffer.counters.get('packetsReceived')).toBe(191);
    expect(rig.buffer.counters.get('packetsDiscarded')).toBe(1);
    expect(rig.buffer.counters.get('restarts')).toBe(0);
  });

  test('that are late or repeated do not count', () => {
    const rig = new Rig();
    rig.insert(1, { frame: 0 });
    rig.insert(3, { frame: FRAMES });
    expect(rig.insertEmpty(2)).toBe('empty');
    expect(rig.buffer.packetsLost).toBe(0);
    expect(rig.insertEmpty(2)).toBe('empty');
    expect(rig.buffer.packetsLost).toBe(-1);
    expect(rig.insertEmpty(900)).toBe('stray');
    expect(rig.takeAll()).toEqual([1, 3]);
  });

  test('that overtake audio do not move its end', () => {
    const rig = new Rig();
    rig.insert(1, { frame: 0 });
    for (let n = 3, frame = 1; n < 40; n += 2, frame++) {
      rig.insertEmpty(n);
      rig.insert(n - 1, { frame: frame * FRAMES, now: n * 20 });
      expect(rig.buffer.levelFrames).toBe((frame + 1) * FRAMES);
    }
    expect(rig.buffer.packetsLost).toBe(0);
  });

  test('lie between a packet and the FEC about it', () => {
    const rig = new Rig();
    rig.insert(1, { frame: 0 });
    for (const n of [3, 4]) rig.insertEmpty(n);
    rig.insert(5, { frame: 2 * FRAMES });
    // Packet 2 is lost; 5 tells about the audio before it.
    expect(rig.insert(4, { copy: FEC_COPY, frame: FRAMES })).toBe('recovered');
    rig.take();
    expect(rig.buffer.sequenceOf(rig.buffer.next())).toBe(2);
    expect(rig.buffer.gapBefore(rig.buffer.next())).toBe(0);
  });
});

describe('a sender that restarts', () => {
  test('within the last hundred packets is recognized by five in a row', () => {
    const rig = new Rig(128);
    for (let n = 0; n < 60; n++) rig.insert(n);
    rig.takeAll();
    for (let n = 0; n < 4; n++) {
      expect(rig.insert(n, { now: (61 + n) * 20 })).toBe('duplicate');
    }
    expect(rig.insert(4, { now: 65 * 20 })).toBe('stored');
    expect(rig.insert(5, { now: 66 * 20 })).toBe('stored');
    expect(rig.buffer.counters.get('restarts')).toBe(1);
    // The four before were no duplicates, and are not lost either.
    expect(rig.buffer.packetsLost).toBe(0);
    expect(rig.takeAll()).toEqual([4, 5]);
  });

  test('is joined without a step once a second packet confirms it', () => {
    const rig = new Rig();
    for (let n = 50_000; n < 50_010; n++) rig.insert(n);
    rig.takeAll();
    const end = rig.buffer.playFrame;
    const now = 50_009 * 20;
    expect(rig.insert(0, { now: now + 20 })).toBe('stray');
    expect(rig.insert(1, { now: now + 40 })).toBe('stored');
    expect(rig.insert(2, { now: now + 60 })).toBe('stored');
    // The stray packet's time is a gap.
    expect(rig.buffer.gapBefore(rig.buffer.next())).toBe(FRAMES);
    expect(rig.takeAll()).toEqual([1, 2]);
    expect(rig.buffer.playFrame).toBe(end + 3 * FRAMES);
    expect(rig.buffer.counters.get('restarts')).toBe(1);
    expect(rig.buffer.packetsLost).toBe(0);
  });

  test('a stray packet does no harm', () => {
    const rig = new Rig();
    rig.insert(100);
    expect(rig.insert(1_000_000)).toBe('stray');
    expect(rig.insert(101)).toBe('stored');
    expect(rig.takeAll()).toEqual([100, 101]);
    expect(rig.buffer.counters.get('restarts')).toBe(0);
  });

  test('timestamps that jump while the numbers continue leave no gap', () => {
    const rig = new Rig();
    for (let n = 0; n < 5; n++) rig.insert(n);
    for (let n = 5; n < 10; n++) rig.insert(n, { frame: n * FRAMES + 1e9 });
    for (let n = 10; n < 15; n++) rig.insert(n, { frame: n * FRAMES });
    for (let n = 0; n < 15; n++) {
      expect(rig.buffer.gapBefore(rig.buffer.next())).toBe(0);
      rig.take();
    }
    expect(rig.buffer.counters.get('restarts')).toBe(2);
  });

  test('numbers and timestamps that jump together, faster than time, leave no gap', () => {
    const rig = new Rig(1024);
    for (let n = 0; n < 5; n++) rig.insert(n);
    for (let n = 5; n < 10; n++) {
      rig.insert(n + 400, { frame: (n + 400) * FRAMES, now: n * 20 });
    }
    for (let i = 0; i < 10; i++) {
      expect(rig.buffer.gapBefore(rig.buffer.next())).toBe(0);
      rig.take();
    }
    expect(rig.buffer.counters.get('restarts')).toBe(1);
    expect(rig.buffer.packetsLost).toBe(400);
  });

  test('packets that were lost while a path became 3 s shorter leave their gap', () => {
    const rig = new Rig(1024);
    for (let n = 0; n < 5; n++) rig.insert(n);
    rig.insert(5 + 149, { frame: (5 + 149) * FRAMES, now: 5 * 20 });
    for (let n = 0; n < 5; n++) rig.take();
    expect(rig.buffer.gapBefore(rig.buffer.next())).toBe(149 * FRAMES);
  });

  test('a packet reports whether its audio continues the packet before', () => {
    const rig = new Rig();
    for (let n = 0; n < 3; n++) rig.insert(n);
    // At once, as after a blocked page, but two seconds were left out before it.
    rig.insert(3, { frame: 103 * FRAMES, now: 40 });
    rig.insert(4, { frame: 104 * FRAMES, now: 40 });
    const joins = Array.from({ length: 5 }, () => {
      const slot = rig.buffer.next();
      expect(rig.buffer.gapBefore(slot)).toBe(0);
      rig.take();
      return rig.buffer.joinsAt(slot);
    });
    expect(joins).toEqual([false, false, false, true, false]);
  });

  test.each([
    ['whose copy comes with it', [[3, 1]]],
    [
      'whose copy comes with it, and then itself',
      [
        [3, 1],
        [3, 0],
      ],
    ],
    ['that then comes itself', [[3, 0]]],
  ] as const)('a jump lies before a packet that was overtaken, %s', (_, later) => {
    const rig = new Rig();
    for (let n = 0; n < 3; n++) rig.insert(n);
    // Two seconds were left out before packet 3.
    rig.insert(4, { frame: 104 * FRAMES, now: 40 });
    for (const [n, copy] of later) rig.insert(n, { copy, frame: 103 * FRAMES, now: 40 });
    rig.insert(5, { frame: 105 * FRAMES, now: 40 });
    const joins: [number, boolean][] = [];
    for (let slot = rig.buffer.next(); slot >= 0; slot = rig.buffer.next()) {
      expect(rig.buffer.gapBefore(slot)).toBe(0);
      joins.push([rig.take().sequence, rig.buffer.joinsAt(slot)]);
    }
    expect(joins.slice(0, 4)).toEqual([
      [0, false],
      [1, false],
      [2, false],
      [3, true],
    ]);
    expect(joins.at(-1)).toEqual([5, false]);
  });

  test('a jump is not before a packet restored by FEC: its frame is not the sender’s', () => {
    const rig = new Rig();
    for (let n = 0; n < 3; n++) rig.insert(n);
    rig.insert(4, { frame: 104 * FRAMES, now: 40 });
    rig.insert(3, { copy: FEC_COPY, frame: 103 * FRAMES, now: 40 });
    const joins = Array.from({ length: 5 }, () => {
      const slot = rig.buffer.next();
      rig.take();
      return rig.buffer.joinsAt(slot);
    });
    expect(joins).toEqual([false, false, false, false, true]);
  });

  test('a pause in both the timestamps and the time stays a pause', () => {
    const rig = new Rig();
    rig.insert(0);
    rig.insert(1, { frame: 500 * FRAMES, now: 500 * 20 });
    rig.take();
    expect(rig.buffer.gapBefore(rig.buffer.next())).toBe(499 * FRAMES);
  });
});

test('a listener is informed of every packet once, by its first copy, and of missing ones', () => {
  const rig = new Rig(32);
  for (const n of [0, 1, 3]) rig.insert(n);
  rig.insert(2, { copy: 1 });
  rig.insert(2);
  rig.insert(3);
  rig.takeAll();
  for (let n = 5; n < 40; n++) rig.insert(n);
  const frames = rig.told.slice(0, 5).map(({ frame, copy }) => [frame / FRAMES, copy]);
  expect(frames).toEqual([
    [0, 0],
    [1, 0],
    [3, 0],
    [2, 1],
    [5, 0],
  ]);
  // Packet 4; its time was over when packet 4 + 32 came.
  expect(rig.missed).toBe(1);
});

test.each([1, 2, 3, 4, 5, 6])(
  'nothing is played twice or out of order, and the counts add up, on any network (seed %i)',
  (seed) => {
    const random = seededRandom(seed);
    const rig = new Rig(64);
    const { buffer } = rig;
    const seen: Partial<Record<InsertOutcome, number>> = {};
    const under: { at: number; sequence: number; copy: number }[] = [];
    let plain = 0;
    let copies = 0;
    let playedPlain = 0;
    let playedCopies = 0;
    let last = -1;
    for (let n = 0; n < 4000; n++) {
      if (random() > 0.1) {
        const held = random() < 0.2 ? random() * 30 : 0;
        under.push({ at: n + held, sequence: n, copy: 0 });
        if (random() < 0.5) under.push({ at: n + held, sequence: n - 1, copy: 1 });
        if (random() < 0.3) under.push({ at: n + held, sequence: n - 2, copy: FEC_COPY });
      }
      if (random() < 0.05) under.push({ at: n + random() * 90, sequence: n, copy: 0 });
      under.sort((a, b) => a.at - b.at);
      while (under.length > 0 && under[0]!.at <= n) {
        const { sequence, copy } = under.shift()!;
        if (sequence < 0) continue;
        if (copy === 0) plain++;
        else copies++;
        const outcome = rig.insert(sequence, { copy, now: n * 20 });
        seen[outcome] = (seen[outcome] ?? 0) + 1;
      }
      const playFrame = buffer.playFrame;
      const act = random();
      if (act < 0.9 && buffer.next() >= 0) {
        const { sequence, copy } = rig.take();
        expect(sequence).toBeGreaterThan(last);
        last = sequence;
        if (copy === 0) playedPlain++;
        else playedCopies++;
      } else if (act > 0.98) buffer.pass(Math.floor(random() * 3 * FRAMES));
      expect(buffer.playFrame).toBeGreaterThanOrEqual(playFrame);
    }
    while (buffer.next() >= 0) {
      if (rig.take().copy === 0) playedPlain++;
      else playedCopies++;
    }
    const { counters } = buffer;
    for (const outcome of ['stored', 'recovered', 'duplicate', 'late'] as const) {
      expect(seen[outcome], outcome).toBeGreaterThan(10);
    }
    expect(counters.get('packetsReceived')).toBe(plain);
    expect(counters.get('fecPacketsReceived')).toBe(copies);
    expect(playedPlain + counters.get('packetsDiscarded')).toBe(plain);
    expect(playedCopies + counters.get('fecPacketsDiscarded')).toBe(copies);
    expect(counters.get('packetsRecovered')).toBe(playedCopies);
    const reasons = counters.get('packetsLate') + counters.get('packetsDuplicated');
    expect(reasons).toBeLessThanOrEqual(counters.get('packetsDiscarded'));
    expect(new Set(rig.told.map(({ frame }) => frame)).size).toBe(rig.told.length);
  },
);

test('numbers of any size and in any order throw nothing', () => {
  const random = seededRandom(7);
  const rig = new Rig(32);
  const whole = (bits: number): number => Math.floor(random() * 2 ** (random() * bits));
  for (let i = 0; i < 30_000; i++) {
    const options = { frame: whole(52), now: i, copy: whole(4) & 3 };
    rig.insert(random() < 0.5 ? i : whole(52), options);
    if (random() < 0.7 && rig.buffer.next() >= 0) rig.buffer.take(rig.buffer.next(), i);
    expect(rig.buffer.count).toBeLessThanOrEqual(32);
  }
});

test('a late packet from before a silence keeps its place in time', () => {
  const rig = new Rig();
  for (let n = 0; n < 3; n++) rig.insert(n);
  rig.insert(4, { frame: 104 * FRAMES, now: 104 * 20 });
  rig.insert(3, { frame: 3 * FRAMES, now: 104 * 20 + 5 });
  for (let n = 0; n < 3; n++) rig.take();
  const slot = rig.buffer.next();
  expect([rig.buffer.sequenceOf(slot), rig.buffer.gapBefore(slot)]).toEqual([3, 0]);
});

test('a payload that does not fit, or holds nothing, is refused', () => {
  const { buffer } = new Rig();
  expect(buffer.insert(0, 0, FRAMES, new Uint8Array(17), 0)).toBe('unusable');
  expect(buffer.insert(0, 0, 0, new Uint8Array(1), 0)).toBe('unusable');
  expect(buffer.counters.get('packetsDiscarded')).toBe(2);
  expect(buffer.packetsLost).toBe(0);
});

test('reset forgets the stream and keeps the counts', () => {
  const rig = new Rig();
  for (const n of [5, 6, 8]) rig.insert(n);
  rig.buffer.reset();
  expect(rig.buffer.next()).toBe(-1);
  expect(rig.insert(1)).toBe('stored');
  expect(rig.takeAll()).toEqual([1]);
  expect(rig.buffer.counters.get('packetsReceived')).toBe(4);
  expect(rig.buffer.packetsLost).toBe(1);
});

test('options out of range are refused', () => {
  const make = (options: object) => () => new JitterBuffer({ sampleRate: RATE, ...options });
  expect(make({ capacityPackets: 100 })).toThrow('capacityPackets must be a power of two, got 100');
  expect(make({ capacityPackets: 16 })).toThrow(RangeError);
  expect(make({ sampleRate: 1 })).toThrow(RangeError);
  expect(make({ maxPayloadBytes: 0 })).toThrow(RangeError);
});

describe('a buffer', () => {
  test('has the given capacity', () => {
    const { buffer } = new Rig(32);
    expect([buffer.capacityPackets, buffer.maxPayloadBytes, buffer.sampleRate]).toEqual([
      32,
      16,
      RATE,
    ]);
    const usual = new JitterBuffer({ sampleRate: RATE });
    expect([usual.capacityPackets, usual.maxPayloadBytes]).toEqual([256, 4096]);
    expect(usual.insert(0, 0, FRAMES, new Uint8Array(4096), 0)).toBe('stored');
    expect(usual.insert(1, FRAMES, FRAMES, new Uint8Array(4097), 0)).toBe('unusable');
    expect([usual.opened, buffer.opened, usual.usualFrames, buffer.usualFrames]).toEqual([
      true,
      false,
      FRAMES,
      0,
    ]);
  });

  test('counts overtaken packets without audio like all others', () => {
    const rig = new Rig();
    rig.insert(0);
    rig.insert(3);
    rig.insertEmpty(4);
    expect(rig.buffer.counters.get('packetsReordered')).toBe(0);
    rig.insertEmpty(1);
    expect(rig.buffer.counters.get('packetsReordered')).toBe(1);
    rig.insert(2);
    expect(rig.buffer.counters.get('packetsReordered')).toBe(2);
  });

  test('gives up packets that are followed by that many without audio', () => {
    const rig = new Rig(32);
    for (const n of [0, 1]) rig.insert(n);
    for (let n = 2; n < 32; n++) rig.insertEmpty(n);
    expect([rig.buffer.count, rig.buffer.nextSequence]).toEqual([2, 0]);
    rig.insertEmpty(32);
    expect([rig.buffer.count, rig.buffer.nextSequence]).toEqual([1, 1]);
    expect(rig.buffer.counters.get('packetsDiscarded')).toBe(1);
    expect(rig.takeAll()).toEqual([1]);
    rig.insertEmpty(70);
    expect(rig.buffer.nextSequence).toBe(70 - 31);
  });

  test('counts how long packets waited, by their frames', () => {
    const rig = new Rig();
    rig.insert(0, { now: 30 });
    rig.insert(1, { now: 45 });
    const { buffer } = rig;
    buffer.take(buffer.next(), 100);
    // 70 ms × 960 frames.
    expect(buffer.counters.get('jitterBufferDelay')).toBeCloseTo(0.07 * FRAMES, 9);
    buffer.pass(FRAMES / 2);
    expect(buffer.take(buffer.next(), 145)).toBe(FRAMES / 2);
    expect(buffer.counters.get('jitterBufferDelay')).toBeCloseTo(0.12 * FRAMES, 9);
    expect(buffer.counters.get('jitterBufferEmittedCount')).toBe(1.5 * FRAMES);
  });

  test('after a reset accepts an older packet as the start again, and knows none', () => {
    const rig = new Rig();
    for (const n of [0, 1, 2]) rig.insert(n);
    rig.take();
    rig.buffer.reset();
    expect([rig.buffer.opened, rig.buffer.count, rig.buffer.playFrame]).toEqual([false, 0, 0]);
    expect(rig.insert(2)).toBe('stored');
    expect(rig.insert(1)).toBe('stored');
    expect([rig.buffer.nextSequence, rig.buffer.playFrame]).toEqual([1, FRAMES]);
    expect(rig.takeAll()).toEqual([1, 2]);
  });
});
