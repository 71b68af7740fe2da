/**
 * K-weighting (Recommendation ITU-R BS.1770-5 Annex 1): a high shelf for the effect of the head, a high-pass, and the sum of the
 * squares of the output, weighted by channel.
 */

/** Coefficients of two biquads in series. The numerator of the high-pass is 1, −2, 1. */
export interface KWeightingCoefficients {
  /** Shelf: b0, b1, b2 over 1, a1, a2. */
  readonly shelf: readonly [b0: number, b1: number, b2: number, a1: number, a2: number];
  /** High-pass: 1, −2, 1 over 1, a1, a2. */
  readonly highPass: readonly [a1: number, a2: number];
}

/** The rate for which the standard gives its coefficients, in Hz. */
const STANDARD_RATE = 48_000;

/**
 * Returns the filters of BS.1770-5 Annex 1 for any rate. The standard gives the coefficients for 48 kHz only (tables 1 and 2); the
 * analogue prototypes below, which libebur128 uses too, reproduce all their digits, and give nearly the same response at other
 * rates through the bilinear transform. The standard never scales the numerator of the high-pass, so its pass-band gain at 48 kHz
 * is 0.043 dB; here it is the same at every rate, unlike in libebur128.
 */
export function kWeightingCoefficients(sampleRate: number): KWeightingCoefficients {
  const gain = 10 ** (3.999843853973347 / 20);
  const gainAtCorner = gain ** 0.4996667741545416;
  const { k2, kq, a0, a1, a2 } = section(1681.974450955533, 0.7071752369554196, sampleRate);
  const highPass = section(HIGH_PASS_HZ, HIGH_PASS_Q, sampleRate);
  const scale =
    passBandGain(section(HIGH_PASS_HZ, HIGH_PASS_Q, STANDARD_RATE)) / passBandGain(highPass);
  return {
    shelf: [
      (scale * (gain + gainAtCorner * kq + k2)) / a0,
      (scale * (2 * (k2 - gain))) / a0,
      (scale * (gain - gainAtCorner * kq + k2)) / a0,
      a1,
      a2,
    ],
    highPass: [highPass.a1, highPass.a2],
  };
}

const HIGH_PASS_HZ = 38.13547087602444;
const HIGH_PASS_Q = 0.5003270373238773;

/** Returns the gain at the Nyquist frequency of (1 − 2z⁻¹ + z⁻²)/(1 + a1·z⁻¹ + a2·z⁻²). */
function passBandGain({ a1, a2 }: { readonly a1: number; readonly a2: number }): number {
  return 4 / (1 - a1 + a2);
}

/** Returns the denominator of a second-order section with its corner at `frequency`, by the bilinear transform with pre-warping. */
function section(
  frequency: number,
  q: number,
  sampleRate: number,
): { k2: number; kq: number; a0: number; a1: number; a2: number } {
  const k = Math.tan((Math.PI * frequency) / sampleRate);
  const k2 = k * k;
  const kq = k / q;
  const a0 = 1 + kq + k2;
  return { k2, kq, a0, a1: (2 * (k2 - 1)) / a0, a2: (1 - kq + k2) / a0 };
}

/** Weight of the side channels: +1.5 dB (BS.1770-5 Annex 1, table 3). */
const SIDE = 1.41;
/**
 * Weights by channel count, in Web Audio's channel order (§4.5 of the Web Audio API: mono; L, R; …; L, R, SL, SR;
 * L, R, C, LFE, SL, SR), with 5.0 as L, R, C, Ls, Rs. The LFE channel is left out (BS.1770-5 Annex 1).
 */
const WEIGHTS: readonly (readonly number[])[] = [
  [],
  [1],
  [1, 1],
  [1, 1, 1],
  [1, 1, SIDE, SIDE],
  [1, 1, 1, SIDE, SIDE],
  [1, 1, 1, 0, SIDE, SIDE],
];

/** Returns the weights of BS.1770-5 Annex 1 for this number of channels; beyond 5.1 every channel counts as a front channel. */
export function channelWeights(channels: number): readonly number[] {
  return WEIGHTS[channels] ?? Array.from({ length: channels }, () => 1);
}
