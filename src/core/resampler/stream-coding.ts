import type { Codec } from '../codec/codec.ts';
import type { PayloadFormat } from '../format/formats.ts';
import { PACKET_CODECS } from '../format/packet-codecs.ts';
import { SampleDecoder, SampleEncoder } from '../format/sample-format.ts';
import { isSampled } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import { checkObject } from '../option-names.ts';

/** Most frames of samples that are converted at once. */
const BLOCK_FRAMES = 1024;

/** Converts bytes to planar samples. */
export interface StreamReader {
  /** 0 for packets. */
  readonly bytesPerFrame: number;
  /** Most frames that one call gives. */
  readonly blockFrames: number;
  /** @returns frames */
  decode(
    source: Uint8Array,
    byteOffset: number,
    byteLength: number,
    output: readonly Float32Array[],
  ): number;
  reset(): void;
  close(): void;
}

/** Converts planar samples to bytes: the parts of a `PayloadEncoder` that the converter uses. */
export interface StreamWriter {
  readonly packetFrames: number;
  readonly latencyFrames: number;
  maxBytes(frames: number): number;
  encode(
    input: readonly Float32Array[],
    from: number,
    frames: number,
    target: Uint8Array,
    byteOffset: number,
  ): number;
  reset(): void;
  close(): void;
}

/** @throws TypeError for Opus without a codec; MicwireError `'out-of-memory'` */
export function readerOf(stream: StreamFormat, codec: Codec<'opus'> | undefined): StreamReader {
  if (isSampled(stream)) {
    const decoder = new SampleDecoder(stream);
    const { bytesPerFrame } = decoder;
    return {
      bytesPerFrame,
      blockFrames: BLOCK_FRAMES,
      decode: (source, byteOffset, byteLength, output) => {
        const frames = byteLength / bytesPerFrame;
        decoder.decode(source, byteOffset, frames, output, 0);
        return frames;
      },
      reset: () => {},
      close: () => {},
    };
  }
  const decoder = codecOf(stream.format, codec).createDecoder(stream as StreamFormat<'opus'>, {
    conceals: false,
  });
  return {
    bytesPerFrame: 0,
    blockFrames: (PACKET_CODECS.opus.maxPacketMs * stream.sampleRate) / 1000,
    decode: (source, byteOffset, byteLength, output) =>
      decoder.decode(source, byteOffset, byteLength, output, 0),
    reset: () => decoder.reset(),
    close: () => decoder.close(),
  };
}

/** @throws TypeError for Opus without a codec; MicwireError `'out-of-memory'` */
export function writerOf(stream: StreamFormat, codec: Codec<'opus'> | undefined): StreamWriter {
  if (!isSampled(stream)) {
    return codecOf(stream.format, codec).createEncoder(stream as StreamFormat<'opus'>);
  }
  const encoder = new SampleEncoder(stream);
  return {
    packetFrames: 0,
    latencyFrames: 0,
    maxBytes: (frames) => frames * encoder.bytesPerFrame,
    encode: (input, from, frames, target, byteOffset) =>
      encoder.encode(input, from, frames, target, byteOffset),
    reset: () => {},
    close: () => {},
  };
}

function codecOf(format: PayloadFormat, codec: Codec<'opus'> | undefined): Codec<'opus'> {
  if (codec !== undefined) {
    checkObject('codec must be a Codec', codec, 'createEncoder', 'createDecoder');
    return codec;
  }
  throw new TypeError(
    `'${format}' needs a codec: give opusCodec(library) of micwire/codec as the option codec.`,
  );
}
