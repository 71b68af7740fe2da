import { describe, expect, it, test } from 'vitest';
import { meterModule } from '../src/core/metering/meter-module.ts';
import { MeterBank } from '../src/core/metering/meter-bank.ts';
import { METER_FIELDS, METER_NAMES, createMeterReading } from '../src/core/metering/meter-table.ts';
import type { MeterName } from '../src/core/metering/meter-table.ts';
import { feed } from './helpers/feed.ts';
import { seededRandom } from './helpers/random.ts';
import { noise, sine } from './helpers/signals.ts';

const RATE = 48000;

test('no two meters of the table share the name of a field', () => {
  const names = METER_NAMES.flatMap((name) => Object.keys(METER_FIELDS[name]));
  expect(new Set(names).size).toBe(names.length);
});

test('the reading of a new bank, of a reset one and of one that heard silence is the same', () => {
  const bank = new MeterBank({ sampleRate: RATE, channels: 3, meters: METER_NAMES });
  const start = bank.createReading();
  const reading = bank.createReading();
  bank.read(reading);
  expect([...reading.values]).toEqual([...start.values]);
  feed(bank, [noise(seededRandom(1), RATE), noise(seededRandom(2), RATE)]);
  bank.reset();
  bank.read(reading);
  expect([...reading.values].slice(2)).toEqual([...start.values].slice(2));
  const quiet = new MeterBank({ sampleRate: RATE, channels: 3, meters: METER_NAMES });
  feed(quiet, [new Float32Array(RATE)]);
  quiet.read(reading);
  expect(reading.measuredSeconds).toBe(1);
  reading.values[reading.values.indexOf(1, 2)] = 0;
  expect([...reading.values].slice(2)).toEqual([...start.values].slice(2));
  expect(reading.frame).toBe(RATE);
  expect(reading.channels).toBe(1);
});

describe.each([
  ['in TypeScript', undefined],
  ['in WebAssembly', meterModule()],
])('a reset in the middle of a signal, %s', (_, wasm) => {
  const frames = RATE;
  const amplitude = 10 ** (-23 / 20);
  const tone = sine({ frequency: 1000, sampleRate: RATE, frames, amplitude }).map((x) => x + 0.1);
  const options = { sampleRate: RATE, channels: 1, meters: METER_NAMES, wasm } as const;
  const begin = (from: number, continues: boolean) => {
    const bank = new MeterBank(options);
    feed(bank, [tone.subarray(0, from)]);
    bank.reset(continues);
    feed(bank, [tone.subarray(from)]);
    const reading = bank.createReading();
    bank.read(reading);
    return reading;
  };
  const whole = begin(0, false);

  it.each([24_003, 24_012, 24_017, 24_025, 24_031])(
    'does not read a step where the signal continues, at frame %i',
    (frame) => {
      const reading = begin(frame, true);
      // The offset is part of the peak, and not of the loudness.
      const peakDbtp = 20 * Math.log10(amplitude + 0.1);
      expect(reading.maxTruePeakDbtp[0]).toBeCloseTo(peakDbtp, 1);
      expect(reading.maxMomentaryLufs).toBeCloseTo(-26.0, 1);
      expect(reading.frame).toBe(RATE - frame);
    },
  );

  it('starts like a new bank if another signal follows', () => {
    const bank = new MeterBank(options);
    feed(bank, [noise(seededRandom(9), RATE)]);
    bank.reset();
    feed(bank, [tone]);
    const reading = bank.createReading();
    bank.read(reading);
    expect([...reading.values]).toEqual([...whole.values]);
  });
});

test.each(METER_NAMES.map((name) => [name] as const))(
  'meter %s reads the same alone as in a bank of all',
  (name: MeterName) => {
    const channels = [
      noise(seededRandom(3), RATE, 0.4),
      sine({ frequency: 440, sampleRate: RATE, frames: RATE }),
    ];
    const all = new MeterBank({ sampleRate: RATE, channels: 2, meters: METER_NAMES });
    const one = new MeterBank({ sampleRate: RATE, channels: 2, meters: [name] });
    const inAll = all.createReading();
    const alone = one.createReading();
    feed(all, channels, 500, seededRandom(4));
    feed(one, channels, 500, seededRandom(4));
    all.read(inAll);
    one.read(alone);
    for (const field of Object.keys(METER_FIELDS[name])) {
      const key = field as keyof typeof alone;
      expect(alone[key], field).toEqual(inAll[key as keyof typeof inAll]);
    }
  },
);

test.each(METER_NAMES.map((name) => [name] as const))(
  'meter %s never reads NaN, for any samples, blocks and channel counts',
  (name: MeterName) => {
    const random = seededRandom(5);
    const bank = new MeterBank({ sampleRate: RATE, channels: 3, meters: [name] });
    const reading = bank.createReading();
    const odd = [NaN, Infinity, -Infinity, 3.4e38, -3.4e38, 1e-45, -0];
    for (let round = 0; round < 400; round++) {
      const frames = 1 + Math.floor(random() * 700);
      const block = Array.from({ length: Math.floor(random() * 5) }, () => {
        const samples = noise(random, frames, 2);
        if (random() < 0.3) samples.fill(0);
        for (let i = 0; i < 3; i++) {
          if (random() < 0.1) {
            samples[Math.floor(random() * frames)] = odd[Math.floor(random() * odd.length)]!;
          }
        }
        return samples;
      });
      bank.process(block, 0, frames);
      bank.read(reading);
      for (const value of reading.values) expect(value).not.toBeNaN();
    }
  },
);

test('names are sorted in the order of the table, and unknown ones refused', () => {
  const bank = new MeterBank({ sampleRate: RATE, channels: 1, meters: ['rms', 'peak', 'rms'] });
  expect(bank.names).toEqual(['peak', 'rms']);
  expect(() => createMeterReading([], 1)).toThrow(TypeError);
  expect(() => createMeterReading(['loud' as 'rms'], 1)).toThrow("meters must be one of 'peak'");
});
