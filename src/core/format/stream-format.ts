import { FORMATS, isSampleFormat } from './formats.ts';
import type { PayloadFormat, SampleFormat } from './formats.ts';

/**
 * Describes a stream: the output of a capture, and all that a playout, a receiver, a framing, a codec or a file must know about it
 * beforehand. Structured-cloneable.
 */
export interface StreamFormat<Format extends PayloadFormat = PayloadFormat> {
  /** Format of the samples, or the codec of the packets. */
  readonly format: Format;
  /** Sample rate in Hz: an integer from 3000 to 768000; for Opus 8000, 12000, 16000, 24000 or 48000. */
  readonly sampleRate: number;
  /** Number of interleaved channels, 1–32; for Opus 1 or 2. */
  readonly channels: number;
}

/** Returns true if a stream consists of samples, not of a codec's packets. */
export function isSampled(stream: StreamFormat): stream is StreamFormat<SampleFormat> {
  return isSampleFormat(stream.format);
}

/** Returns the number of bytes in a frame, one sample of each channel; 0 for packets, which differ in length. */
export function bytesPerFrame({ format, channels }: StreamFormat): number {
  return isSampleFormat(format) ? channels * FORMATS[format].bytes : 0;
}

/**
 * Returns the time from the start of a stream to one of its frames, in microseconds: the `timestamp` of chunks, packets and
 * WebCodecs.
 */
export function frameTimestamp(frame: number, sampleRate: number): number {
  return Math.round((frame / sampleRate) * 1e6);
}

/** Returns true if two streams have the same format, rate and number of channels. */
export function isSameStream(one: StreamFormat, other: StreamFormat | null): boolean {
  return (
    one.format === other?.format &&
    one.sampleRate === other.sampleRate &&
    one.channels === other.channels
  );
}
