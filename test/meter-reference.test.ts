import { expect, test } from 'vitest';
import { MeterBank } from '../src/core/metering/meter-bank.ts';
import { meterModule } from '../src/core/metering/meter-module.ts';
import { METER_NAMES } from '../src/core/metering/meter-table.ts';
import {
  REFERENCE_FRAMES,
  REFERENCE_RATE,
  REFERENCE_READINGS,
  REFERENCE_SETTLED,
  readingMismatches,
  referenceProgramme,
} from './helpers/meter-reference.ts';

test.each([
  ['WebAssembly', meterModule()],
  ['TypeScript', undefined],
])('every meter reads the committed values, in %s', (_, wasm) => {
  const bank = new MeterBank({
    sampleRate: REFERENCE_RATE,
    channels: 2,
    meters: METER_NAMES,
    wasm,
  });
  const reading = bank.createReading();
  const programme = referenceProgramme();
  for (const [from, to] of [
    [0, REFERENCE_SETTLED],
    [REFERENCE_SETTLED, REFERENCE_FRAMES],
  ] as const) {
    for (let at = from; at < to; at += 128) {
      bank.process(programme, at, Math.min(128, to - at));
    }
    bank.read(reading);
    expect(readingMismatches(reading)).toEqual([]);
  }
  expect(Object.keys(REFERENCE_READINGS)).toHaveLength(32);
});
