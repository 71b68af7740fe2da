import { checkObject } from '../option-names.ts';
import { integerIn, oneOf, MAX_CHANNELS } from '../arguments.ts';
import { decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw } from './g711.ts';

/**
 * How a sample lies in bytes: signed integers of 16 and 24 bits and IEEE 754 binary32, all little-endian; or one byte of
 * G.711 µ-law or A-law. Frames are interleaved.
 */
export type SampleFormat = 's16' | 's24' | 'f32' | 'mulaw' | 'alaw';

/** Every {@link SampleFormat}, for menus and checks. */
export const SAMPLE_FORMATS: readonly SampleFormat[] = ['s16', 's24', 'f32', 'mulaw', 'alaw'];

/** `'tpdf'`: triangular noise of ±1 step, which makes the error of rounding independent of the signal. */
export type Dither = 'none' | 'tpdf';

/** Bytes of one sample of one channel. @throws TypeError for an unknown format */
export function bytesPerSample(format: SampleFormat): number {
  switch (oneOf('format', format, SAMPLE_FORMATS)) {
    case 's16':
      return 2;
    case 's24':
      return 3;
    case 'f32':
      return 4;
    case 'mulaw':
    case 'alaw':
      return 1;
  }
}

/** Options of a {@link SampleEncoder}. */
export interface SampleEncoderOptions {
  readonly format: SampleFormat;
  /** 1–32 */
  readonly channels: number;
  /**
   * For `'s16'` and `'s24'`; without effect on the others, whose steps are not uniform.
   * @default 'none'
   */
  readonly dither?: Dither;
}

const S16_SCALE = 2 ** 15;
const S24_SCALE = 2 ** 23;
const UINT32 = 2 ** 32;

/**
 * Writes planar float samples as interleaved bytes. Integers are rounded to nearest and clamped: +1.0 is the largest integer
 * (32767), −1.0 the smallest (−32768), NaN is 0. `'f32'` is not clamped. Allocates in its constructor only.
 */
export class SampleEncoder {
  readonly format: SampleFormat;
  readonly channels: number;
  readonly bytesPerFrame: number;
  /** Steps of dither: 1 or 0. */
  readonly #ditherSteps: number;
  /** Xorshift32 state; in a typed array because a 32-bit integer in a field is boxed by some engines. */
  readonly #noise = Int32Array.of(0x2545f491);
  readonly #float = new Float32Array(1);
  readonly #floatBits = new Int32Array(this.#float.buffer);

  /** @throws TypeError or RangeError for an unknown format or dither, or channels outside 1–32 */
  constructor(options: SampleEncoderOptions) {
    checkObject('SampleEncoder: options must be an object', options);
    this.format = oneOf('format', options.format, SAMPLE_FORMATS);
    this.channels = integerIn('channels', options.channels, 1, MAX_CHANNELS);
    this.bytesPerFrame = this.channels * bytesPerSample(this.format);
    const dither = oneOf('dither', options.dither ?? 'none', ['none', 'tpdf']);
    this.#ditherSteps = dither === 'tpdf' ? 1 : 0;
  }

  /**
   * Encodes frames `from` … `from + frames` of `input` to `target` at `byteOffset`.
   * @param input at least `channels` arrays of at least `from + frames` samples
   * @param target the caller's; at least `byteOffset + frames · bytesPerFrame` bytes
   * @returns bytes written
   */
  encode(
    input: readonly Float32Array[],
    from: number,
    frames: number,
    target: Uint8Array,
    byteOffset: number,
  ): number {
    const step = this.bytesPerFrame;
    const sampleBytes = step / this.channels;
    for (let c = 0; c < this.channels; c++) {
      const samples = input[c]!;
      const at = byteOffset + c * sampleBytes;
      switch (this.format) {
        case 's16':
          this.#encodeS16(samples, from, frames, target, at, step);
          break;
        case 's24':
          this.#encodeS24(samples, from, frames, target, at, step);
          break;
        case 'f32':
          this.#encodeF32(samples, from, frames, target, at, step);
          break;
        case 'mulaw':
          for (let i = 0, o = at; i < frames; i++, o += step) {
            target[o] = encodeMulaw(toInteger(samples[from + i]! * S16_SCALE, S16_SCALE));
          }
          break;
        case 'alaw':
          for (let i = 0, o = at; i < frames; i++, o += step) {
            target[o] = encodeAlaw(toInteger(samples[from + i]! * S16_SCALE, S16_SCALE));
          }
          break;
      }
    }
    return frames * step;
  }

  #encodeS16(
    samples: Float32Array,
    from: number,
    frames: number,
    target: Uint8Array,
    at: number,
    step: number,
  ): void {
    const dither = this.#ditherSteps !== 0;
    for (let i = 0, o = at; i < frames; i++, o += step) {
      const noise = dither ? this.#triangular() : 0;
      // As `toInteger`, in place: a call that the engine does not inline would box the sample.
      const scaled = samples[from + i]! * S16_SCALE + noise;
      const value =
        scaled >= S16_SCALE - 1
          ? S16_SCALE - 1
          : scaled <= -S16_SCALE
            ? -S16_SCALE
            : Math.floor(scaled + 0.5) | 0;
      target[o] = value;
      target[o + 1] = value >> 8;
    }
  }

  #encodeS24(
    samples: Float32Array,
    from: number,
    frames: number,
    target: Uint8Array,
    at: number,
    step: number,
  ): void {
    const dither = this.#ditherSteps !== 0;
    for (let i = 0, o = at; i < frames; i++, o += step) {
      const noise = dither ? this.#triangular() : 0;
      // As `toInteger`, in place: a call that the engine does not inline would box the sample.
      const scaled = samples[from + i]! * S24_SCALE + noise;
      const value =
        scaled >= S24_SCALE - 1
          ? S24_SCALE - 1
          : scaled <= -S24_SCALE
            ? -S24_SCALE
            : Math.floor(scaled + 0.5) | 0;
      target[o] = value;
      target[o + 1] = value >> 8;
      target[o + 2] = value >> 16;
    }
  }

  #encodeF32(
    samples: Float32Array,
    from: number,
    frames: number,
    target: Uint8Array,
    at: number,
    step: number,
  ): void {
    const float = this.#float;
    const floatBits = this.#floatBits;
    for (let i = 0, o = at; i < frames; i++, o += step) {
      const sample = samples[from + i]!;
      float[0] = Number.isNaN(sample) ? 0 : sample;
      const bits = floatBits[0]!;
      target[o] = bits;
      target[o + 1] = bits >> 8;
      target[o + 2] = bits >> 16;
      target[o + 3] = bits >> 24;
    }
  }

  /** The difference of two uniform numbers in [0, 1): triangular in (−1, 1), variance 1/6. */
  #triangular(): number {
    const first = this.#random();
    return first - this.#random();
  }

  /** Xorshift32 (Marsaglia 2003, triple 13, 17, 5). */
  #random(): number {
    const noise = this.#noise;
    let x = noise[0]!;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    noise[0] = x;
    return (x >>> 0) / UINT32;
  }
}

/** Rounds half up and clamps to −`scale` … `scale` − 1; NaN becomes 0. */
function toInteger(value: number, scale: number): number {
  if (value >= scale - 1) return scale - 1;
  if (value <= -scale) return -scale;
  return Math.floor(value + 0.5) | 0;
}

/** What {@link SampleDecoder} reads. */
export interface SampleDecoderOptions {
  readonly format: SampleFormat;
  /** 1–32 */
  readonly channels: number;
}

/**
 * Reads interleaved bytes as planar float samples in [−1, 1); `'f32'` comes as it is, but for NaN, which becomes 0. Allocates
 * in its constructor only.
 */
export class SampleDecoder {
  readonly format: SampleFormat;
  readonly channels: number;
  readonly bytesPerFrame: number;
  /** G.711 byte → sample, empty for other formats. */
  readonly #table: Float32Array;
  readonly #float = new Float32Array(1);
  readonly #floatBits = new Int32Array(this.#float.buffer);

  /** @throws TypeError or RangeError for an unknown format, or channels outside 1–32 */
  constructor(options: SampleDecoderOptions) {
    checkObject('SampleDecoder: options must be an object', options);
    this.format = oneOf('format', options.format, SAMPLE_FORMATS);
    this.channels = integerIn('channels', options.channels, 1, MAX_CHANNELS);
    this.bytesPerFrame = this.channels * bytesPerSample(this.format);
    const companded = this.format === 'mulaw' || this.format === 'alaw';
    this.#table = new Float32Array(companded ? 256 : 0);
    for (let byte = 0; byte < this.#table.length; byte++) {
      this.#table[byte] =
        (this.format === 'mulaw' ? decodeMulaw(byte) : decodeAlaw(byte)) / S16_SCALE;
    }
  }

  /**
   * Decodes `frames` frames of `source` from `byteOffset` to `output` at frame `at`.
   * @param source at least `byteOffset + frames · bytesPerFrame` bytes
   * @param output the caller's; at least `channels` arrays of at least `at + frames` samples
   */
  decode(
    source: Uint8Array,
    byteOffset: number,
    frames: number,
    output: readonly Float32Array[],
    at: number,
  ): void {
    const step = this.bytesPerFrame;
    const sampleBytes = step / this.channels;
    const table = this.#table;
    const float = this.#float;
    const floatBits = this.#floatBits;
    for (let c = 0; c < this.channels; c++) {
      const samples = output[c]!;
      let o = byteOffset + c * sampleBytes;
      switch (this.format) {
        case 's16':
          for (let i = at; i < at + frames; i++, o += step) {
            samples[i] = ((source[o]! | (source[o + 1]! << 8)) << 16) / 2 ** 31;
          }
          break;
        case 's24':
          for (let i = at; i < at + frames; i++, o += step) {
            const bits = source[o]! | (source[o + 1]! << 8) | (source[o + 2]! << 16);
            samples[i] = (bits << 8) / 2 ** 31;
          }
          break;
        case 'f32':
          for (let i = at; i < at + frames; i++, o += step) {
            floatBits[0] =
              source[o]! | (source[o + 1]! << 8) | (source[o + 2]! << 16) | (source[o + 3]! << 24);
            const sample = float[0]!;
            samples[i] = Number.isNaN(sample) ? 0 : sample;
          }
          break;
        case 'mulaw':
        case 'alaw':
          for (let i = at; i < at + frames; i++, o += step) samples[i] = table[source[o]!]!;
          break;
      }
    }
  }
}
