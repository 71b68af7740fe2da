import { describe, expect, it } from 'vitest';
import { StreamNumbering } from '../src/core/receive/stream-numbering.ts';

const RATE = 8000;
/** Packets of 20 ms. */
const FRAMES = 160;
/** What a packet takes on its way, in ms and in frames. */
const TRANSIT_MS = 30;

/** Tells a numbering of packets; by default packet n holds frames 160 n …, and takes 30 ms. */
function streamOf() {
  const numbering = new StreamNumbering(RATE);
  const set = (sequence: number, frame: number, now: number) =>
    numbering.input.set([sequence, frame, now]);
  const give = (
    sequence: number,
    {
      frame = sequence * FRAMES,
      now = sequence * 20 + TRANSIT_MS,
      frames = FRAMES,
    }: { frame?: number; now?: number; frames?: number } = {},
  ) => {
    set(sequence, frame, now);
    return numbering.accept(frames);
  };
  const run = (from: number, to: number) => {
    for (let n = from; n < to; n++) expect(give(n)).toBe(true);
  };
  const silent = (sequence: number) => {
    set(sequence, 0, 0);
    return numbering.acceptWithoutAudio();
  };
  const copy = (sequence: number, frame = sequence * FRAMES) => {
    set(sequence, frame, 0);
    return numbering.locate(true);
  };
  /** Our number and frame of the packet given last. */
  const place = () => [numbering.sequence, numbering.frame];
  const account = () => {
    const { firstSequence, highSequence, highFrame, lost, restarts } = numbering;
    return { firstSequence, highSequence, highFrame, lost, restarts };
  };
  return { numbering, give, run, silent, copy, place, account };
}

describe('the account of a stream in order', () => {
  it('begins with the first packet, which is ahead by one', () => {
    const { numbering, give, account, place } = streamOf();
    expect([numbering.opened, numbering.lost, numbering.usualFrames]).toEqual([false, 0, 0]);
    expect(give(10)).toBe(true);
    expect(place()).toEqual([10, 1600]);
    expect([numbering.nowMs, numbering.ahead, numbering.usualFrames]).toEqual([230, 1, FRAMES]);
    expect(numbering.opened).toBe(true);
    expect(account()).toEqual({
      firstSequence: 10,
      highSequence: 10,
      highFrame: 1600,
      lost: 0,
      restarts: 0,
    });
  });

  it('counts missing packets until they arrive late, and a duplicate as received (RFC 3550 A.3)', () => {
    const { numbering, give, account } = streamOf();
    give(10);
    give(13);
    expect(numbering.ahead).toBe(3);
    expect(account()).toMatchObject({ highSequence: 13, highFrame: 2080, lost: 2 });
    give(11, { frames: 80 });
    expect([numbering.ahead, numbering.usualFrames]).toEqual([-2, FRAMES]);
    expect(account()).toMatchObject({ highSequence: 13, highFrame: 2080, lost: 1 });
    // One from before the first moves the beginning.
    give(8);
    expect(account()).toMatchObject({ firstSequence: 8, highSequence: 13, lost: 2 });
    give(13);
    expect([numbering.ahead, numbering.lost]).toEqual([0, 1]);
    give(14, { frames: 80 });
    expect(numbering.usualFrames).toBe(80);
  });

  it('is not changed by packets that are refused', () => {
    const { give, account } = streamOf();
    give(10);
    give(12);
    // Far from all others: nothing confirms it.
    expect(give(40_000, { frame: 5, now: 300 })).toBe(false);
    expect(account()).toMatchObject({ highSequence: 12, lost: 1, restarts: 0 });
  });

  it('is kept when another stream begins, and all else is forgotten', () => {
    const { numbering, give, run, account, place } = streamOf();
    run(0, 50);
    give(52);
    give(53, { frame: 1e6 });
    expect(account()).toMatchObject({ lost: 2, restarts: 1 });
    numbering.reset();
    expect([numbering.opened, numbering.lost, numbering.usualFrames]).toEqual([false, 2, 0]);
    give(7, { frame: 3 });
    expect(place()).toEqual([7, 3]);
    expect(account()).toMatchObject({ firstSequence: 7, highSequence: 7, highFrame: 3, lost: 2 });
    give(9, { frame: 323 });
    expect(account()).toMatchObject({ highSequence: 9, lost: 3 });
  });
});

describe('packets without audio', () => {
  it('have sequence numbers of the stream, and do not change its frames', () => {
    const { numbering, give, run, silent, account, place } = streamOf();
    run(0, 10);
    expect(silent(10)).toBe(true);
    expect([numbering.sequence, numbering.ahead]).toEqual([10, 1]);
    expect(account()).toMatchObject({ highSequence: 10, highFrame: 9 * FRAMES, lost: 0 });
    give(12);
    expect(place()).toEqual([12, 12 * FRAMES]);
    expect(numbering.lost).toBe(1);
    expect(silent(11)).toBe(true);
    expect(numbering.ahead).toBe(-1);
    expect(account()).toMatchObject({ highSequence: 12, lost: 0, restarts: 0 });
  });

  it('that precede the first one move the beginning', () => {
    const { give, silent, account } = streamOf();
    give(10);
    expect(silent(8)).toBe(true);
    expect(account()).toMatchObject({ firstSequence: 8, highSequence: 10, lost: 1 });
  });

  it('cannot open a stream, and as strays have no effect', () => {
    const { numbering, run, silent, account } = streamOf();
    expect(silent(5)).toBe(false);
    expect([numbering.opened, numbering.lost]).toEqual([false, 0]);
    run(1000, 1010);
    expect(silent(500)).toBe(false);
    expect(account()).toMatchObject({ firstSequence: 1000, highSequence: 1009, lost: 0 });
  });
});

describe('a copy inside another packet', () => {
  it('is accepted if it is among the last hundred', () => {
    const { numbering, run, copy, place } = streamOf();
    expect(copy(0)).toBe(false);
    run(0, 201);
    expect(copy(190)).toBe(true);
    expect(place()).toEqual([190, 190 * FRAMES]);
    expect([100, 99, 200, 201].map((n) => copy(n))).toEqual([true, false, true, false]);
    expect([numbering.highSequence, numbering.lost]).toEqual([200, 0]);
  });

  it('is placed by its number if its frame lies more than a second ahead of that', () => {
    const { run, copy, place } = streamOf();
    run(0, 51);
    copy(45, 45 * FRAMES + RATE);
    expect(place()).toEqual([45, 45 * FRAMES + RATE]);
    copy(45, 45 * FRAMES + RATE + 1);
    expect(place()).toEqual([45, 45 * FRAMES]);
    // Behind it lies a silence of any length.
    copy(45, 45 * FRAMES - 5 * RATE);
    expect(place()).toEqual([45, 45 * FRAMES - 5 * RATE]);
  });
});

describe('timestamps', () => {
  /** Our frame of packet 50, which comes `afterMs` after packet 49 and is `step` frames on. */
  const after = (step: number, afterMs: number, sequence = 50) => {
    const { numbering, give, run } = streamOf();
    run(0, 50);
    give(sequence, { frame: 49 * FRAMES + step, now: 49 * 20 + TRANSIT_MS + afterMs });
    return [numbering.frame - 49 * FRAMES, numbering.restarts];
  };

  it('may jump by a second more than the numbers say, and no more', () => {
    expect(after(FRAMES + RATE, 20)).toEqual([FRAMES + RATE, 0]);
    expect(after(FRAMES + RATE + 1, 20)).toEqual([FRAMES, 1]);
    expect(after(1e6, 20)).toEqual([FRAMES, 1]);
  });

  it('may jump by a second more than a silence lasted', () => {
    const silence = 10 * RATE;
    expect(after(silence, 10_000)).toEqual([silence, 0]);
    expect(after(silence + RATE, 10_000)).toEqual([silence + RATE, 0]);
    expect(after(silence - RATE, 10_000)).toEqual([silence - RATE, 0]);
    expect(after(silence + RATE + 1, 10_000)).toEqual([FRAMES, 1]);
    expect(after(silence - RATE - 1, 10_000)).toEqual([FRAMES, 1]);
  });

  it('may advance by half a packet at least; those that go back are joined', () => {
    expect(after(FRAMES / 2, 20)).toEqual([FRAMES / 2, 0]);
    expect(after(FRAMES / 2 - 1, 20)).toEqual([FRAMES, 1]);
    expect(after(-5 * RATE, 20)).toEqual([FRAMES, 1]);
    expect(after(-1e6, 20, 52)).toEqual([3 * FRAMES, 1]);
  });

  it('that jump together with the numbers by over four seconds more than the time count as no loss', () => {
    // 201 packets in 20 ms: what is missing is 4 s.
    expect(after(201 * FRAMES, 20, 49 + 201)).toEqual([201 * FRAMES, 0]);
    expect(after(202 * FRAMES, 20, 49 + 202)).toEqual([FRAMES, 1]);
    expect(after(300 * FRAMES, 500, 49 + 300)).toEqual([25 * FRAMES, 1]);
    expect(after(300 * FRAMES, 500.1, 49 + 300)).toEqual([25 * FRAMES + 1, 1]);
    expect(after(300 * FRAMES, 5, 49 + 300)).toEqual([FRAMES, 1]);
    expect(after(300 * FRAMES, 2000, 49 + 300)).toEqual([300 * FRAMES, 0]);
  });

  it('of a packet that later ones overtook after a jump are joined too, and the joint lies before it', () => {
    const { numbering, give, run, place } = streamOf();
    run(0, 20);
    const after = (n: number) => give(n, { frame: n * FRAMES + 30_000 });
    expect([after(22), numbering.joins]).toEqual([true, true]);
    expect([after(21), numbering.joins, place()]).toEqual([true, true, [21, 21 * FRAMES]]);
    // One of before the jump.
    expect([give(20), numbering.joins, place()]).toEqual([true, false, [20, 20 * FRAMES]]);
    expect([after(23), numbering.joins, numbering.restarts]).toEqual([true, false, 1]);
  });

  it('after a jump are joined, and those of packets from before it keep the old scale', () => {
    const { give, run, copy, place, account } = streamOf();
    run(0, 50);
    give(51, { frame: 1e6 + FRAMES });
    expect(place()).toEqual([51, 51 * FRAMES]);
    give(52, { frame: 1e6 + 2 * FRAMES });
    expect(place()).toEqual([52, 52 * FRAMES]);
    expect(account()).toMatchObject({ highFrame: 52 * FRAMES, lost: 1, restarts: 1 });
    // The number 50 is before the jump, as far as one can tell.
    copy(50);
    expect(place()).toEqual([50, 50 * FRAMES]);
    copy(49, 49 * FRAMES + 7);
    expect(place()).toEqual([49, 49 * FRAMES + 7]);
    copy(51, 1e6 + FRAMES + 7);
    expect(place()).toEqual([51, 51 * FRAMES + 7]);
    give(53, { frame: -1e6 });
    expect(place()).toEqual([53, 53 * FRAMES]);
    copy(52, 1e6 + 2 * FRAMES + 7);
    expect(place()).toEqual([52, 52 * FRAMES + 7]);
  });
});

describe('a sender that restarts', () => {
  /** Two packets of a new run, the second of them at `now`. */
  function restarted(now: number) {
    const stream = streamOf();
    stream.run(0, 51);
    expect(stream.give(20_000, { frame: 5, now: now - 20 })).toBe(false);
    expect(stream.account()).toMatchObject({ highSequence: 50, lost: 0, restarts: 0 });
    expect(stream.give(20_001, { frame: 5 + FRAMES, now })).toBe(true);
    return stream;
  }

  it('continues with the next number, after the usual transit time', () => {
    const { numbering, give, copy, place, account } = restarted(100 * 20 + TRANSIT_MS);
    expect(place()).toEqual([51, 100 * FRAMES]);
    expect(account()).toEqual({
      firstSequence: 0,
      highSequence: 51,
      highFrame: 100 * FRAMES,
      lost: 0,
      restarts: 1,
    });
    give(20_003, { frame: 5 + 3 * FRAMES, now: 102 * 20 + TRANSIT_MS });
    expect(place()).toEqual([53, 102 * FRAMES]);
    expect([numbering.ahead, numbering.lost, numbering.restarts]).toEqual([2, 1, 1]);
    expect(copy(20_002, 5 + 2 * FRAMES)).toBe(true);
    expect(place()).toEqual([52, 101 * FRAMES]);
  });

  it('does not go back over earlier frames', () => {
    const { place } = restarted(50 * 20 + TRANSIT_MS + 5);
    expect(place()).toEqual([51, 51 * FRAMES]);
  });

  it('continues on one scale even after a jump of its timestamps', () => {
    const { give, run, place } = streamOf();
    run(0, 50);
    give(50, { frame: 1e6 });
    give(10, { frame: 5e6, now: 1100 });
    give(11, { frame: 5e6 + FRAMES, now: 1120 });
    give(12, { frame: 5e6 + 2 * FRAMES, now: 1140 });
    // Packet 50 would have come at 1030: so 1140 is five packets and a half later.
    expect(place()).toEqual([52, 55 * FRAMES + FRAMES / 2]);
    give(13, { frame: 5e6 + 3 * FRAMES, now: 1160 });
    expect(place()).toEqual([53, 56 * FRAMES + FRAMES / 2]);
  });

  it('is placed by the recent transit time, averaged by a sixteenth', () => {
    const { numbering, give, run } = streamOf();
    run(0, 50);
    // 20 ms later, all at once: 160 frames × 1/16.
    give(50, { now: 50 * 20 + TRANSIT_MS + 20 });
    give(20_000, { frame: 5, now: 2000 });
    give(20_001, { frame: 5 + FRAMES, now: 2020 + TRANSIT_MS });
    expect(numbering.frame).toBe(101 * FRAMES - 10);
  });
});
