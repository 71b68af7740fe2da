import { Meter } from 'micwire';
import type { MeterReading } from 'micwire';
import { METER_NAMES } from 'micwire/metering';
import { afterEach, expect, test, vi } from 'vitest';
import {
  REFERENCE_FRAMES,
  REFERENCE_RATE,
  REFERENCE_SETTLED,
  readingMismatches,
  referenceProgramme,
} from '../helpers/meter-reference.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Renders one second of a meter whose input `build` makes; resolves with its last reading. */
async function rendered(
  sampleRate: number,
  build: (context: BaseAudioContext, node: AudioNode) => void,
): Promise<MeterReading<'peak' | 'rms'>> {
  const context = new OfflineAudioContext(1, sampleRate, sampleRate);
  const meter = await Meter.create(context);
  build(context, meter.node);
  const reading = meter.createReading();
  expect(meter.read(reading)).toBe(false);
  await context.startRendering();
  await eventually(() => {
    expect(meter.read(reading)).toBe(true);
    expect(reading.frame).toBeGreaterThan(sampleRate * 0.98);
  });
  return reading;
}

function tone(context: BaseAudioContext, target: AudioNode): void {
  const source = new OscillatorNode(context, { frequency: 1000 });
  const gain = new GainNode(context, { gain: 0.5 });
  source.connect(gain).connect(target);
  source.start();
}

test.each([
  ['shared memory, where the engine has it', {}],
  ['messages', { crossOriginIsolated: false }],
])('a sine of amplitude 0.5 reads −6.02 dBFS peak and −9.03 RMS, by %s', async (_, globals) => {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  const reading = await rendered(48000, tone);
  expect(reading.channels).toBe(1);
  expect(Math.abs(reading.peakDbfs[0]! + 6.0206)).toBeLessThan(0.01);
  expect(Math.abs(reading.rmsDbfs[0]! + 9.0309)).toBeLessThan(0.01);
  expect(Math.abs(reading.crestDb[0]! - 3.0103)).toBeLessThan(0.01);
  expect(reading.peakDbfs[1]).toBe(-Infinity);
  expect(reading.clips[0]).toBe(0);
});

test.each(['auto', 'typescript'] as const)(
  'every meter reads a tone the same in every engine, execution %s',
  async (execution) => {
    const context = new OfflineAudioContext(1, 4 * 48000, 48000);
    const meter = await Meter.create(context, {
      channels: 1,
      meters: ['truePeak', 'loudness', 'ppm', 'vu'],
      execution,
    });
    tone(context, meter.node);
    const reading = meter.createReading();
    await context.startRendering();
    await eventually(() => {
      meter.read(reading);
      expect(reading.frame).toBeGreaterThan(3.95 * 48000);
    });
    const expected = [
      [reading.maxTruePeakDbtp[0]!, -6.02],
      [reading.momentaryLufs, -9.03],
      [reading.shortTermLufs, -9.03],
      [reading.integratedLufs, -9.03],
      [reading.ppmDbfs[0]!, -6.02],
      [reading.vu[0]!, 11.98],
    ] as const;
    for (const [value, wanted] of expected) expect(Math.abs(value - wanted)).toBeLessThan(0.02);
  },
);

test.each(['auto', 'typescript'] as const)(
  'every reading of a programme is within 0.01 of the committed one, execution %s',
  async (execution) => {
    const context = new OfflineAudioContext(2, REFERENCE_FRAMES, REFERENCE_RATE);
    const meter = await Meter.create(context, { channels: 2, meters: METER_NAMES, execution });
    const buffer = new AudioBuffer({
      length: REFERENCE_FRAMES,
      sampleRate: REFERENCE_RATE,
      numberOfChannels: 2,
    });
    for (const [channel, samples] of referenceProgramme().entries()) {
      buffer.copyToChannel(samples as Float32Array<ArrayBuffer>, channel);
    }
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(meter.node);
    source.start();
    const reading = meter.createReading();
    await context.startRendering();
    await eventually(() => {
      meter.read(reading);
      expect(reading.frame).toBeGreaterThan(REFERENCE_SETTLED);
    });
    expect(readingMismatches(reading)).toEqual([]);
  },
);

test('with nothing connected it reads −∞, and the meter is still processed', async () => {
  const reading = await rendered(44100, () => {});
  expect([...reading.peakDbfs, ...reading.rmsDbfs]).toEqual(new Array(4).fill(-Infinity));
});

test('stereo is metered as two channels', async () => {
  const reading = await rendered(44100, (context, node) => {
    const merger = new ChannelMergerNode(context, { numberOfInputs: 2 });
    for (const [channel, offset] of [0.25, -1].entries()) {
      const source = new ConstantSourceNode(context, { offset });
      source.connect(merger, 0, channel);
      source.start();
    }
    merger.connect(node);
  });
  expect(reading.channels).toBe(2);
  expect(reading.rmsDbfs[0]).toBeCloseTo(-12.0412, 3);
  expect(reading.rmsDbfs[1]).toBeCloseTo(0, 9);
  expect(reading.clips[1]).toBe(reading.frame);
});

test('in a live context the readings continue until close', async () => {
  const context = new AudioContext();
  await context.resume();
  const meter = await Meter.create(context, { channels: 1 });
  tone(context, meter.node);
  const reading = meter.createReading();
  await eventually(() => {
    expect(meter.read(reading)).toBe(true);
    expect(Math.abs(reading.peakDbfs[0]! + 6.02)).toBeLessThan(0.1);
  });
  const { frame } = reading;
  await eventually(() => {
    meter.read(reading);
    expect(reading.frame).toBeGreaterThan(frame);
  });
  void meter.close();
  void meter.close();
  expect(() => meter.reset()).toThrow('closed');
  expect(meter.read(reading)).toBe(true);
  await endContext(context);
});
