import { PerformanceObserver } from 'node:perf_hooks';
import { LoudnessMeter } from '../src/core/metering/loudness-meter.ts';
import { meterModule } from '../src/core/metering/meter-module.ts';
import { seededRandom } from '../test/helpers/random.ts';
import { noise } from '../test/helpers/signals.ts';
import type { Row } from './measure.ts';

const RATE = 48_000;
const HOURS = 24;
/** A gating block ends every 100 ms: so much audio lies between two readings. */
const HOP = RATE / 10;
const QUANTUM = 128;
/** A quarter of an hour: what runs ten times a second is compiled for good only then. */
const WARM_UP_HOPS = 9000;

/**
 * A day of stereo, whose level wanders as a programme's does, metered in quanta of 128 frames: what becomes of the error of
 * I, of memory, and of the garbage collector. No peer has a day's patience.
 */
export async function run(): Promise<Row[]> {
  const random = seededRandom(1);
  const loud = noise(random, HOP, 1);
  const channels = [new Float32Array(HOP), new Float32Array(HOP)];
  const meter = new LoudnessMeter({ sampleRate: RATE, channels: 2, wasm: meterModule() });
  const reading = meter.createReading();
  const hops = HOURS * 36_000;
  const momentary = new Float64Array(hops);
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  // Made before the count: the generator's own state is garbage whenever it takes more than 31 bits.
  const levels = new Float64Array(hops);
  for (let hop = 0, level = -26; hop < hops; hop++) {
    level += 0.05 * (-24 - level) + 4 * (random() - 0.5);
    levels[hop] = level;
  }
  const play = (hop: number): void => {
    const gain = 10 ** (levels[hop]! / 20);
    for (let i = 0; i < HOP; i++) channels[0]![i] = channels[1]![HOP - 1 - i] = gain * loud[i]!;
    for (let at = 0; at < HOP; at += QUANTUM) {
      meter.process(channels, at, Math.min(QUANTUM, HOP - at));
    }
    meter.read(reading);
    momentary[hop] = reading.momentaryLufs;
  };
  // The compiler's own garbage, and the first windows, come before the count.
  for (let hop = 0; hop < WARM_UP_HOPS; hop++) play(hop);
  observer.observe({ entryTypes: ['gc'] });
  const before = process.memoryUsage();
  for (let hop = WARM_UP_HOPS; hop < hops; hop++) play(hop);
  const after = process.memoryUsage();
  await new Promise((resolve) => setTimeout(resolve, 100));
  observer.disconnect();
  const row = (metric: string, value: number, unit: string): Row => ({
    case: `${HOURS} h of stereo at ${RATE} Hz`,
    subject: 'micwire',
    metric,
    value,
    unit,
  });
  return [
    row('I', reading.integratedLufs, 'LUFS'),
    row('error of I', reading.integratedLufs - gatedMean(momentary.subarray(3)), 'LU'),
    row('heap gained', after.heapUsed - before.heapUsed, 'B'),
    row('array buffers gained', after.arrayBuffers - before.arrayBuffers, 'B'),
    row('garbage collections', collections, ''),
  ];
}

/** I by BS.1770-5 Annex 1 from the loudness of every gating block. */
function gatedMean(loudness: Float64Array): number {
  const mean = (gate: number): number => {
    let sum = 0;
    let count = 0;
    for (const lufs of loudness) {
      if (lufs <= gate) continue;
      sum += 10 ** ((lufs + 0.691) / 10);
      count++;
    }
    return -0.691 + 10 * Math.log10(sum / count);
  };
  return mean(Math.max(-70, mean(-70) - 10));
}
