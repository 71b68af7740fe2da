import { checkObject } from '../option-names.ts';
import { MicwireError } from '../errors.ts';
import type { PayloadEncoder } from './codec.ts';
import type { OpusLibrary } from './opus-library.ts';
import { outOfMemory } from './opus-library.ts';
import { checkOpusAdjustment, opusPacketLength, opusSettings } from './opus-options.ts';
import type { OpusAdjustment, OpusOptions, OpusSettings } from './opus-options.ts';
import { longestPacketBytes } from '../format/packet-codecs.ts';

/** Requests and values of `opus_defines.h`. */
const APPLICATION = { voip: 2048, audio: 2049, lowdelay: 2051 } as const;
const SIGNAL = { auto: -1000, voice: 3001, music: 3002 } as const;
const SET_BITRATE = 4002;
const SET_VBR = 4006;
const SET_COMPLEXITY = 4010;
const SET_INBAND_FEC = 4012;
const SET_PACKET_LOSS_PERC = 4014;
const SET_DTX = 4016;
const SET_SIGNAL = 4024;

const FLOAT_BYTES = 4;

/**
 * Encodes with libopus, in the scope in which it is created. `encode` allocates nothing and takes constant time: it may be called
 * from `process()` once the encoder has warmed up.
 */
export class OpusEncoder implements PayloadEncoder {
  /** The validated options, with the defaults filled in. */
  readonly settings: OpusSettings;
  readonly format = 'opus' as const;
  readonly sampleRate: number;
  readonly channels: number;
  readonly packetFrames: number;
  readonly latencyFrames: number;
  readonly #library: OpusLibrary;
  readonly #maxBytes: number;
  /** Pointer; 0 when closed. */
  #encoder = 0;
  /** The values passed to `adjust`, for `reset`. */
  #adjusted: OpusAdjustment = {};

  /**
   * @param library a library that was created in this scope
   * @throws TypeError or RangeError for options that Opus does not support; MicwireError 'out-of-memory'
   */
  constructor(
    library: OpusLibrary,
    options: OpusOptions & { readonly sampleRate: number; readonly channels: number },
  ) {
    checkObject('library must be an OpusLibrary', library);
    checkObject('OpusEncoder: options must be an object', options);
    const settings = opusSettings(options, options);
    this.settings = settings;
    this.#library = library;
    this.sampleRate = settings.sampleRate;
    this.channels = settings.channels;
    this.packetFrames = opusPacketLength(settings);
    this.#maxBytes = longestPacketBytes('opus', settings.packetDurationMs);
    library.reserve(this.packetFrames * this.channels * FLOAT_BYTES, this.#maxBytes);
    this.#encoder = this.#create();
    this.latencyFrames = library.exports.o(this.#encoder);
  }

  maxBytes(_frames: number = this.packetFrames): number {
    return this.#maxBytes;
  }

  encode(
    input: readonly Float32Array[],
    from: number,
    frames: number,
    target: Uint8Array,
    byteOffset: number,
  ): number {
    const { channels } = this;
    if (frames !== this.packetFrames || this.#encoder === 0) throw this.#refusal(frames);
    const { floats, bytes, exports, samples: to, packet } = this.#library;
    const first = to / FLOAT_BYTES;
    for (let c = 0; c < channels; c++) {
      const samples = input[c]!;
      for (let i = 0, o = first + c; i < frames; i++, o += channels) {
        const sample = samples[from + i]!;
        // NaN would remain in the encoder's filters permanently.
        floats[o] = sample === sample ? sample : 0;
      }
    }
    const length = exports.l(this.#encoder, to, frames, packet, this.#maxBytes);
    if (length < 0) throw failed('encode', length);
    for (let i = 0; i < length; i++) target[byteOffset + i] = bytes[packet + i]!;
    return length;
  }

  /** True while the encoder produces only silence markers (`dtx`). */
  get inDtx(): boolean {
    return this.#encoder !== 0 && this.#library.exports.p(this.#encoder) === 1;
  }

  /**
   * Changes options from the next packet on.
   * @throws TypeError or RangeError for a value out of its range, without changing any option; MicwireError 'closed'
   */
  adjust(options: OpusAdjustment): void {
    const checked = checkOpusAdjustment(options, this.channels);
    if (this.#encoder === 0) throw closed();
    this.#adjusted = { ...this.#adjusted, ...checked };
    this.#apply(checked);
  }

  reset(): void {
    if (this.#encoder === 0) return;
    // This build does not export OPUS_RESET_STATE. The new encoder reuses the memory freed here.
    this.#library.exports.j(this.#encoder);
    this.#encoder = this.#create();
  }

  /**
   * Encodes a synthetic signal and discards it, so that the engine compiles the code well beforehand: the very first packet takes 7
   * to 20 ms, a packet of a warm encoder 0.2 ms.
   * @param packets number of packets to encode
   * @param from number of the first packet, for callers that warm up step by step
   */
  warmUp(packets: number, from = 0): void {
    const input = Array.from({ length: this.channels }, () => new Float32Array(this.packetFrames));
    const target = new Uint8Array(this.#maxBytes);
    let frame = from * this.packetFrames;
    for (let packet = 0; packet < packets; packet++) {
      for (let i = 0; i < this.packetFrames; i++, frame++) {
        const value = voiceLike(frame / this.sampleRate);
        for (const samples of input) samples[i] = value;
      }
      this.encode(input, 0, this.packetFrames, target, 0);
    }
    this.reset();
  }

  close(): void {
    const library = this.#library;
    if (this.#encoder !== 0) library.exports.j(this.#encoder);
    this.#encoder = 0;
  }

  #create(): number {
    const library = this.#library;
    const { settings } = this;
    const application = APPLICATION[settings.application];
    // The packet memory temporarily receives the error code.
    const { sampleRate, channels } = settings;
    const encoder = library.exports.i(sampleRate, channels, application, this.#library.packet);
    if (encoder === 0) throw outOfMemory();
    this.#encoder = encoder;
    this.#apply(settings);
    this.#request(SET_VBR, settings.bitrateMode === 'variable' ? 1 : 0);
    this.#request(SET_INBAND_FEC, settings.fec ? 1 : 0);
    this.#request(SET_SIGNAL, SIGNAL[settings.signalType]);
    this.#apply(this.#adjusted);
    return encoder;
  }

  #apply({ bitrate, complexity, expectedLossPercent, dtx }: OpusAdjustment): void {
    if (bitrate !== undefined) this.#request(SET_BITRATE, bitrate);
    if (complexity !== undefined) this.#request(SET_COMPLEXITY, complexity);
    if (expectedLossPercent !== undefined) this.#request(SET_PACKET_LOSS_PERC, expectedLossPercent);
    if (dtx !== undefined) this.#request(SET_DTX, dtx ? 1 : 0);
  }

  #request(request: number, value: number): void {
    const code = this.#library.exports.m(this.#encoder, request, value);
    if (code < 0) throw failed(`request ${request}`, code);
  }

  #refusal(frames: number): Error {
    if (this.#encoder === 0) return closed();
    return new RangeError(`frames must be ${this.packetFrames}, got ${frames}.`);
  }
}

function closed(): MicwireError {
  return new MicwireError('closed', 'The Opus encoder is closed.');
}

/** A failure of libopus that no argument of the caller's can cause. @internal */
export function failed(operation: string, code: number): MicwireError {
  return new MicwireError('unsupported', `libopus failed: ${operation}, code ${code}.`);
}

/** Duration of a syllable in seconds, and of its parts: a vowel and a hiss; the rest is silence. */
const SYLLABLE = 0.2;
const VOWEL = 0.1;
const HISS = 0.16;

/** A buzz of 110 Hz, a hiss and silence, repeated: each takes a different path through the encoder. */
function voiceLike(seconds: number): number {
  const at = seconds % SYLLABLE;
  if (at >= HISS) return 0;
  const swell = Math.sin((Math.PI * at) / HISS);
  // A sine so fast that its samples resemble noise.
  if (at >= VOWEL) return 0.1 * swell * Math.sin(1e9 * seconds * seconds);
  const phase = 2 * Math.PI * 110 * seconds;
  let value = 0;
  for (let harmonic = 1; harmonic <= 12; harmonic++) value += Math.sin(harmonic * phase) / harmonic;
  return 0.25 * swell * value;
}
