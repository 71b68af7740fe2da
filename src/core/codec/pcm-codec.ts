import { integerIn, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../arguments.ts';
import { SampleDecoder, SampleEncoder } from '../format/sample-format.ts';
import type { SampleFormat } from '../format/formats.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import { PacketError } from '../errors.ts';
import type { Codec, PayloadDecoder, PayloadEncoder } from './codec.ts';

/** Duration of the fade-out in a gap: short enough not to repeat audio, long enough not to click. */
const FADE_SECONDS = 0.01;

/** The codec of every format that stores each sample separately: any rate, channel count and number of frames. */
export const pcmCodec: Codec<SampleFormat> = {
  createEncoder: (stream) => new PcmEncoder(stream),
  createDecoder: (stream, use) => new PcmDecoder(stream, use?.conceals ?? true),
};

class PcmEncoder implements PayloadEncoder {
  readonly format: SampleFormat;
  readonly sampleRate: number;
  readonly channels: number;
  readonly packetFrames = 0;
  readonly latencyFrames = 0;
  readonly #encoder: SampleEncoder;

  constructor(stream: StreamFormat<SampleFormat>) {
    this.sampleRate = checkRate(stream);
    this.#encoder = new SampleEncoder(stream);
    this.format = stream.format;
    this.channels = stream.channels;
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
    return this.#encoder.encode(input, from, frames, target, byteOffset);
  }

  reset(): void {}

  close(): void {}
}

class PcmDecoder implements PayloadDecoder {
  readonly format: SampleFormat;
  readonly sampleRate: number;
  readonly channels: number;
  readonly #decoder: SampleDecoder;
  /** The last decoded frames, newest first, for concealment. */
  readonly #past: readonly Float32Array[];
  /** Number of frames in `#past` that are filled. */
  #known = 0;
  /** Frames concealed since the last payload. */
  #concealed = 0;

  constructor(stream: StreamFormat<SampleFormat>, conceals: boolean) {
    this.sampleRate = checkRate(stream);
    this.#decoder = new SampleDecoder(stream);
    this.format = stream.format;
    this.channels = stream.channels;
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
    this.#decoder.decode(source, byteOffset, frames, output, at);
    this.#remember(output, at, frames);
    return frames;
  }

  /** Outputs the last 10 ms backwards, which joins without a step, with a fade-out; then silence. */
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

  /** After a payload shorter than the fade, the fade is shorter too: earlier audio need not be kept. */
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

function checkRate({ sampleRate }: StreamFormat): number {
  return integerIn('sampleRate', sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
}
