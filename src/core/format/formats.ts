import { oneOf } from '../arguments.ts';

/**
 * How the value of a sample is stored in bytes; `SampleEncoder` and `SampleDecoder` contain the loops: an integer in two's
 * complement, an integer with an offset (half its range means 0), IEEE 754 binary32, all little-endian; or a byte of G.711.
 */
export type SampleCoding = 'signed' | 'unsigned' | 'float' | 'mulaw' | 'alaw';

/** Fields that every row has. */
export interface FormatRow {
  /** Number of the format in the binary framing, 1–15. A new format takes the next one; a number is never reused. */
  readonly code: number;
  /**
   * How RTP carries the format, as in the SDP lines after `a=rtpmap:` (RFC 8866 §6.6): payload type, name, clock rate, channels.
   * The first applies if no payload type was agreed on (96–127); its rate and channels are the stream's if they are left out. The
   * others need no agreement (RFC 3551 §6, table 4). Absent if RTP has no payload format.
   */
  readonly rtp?: readonly string[];
}

/** A format that stores each sample separately. */
export interface SampleRow extends FormatRow {
  readonly codec?: undefined;
  readonly coding: SampleCoding;
  /** Bytes of one sample of one channel. */
  readonly bytes: number;
  /** Value of every byte of silence. @default 0 */
  readonly silence?: number;
  /** `wFormatTag`, which the sub-format of WAVE_FORMAT_EXTENSIBLE begins with (Microsoft, mmreg.h). */
  readonly wav: number;
}

/** A format whose payloads are packets of a codec. */
export interface PacketRow extends FormatRow {
  /** Codec that encodes and decodes it: a key of `PACKET_CODECS`. */
  readonly codec: PacketCodec;
}

/** A codec that produces packets. */
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

/** Format of a payload: unencoded samples, or a packet of a codec. A key of {@link FORMATS}. */
export type PayloadFormat = keyof typeof ROWS;

/** A format whose payload is interleaved samples. */
export type SampleFormat = {
  [Format in PayloadFormat]: (typeof ROWS)[Format] extends { readonly codec: string }
    ? never
    : Format;
}[PayloadFormat];

/**
 * Every payload format, one row each. All differences between formats are in this table; the loops that read and write samples are
 * in `sample-format.ts`, by `coding`. The rows hold no code, so that a page or a worklet does not ship the loops and codecs of
 * formats that it does not use. `test/formats.test.ts` takes every row through capture, files, framings, playout and receiver.
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

/**
 * Returns true if a format's payload is samples, not packets of a codec. An unknown format counts as samples, and `oneOf` refuses
 * it.
 */
export function isSampleFormat(format: PayloadFormat): format is SampleFormat {
  return FORMATS[format]?.codec === undefined;
}

/** Returns the number of bytes in one sample of one channel. @throws TypeError for a format whose payload is not samples */
export function bytesPerSample(format: SampleFormat): number {
  return FORMATS[oneOf('format', format, SAMPLE_FORMATS)].bytes;
}
