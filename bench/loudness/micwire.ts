import { LoudnessMeter } from '../../src/core/metering/loudness-meter.ts';
import { meterModule } from '../../src/core/metering/meter-module.ts';
import { TruePeakMeter } from '../../src/core/metering/true-peak-meter.ts';
import type { Measurement } from '../../test/helpers/loudness-cases.ts';

/** Meters a signal in blocks of 128 frames and reads M and S about every 5 ms. */
export function measureWithMicwire(
  channels: readonly Float32Array[],
  sampleRate: number,
  execution: 'wasm' | 'typescript' = 'wasm',
): Measurement {
  const wasm = execution === 'wasm' ? meterModule() : undefined;
  const options = { sampleRate, channels: channels.length, wasm };
  const loudness = new LoudnessMeter(options);
  const truePeak = new TruePeakMeter(options);
  const reading = loudness.createReading();
  const peaks = truePeak.createReading();
  const momentary: number[] = [];
  const shortTerm: number[] = [];
  const step = Math.round(sampleRate / 200);
  for (let at = 0; at < channels[0]!.length; at += step) {
    const frames = Math.min(step, channels[0]!.length - at);
    loudness.process(channels, at, frames);
    truePeak.process(channels, at, frames);
    loudness.read(reading);
    if (frames < step) continue;
    momentary.push(reading.momentaryLufs);
    shortTerm.push(reading.shortTermLufs);
  }
  truePeak.process([], 0, truePeak.latencyFrames + 1);
  truePeak.read(peaks);
  return {
    maxMomentary: reading.maxMomentaryLufs,
    maxShortTerm: reading.maxShortTermLufs,
    integrated: reading.integratedLufs,
    range: reading.loudnessRangeLu,
    truePeak: Math.max(...peaks.maxTruePeakDbtp),
    series: { step: step / sampleRate, momentary, shortTerm },
  };
}
