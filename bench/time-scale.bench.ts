import { speech } from '../test/helpers/speech.ts';
import { pitchErrors, scaleTime, scaledDistanceDb } from '../test/helpers/time-scaling.ts';
import { median } from './measure.ts';
import type { Row } from './measure.ts';

const RATE = 48_000;
/** The speed asked for, 1.15 being 15 % faster. */
const SPEEDS = [0.85, 0.95, 1.05, 1.15];

/**
 * Time-scaling of speech: how far the spectra and the pitch are from the original's at the same place, and the steepest
 * step against the original's own. Without a peer, beside the same figures for a resampler, which bends the pitch.
 */
export function run(): readonly Row[] {
  const input = speech();
  return SPEEDS.flatMap((speed) => {
    const scaled = scaleTime([input], RATE, speed);
    const [output] = scaled.output;
    const errors = pitchErrors(input, scaled, RATE).map((error) => Math.abs(error) * 100);
    const row = (metric: string, value: number, unit: string): Row => {
      const percent = Math.round((speed - 1) * 100);
      const kase = `${percent > 0 ? '+' : '−'}${Math.abs(percent)} %`;
      return { case: kase, subject: 'micwire', metric, value, unit };
    };
    return [
      row('speed', input.length / output!.length, ''),
      row('log-spectral distance', scaledDistanceDb(input, scaled, RATE), 'dB'),
      row('pitch error, median', median(errors), '%'),
      row(
        'pitch off by more than 3 %',
        (errors.filter((e) => e > 3).length / errors.length) * 100,
        '%',
      ),
      row('steepest step, of the original’s', steepest(output!) / steepest(input), ''),
    ];
  });
}

function steepest(samples: Float32Array): number {
  let most = 0;
  for (let i = 1; i < samples.length; i++) {
    most = Math.max(most, Math.abs(samples[i]! - samples[i - 1]!));
  }
  return most;
}
