import { describe, expect, test } from 'vitest';
import { MicrophoneEngine } from '../src/core/microphone/microphone-engine.ts';
import { MISSING, PAUSED, PAUSED_MISSING, PRESENT } from '../src/core/microphone/presence.ts';
import type {
  MicrophoneCommand,
  MicrophoneEvent,
  MicrophoneProcessorOptions,
} from '../src/core/messages.ts';

const RATE = 48_000;
const QUANTUM = 128;

type Input = readonly Float32Array[];

/** An engine, and everything that it gives. */
class Rig {
  readonly engine: MicrophoneEngine;
  readonly events: MicrophoneEvent[] = [];
  /** Samples of the outputs so far; of presence one value a quantum. */
  readonly audio: number[] = [];
  readonly feed: number[] = [];
  readonly presence: number[] = [];
  frame = 0;
  readonly #channels: number;

  constructor(options: Partial<MicrophoneProcessorOptions> = {}) {
    this.#channels = options.channels ?? 1;
    const all = { channels: 1, silenceFrames: 4800, held: null, ...options };
    this.engine = new MicrophoneEngine(all, RATE, {
      postMessage: (event: MicrophoneEvent) => void this.events.push({ ...event }),
    });
  }

  render(first: Input, second: Input = [], frames = QUANTUM): void {
    const outputs = [this.#channels, this.#channels, 1].map((channels) =>
      Array.from({ length: channels }, () => new Float32Array(frames).fill(NaN)),
    );
    expect(this.engine.process([first, second], outputs, this.frame)).toBe(true);
    this.audio.push(...outputs[0]![0]!);
    this.feed.push(...outputs[1]![0]!);
    const presence = new Set(outputs[2]![0]!);
    if (presence.size !== 1) throw new Error('presence must be constant');
    this.presence.push(...presence);
    this.frame += frames;
  }

  tell(command: MicrophoneCommand): void {
    this.engine.obey(command, this.frame);
  }

  take(input: 0 | 1, fields: Partial<Extract<MicrophoneCommand, { type: 'take' }>> = {}): void {
    this.tell({
      type: 'take',
      input,
      request: 1,
      patienceFrames: 48_000,
      fadeFrames: 0,
      ...fields,
    });
  }

  account(): object {
    const before = this.frame;
    this.tell({ type: 'ask' });
    const told = this.events.length;
    this.render([], []);
    expect(this.events.length).toBeGreaterThan(told);
    const { type, frame, ...account } = this.events.at(-1) as MicrophoneEvent & { type: 'account' };
    expect([type, frame]).toEqual(['account', before]);
    const { presentFrames, missingFrames, pausedFrames } = account;
    expect(presentFrames + missingFrames + pausedFrames).toBe(before);
    return account;
  }

  of<Type extends MicrophoneEvent['type']>(type: Type): Extract<MicrophoneEvent, { type: Type }>[] {
    return this.events.filter((event) => event.type === type) as never;
  }
}

function constant(value: number, frames = QUANTUM): Input {
  return [new Float32Array(frames).fill(value)];
}

/** Silence, then a constant from frame `at` on. */
function from(at: number, value: number): Input {
  return [new Float32Array(QUANTUM).fill(value, at)];
}

describe('a device', () => {
  test('is missing until it is heard, and begins with the quantum of its first audio', () => {
    const rig = new Rig();
    rig.render(constant(0.5));
    rig.take(0, { request: 7 });
    rig.render(constant(0));
    rig.render([]);
    rig.render(from(100, 0.5));
    rig.render(constant(0.5));
    expect(rig.presence).toEqual([MISSING, MISSING, MISSING, PRESENT, PRESENT]);
    expect(rig.feed.slice(0, 384).every((sample) => sample === 0)).toBe(true);
    expect(rig.feed.slice(384)).toEqual([...from(100, 0.5)[0]!, ...constant(0.5)[0]!]);
    expect(rig.audio).toEqual(rig.feed);
    expect(rig.of('heard')).toEqual([
      { type: 'heard', frame: 384, request: 7, missingFrames: 384, silentFrames: 0 },
    ]);
    expect(rig.account()).toMatchObject({ presentFrames: 256, missingFrames: 384 });
  });

  test('that is silent is accepted when the patience is over', () => {
    const rig = new Rig();
    rig.take(1, { patienceFrames: 300 });
    for (let i = 0; i < 4; i++) rig.render(constant(0.5), constant(0));
    expect(rig.presence).toEqual([MISSING, MISSING, MISSING, PRESENT]);
    expect(rig.of('heard')).toMatchObject([{ frame: 384, missingFrames: 384 }]);
  });

  test('fades into the next one at its first audio, and no frame is missing', () => {
    const rig = new Rig();
    rig.take(0);
    rig.render(constant(0.5));
    rig.take(1, { request: 2, fadeFrames: 200 });
    rig.render(constant(0.5), constant(0));
    rig.render(constant(0.5), from(60, 0.5));
    for (let i = 0; i < 3; i++) rig.render(constant(0.5), constant(0.5));
    expect(rig.presence).toEqual(Array(6).fill(PRESENT));
    // The gains of both add up to 1.
    for (const sample of rig.feed) expect(sample).toBeCloseTo(0.5, 6);
    expect(rig.of('heard')).toMatchObject([
      { request: 1 },
      { request: 2, frame: 256, missingFrames: 0, silentFrames: 0 },
    ]);
    // The old one is not heard any more.
    rig.render(constant(0.9), constant(0.5));
    expect(rig.feed.at(-1)).toBe(0.5);
  });

  test('can be restored in the middle of a fade', () => {
    const rig = new Rig();
    rig.take(0);
    rig.render(constant(0.5));
    rig.take(1, { fadeFrames: 1000 });
    for (let i = 0; i < 3; i++) rig.render(constant(0.5), constant(-0.5));
    rig.take(0, { fadeFrames: 1000 });
    for (let i = 0; i < 9; i++) rig.render(constant(0.5), constant(-0.5));
    expect(largestStep(rig.feed)).toBeLessThan(0.002);
    expect(rig.feed.at(-1)).toBe(0.5);
  });

  test('that begins in the middle of a quantum does not disturb an earlier fade', () => {
    const rig = new Rig();
    rig.take(0);
    rig.render(constant(0.5));
    rig.take(1, { fadeFrames: 1000 });
    for (let i = 0; i < 3; i++) rig.render([], constant(0.5));
    rig.take(0, { fadeFrames: 1000 });
    rig.render(from(60, 0.5), constant(0.5));
    expect(largestStep(rig.feed.slice(4 * QUANTUM - 1, 4 * QUANTUM + 60))).toBeLessThan(0.002);
  });

  test('that is lost fades out while it is still heard, and is missing from then on', () => {
    const rig = new Rig();
    rig.take(0);
    rig.render(constant(0.5));
    rig.tell({ type: 'lose' });
    for (let i = 0; i < 3; i++) rig.render(constant(0.5));
    expect(rig.presence).toEqual([PRESENT, PRESENT, MISSING, MISSING]);
    expect(largestStep(rig.audio.slice(QUANTUM - 1))).toBeLessThan(0.01);
    expect(rig.feed.slice(2 * QUANTUM).every((sample) => sample === 0)).toBe(true);
    rig.take(1, { request: 3 });
    rig.render([], constant(0.25));
    expect(rig.of('heard').at(-1)).toMatchObject({ request: 3, missingFrames: 256 });
    expect(rig.account()).toMatchObject({ presentFrames: 384, missingFrames: 256 });
  });

  test('that has gone is missing at once, and its last sample fades out', () => {
    const rig = new Rig();
    rig.take(0);
    rig.render(constant(0.5));
    rig.tell({ type: 'lose' });
    rig.render([]);
    rig.render([]);
    expect(rig.presence).toEqual([PRESENT, MISSING, MISSING]);
    expect(largestStep(rig.audio.slice(QUANTUM - 1))).toBeLessThan(0.01);
    expect(rig.audio.at(-1)).toBe(0);
  });

  test('reports how long it delivered nothing but zeros before it was lost', () => {
    const rig = new Rig();
    rig.take(0);
    rig.render(constant(0.5));
    const fading = constant(0.5);
    fading[0]!.fill(0, 28);
    rig.render(fading);
    rig.render([]);
    rig.tell({ type: 'lose' });
    rig.render([]);
    rig.take(0, { request: 4 });
    rig.render(constant(0.5));
    expect(rig.of('heard').at(-1)).toEqual({
      type: 'heard',
      frame: 512,
      request: 4,
      missingFrames: 128,
      silentFrames: 228,
    });
  });

  test('reports zeros before a switch as well: a device may be gone before the page knows', () => {
    const rig = new Rig();
    rig.take(0);
    rig.render(constant(0.5));
    rig.render(constant(0));
    rig.render([]);
    rig.take(1);
    rig.render([], constant(0.5));
    expect(rig.of('heard').at(-1)).toMatchObject({ missingFrames: 0, silentFrames: 256 });
  });

  test('that was lost is no longer heard, even if it delivers audio again', () => {
    const rig = new Rig();
    rig.take(0);
    rig.render(constant(0.5));
    rig.tell({ type: 'lose' });
    rig.render([]);
    rig.render(constant(0.5));
    rig.take(1, { fadeFrames: 100 });
    rig.render(constant(0.5), constant(0));
    expect(rig.feed.slice(2 * QUANTUM).every((sample) => sample === 0)).toBe(true);
    expect(rig.presence.slice(1)).toEqual([MISSING, MISSING, MISSING]);
  });

  test('that delivers NaN or infinities does no harm', () => {
    const rig = new Rig();
    rig.take(0);
    const bad = constant(0.5);
    bad[0]!.set([NaN, Infinity, -Infinity], 10);
    rig.render(bad);
    rig.take(1, { fadeFrames: 100 });
    rig.render(bad, bad);
    rig.tell({ type: 'lose' });
    rig.render([], bad);
    rig.render([], []);
    for (const sample of [...rig.feed, ...rig.audio]) expect(Math.abs(sample)).toBeLessThan(1);
    expect(rig.feed.slice(9, 14)).toEqual([0.5, 0, 0, 0, 0.5]);
  });
});

describe('mute', () => {
  test('is silence with continuing numbers, and fades', () => {
    const rig = new Rig();
    rig.take(0);
    rig.render(constant(0.5));
    rig.tell({ type: 'mute', on: true, fadeFrames: 200 });
    for (let i = 0; i < 3; i++) rig.render(constant(0.5));
    rig.tell({ type: 'mute', on: false, fadeFrames: 200 });
    for (let i = 0; i < 3; i++) rig.render(constant(0.5));
    expect(rig.presence).toEqual(Array(7).fill(PRESENT));
    expect(rig.feed.slice(400, 512).every((sample) => sample === 0)).toBe(true);
    expect(rig.audio).toEqual(rig.feed);
    expect(largestStep(rig.feed)).toBeLessThan(0.005);
    expect(rig.feed.at(-1)).toBe(0.5);
    expect(rig.account()).toEqual({
      presentFrames: 896,
      missingFrames: 0,
      pausedFrames: 0,
      mutedFrames: 384,
    });
  });
});

describe('push-to-talk', () => {
  test('silences the first output while it is released, but not the feed of captures', () => {
    const rig = new Rig({ held: false });
    rig.take(0);
    rig.render([]);
    for (let i = 0; i < 3; i++) rig.render(constant(0.5));
    rig.tell({ type: 'hold', held: true });
    for (let i = 0; i < 4; i++) rig.render(constant(0.5));
    rig.tell({ type: 'hold', held: false });
    for (let i = 0; i < 4; i++) rig.render(constant(0.5));
    expect(rig.presence).toEqual([
      PAUSED_MISSING,
      ...Array(3).fill(PAUSED),
      ...Array(4).fill(PRESENT),
      ...Array(4).fill(PAUSED),
    ]);
    expect(rig.feed.slice(QUANTUM).every((sample) => sample === 0.5)).toBe(true);
    expect(rig.audio.slice(0, 4 * QUANTUM).every((sample) => sample === 0)).toBe(true);
    expect(rig.audio[8 * QUANTUM - 1]).toBe(0.5);
    expect(rig.audio.at(-1)).toBe(0);
    expect(largestStep(rig.audio)).toBeLessThan(0.005);
    expect(rig.account()).toMatchObject({
      presentFrames: 512,
      missingFrames: 0,
      pausedFrames: 1024,
    });
    rig.tell({ type: 'hold', held: null });
    rig.render(constant(0.5));
    expect(rig.presence.at(-1)).toBe(PRESENT);
  });
});

describe('quanta that were not rendered', () => {
  test('are missing, or paused while push-to-talk is released', () => {
    const rig = new Rig();
    rig.take(0);
    rig.render(constant(0.5));
    rig.render(constant(0.5));
    rig.frame += 1000;
    rig.render(constant(0.5));
    expect(rig.account()).toMatchObject({ presentFrames: 384, missingFrames: 1000 });
    rig.tell({ type: 'hold', held: false });
    rig.render(constant(0.5));
    rig.frame += 2000;
    rig.render(constant(0.5));
    expect(rig.account()).toMatchObject({ missingFrames: 1000, pausedFrames: 2256 });
  });

  test('are not assumed if Chromium repeats a frame', () => {
    const rig = new Rig();
    rig.take(0);
    rig.render(constant(0.5));
    rig.render(constant(0.5));
    rig.frame -= 128;
    rig.render(constant(0.5));
    rig.tell({ type: 'lose' });
    rig.render([]);
    rig.frame += 128;
    rig.render([]);
    expect(rig.account()).toMatchObject({ presentFrames: 384, missingFrames: 256 });
  });

  test('after the first do not count: rendering had not started', () => {
    const rig = new Rig();
    rig.frame = 896;
    rig.render([]);
    rig.frame = 1536;
    rig.take(0);
    rig.render(constant(0.5));
    rig.render(constant(0.5));
    rig.tell({ type: 'close' });
    expect(rig.of('heard')).toMatchObject([{ missingFrames: 0 }]);
    expect(rig.of('closed')).toMatchObject([{ presentFrames: 256, missingFrames: 0 }]);
  });

  test('end a silence, because their content is unknown', () => {
    const rig = new Rig({ silenceFrames: 1000 });
    rig.take(0);
    rig.render(constant(0.5));
    for (let i = 0; i < 10; i++) rig.render(constant(0));
    rig.frame += 5000;
    for (let i = 0; i < 10; i++) rig.render(constant(0));
    expect(rig.of('silence').map(({ kind, sinceFrame }) => [kind, sinceFrame])).toEqual([
      ['zeros', 128],
      [null, 6408],
      ['zeros', 6408],
    ]);
  });

  test('are not counted as a gap of a device that is taken later', () => {
    const rig = new Rig();
    rig.take(0);
    rig.render(constant(0.5));
    rig.render(constant(0.5));
    rig.frame += 1000;
    rig.render(constant(0.5));
    rig.take(1);
    rig.render(constant(0.5), constant(0.5));
    expect(rig.of('heard').map(({ missingFrames }) => missingFrames)).toEqual([0, 0]);
  });

  test('count towards the patience', () => {
    const rig = new Rig();
    rig.render([]);
    rig.take(0, { patienceFrames: 1000 });
    rig.render([]);
    rig.frame += 1000;
    rig.render([]);
    expect(rig.presence).toEqual([MISSING, MISSING, PRESENT]);
  });
});

/** The largest difference between two samples that follow each other: a click is a large one. */
function largestStep(samples: readonly number[]): number {
  let largest = 0;
  for (let i = 1; i < samples.length; i++) {
    largest = Math.max(largest, Math.abs(samples[i]! - samples[i - 1]!));
  }
  return largest;
}

describe('a silent device', () => {
  const quiet = (value: number, quanta: number, rig: Rig): void => {
    for (let i = 0; i < quanta; i++) rig.render(constant(value));
  };

  test('is reported once, with its kind and start, and once when it is heard again', () => {
    const rig = new Rig({ silenceFrames: 1000 });
    rig.take(0);
    quiet(0.5, 2, rig);
    quiet(0, 30, rig);
    quiet(0.5, 30, rig);
    expect(rig.of('silence')).toEqual([
      { type: 'silence', frame: 10 * QUANTUM, sinceFrame: 2 * QUANTUM, kind: 'zeros' },
      { type: 'silence', frame: 33 * QUANTUM, sinceFrame: 33 * QUANTUM, kind: null },
    ]);
  });

  test('may have peaks up to −100 dBFS', () => {
    const rig = new Rig({ silenceFrames: 1000 });
    rig.take(0);
    quiet(0.9e-5, 30, rig);
    quiet(-1.1e-5, 1, rig);
    expect(rig.of('silence').map(({ kind }) => kind)).toEqual(['floor', null]);
  });

  test('changes its kind when zeros become a murmur, and the other way round', () => {
    const rig = new Rig({ silenceFrames: 1000 });
    rig.take(0);
    quiet(0.5, 1, rig);
    quiet(0, 20, rig);
    quiet(-1e-7, 20, rig);
    quiet(0, 20, rig);
    expect(rig.of('silence').map(({ kind, sinceFrame }) => [kind, sinceFrame])).toEqual([
      ['zeros', QUANTUM],
      ['floor', QUANTUM],
      ['zeros', 41 * QUANTUM],
    ]);
  });

  test('is measured from the exact sample, in all channels', () => {
    const rig = new Rig({ silenceFrames: 1000, channels: 2 });
    rig.take(0);
    const silence = new Float32Array(QUANTUM);
    const click = (at: number): Float32Array =>
      Float32Array.from(silence, (_, i) => (i === at ? 0.5 : 0));
    rig.render([click(10), click(90)]);
    for (let i = 0; i < 20; i++) rig.render([silence, silence]);
    expect(rig.of('silence')).toMatchObject([{ kind: 'zeros', sinceFrame: 91 }]);
  });

  test('is a new one after a switch, and no longer silent when it is lost', () => {
    const rig = new Rig({ silenceFrames: 1000 });
    rig.take(0, { patienceFrames: 0 });
    quiet(0, 20, rig);
    rig.take(1, { patienceFrames: 0 });
    quiet(0, 20, rig);
    rig.tell({ type: 'lose' });
    quiet(0, 20, rig);
    const told = rig.events.map((event) => (event.type === 'silence' ? event.kind : event.type));
    expect(told).toEqual(['heard', 'zeros', null, 'heard', 'zeros', null]);
  });

  test('is detected while it is muted or released: only the device matters', () => {
    const rig = new Rig({ silenceFrames: 1000, held: false });
    rig.take(0);
    rig.tell({ type: 'mute', on: true, fadeFrames: 0 });
    quiet(0.5, 20, rig);
    expect(rig.of('silence')).toEqual([]);
    quiet(0, 20, rig);
    expect(rig.of('silence')).toMatchObject([{ kind: 'zeros' }]);
  });
});

describe('commands', () => {
  test('take of the input in use cancels the other one, at once', () => {
    const rig = new Rig();
    rig.take(0, { request: 1 });
    rig.render(constant(0.5));
    rig.take(1, { request: 2 });
    rig.render(constant(0.5), constant(0));
    rig.take(0, { request: 3, fadeFrames: 100 });
    rig.render(constant(0.5), constant(0.25));
    rig.render(constant(0.5), constant(0.25));
    expect(rig.of('heard').map(({ request, frame }) => [request, frame])).toEqual([
      [1, 0],
      [3, 256],
    ]);
    expect(rig.feed.every((sample) => sample === 0.5)).toBe(true);
  });

  test('take after lose waits for audio also from the same input', () => {
    const rig = new Rig();
    rig.take(0, { request: 1 });
    rig.render(constant(0.5));
    rig.tell({ type: 'lose' });
    rig.take(0, { request: 2 });
    rig.render(constant(0));
    rig.render(constant(0));
    rig.render(constant(0.5));
    expect(rig.presence).toEqual([PRESENT, MISSING, MISSING, PRESENT]);
    expect(rig.of('heard').at(-1)).toMatchObject({ request: 2, missingFrames: 256 });
  });

  test('lose cancels a take that waits', () => {
    const rig = new Rig();
    rig.take(0, { request: 1, patienceFrames: 200 });
    rig.tell({ type: 'lose' });
    for (let i = 0; i < 5; i++) rig.render(constant(0.5));
    expect(rig.presence).toEqual(Array(5).fill(MISSING));
    rig.take(0, { request: 2 });
    rig.render(constant(0.5));
    rig.take(1, { request: 3 });
    rig.tell({ type: 'lose' });
    for (let i = 0; i < 3; i++) rig.render(constant(0.5), constant(0.5));
    expect(rig.presence.slice(5)).toEqual([PRESENT, PRESENT, MISSING, MISSING]);
    expect(rig.of('heard').map(({ request }) => request)).toEqual([2]);
  });

  test('take directly after lose may be heard in the same quantum: nothing is missing', () => {
    const rig = new Rig();
    rig.take(0, { request: 1 });
    rig.render(constant(0.5));
    rig.tell({ type: 'lose' });
    rig.take(1, { request: 2, fadeFrames: 64 });
    rig.render(constant(0.5), constant(0.5));
    // The same request once more, whose answer has crossed the loss.
    rig.tell({ type: 'lose' });
    rig.take(1, { request: 2, fadeFrames: 64 });
    rig.render(constant(0.5), constant(0.5));
    expect(rig.presence).toEqual([PRESENT, PRESENT, PRESENT]);
    for (const sample of rig.feed) expect(sample).toBeCloseTo(0.5, 6);
    expect(rig.of('heard').map(({ request, missingFrames }) => [request, missingFrames])).toEqual([
      [1, 0],
      [2, 0],
      [2, 0],
    ]);
  });

  test('after close change nothing', () => {
    const rig = new Rig();
    rig.tell({ type: 'close' });
    rig.tell({ type: 'close' });
    rig.take(0);
    const outputs = Array.from({ length: 3 }, () => [new Float32Array(QUANTUM)]);
    expect(rig.engine.process([constant(0.5), []], outputs, 0)).toBe(false);
    expect(rig.events.map(({ type }) => type)).toEqual(['closed']);
  });

  test('missing frames are reported once, even if push-to-talk is released', () => {
    const rig = new Rig({ held: true });
    rig.render([]);
    rig.take(0);
    rig.tell({ type: 'hold', held: false });
    rig.render(constant(0.5));
    rig.tell({ type: 'lose' });
    rig.render([]);
    rig.take(0);
    rig.render(constant(0.5));
    expect(rig.of('heard').map(({ missingFrames }) => missingFrames)).toEqual([128, 0]);
  });
});
