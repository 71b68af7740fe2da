import type { PayloadFormat } from '../format/formats.ts';
import type { StreamFormat } from '../format/stream-format.ts';

/**
 * Converts audio to the payloads of packets, and back. One interface for formats that store every sample (s16, s24, f32), for
 * companders (G.711) and for codecs with memory (Opus). Only constructors and errors allocate.
 */

/** Encodes planar float samples in [−1, 1] to payloads. */
export interface PayloadEncoder extends StreamFormat {
  /** Number of frames that each payload must have; 0 if any number is allowed. */
  readonly packetFrames: number;
  /** Delay of the decoded audio relative to the encoded audio, in frames: Opus's pre-skip, 0 for other codecs. */
  readonly latencyFrames: number;
  /** Returns the maximum size of a payload of `frames` frames, in bytes. */
  maxBytes(frames: number): number;
  /**
   * Encodes frames `from` … `from + frames` of `input` to `target` at `byteOffset`.
   * @param input at least `channels` arrays of at least `from + frames` samples
   * @param frames must be `packetFrames`, unless that is 0
   * @param target caller-owned; at least `byteOffset + maxBytes(frames)` bytes
   * @returns the number of bytes written
   */
  encode(
    input: readonly Float32Array[],
    from: number,
    frames: number,
    target: Uint8Array,
    byteOffset: number,
  ): number;
  /** Restores the initial state: forgets the signal so far, and keeps the options. */
  reset(): void;
  /** Frees memory that JavaScript does not collect. The encoder cannot be used afterwards. May be called twice. */
  close(): void;
}

/** Decodes payloads to planar float samples. */
export interface PayloadDecoder extends StreamFormat {
  /**
   * Returns the number of frames in a payload, judged only by its form.
   * @throws PacketError when it is not a payload of this codec
   */
  framesIn(source: Uint8Array, byteOffset: number, byteLength: number): number;
  /**
   * Decodes a payload to `output` at frame `at`.
   * @param source at least `byteOffset + byteLength` bytes, unchanged
   * @param output caller-owned; at least `channels` arrays with room for `framesIn(…)` frames
   * @returns the number of frames written; fewer than the payload has while a pre-skip is left out
   * @throws PacketError, and no other error, whatever the bytes are. The decoder remains usable.
   */
  decode(
    source: Uint8Array,
    byteOffset: number,
    byteLength: number,
    output: readonly Float32Array[],
    at: number,
  ): number;
  /**
   * Conceals `frames` lost frames, based on the previously decoded audio.
   * @returns `frames`; fewer while a pre-skip is left out
   */
  conceal(frames: number, output: readonly Float32Array[], at: number): number;
  /**
   * Returns how many frames directly before a payload can be recovered from it, if they were lost (forward error correction); 0 if
   * it carries no such data.
   * @throws PacketError when it is not a payload of this codec
   */
  redundantFramesIn(source: Uint8Array, byteOffset: number, byteLength: number): number;
  /**
   * Replaces the `frames` frames that were lost directly before a payload: the last `redundantFramesIn(…)` frames from the
   * payload's data about them, earlier ones by concealment. Call `decode` for the payload itself afterwards.
   * @returns as `conceal`
   * @throws PacketError as `decode`, without writing any frames
   */
  recover(
    source: Uint8Array,
    byteOffset: number,
    byteLength: number,
    frames: number,
    output: readonly Float32Array[],
    at: number,
  ): number;
  /** Restores the initial state: forgets the signal so far, and keeps the options. */
  reset(): void;
  /** Frees memory that JavaScript does not collect. The decoder cannot be used afterwards. May be called twice. */
  close(): void;
}

/** Creates encoders and decoders for some formats. */
export interface Codec<Format extends PayloadFormat = PayloadFormat> {
  /** @throws TypeError or RangeError for a format, a rate or a channel count that the codec does not support */
  createEncoder(stream: StreamFormat<Format>): PayloadEncoder;
  /**
   * @param use `conceals`: false if `conceal` and `recover` are never called, so that the decoder keeps no data for them; default
   * true
   * @throws TypeError or RangeError for a format, a rate or a channel count that the codec does not support
   */
  createDecoder(
    stream: StreamFormat<Format>,
    use?: { readonly conceals?: boolean },
  ): PayloadDecoder;
}
