import type { Codec } from './codec.ts';
import { pcmCodec } from './pcm-codec.ts';

/**
 * Every codec that needs nothing loaded, by its name. Opus comes with `opusCodec`, once its library is there. The contract
 * suite runs over this table and Opus.
 */
export const CODECS: {
  /** 16 bits, big-endian: RFC 3551 §4.5.11. */
  readonly l16: Codec;
  readonly s16: Codec;
  readonly s24: Codec;
  readonly f32: Codec;
  /** G.711 µ-law: PCMU of RFC 3551 §4.5.14. */
  readonly mulaw: Codec;
  /** G.711 A-law: PCMA of RFC 3551 §4.5.14. */
  readonly alaw: Codec;
} = {
  l16: pcmCodec('l16', { format: 's16', byteOrder: 'big' }),
  s16: pcmCodec('s16', { format: 's16', byteOrder: 'little' }),
  s24: pcmCodec('s24', { format: 's24', byteOrder: 'little' }),
  f32: pcmCodec('f32', { format: 'f32', byteOrder: 'little' }),
  mulaw: pcmCodec('mulaw', { format: 'mulaw', byteOrder: 'little' }),
  alaw: pcmCodec('alaw', { format: 'alaw', byteOrder: 'little' }),
};

/** Name of a codec in the table. */
export type CodecName = keyof typeof CODECS;
