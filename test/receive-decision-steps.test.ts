import { describe, expect, it } from 'vitest';
import type { DelayTarget } from '../src/core/receive/delay-target.ts';
import { JitterBuffer } from '../src/core/receive/jitter-buffer.ts';
import { ReceiveDecision } from '../src/core/receive/receive-decision.ts';
import type { ReceiveDecisionOptions } from '../src/core/receive/receive-decision.ts';

const RATE = 8000;
/** Packets of 20 ms. */
const FRAMES = 160;
/** Frames of a step of 5 ms. */
const STEP = 40;
/** When frame 0 is due, ms. */
const DUE_MS = 100;

/** A decision whose target is the test's: frame f is due at 100 ms + f / 8. */
function decisionOf(options: Partial<ReceiveDecisionOptions> = {}) {
  const target = {
    dueMs: (frame: number) => DUE_MS + frame / 8,
    liftMs: 0,
    swings: false,
    drift: { ratio: 1 },
    targetMs: 50,
    freeTargetMs: 30,
  };
  const buffer = new JitterBuffer({ sampleRate: RATE, maxPayloadBytes: 8 });
  const decision = new ReceiveDecision({
    buffer,
    target: target as unknown as DelayTarget,
    ...options,
  });
  const insert = (n: number, frame = n * FRAMES) =>
    buffer.insert(n, frame, FRAMES, new Uint8Array(8), frame / 8);
  /** The next action where the frame at the playhead is heard so much later than it is due, ms. */
  const at = (surplus: number, frame = buffer.playFrame) =>
    decision.decide(target.dueMs(frame), surplus);
  const play = (surplus = 0) => {
    const action = at(surplus);
    return [action, decision.frames, action === 'conceal' ? 0 : decision.take()];
  };
  const counters = (...names: Parameters<typeof buffer.counters.get>[0][]) =>
    names.map((name) => buffer.counters.get(name));
  return { target, buffer, decision, insert, at, play, counters };
}

/** Packets 0 … `count` − 1 are there, and the first is played. */
function started(count: number, options: Partial<ReceiveDecisionOptions> = {}) {
  const all = decisionOf(options);
  for (let n = 0; n < count; n++) all.insert(n);
  expect(all.play()).toEqual(['play', 0, 0]);
  return all;
}

describe('before anything plays', () => {
  it('waits in steps, for a packet and then until it is due', () => {
    const { decision, insert, at } = decisionOf();
    expect([at(0), decision.frames, decision.slot, decision.started]).toEqual([
      'wait',
      STEP,
      -1,
      false,
    ]);
    insert(0);
    expect([at(-0.1), decision.frames, decision.started]).toEqual(['wait', STEP, false]);
    expect(decision.surplusMs).toBeCloseTo(-0.1, 9);
    expect([at(0), decision.started, decision.surplusMs]).toEqual(['play', true, 0]);
    const other = decisionOf({ concealStepMs: 10 });
    expect([other.at(0), other.decision.frames]).toEqual(['wait', 2 * STEP]);
  });

  it('waits longer if the path may have become longer', () => {
    const { target, decision, insert, at } = decisionOf();
    insert(0);
    target.liftMs = 30;
    expect([at(29), decision.surplusMs]).toEqual(['wait', -1]);
    expect([at(30), decision.surplusMs]).toEqual(['play', 0]);
  });

  it('counts no gap before the first packet', () => {
    const { decision, buffer, insert, at, counters } = decisionOf();
    insert(5);
    insert(3);
    expect(at(0)).toBe('play');
    expect(buffer.sequenceOf(decision.slot)).toBe(3);
    expect(counters('concealedSamples', 'skippedSamples')).toEqual([0, 0]);
  });
});

describe('a packet that is there', () => {
  it('is taken, and its target delay is counted', () => {
    const { counters } = started(2);
    const [wanted, free] = counters('jitterBufferTargetDelay', 'jitterBufferMinimumDelay');
    // 160 frames × 50 ms, and × 30 ms, in seconds.
    expect([wanted, free]).toEqual([8, expect.closeTo(4.8, 9)]);
  });

  it('is played faster from 8 ms too late, and slower from 5 ms too early', () => {
    for (const [surplus, action] of [
      [8, 'play'],
      [8.1, 'accelerate'],
      [-5, 'play'],
      [-5.1, 'decelerate'],
    ] as const) {
      const { at, decision } = started(2);
      expect(at(surplus)).toBe(action);
      expect(decision.scaleFrames).toBe(action === 'play' ? 0 : STEP);
    }
  });

  it.each([1, -1])('earns a quarter of its length, up to 15 ms, which cuts use up (%i)', (sign) => {
    const { decision, play, counters } = started(12);
    const scale = (ms: number) => {
      play(sign * ms);
      return decision.scaleFrames;
    };
    expect([scale(40), scale(40), scale(40), scale(40)]).toEqual([40, 80, 120, 120]);
    decision.scaled(sign * 100);
    expect(counters('removedSamplesForAcceleration', 'insertedSamplesForDeceleration')).toEqual(
      sign > 0 ? [100, 0] : [0, 100],
    );
    expect(scale(40)).toBe(60);
    // Never beyond the target.
    expect(scale(9)).toBe(72);
    // Near the target nothing is saved up.
    expect([scale(2), scale(40)]).toEqual([0, 40]);
  });

  it('earns the configured share', () => {
    const options = { maxAcceleration: 0.5, maxDeceleration: 0.1 };
    const { decision, at } = started(2, options);
    expect([at(40), decision.scaleFrames]).toEqual(['accelerate', 80]);
    const slower = started(2, options);
    expect([slower.at(-40), slower.decision.scaleFrames]).toEqual(['decelerate', 16]);
    expect(started(2, { maxAcceleration: 0 }).at(40)).toBe('play');
    expect(started(2, { maxDeceleration: 0 }).at(-40)).toBe('play');
    expect(() => decisionOf({ maxAcceleration: 0.6 })).toThrow(RangeError);
    expect(() => decisionOf({ maxDeceleration: 0.6 })).toThrow(RangeError);
    expect(() => decisionOf({ concealStepMs: 0 })).toThrow(RangeError);
    expect(() => decisionOf({ skipAboveMs: -1 })).toThrow(RangeError);
  });
});

describe('the speed of a resampler', () => {
  it('is the clocks’ ratio plus up to 1.5 ‰ towards the target', () => {
    const { target, decision, at } = started(2);
    const speed = (surplus: number, ratio = 1) => {
      target.drift.ratio = ratio;
      at(surplus);
      return 1000 * (decision.speed - 1);
    };
    expect(speed(0)).toBe(0);
    expect(speed(5)).toBeCloseTo(0.75, 6);
    expect(speed(-4)).toBeCloseTo(-0.6, 6);
    expect(speed(30)).toBeCloseTo(1.5, 6);
    expect(speed(-30)).toBeCloseTo(-1.5, 6);
    expect(speed(0, 1.001)).toBeCloseTo(1, 6);
    expect(speed(0, 0.999)).toBeCloseTo(-1, 6);
    expect(speed(0, 1.01)).toBeCloseTo(1.5, 6);
    expect(speed(5, 0.99)).toBeCloseTo(-0.75, 6);
    decision.reset();
    expect([decision.speed, decision.surplusMs, decision.started]).toEqual([1, 0, false]);
  });

  it('does not follow a delay that a longer path explains', () => {
    const { target, decision, at } = started(2);
    target.liftMs = 20;
    const surplusOf = (surplus: number) => {
      at(surplus);
      return decision.surplusMs;
    };
    expect([25, 20, 15, 0.5, 0, -3].map(surplusOf)).toEqual([5, 0, 0, 0, 0, -3]);
  });
});

describe('packets that are lost', () => {
  it('are concealed one at a time, as one event', () => {
    const { decision, buffer, insert, play, counters } = started(1);
    insert(4);
    insert(5);
    for (let n = 1; n < 4; n++) {
      expect(play()).toEqual(['conceal', FRAMES, 0]);
      expect([decision.lost, buffer.playFrame]).toEqual([true, (n + 1) * FRAMES]);
    }
    expect(play()).toEqual(['play', 0, 0]);
    expect(decision.lost).toBe(false);
    expect(counters('concealedSamples', 'concealmentEvents')).toEqual([3 * FRAMES, 1]);
    insert(7);
    for (let i = 0; i < 3; i++) play();
    expect(counters('concealedSamples', 'concealmentEvents')).toEqual([4 * FRAMES, 2]);
  });

  it('are left out as far as the packet after them is overdue', () => {
    const { decision, buffer, insert, at, play, counters } = started(1);
    insert(2);
    expect(play(10)).toEqual(['conceal', FRAMES - 80, 0]);
    expect(counters('concealedSamples', 'skippedSamples')).toEqual([FRAMES - 80, 80]);
    expect(at(0)).toBe('play');
    const late = started(1);
    late.insert(2);
    expect([late.at(100), late.decision.frames]).toEqual(['skip', FRAMES]);
    expect(late.buffer.sequenceOf(late.decision.slot)).toBe(2);
    expect(late.decision.surplusMs).toBeCloseTo(80, 9);
    const near = started(1);
    near.insert(2);
    expect(near.play(8)).toEqual(['conceal', FRAMES, 0]);
    expect([decision.lost, buffer.count]).toEqual([false, 1]);
  });
});

describe('an empty buffer', () => {
  /** So many steps with nothing to play. */
  const stand = ({ at, decision }: ReturnType<typeof decisionOf>, steps: number) => {
    for (let i = 0; i < steps; i++) {
      expect([at(0), decision.frames, decision.lost]).toEqual(['conceal', STEP, false]);
    }
  };

  it('is concealed step by step, without moving the playhead; after a second the stream has paused', () => {
    const all = started(1);
    stand(all, 201);
    expect(all.counters('concealedSamples', 'concealmentEvents')).toEqual([201 * STEP, 1]);
    expect([all.buffer.playFrame, all.decision.started]).toEqual([FRAMES, true]);
    expect([all.at(0), all.decision.started]).toEqual(['wait', false]);
    // What comes then begins when it is due, wherever that is.
    all.insert(9);
    expect([all.at(-1, 9 * FRAMES), all.at(0, 9 * FRAMES)]).toEqual(['wait', 'play']);
    expect(all.buffer.gapBefore(all.decision.slot)).toBe(0);
    expect(all.counters('concealedSamples', 'skippedSamples')).toEqual([201 * STEP, 0]);
  });

  it('counts as concealment of packets that turn out to be lost', () => {
    const all = started(1);
    stand(all, 3);
    all.insert(2);
    expect(all.play()).toEqual(['conceal', FRAMES - 3 * STEP, 0]);
    expect(all.play()).toEqual(['play', 0, 0]);
    expect(all.counters('concealedSamples', 'concealmentEvents')).toEqual([FRAMES, 1]);
    const longer = started(1);
    stand(longer, 6);
    longer.insert(2);
    expect(longer.play(20)).toEqual(['play', 0, 0]);
    expect(longer.counters('concealedSamples')).toEqual([6 * STEP]);
  });

  it('that has faded out waits for the target, unless the delay swings', () => {
    for (const [steps, surplus, swings, action] of [
      [21, -6, false, 'conceal'],
      [21, -5, false, 'play'],
      [21, -6, true, 'decelerate'],
      [20, -6, false, 'decelerate'],
    ] as const) {
      const all = started(1);
      stand(all, steps);
      all.insert(1);
      all.target.swings = swings;
      expect([all.at(surplus), all.decision.lost]).toEqual([action, false]);
      if (action !== 'conceal') continue;
      expect(all.decision.frames).toBe(STEP);
      // And for a longer path.
      all.target.liftMs = 10;
      expect([all.at(4), all.decision.surplusMs]).toEqual(['conceal', -6]);
      expect([all.at(5), all.decision.surplusMs]).toEqual(['play', -5]);
    }
  });

  it('counts as silence of the sender if the next packet has the next number', () => {
    const all = started(1);
    all.insert(1, 10 * FRAMES);
    for (let i = 0; i < 9; i++) expect(all.play(-6)).toEqual(['conceal', FRAMES, 0]);
    expect([all.at(-6), all.decision.lost]).toEqual(['conceal', false]);
    expect(all.play(-5)).toEqual(['play', 0, 0]);
    all.insert(2, 11 * FRAMES);
    expect(all.play(-6)[0]).toBe('decelerate');
    // Of lost packets it is not known.
    const lost = started(1);
    lost.insert(10);
    for (let i = 0; i < 9; i++) expect(lost.play(-6)).toEqual(['conceal', FRAMES, 0]);
    expect(lost.play(-6)[0]).toBe('decelerate');
  });
});

describe('excessive delay', () => {
  it('is skipped, to the target', () => {
    const { decision, buffer, at, counters } = started(100);
    expect(at(1000)).toBe('accelerate');
    expect([at(1001), decision.frames]).toEqual(['skip', 8008]);
    expect(buffer.playFrame).toBe(FRAMES + 8008);
    expect(buffer.sequenceOf(decision.slot)).toBe(51);
    expect(decision.take()).toBe(8);
    expect(counters('skippedSamples')).toEqual([8008]);
    expect(decision.surplusMs).toBeCloseTo(0, 9);
    expect(at(0)).toBe('play');
  });

  it('is skipped up to the newest packet, which is kept', () => {
    const { decision, buffer, at } = started(10, { skipAboveMs: 50 });
    expect([at(5000), decision.frames]).toEqual(['skip', 8 * FRAMES]);
    expect(buffer.sequenceOf(decision.slot)).toBe(9);
    expect(decision.take()).toBe(0);
    const one = started(2, { skipAboveMs: 50 });
    expect(one.at(5000)).toBe('accelerate');
  });

  it('has four times the limit if the delay swings', () => {
    for (const [surplus, swings, action] of [
      [50, false, 'accelerate'],
      [51, false, 'skip'],
      [200, true, 'accelerate'],
      [201, true, 'skip'],
    ] as const) {
      const all = started(30, { skipAboveMs: 50 });
      all.target.swings = swings;
      expect(all.at(surplus)).toBe(action);
    }
  });

  it('over a gap skips the missing audio as well', () => {
    const { decision, insert, at, counters } = started(1, { skipAboveMs: 50 });
    for (const n of [2, 3, 4, 5]) insert(n);
    expect([at(51), decision.frames]).toEqual(['skip', 408]);
    expect(decision.take()).toBe(408 - 2 * FRAMES);
    expect(counters('skippedSamples', 'concealedSamples')).toEqual([408, 0]);
  });
});

it('restarts after a reset, with no credit and no event under way', () => {
  const all = started(3);
  all.play(40);
  all.insert(6);
  all.play();
  expect(all.at(0)).toBe('conceal');
  all.decision.reset();
  all.buffer.reset();
  all.insert(0);
  all.insert(1);
  expect(all.at(-1)).toBe('wait');
  expect(all.play()).toEqual(['play', 0, 0]);
  expect([all.at(40), all.decision.scaleFrames]).toEqual(['accelerate', STEP]);
});
