import { checkObject, checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn, numberIn } from '../arguments.ts';
import { MicwireError, PacketError } from '../errors.ts';
import { PACKET_CODECS } from '../format/packet-codecs.ts';
import type { PayloadDecoder } from './codec.ts';
import { failed } from './opus-encoder.ts';
import { outOfMemory } from './opus-library.ts';
import type { OpusLibrary } from './opus-library.ts';
import { checkOpusFormat } from './opus-options.ts';
import { hasOpusFec, OPUS_MAX_FRAMES, OPUS_RATE, opusPacketFrames } from './opus-packet.ts';

/** Options of an {@link OpusDecoder}. */
export interface OpusDecoderOptions {
  /** Sample rate of the decoded audio: 8000, 12000, 16000, 24000 or 48000 Hz, regardless of the encoder's rate. */
  readonly sampleRate: number;
  /** Number of decoded channels, 1 or 2, regardless of the encoder's channels. */
  readonly channels: number;
  /** Frames to leave out at the start, at `sampleRate`: the encoder's `latencyFrames`, or the value in OpusHead. @default 0 */
  readonly preSkip?: number | undefined;
  /** Gain applied to the decoded audio, in dB, −128 to 127.99; suitable for OpusHead's output gain. @default 0 */
  readonly gainDb?: number | undefined;
}
const NAMES = {
  sampleRate: 1,
  channels: 1,
  preSkip: 1,
  gainDb: 1,
} satisfies OptionNames<OpusDecoderOptions>;

const SET_GAIN = 4034;
/** Unit of the gain in libopus: dB in Q8 (RFC 7845 §5.1). */
const GAIN_STEPS_PER_DB = 256;
const MAX_GAIN_DB = (2 ** 15 - 1) / GAIN_STEPS_PER_DB;
/** Concealment is produced in multiples of this, at most the longest packet at a time. */
const CONCEALMENT_SECONDS = 0.0025;
const FLOAT_BYTES = 4;
const MAX_BYTES = PACKET_CODECS.opus.maxPacketBytes;

/**
 * Decodes with libopus, in the scope in which it is created. Conceals lost frames, or recovers them from the next packet (FEC).
 * Allocates only in its constructor and for errors.
 */
export class OpusDecoder implements PayloadDecoder {
  readonly format = 'opus' as const;
  readonly sampleRate: number;
  readonly channels: number;
  readonly preSkip: number;
  readonly #library: OpusLibrary;
  readonly #gainSteps: number;
  /** Capacity of the sample memory in frames at `sampleRate`: 120 ms. */
  readonly #maxFrames: number;
  /** Shortest concealment, in frames at `sampleRate`. */
  readonly #grain: number;
  /** Number of frames at 48 kHz per frame at `sampleRate`. */
  readonly #ratio: number;
  /** Pointer; 0 when closed. */
  #decoder = 0;
  /** Number of frames that remain to be left out. */
  #skip: number;

  /**
   * @param library a library that was created in this scope
   * @throws TypeError or RangeError for options that Opus does not support; MicwireError 'out-of-memory'
   */
  constructor(library: OpusLibrary, options: OpusDecoderOptions) {
    checkObject('library must be an OpusLibrary', library);
    checkOptions('OpusDecoder', options, NAMES);
    const { sampleRate, channels } = checkOpusFormat(options);
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.preSkip = integerIn('preSkip', options.preSkip ?? 0, 0, 65_535);
    const gain = numberIn('gainDb', options.gainDb ?? 0, -128, MAX_GAIN_DB);
    this.#gainSteps = Math.round(gain * GAIN_STEPS_PER_DB);
    this.#library = library;
    this.#ratio = OPUS_RATE / sampleRate;
    this.#maxFrames = OPUS_MAX_FRAMES / this.#ratio;
    this.#grain = sampleRate * CONCEALMENT_SECONDS;
    this.#skip = this.preSkip;
    library.reserve(this.#maxFrames * channels * FLOAT_BYTES, MAX_BYTES);
    this.#create();
  }

  framesIn(source: Uint8Array, byteOffset: number, byteLength: number): number {
    // A plain quotient may be a fraction, which the engine would allocate.
    return (opusPacketFrames(source, byteOffset, byteLength) / this.#ratio) | 0;
  }

  decode(
    source: Uint8Array,
    byteOffset: number,
    byteLength: number,
    output: readonly Float32Array[],
    at: number,
  ): number {
    const frames = this.framesIn(source, byteOffset, byteLength);
    return this.#take(source, byteOffset, byteLength, frames, 0, frames, output, at);
  }

  /** Conceals frames. They are produced in multiples of 2.5 ms; for any other number, the rest of the last piece is discarded. */
  conceal(frames: number, output: readonly Float32Array[], at: number): number {
    let written = 0;
    for (let done = 0; done < frames;) {
      const rest = frames - done;
      const wanted = rest < this.#maxFrames ? rest : this.#maxFrames;
      const whole = Math.ceil(wanted / this.#grain) * this.#grain;
      const decoded = this.#call(0, 0, whole, 0);
      if (decoded < 0) throw failed('conceal', decoded);
      written += this.#write(wanted, output, at + written);
      done += wanted;
    }
    return written;
  }

  redundantFramesIn(source: Uint8Array, byteOffset: number, byteLength: number): number {
    const frames = this.framesIn(source, byteOffset, byteLength);
    return hasOpusFec(source, byteOffset, byteLength) ? frames : 0;
  }

  recover(
    source: Uint8Array,
    byteOffset: number,
    byteLength: number,
    frames: number,
    output: readonly Float32Array[],
    at: number,
  ): number {
    const held = this.redundantFramesIn(source, byteOffset, byteLength);
    const recoverable = frames < held ? frames : held;
    const written = this.conceal(frames - recoverable, output, at);
    if (recoverable === 0) return written;
    const whole = Math.ceil(recoverable / this.#grain) * this.#grain;
    return (
      written +
      this.#take(source, byteOffset, byteLength, whole, 1, recoverable, output, at + written)
    );
  }

  reset(): void {
    if (this.#decoder === 0) return;
    this.#library.exports.r(this.#decoder);
    this.#create();
    this.#skip = this.preSkip;
  }

  close(): void {
    const library = this.#library;
    if (this.#decoder !== 0) library.exports.r(this.#decoder);
    this.#decoder = 0;
  }

  #create(): void {
    const { exports, packet } = this.#library;
    // The packet memory temporarily receives the error code.
    this.#decoder = exports.q(this.sampleRate, this.channels, packet);
    if (this.#decoder === 0) throw outOfMemory();
    const code = exports.B(this.#decoder, SET_GAIN, this.#gainSteps);
    if (code < 0) throw failed('set gainDb', code);
  }

  #take(
    source: Uint8Array,
    byteOffset: number,
    byteLength: number,
    frames: number,
    fec: 0 | 1,
    wanted: number,
    output: readonly Float32Array[],
    at: number,
  ): number {
    if (byteLength > MAX_BYTES) {
      const text = `an Opus packet may have ${MAX_BYTES} bytes here, got ${byteLength}.`;
      throw new PacketError('oversized', text);
    }
    const { bytes, packet } = this.#library;
    for (let i = 0; i < byteLength; i++) bytes[packet + i] = source[byteOffset + i]!;
    const decoded = this.#call(packet, byteLength, frames, fec);
    if (decoded < 0) throw new PacketError('bad-field', `libopus refuses it, code ${decoded}.`);
    return this.#write(wanted, output, at);
  }

  #call(packet: number, byteLength: number, frames: number, fec: 0 | 1): number {
    if (this.#decoder === 0) throw new MicwireError('closed', 'The Opus decoder is closed.');
    const { exports, samples } = this.#library;
    return exports.t(this.#decoder, packet, byteLength, samples, frames, fec);
  }

  /** Copies the first `frames` decoded frames to `output`, except those to be left out. @returns the number of frames written */
  #write(frames: number, output: readonly Float32Array[], at: number): number {
    const skip = this.#skip < frames ? this.#skip : frames;
    this.#skip -= skip;
    const { channels } = this;
    const { floats, samples: from } = this.#library;
    const first = from / FLOAT_BYTES + skip * channels;
    const count = frames - skip;
    for (let c = 0; c < channels; c++) {
      const samples = output[c]!;
      for (let i = 0, o = first + c; i < count; i++, o += channels) samples[at + i] = floats[o]!;
    }
    return count;
  }
}
