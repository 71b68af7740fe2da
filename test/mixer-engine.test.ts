import { describe, expect, test } from 'vitest';
import { MixerEngine } from '../src/core/align/mixer-engine.ts';
import { SOURCE, SOURCE_FIELDS } from '../src/core/align/mixer-report.ts';
import type { MixerCommand, MixerEvent, MixerProcessorOptions } from '../src/core/messages.ts';
import { MISSING, PAUSED, PRESENT } from '../src/core/microphone/presence.ts';
import { planVariableResampler } from '../src/core/resampler/variable-resampler-planner.ts';

const RATE = 48_000;
const QUANTUM = 128;
const resampler = planVariableResampler({ inputRate: RATE, outputRate: RATE });

type Input = readonly Float32Array[];

/** An engine with two slots, its outputs and what it tells. */
class Rig {
  readonly engine: MixerEngine;
  readonly events: MixerEvent[] = [];
  output: Float32Array[] = [];
  frame = 0;
  readonly #channels: number;
  readonly #sent = new Map<number, number>();

  constructor(options: Partial<MixerProcessorOptions> = {}) {
    const all: MixerProcessorOptions = {
      layout: 'separate',
      channels: 2,
      slots: 2,
      maxDelayMs: 250,
      warmUp: resampler,
      snapshot: null,
      ...options,
    };
    this.#channels = all.channels;
    this.engine = new MixerEngine(all, RATE, {
      postMessage: (event) => void this.events.push(structuredClone(event) as MixerEvent),
      addEventListener: () => {},
      start: () => {},
      close: () => {},
    });
  }

  tell(command: MixerCommand): void {
    this.engine.obey(command, this.frame);
  }

  /** Renders for so long. @param streams ids of those that send, a constant each; their timestamps begin at `zeroMs` */
  run(
    seconds: number,
    given: {
      readonly inputs?: readonly Input[];
      readonly streams?: Readonly<Record<number, number>>;
      readonly zeroMs?: number;
      /** Hz. */
      readonly rate?: number;
    },
  ): void {
    const { inputs = [], streams = {}, zeroMs = 0, rate = RATE } = given;
    for (const end = this.frame + seconds * RATE; this.frame < end; this.frame += QUANTUM) {
      for (const [id, value] of Object.entries(streams)) {
        let sent = this.#sent.get(Number(id)) ?? Math.floor((this.frame / RATE) * 100);
        for (; (sent + 1) * 480 <= this.frame; sent++) {
          const channels = [new Float32Array(rate / 100).fill(value)];
          this.tell({
            type: 'block',
            id: Number(id),
            timestampMs: zeroMs + sent * 10,
            sampleRate: rate,
            channels,
          });
        }
        this.#sent.set(Number(id), sent);
      }
      this.output = Array.from({ length: this.#channels }, () =>
        new Float32Array(QUANTUM).fill(NaN),
      );
      expect(this.engine.process(inputs, this.output, this.frame)).toBe(true);
    }
  }

  /** A stream that stops sends no more; what it would have sent is lost. */
  forget(id: number): void {
    this.#sent.delete(id);
  }

  of<Type extends MixerEvent['type']>(type: Type): Extract<MixerEvent, { readonly type: Type }>[] {
    return this.events.filter((event) => event.type === type) as never;
  }

  /** The last figure that was told. */
  figure(slot: number, name: keyof typeof SOURCE): number {
    return this.of('report').at(-1)!.values[slot * SOURCE_FIELDS.length + SOURCE[name]]!;
  }

  /** The last sample of each channel. */
  get last(): number[] {
    return this.output.map((channel) => channel.at(-1)!);
  }
}

function constant(value: number, channels = 1): Input {
  return Array.from({ length: channels }, () => new Float32Array(QUANTUM).fill(value));
}

const NODE = { type: 'node', gain: 1, tellsPresence: false } as const;

describe('layouts', () => {
  test("'separate' gives each source the channel of its slot, mixed to mono, times its gain", () => {
    const rig = new Rig();
    rig.tell({ ...NODE, slot: 0, id: 1 });
    rig.tell({ type: 'stream', slot: 1, id: 2, gain: 0.5, resampler });
    const stereo = [constant(0.2)[0]!, constant(0.6)[0]!];
    rig.run(1, { inputs: [stereo], streams: { 2: 0.8 } });
    expect(rig.last[0]).toBeCloseTo(0.4, 6);
    expect(rig.last[1]).toBeCloseTo(0.4, 4);
  });

  test("'mixed' sums the sources, mono ones into all channels", () => {
    const rig = new Rig({ layout: 'mixed', channels: 2 });
    rig.tell({ ...NODE, slot: 0, id: 1 });
    rig.tell({ type: 'stream', slot: 1, id: 2, gain: 1, resampler });
    const stereo = [constant(0.1)[0]!, constant(0.3)[0]!];
    rig.run(1, { inputs: [stereo], streams: { 2: 0.5 } });
    expect(rig.last[0]).toBeCloseTo(0.6, 4);
    expect(rig.last[1]).toBeCloseTo(0.8, 4);
  });

  test('free slots are silent', () => {
    const rig = new Rig();
    rig.run(0.1, { inputs: [constant(1), constant(1)] });
    expect(rig.last).toEqual([0, 0]);
  });
});

test('gains change within 10 ms and without steps, in quanta of any length', () => {
  const rig = new Rig({ layout: 'mixed', channels: 1 });
  rig.tell({ ...NODE, slot: 0, id: 1 });
  rig.run(0.1, { inputs: [constant(1)] });
  rig.tell({ type: 'gain', slot: 0, gain: 0.25 });
  const frames = 1000;
  const output = [new Float32Array(frames)];
  rig.engine.process([[new Float32Array(frames).fill(1)]], output, rig.frame);
  const samples = output[0]!;
  expect(samples[0]).toBeGreaterThan(0.99);
  expect(samples[480]).toBe(0.25);
  for (let i = 1; i < frames; i++) {
    expect(Math.abs(samples[i]! - samples[i - 1]!)).toBeLessThan(0.0025);
  }
});

describe('what is missing', () => {
  test('a microphone without a device is silent and missing; the other source continues', () => {
    const rig = new Rig();
    rig.tell({ ...NODE, slot: 0, id: 1, tellsPresence: true });
    rig.tell({ ...NODE, slot: 1, id: 2 });
    const give = (presence: number, quanta: number): void =>
      rig.run((quanta * QUANTUM) / RATE, {
        inputs: [constant(presence === PRESENT ? 0.5 : 0), constant(0.25), constant(presence), []],
      });
    give(PRESENT, 100);
    give(MISSING, 30);
    expect(rig.of('gap')).toEqual([]);
    expect(rig.last).toEqual([0, 0.25]);
    give(PAUSED, 20);
    give(PRESENT, 100);
    expect(rig.of('gap')).toEqual([
      { type: 'gap', id: 1, missingFrames: 30 * QUANTUM, frame: 151 * QUANTUM },
    ]);
    rig.tell({ type: 'remove', slot: 0 });
    rig.tell({ type: 'remove', slot: 1 });
    const [microphone, other] = rig.of('removed').map(({ values }) => values);
    expect(microphone![SOURCE.presentFrames]).toBe(200 * QUANTUM);
    expect(microphone![SOURCE.missingFrames]).toBe(30 * QUANTUM);
    expect(microphone![SOURCE.pausedFrames]).toBe(20 * QUANTUM);
    expect(microphone![SOURCE.gaps]).toBe(1);
    expect(other![SOURCE.presentFrames]).toBe(250 * QUANTUM);
    expect(other![SOURCE.missingFrames]).toBe(0);
  });

  test('a stream that pauses is reported when it returns, and its frames add up', () => {
    const rig = new Rig();
    rig.tell({ type: 'stream', slot: 0, id: 1, gain: 1, resampler });
    rig.run(2, { streams: { 1: 0.5 } });
    const { length } = rig.of('gap');
    rig.run(0.5, {});
    expect(rig.of('gap')).toHaveLength(length);
    expect(rig.last[0]).toBe(0);
    rig.forget(1);
    rig.run(1, { streams: { 1: 0.5 } });
    expect(rig.last[0]).toBeCloseTo(0.5, 4);
    const told = rig.of('gap').slice(length);
    expect(told.every(({ id }) => id === 1)).toBe(true);
    const missing = told.reduce((sum, { missingFrames }) => sum + missingFrames, 0);
    expect(Math.abs(missing - 0.5 * RATE)).toBeLessThan(0.05 * RATE);
    rig.tell({ type: 'remove', slot: 0 });
    const { values } = rig.of('removed')[0]!;
    expect(values[SOURCE.presentFrames]! + values[SOURCE.missingFrames]!).toBe(rig.frame);
    const { receivedFrames, lostFrames, usedFrames, droppedFrames } = SOURCE;
    const waiting = values[receivedFrames]! + values[lostFrames]! - values[usedFrames]!;
    expect(waiting - values[droppedFrames]!).toBeCloseTo(
      (values[SOURCE.bufferedMs]! * RATE) / 1000,
    );
  });
});

test('a stream continues at another rate, and its figures with it', () => {
  const rig = new Rig();
  rig.tell({ type: 'stream', slot: 0, id: 1, gain: 1, resampler });
  rig.run(1, { streams: { 1: 0.5 } });
  const other = planVariableResampler({ inputRate: 44_100, outputRate: RATE });
  rig.tell({ type: 'stream', slot: 0, id: 1, gain: 1, resampler: other });
  const before = rig.frame;
  rig.run(1, { streams: { 1: 0.25 }, rate: 44_100 });
  expect(rig.last[0]).toBeCloseTo(0.25, 4);
  rig.tell({ type: 'remove', slot: 0 });
  const { values } = rig.of('removed')[0]!;
  expect(values[SOURCE.presentFrames]! + values[SOURCE.missingFrames]!).toBe(rig.frame);
  expect(values[SOURCE.presentFrames]).toBeGreaterThan(before);
  expect(values[SOURCE.receivedFrames]! - 99 * 480).toBe(100 * 441);
});

test('timestamps of another clock do not disturb the other sources', () => {
  const rig = new Rig();
  rig.tell({ type: 'stream', slot: 0, id: 1, gain: 1, resampler });
  rig.tell({ type: 'stream', slot: 1, id: 2, gain: 1, resampler });
  rig.run(2, { streams: { 1: 0.5 } });
  const gaps = rig.figure(0, 'gaps');
  // An hour off.
  rig.run(2, { streams: { 2: 0.25 }, zeroMs: 3_600_000 });
  rig.forget(1);
  rig.run(1, { streams: { 1: 0.5 } });
  expect(rig.last[0]).toBeCloseTo(0.5, 4);
  expect(rig.figure(0, 'gaps')).toBeLessThanOrEqual(gaps + 1);
  expect(rig.figure(1, 'presentFrames')).toBeGreaterThan(1.8 * RATE);
});

test('buffers are returned, blocks of unknown sources too', () => {
  const rig = new Rig();
  const channels = [new Float32Array([1, 2])];
  rig.tell({ type: 'block', id: 9, timestampMs: 0, sampleRate: RATE, channels });
  expect(rig.of('buffers')).toEqual([
    { type: 'buffers', frame: 0, id: 9, channels: [new Float32Array([1, 2])] },
  ]);
});

test('after close nothing is rendered or reported', () => {
  const rig = new Rig();
  rig.tell({ ...NODE, slot: 0, id: 1 });
  rig.tell({ type: 'close' });
  const output = [new Float32Array(QUANTUM)];
  expect(rig.engine.process([constant(1)], output, 0)).toBe(false);
  rig.tell({ type: 'remove', slot: 0 });
  expect(rig.events).toEqual([{ type: 'closed', frame: 0 }]);
});
