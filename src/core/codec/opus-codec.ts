import type { Codec } from './codec.ts';
import { OpusDecoder } from './opus-decoder.ts';
import { OpusEncoder } from './opus-encoder.ts';
import type { OpusLibrary } from './opus-library.ts';
import type { OpusOptions } from './opus-options.ts';

/** Creates a codec for Opus, based on libopus: 8, 12, 16, 24 or 48 kHz, one or two channels. */
export function opusCodec(library: OpusLibrary, options: OpusOptions = {}): Codec<'opus'> {
  return {
    createEncoder: ({ sampleRate, channels }) =>
      new OpusEncoder(library, { ...options, sampleRate, channels }),
    createDecoder: ({ sampleRate, channels }) => new OpusDecoder(library, { sampleRate, channels }),
  };
}
