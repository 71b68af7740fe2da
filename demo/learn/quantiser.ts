import { decodeMulaw, encodeMulaw } from 'micwire/codec';

/** How a sample becomes a number of a few bits: equal steps, or the steps of G.711 µ-law, which grow with the level. */
export type Coding =
  | { readonly kind: 'linear'; /** 2 to 16. */ readonly bits: number }
  | { readonly kind: 'mulaw' };

/** Of G.711: 16-bit samples. */
const G711_SCALE = 2 ** 15;

/**
 * Quantises samples and scales them back to the range −1 to 1: what a receiver hears. Linear coding rounds to the nearest of
 * 2^bits steps and clamps, as `SampleEncoder` does.
 */
export function quantise(samples: Float32Array, coding: Coding): Float32Array<ArrayBuffer> {
  const result = new Float32Array(samples.length);
  if (coding.kind === 'mulaw') {
    for (let i = 0; i < samples.length; i++) {
      result[i] = decodeMulaw(encodeMulaw(integerOf(samples[i]!, G711_SCALE))) / G711_SCALE;
    }
    return result;
  }
  const scale = 2 ** (coding.bits - 1);
  for (let i = 0; i < samples.length; i++) result[i] = integerOf(samples[i]!, scale) / scale;
  return result;
}

/** The nearest integer of `scale` steps to each side of 0. */
function integerOf(sample: number, scale: number): number {
  return Math.max(-scale, Math.min(scale - 1, Math.round(sample * scale)));
}

/** Distance between two levels of linear coding; of µ-law the smallest. */
export function stepOf(coding: Coding): number {
  return coding.kind === 'mulaw' ? 8 / G711_SCALE : 2 ** (1 - coding.bits);
}

/** What quantising adds: coded less original. */
export function quantisationNoise(
  samples: Float32Array,
  coded: Float32Array,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(samples, (sample, i) => coded[i]! - sample);
}

/** Level of samples in dBFS; silence is −∞. Full scale is an RMS of 1. */
export function levelDbfs(samples: Float32Array): number {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  return 10 * Math.log10(energy / samples.length);
}

/** The gain in dB that makes the noise of linear coding as loud as at 4 bits; of µ-law, as loud as that of 4 bits is at −12 dBFS. */
export function audibleNoiseGainDb(coding: Coding): number {
  return coding.kind === 'mulaw' ? 24 : (coding.bits - 4) * 20 * Math.log10(2);
}
