import { FORMATS, isSampleFormat } from './formats.ts';
import type { PayloadFormat, SampleFormat } from './formats.ts';

/**
 * What kind of stream it is: what a capture makes, and all that a playout, a receiver, a framing, a codec or a file has to know
 * of it beforehand. Structured-cloneable.
 */
export interface StreamFormat<Format extends PayloadFormat = PayloadFormat> {
  /** How a sample is written, or which codec's packets they are. */
  readonly format: Format;
  /** Frames a second, Hz: an integer from 3000 to 768000; of Opus 8000, 12000, 16000, 24000 or 48000. */
  readonly sampleRate: number;
  /** Interleaved channels, 1–32; of Opus 1 or 2. */
  readonly channels: number;
}

/** Whether a stream is of samples, not of a codec's packets. */
export function isSampled(stream: StreamFormat): stream is StreamFormat<SampleFormat> {
  return isSampleFormat(stream.format);
}

/** Bytes of a frame: a sample of each channel. 0 for packets, which differ in length. */
export function bytesPerFrame({ format, channels }: StreamFormat): number {
  return isSampleFormat(format) ? channels * FORMATS[format].bytes : 0;
}

/** Microseconds from the start of a stream to one of its frames: the `timestamp` of chunks, packets and WebCodecs. */
export function frameTimestamp(frame: number, sampleRate: number): number {
  return Math.round((frame / sampleRate) * 1e6);
}

/** Whether two streams are of the same kind. */
export function isSameStream(one: StreamFormat, other: StreamFormat | null): boolean {
  return (
    one.format === other?.format &&
    one.sampleRate === other.sampleRate &&
    one.channels === other.channels
  );
}
