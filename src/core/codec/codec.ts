import type { PayloadFormat } from '../format/formats.ts';
import type { StreamFormat } from '../format/stream-format.ts';

/**
 * How audio becomes the payload of a packet, and back. One interface for what keeps every sample (s16, s24, f32), what
 * companders do (G.711) and what a codec with memory does (Opus). Nothing here allocates but constructors and errors.
 */

/** Turns planar float samples in [−1, 1] into payloads. */
export interface PayloadEncoder extends StreamFormat {
  /** Frames that each payload must have; 0 where any number will do. */
  readonly packetFrames: number;
  /** By how many frames what is decoded comes after what was encoded: Opus's pre-skip, 0 elsewhere. */
  readonly latencyFrames: number;
  /** Bytes that a payload of `frames` frames has at most. */
  maxBytes(frames: number): number;
  /**
   * Encodes frames `from` … `from + frames` of `input` to `target` at `byteOffset`.
   * @param input at least `channels` arrays of at least `from + frames` samples
   * @param frames `packetFrames`, where that is not 0
   * @param target the caller's; at least `byteOffset + maxBytes(frames)` bytes
   * @returns bytes written
   */
  encode(
    input: readonly Float32Array[],
    from: number,
    frames: number,
    target: Uint8Array,
    byteOffset: number,
  ): number;
  /** As new: forgets the signal so far, keeps the options. */
  reset(): void;
  /** Gives back what is not JavaScript's to collect. The encoder is of no use afterwards. Twice does no harm. */
  close(): void;
}

/** Turns payloads into planar float samples. */
export interface PayloadDecoder extends StreamFormat {
  /**
   * Frames that a payload holds, looking at no more than its form.
   * @throws PacketError when it is no payload of this codec
   */
  framesIn(source: Uint8Array, byteOffset: number, byteLength: number): number;
  /**
   * Decodes one payload to `output` at frame `at`.
   * @param source at least `byteOffset + byteLength` bytes, unchanged
   * @param output the caller's; at least `channels` arrays with room for `framesIn(…)` frames
   * @returns frames written; fewer than the payload has while a pre-skip is left out
   * @throws PacketError, and nothing else, whatever the bytes are. The decoder stays usable.
   */
  decode(
    source: Uint8Array,
    byteOffset: number,
    byteLength: number,
    output: readonly Float32Array[],
    at: number,
  ): number;
  /**
   * Conceals `frames` lost frames, from what was decoded before.
   * @returns `frames`; fewer while a pre-skip is left out
   */
  conceal(frames: number, output: readonly Float32Array[], at: number): number;
  /**
   * Frames right before a payload that it tells about, for when they were lost: forward error correction. 0 where it has none.
   * @throws PacketError when it is no payload of this codec
   */
  redundantFramesIn(source: Uint8Array, byteOffset: number, byteLength: number): number;
  /**
   * Replaces the `frames` frames that were lost right before a payload: the last `redundantFramesIn(…)` from what the payload
   * says about them, those before by concealment. `decode` the payload itself afterwards.
   * @returns as `conceal`
   * @throws PacketError as `decode`, with nothing written
   */
  recover(
    source: Uint8Array,
    byteOffset: number,
    byteLength: number,
    frames: number,
    output: readonly Float32Array[],
    at: number,
  ): number;
  /** As new: forgets the signal so far, keeps the options. */
  reset(): void;
  /** Gives back what is not JavaScript's to collect. The decoder is of no use afterwards. Twice does no harm. */
  close(): void;
}

/** Makes encoders and decoders of some formats. */
export interface Codec<Format extends PayloadFormat = PayloadFormat> {
  /** @throws TypeError or RangeError for a format, a rate or a channel count that the codec does not have */
  createEncoder(stream: StreamFormat<Format>): PayloadEncoder;
  /**
   * @param use `conceals`: false where `conceal` and `recover` are never called, so that nothing is kept for them; default true
   * @throws TypeError or RangeError for a format, a rate or a channel count that the codec does not have
   */
  createDecoder(
    stream: StreamFormat<Format>,
    use?: { readonly conceals?: boolean },
  ): PayloadDecoder;
}
