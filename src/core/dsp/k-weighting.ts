/**
 * K-weighting (Recommendation ITU-R BS.1770-5 Annex 1): a high shelf for the head, then a high-pass, and the sum of the
 * squares of what comes out, weighted by channel.
 */

/** Two biquads in a row. The high-pass' numerator is 1, −2, 1. */
export interface KWeightingCoefficients {
  /** Shelf, b0, b1, b2 over 1, a1, a2. */
  readonly shelf: readonly [b0: number, b1: number, b2: number, a1: number, a2: number];
  /** High-pass, 1, −2, 1 over 1, a1, a2. */
  readonly highPass: readonly [a1: number, a2: number];
}

/** The rate for which the standard gives its coefficients. */
const STANDARD_RATE = 48_000;

/**
 * The filters of BS.1770-5 Annex 1 for any rate. The standard gives the coefficients at 48 kHz alone (tables 1 and 2);
 * the analogue prototypes below, which libebur128 uses too, give those to all their digits, and by the bilinear
 * transform nearly the same response elsewhere. The high-pass' numerator is never scaled in the standard, so that its
 * pass-band gain at 48 kHz is 0.043 dB; here it is the same at every rate, which libebur128's is not.
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

/** Gain at the Nyquist frequency of (1 − 2z⁻¹ + z⁻²)/(1 + a1·z⁻¹ + a2·z⁻²). */
function passBandGain({ a1, a2 }: { readonly a1: number; readonly a2: number }): number {
  return 4 / (1 - a1 + a2);
}

/** The denominator of a second-order section with its corner at `frequency`, by the bilinear transform with pre-warping. */
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

/** The weights of BS.1770-5 Annex 1 for that many channels; beyond 5.1 every channel counts as a front one. */
export function channelWeights(channels: number): readonly number[] {
  return WEIGHTS[channels] ?? Array.from({ length: channels }, () => 1);
}

/** Numbers of filter state per channel. */
const STATE = 4;
/** Below this a filter's state is zero: it would fall into denormals, which are slow, and never end. */
const NEGLIGIBLE = 1e-30;
/** Frames that are cleaned at a time, when some are not finite. */
const SLICE = 256;

/** The filters of several channels. Allocates nothing after construction. */
export class KWeighting {
  readonly #b0: number;
  readonly #b1: number;
  readonly #b2: number;
  readonly #a1: number;
  readonly #a2: number;
  readonly #h1: number;
  readonly #h2: number;
  /** Transposed direct form II: the shelf's two, the high-pass' two, channel after channel. */
  readonly #state: Float64Array;
  readonly #clean: Float32Array = new Float32Array(SLICE);

  constructor(sampleRate: number, channels: number) {
    const { shelf, highPass } = kWeightingCoefficients(sampleRate);
    [this.#b0, this.#b1, this.#b2, this.#a1, this.#a2] = shelf;
    [this.#h1, this.#h2] = highPass;
    this.#state = new Float64Array(channels * STATE);
  }

  /**
   * Filters `frames` frames of as many channels as there are weights, from index `from` on, and returns the sum of the
   * squares times the weights. A channel with weight 0 is left out. Samples that are not finite count as 0.
   */
  energy(
    block: readonly Float32Array[],
    weights: readonly number[],
    from: number,
    frames: number,
  ): number {
    let sum = 0;
    for (let channel = 0; channel < weights.length; channel++) {
      const weight = weights[channel]!;
      if (weight === 0) continue;
      const x = block[channel]!;
      const next = weights[channel + 1];
      // Two at a time: one channel's recursion leaves half of the arithmetic units idle.
      if (next !== undefined && next !== 0) {
        const y = block[channel + 1]!;
        sum += this.#pair(x, y, weight, next, channel * STATE, from, from + frames);
        channel++;
      } else sum += weight * this.#one(x, channel * STATE, from, from + frames);
    }
    return sum;
  }

  /** Forgets what the channels from that index on have heard. */
  reset(channel = 0): void {
    this.#state.fill(0, channel * STATE);
  }

  #one(x: Float32Array, at: number, from: number, end: number): number {
    const sum = this.#filter(x, at, from, end);
    return sum - sum === 0 ? sum : this.#filterClean(x, at, from, end);
  }

  /** Without the samples that are not finite. */
  #filterClean(x: Float32Array, at: number, from: number, end: number): number {
    const clean = this.#clean;
    let sum = 0;
    for (let begin = from; begin < end; begin += SLICE) {
      const count = Math.min(SLICE, end - begin);
      for (let i = 0; i < count; i++) {
        const v = x[begin + i]!;
        clean[i] = v - v === 0 ? v : 0;
      }
      sum += this.#filter(clean, at, 0, count);
    }
    return sum;
  }

  /** One channel's sum of squares. When it is not finite the state stays as it was. */
  #filter(x: Float32Array, at: number, from: number, end: number): number {
    const state = this.#state;
    const b0 = this.#b0;
    const b1 = this.#b1;
    const b2 = this.#b2;
    const a1 = this.#a1;
    const a2 = this.#a2;
    const h1 = this.#h1;
    const h2 = this.#h2;
    let s1 = state[at]!;
    let s2 = state[at + 1]!;
    let t1 = state[at + 2]!;
    let t2 = state[at + 3]!;
    let sum = 0;
    for (let i = from; i < end; i++) {
      const v = x[i]!;
      const y = b0 * v + s1;
      s1 = b1 * v - a1 * y + s2;
      s2 = b2 * v - a2 * y;
      const z = y + t1;
      t1 = t2 - 2 * y - h1 * z;
      t2 = y - h2 * z;
      sum += z * z;
    }
    if (sum - sum === 0) this.#keep(at, s1, s2, t1, t2);
    return sum;
  }

  /** Two neighbouring channels' weighted sum of squares. */
  #pair(
    x: Float32Array,
    x2: Float32Array,
    weight: number,
    weight2: number,
    at: number,
    from: number,
    end: number,
  ): number {
    const state = this.#state;
    const b0 = this.#b0;
    const b1 = this.#b1;
    const b2 = this.#b2;
    const a1 = this.#a1;
    const a2 = this.#a2;
    const h1 = this.#h1;
    const h2 = this.#h2;
    let s1 = state[at]!;
    let s2 = state[at + 1]!;
    let t1 = state[at + 2]!;
    let t2 = state[at + 3]!;
    let r1 = state[at + 4]!;
    let r2 = state[at + 5]!;
    let u1 = state[at + 6]!;
    let u2 = state[at + 7]!;
    let sum = 0;
    let sum2 = 0;
    for (let i = from; i < end; i++) {
      const v = x[i]!;
      const w = x2[i]!;
      const y = b0 * v + s1;
      const p = b0 * w + r1;
      s1 = b1 * v - a1 * y + s2;
      r1 = b1 * w - a1 * p + r2;
      s2 = b2 * v - a2 * y;
      r2 = b2 * w - a2 * p;
      const z = y + t1;
      const q = p + u1;
      t1 = t2 - 2 * y - h1 * z;
      u1 = u2 - 2 * p - h1 * q;
      t2 = y - h2 * z;
      u2 = p - h2 * q;
      sum += z * z;
      sum2 += q * q;
    }
    const total = weight * sum + weight2 * sum2;
    if (total - total !== 0) {
      return weight * this.#one(x, at, from, end) + weight2 * this.#one(x2, at + STATE, from, end);
    }
    this.#keep(at, s1, s2, t1, t2);
    this.#keep(at + STATE, r1, r2, u1, u2);
    return total;
  }

  #keep(at: number, s1: number, s2: number, t1: number, t2: number): void {
    const state = this.#state;
    const quiet = Math.abs(t1) < NEGLIGIBLE && Math.abs(s1) < NEGLIGIBLE;
    state[at] = quiet ? 0 : s1;
    state[at + 1] = quiet ? 0 : s2;
    state[at + 2] = quiet ? 0 : t1;
    state[at + 3] = quiet ? 0 : t2;
  }
}
