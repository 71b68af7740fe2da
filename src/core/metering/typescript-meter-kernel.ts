import { planar } from '../dsp/planar.ts';
import { kWeightingCoefficients } from './k-weighting.ts';
import {
  HISTORY,
  LARGEST_SAMPLE,
  PEAK,
  SCAN_NUMBERS,
  SIZES,
  SLICE,
  SQUARES,
  SUM,
  thinSamples,
  SCAN_SLOTS,
  ScanSlots,
} from './meter-kernel.ts';
import type { MeterKernel } from './meter-kernel.ts';
import { ppmBallistics } from './ppm-ballistics.ts';
import type { PpmBallistics } from './ppm-ballistics.ts';
import { TruePeakInterpolator } from './true-peak-filter.ts';

/** Below this value, filter states and integrators are cleared: they would become denormal, which is slow. */
const NEGLIGIBLE_STATE = 1e-30;
const NEGLIGIBLE_LEVEL = 1e-15;
/** Number of K-weighting state values per channel: two of the shelf, two of the high-pass (transposed direct form II). */
const STATE = 4;

/** The meters' arithmetic in plain TypeScript, with double precision. */
export class TypeScriptMeterKernel implements MeterKernel {
  readonly execution = 'typescript' as const;
  readonly channels: number;
  continues = false;
  readonly result: Float64Array = new Float64Array(2);
  /** Per channel: the samples before the block, then the block. */
  readonly #input: readonly Float32Array[];
  #loaded = 0;
  readonly #nonFinite: Float64Array;
  /** Results of scans, channel after channel, slot after slot. */
  readonly #slots: ScanSlots = new ScanSlots();
  readonly scanned: Float64Array;
  readonly #b0: number;
  readonly #b1: number;
  readonly #b2: number;
  readonly #a1: number;
  readonly #a2: number;
  readonly #h1: number;
  readonly #h2: number;
  readonly #state: Float64Array;
  readonly #interpolator: TruePeakInterpolator;
  #ballistics: PpmBallistics;
  readonly #slow: Float64Array;
  readonly #fast: Float64Array;
  readonly #maxQuasiPeak: Float64Array;

  constructor(sampleRate: number, channels: number) {
    this.channels = channels;
    this.#input = planar(channels, HISTORY + SLICE);
    const perChannel = (): Float64Array => new Float64Array(channels);
    this.#nonFinite = perChannel();
    this.scanned = new Float64Array(SCAN_NUMBERS * channels * SCAN_SLOTS);
    const { shelf, highPass } = kWeightingCoefficients(sampleRate);
    [this.#b0, this.#b1, this.#b2, this.#a1, this.#a2] = shelf;
    [this.#h1, this.#h2] = highPass;
    this.#state = new Float64Array(channels * STATE);
    this.#interpolator = new TruePeakInterpolator();
    this.#ballistics = ppmBallistics('IIb', sampleRate);
    this.#slow = perChannel();
    this.#fast = perChannel();
    this.#maxQuasiPeak = perChannel();
  }

  load(block: readonly Float32Array[], from: number, frames: number): void {
    for (let channel = 0; channel < this.channels; channel++) {
      const input = this.#input[channel]!;
      input.copyWithin(0, this.#loaded, this.#loaded + HISTORY);
      this.#nonFinite[channel] = 0;
      if (channel >= block.length) input.fill(0, HISTORY, HISTORY + frames);
      else this.#nonFinite[channel] = copyFinite(block[channel]!, from, input, HISTORY, frames);
    }
    this.#loaded = frames;
    this.#slots.clear();
  }

  nonFinite(channel: number): number {
    return this.#nonFinite[channel]!;
  }

  samples(channel: number): Float32Array {
    return this.#input[channel]!;
  }

  sampleAt(_channel: number): number {
    return HISTORY;
  }

  scan(from: number, frames: number): void {
    if (this.#slots.find(from, frames)) return;
    const end = HISTORY + from + frames;
    for (let channel = 0; channel < this.channels; channel++) {
      const input = this.#input[channel]!;
      let peak = 0;
      let squares = 0;
      let sum = 0;
      let sizes = 0;
      for (let i = HISTORY + from; i < end; i++) {
        const value = input[i]!;
        const size = Math.abs(value);
        if (size > peak) peak = size;
        squares += value * value;
        sum += value;
        sizes += size;
      }
      const at = this.scanAt(channel);
      this.scanned[at + PEAK] = peak;
      this.scanned[at + SQUARES] = squares;
      this.scanned[at + SUM] = sum;
      this.scanned[at + SIZES] = sizes;
    }
  }

  scanAt(channel: number): number {
    return SCAN_NUMBERS * (this.#slots.current * this.channels + channel);
  }

  energy(weights: Float64Array, from: number, frames: number): void {
    this.result[0] = 0;
    for (let channel = 0; channel < this.channels; channel++) {
      if (weights[channel] === 0) continue;
      // Two at a time: the recursion of a single channel leaves half of the arithmetic units idle.
      if (channel + 1 < this.channels && weights[channel + 1] !== 0) {
        this.#filterTwo(channel++, weights, from, frames);
      } else this.#filter(channel, weights, from, frames);
    }
  }

  truePeak(channel: number, from: number, frames: number): void {
    this.#interpolator.raise(this.result, this.#input[channel]!, HISTORY + from, frames);
  }

  setBallistics(ballistics: PpmBallistics): void {
    this.#ballistics = ballistics;
  }

  charge(from: number, frames: number): void {
    for (let channel = 0; channel < this.channels; channel++) this.#charge(channel, from, frames);
  }

  readQuasiPeak(channel: number): void {
    const { slowShare, fastShare } = this.#ballistics;
    this.result[0] = this.#slow[channel]! * slowShare + this.#fast[channel]! * fastShare;
    this.result[1] = this.#maxQuasiPeak[channel]!;
  }

  mixTarget(frames: number): Float32Array {
    return new Float32Array(frames);
  }

  mix(present: number, from: number, frames: number, target: Float32Array, at: number): void {
    if (present === 0) {
      target.fill(0, at, at + frames);
      return;
    }
    const scale = 1 / present;
    for (let channel = 0; channel < present; channel++) {
      const input = this.#input[channel]!;
      const shift = HISTORY + from - at;
      for (let i = at, end = at + frames; i < end; i++) {
        const value = input[i + shift]! * scale;
        target[i] = channel === 0 ? value : target[i]! + value;
      }
    }
  }

  thinTarget(samples: number): Float32Array {
    return new Float32Array(samples);
  }

  thin(source: Float32Array, factor: number, target: Float32Array): void {
    thinSamples(source, factor, target);
  }

  silence(channel: number): void {
    this.#state.fill(0, channel * STATE);
  }

  reset(): void {
    if (!this.continues) {
      for (let channel = 0; channel < this.channels; channel++) this.#input[channel]!.fill(0);
      this.#loaded = 0;
      this.#state.fill(0);
    }
    this.#slow.fill(0);
    this.#fast.fill(0);
    this.#maxQuasiPeak.fill(0);
  }

  #filter(channel: number, weights: Float64Array, from: number, frames: number): void {
    const x = this.#input[channel]!;
    const state = this.#state;
    const at = channel * STATE;
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
    for (let i = HISTORY + from, end = i + frames; i < end; i++) {
      const v = x[i]!;
      const y = b0 * v + s1;
      s1 = b1 * v - a1 * y + s2;
      s2 = b2 * v - a2 * y;
      const z = y + t1;
      t1 = t2 - 2 * y - h1 * z;
      t2 = y - h2 * z;
      sum += z * z;
    }
    state[at] = s1;
    state[at + 1] = s2;
    state[at + 2] = t1;
    state[at + 3] = t2;
    this.#settle(at);
    this.result[0]! += weights[channel]! * sum;
  }

  /** Filters `channel` and the next one. */
  #filterTwo(channel: number, weights: Float64Array, from: number, frames: number): void {
    const x = this.#input[channel]!;
    const x2 = this.#input[channel + 1]!;
    const state = this.#state;
    const at = channel * STATE;
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
    for (let i = HISTORY + from, end = i + frames; i < end; i++) {
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
    state[at] = s1;
    state[at + 1] = s2;
    state[at + 2] = t1;
    state[at + 3] = t2;
    state[at + 4] = r1;
    state[at + 5] = r2;
    state[at + 6] = u1;
    state[at + 7] = u2;
    this.#settle(at);
    this.#settle(at + STATE);
    this.result[0]! += weights[channel]! * sum + weights[channel + 1]! * sum2;
  }

  /** Clears a channel's state once it is inaudible. */
  #settle(at: number): void {
    const state = this.#state;
    if (Math.abs(state[at]!) >= NEGLIGIBLE_STATE) return;
    if (Math.abs(state[at + 2]!) < NEGLIGIBLE_STATE) state.fill(0, at, at + STATE);
  }

  #charge(channel: number, from: number, frames: number): void {
    const x = this.#input[channel]!;
    const { fall, slowKeep, slowTake, fastKeep, fastTake, slowShare, fastShare } = this.#ballistics;
    let slow = this.#slow[channel]!;
    let fast = this.#fast[channel]!;
    let max = this.#maxQuasiPeak[channel]!;
    for (let i = HISTORY + from, end = i + frames; i < end; i++) {
      const size = Math.abs(x[i]!);
      // Charging exceeds falling exactly when the input exceeds the fallen value.
      slow = Math.max(fall * slow, slowKeep * slow + slowTake * size);
      fast = Math.max(fall * fast, fastKeep * fast + fastTake * size);
      const level = slow * slowShare + fast * fastShare;
      if (level > max) max = level;
    }
    this.#slow[channel] = slow < NEGLIGIBLE_LEVEL ? 0 : slow;
    this.#fast[channel] = fast < NEGLIGIBLE_LEVEL ? 0 : fast;
    this.#maxQuasiPeak[channel] = max;
  }
}

/** Copies samples, limited to the kernel's range; non-finite samples become 0. Returns their number. */
function copyFinite(
  source: Float32Array,
  from: number,
  target: Float32Array,
  at: number,
  frames: number,
): number {
  let broken = 0;
  for (let i = 0; i < frames; i++) {
    const value = source[from + i]!;
    if (Math.abs(value) <= LARGEST_SAMPLE) target[at + i] = value;
    else if (value - value === 0) target[at + i] = value < 0 ? -LARGEST_SAMPLE : LARGEST_SAMPLE;
    else {
      target[at + i] = 0;
      broken++;
    }
  }
  return broken;
}
