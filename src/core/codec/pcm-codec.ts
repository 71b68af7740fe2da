import { integerIn, MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../arguments.ts';
import { bytesPerSample, SampleDecoder, SampleEncoder } from '../format/sample-format.ts';
import type { SampleFormat } from '../format/sample-format.ts';
import { PacketError } from '../errors.ts';
import type { Codec, PayloadDecoder, PayloadEncoder, StreamFormat } from './codec.ts';

/** How long a gap fades out: short enough not to repeat a sound, long enough not to click. */
const FADE_SECONDS = 0.01;

/** How the samples of a {@link pcmCodec} lie on the wire. */
export interface PcmLayout {
  readonly format: SampleFormat;
  /** `'big'` is what RTP has (RFC 3551 §4.5.11); the bytes of each sample are turned round. */
  readonly byteOrder: 'little' | 'big';
}

/** A codec that keeps each sample by itself: linear PCM, float, G.711. Any rate and channel count, any number of frames. */
export function pcmCodec(name: string, layout: PcmLayout): Codec {
  return {
    name,
    createEncoder: (format) => new PcmEncoder(layout, format),
    createDecoder: (format, use) => new PcmDecoder(layout, format, use?.conceals ?? true),
  };
}

class PcmEncoder implements PayloadEncoder {
  readonly sampleRate: number;
  readonly channels: number;
  readonly packetFrames = 0;
  readonly latencyFrames = 0;
  readonly #encoder: SampleEncoder;
  /** Bytes of a sample where their order is to be turned round, else 1. */
  readonly #swapBytes: number;

  constructor(layout: PcmLayout, format: StreamFormat) {
    this.sampleRate = checkRate(format);
    this.channels = integerIn('channels', format.channels, 1, MAX_CHANNELS);
    this.#encoder = new SampleEncoder({ format: layout.format, channels: this.channels });
    this.#swapBytes = layout.byteOrder === 'big' ? bytesPerSample(layout.format) : 1;
  }

  maxBytes(frames: number): number {
    return frames * this.#encoder.bytesPerFrame;
  }

  encode(
    input: readonly Float32Array[],
    from: number,
    frames: number,
    target: Uint8Array,
    byteOffset: number,
  ): number {
    const length = this.#encoder.encode(input, from, frames, target, byteOffset);
    if (this.#swapBytes > 1)
      reverseSamples(target, byteOffset, length, this.#swapBytes, target, byteOffset);
    return length;
  }

  reset(): void {}

  close(): void {}
}

class PcmDecoder implements PayloadDecoder {
  readonly sampleRate: number;
  readonly channels: number;
  readonly #decoder: SampleDecoder;
  readonly #swapBytes: number;
  /** A payload in little-endian order; grows to the longest so far, and stays empty where none is turned round. */
  #turned = new Uint8Array(0);
  /** The last frames that were decoded, the newest first, for concealment. */
  readonly #past: readonly Float32Array[];
  /** How many of `#past` hold something. */
  #known = 0;
  /** Frames concealed since the last payload. */
  #concealed = 0;

  constructor(layout: PcmLayout, format: StreamFormat, conceals: boolean) {
    this.sampleRate = checkRate(format);
    this.channels = integerIn('channels', format.channels, 1, MAX_CHANNELS);
    this.#decoder = new SampleDecoder({ format: layout.format, channels: this.channels });
    this.#swapBytes = layout.byteOrder === 'big' ? bytesPerSample(layout.format) : 1;
    const fadeFrames = conceals ? Math.ceil(this.sampleRate * FADE_SECONDS) : 0;
    this.#past = Array.from({ length: this.channels }, () => new Float32Array(fadeFrames));
  }

  framesIn(_source: Uint8Array, _byteOffset: number, byteLength: number): number {
    const { bytesPerFrame } = this.#decoder;
    if (byteLength % bytesPerFrame !== 0) {
      throw new PacketError(
        'truncated',
        `the payload must be whole frames of ${bytesPerFrame} bytes, got ${byteLength} bytes.`,
      );
    }
    return byteLength / bytesPerFrame;
  }

  decode(
    source: Uint8Array,
    byteOffset: number,
    byteLength: number,
    output: readonly Float32Array[],
    at: number,
  ): number {
    const frames = this.framesIn(source, byteOffset, byteLength);
    if (this.#swapBytes === 1) {
      this.#decoder.decode(source, byteOffset, frames, output, at);
    } else {
      if (this.#turned.length < byteLength) this.#turned = new Uint8Array(byteLength);
      reverseSamples(source, byteOffset, byteLength, this.#swapBytes, this.#turned, 0);
      this.#decoder.decode(this.#turned, 0, frames, output, at);
    }
    this.#remember(output, at, frames);
    return frames;
  }

  /** The last 10 ms backwards, which joins without a step, fading out; then silence. */
  conceal(frames: number, output: readonly Float32Array[], at: number): number {
    const known = this.#known;
    for (let c = 0; c < this.channels; c++) {
      const past = this.#past[c]!;
      const samples = output[c]!;
      for (let i = 0, age = this.#concealed; i < frames; i++, age++) {
        samples[at + i] = age < known ? past[age]! * (1 - (age + 1) / known) : 0;
      }
    }
    this.#concealed += frames;
    return frames;
  }

  redundantFramesIn(source: Uint8Array, byteOffset: number, byteLength: number): number {
    this.framesIn(source, byteOffset, byteLength);
    return 0;
  }

  recover(
    source: Uint8Array,
    byteOffset: number,
    byteLength: number,
    frames: number,
    output: readonly Float32Array[],
    at: number,
  ): number {
    this.framesIn(source, byteOffset, byteLength);
    return this.conceal(frames, output, at);
  }

  reset(): void {
    this.#known = 0;
    this.#concealed = 0;
  }

  close(): void {}

  /** A payload shorter than the fade leaves the fade shorter: there is no need to keep what lies before it. */
  #remember(output: readonly Float32Array[], at: number, frames: number): void {
    const most = this.#past[0]!.length;
    if (frames === 0 || most === 0) return;
    this.#concealed = 0;
    const known = frames < most ? frames : most;
    for (let c = 0; c < this.channels; c++) {
      const past = this.#past[c]!;
      const samples = output[c]!;
      for (let age = 0; age < known; age++) past[age] = samples[at + frames - 1 - age]!;
    }
    this.#known = known;
  }
}

function checkRate(format: StreamFormat): number {
  return integerIn('sampleRate', format.sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
}

/** Turns the bytes of each sample round; in place where `target` is `source`. */
function reverseSamples(
  source: Uint8Array,
  from: number,
  length: number,
  sampleBytes: number,
  target: Uint8Array,
  to: number,
): void {
  for (let sample = 0; sample < length; sample += sampleBytes) {
    for (let low = 0, high = sampleBytes - 1; low <= high; low++, high--) {
      const first = source[from + sample + low]!;
      target[to + sample + low] = source[from + sample + high]!;
      target[to + sample + high] = first;
    }
  }
}
