import { oneOf } from '../arguments.ts';

/**
 * How the number of a sample becomes bytes, for which `SampleEncoder` and `SampleDecoder` have the loops: an integer in two's
 * complement, one above an offset (half its range stands for 0), IEEE 754 binary32, all little-endian; or a byte of G.711.
 */
export type SampleCoding = 'signed' | 'unsigned' | 'float' | 'mulaw' | 'alaw';

/** Fields of every row. */
export interface FormatRow {
  /** Its number in the binary framing, 1..15. A new format takes the next one; a number is never given twice. */
  readonly code: number;
  /**
   * How RTP carries it, as lines of SDP have it behind `a=rtpmap:` (RFC 8866 §6.6), payload type, name, clock rate, channels. The
   * first is for where no payload type was agreed on (96..127); its rate and its channels are the stream's where they are left out.
   * The others need no agreement (RFC 3551 §6, table 4). Left out where RTP has no payload format.
   */
  readonly rtp?: readonly string[];
}

/** A format that keeps each sample by itself. */
export interface SampleRow extends FormatRow {
  readonly codec?: undefined;
  readonly coding: SampleCoding;
  /** Bytes of one sample of one channel. */
  readonly bytes: number;
  /** Each byte of silence. @default 0 */
  readonly silence?: number;
  /** `wFormatTag`, which the sub-format of WAVE_FORMAT_EXTENSIBLE begins with (Microsoft, mmreg.h). */
  readonly wav: number;
}

/** A format whose payloads are packets of a codec. */
export interface PacketRow extends FormatRow {
  /** Codec that encodes and decodes it: a key of `PACKET_CODECS`. */
  readonly codec: PacketCodec;
}

/** A codec that makes packets. */
export type PacketCodec = 'opus';

const ROWS = {
  s16: {
    coding: 'signed',
    bytes: 2,
    wav: 1,
    code: 1,
    // RFC 3551 §4.5.11
    rtp: ['96 L16', '10 L16/44100/2', '11 L16/44100/1'],
  },
  // RFC 3190 §4
  s24: { coding: 'signed', bytes: 3, wav: 1, code: 2, rtp: ['97 L24'] },
  // RTP has no payload format for either kind of 32 bits: RFC 3551 ends at 16, RFC 3190 at 24.
  f32: { coding: 'float', bytes: 4, wav: 3, code: 3 },
  // RFC 3551 §4.5.14
  mulaw: {
    coding: 'mulaw',
    bytes: 1,
    silence: 0xff,
    wav: 7,
    code: 4,
    rtp: ['98 PCMU', '0 PCMU/8000/1'],
  },
  alaw: {
    coding: 'alaw',
    bytes: 1,
    silence: 0xd5,
    wav: 6,
    code: 5,
    rtp: ['99 PCMA', '8 PCMA/8000/1'],
  },
  // RFC 7587 §4.1, §7: the clock is 48 kHz, and SDP says two channels, whatever the stream has.
  opus: { codec: 'opus', code: 6, rtp: ['111 opus/48000/2'] },
  s32: { coding: 'signed', bytes: 4, wav: 1, code: 7 },
  // RFC 3551 §4.5.10: L8 has an offset of 128, as 8 bits have in WAV.
  u8: { coding: 'unsigned', bytes: 1, silence: 0x80, wav: 1, code: 8, rtp: ['100 L8'] },
} as const;

/** Format of a payload: samples as they are, or a packet of a codec. A key of {@link FORMATS}. */
export type PayloadFormat = keyof typeof ROWS;

/** A format whose payload is samples, interleaved. */
export type SampleFormat = {
  [Format in PayloadFormat]: (typeof ROWS)[Format] extends { readonly codec: string }
    ? never
    : Format;
}[PayloadFormat];

/**
 * Every payload format, one row each: everything in which formats differ is here, and the loops that read and write
 * samples are in `sample-format.ts`, by `coding`. The rows hold no code, so that neither a page nor a worklet pays for loops
 * and codecs of others. `test/formats.test.ts` takes every row through capture, files, framings, playout and receiver.
 */
export const FORMATS: {
  readonly [Format in PayloadFormat]: Format extends SampleFormat ? SampleRow : PacketRow;
} = ROWS;

/** Every {@link PayloadFormat}, for menus and checks. */
export const PAYLOAD_FORMATS: readonly PayloadFormat[] = /* @__PURE__ */ Object.keys(
  ROWS,
) as PayloadFormat[];

/** Every {@link SampleFormat}, for menus and checks. */
export const SAMPLE_FORMATS: readonly SampleFormat[] =
  /* @__PURE__ */ PAYLOAD_FORMATS.filter(isSampleFormat);

/** Whether a format's payload is samples, not packets of a codec; an unknown format counts as samples, for `oneOf` to refuse. */
export function isSampleFormat(format: PayloadFormat): format is SampleFormat {
  return FORMATS[format]?.codec === undefined;
}

/** Bytes of one sample of one channel. @throws TypeError for a format that is not one of samples */
export function bytesPerSample(format: SampleFormat): number {
  return FORMATS[oneOf('format', format, SAMPLE_FORMATS)].bytes;
}
