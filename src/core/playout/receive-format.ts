import type { CodecName } from '../codec/codecs.ts';

/** What the payload of a received packet may be: samples, companded ones, or Opus. `'l16'` is RTP's big-endian `'s16'`. */
export type ReceiveFormatName = CodecName | 'opus';

/** Every {@link ReceiveFormatName}, for menus and checks. */
export const RECEIVE_FORMATS: readonly ReceiveFormatName[] = [
  'l16',
  's16',
  's24',
  'f32',
  'mulaw',
  'alaw',
  'opus',
];

/** What the packets of one stream have in common. */
export interface ReceiveFormat {
  readonly format: ReceiveFormatName;
  /** Of what packets are decoded to, and what their frames count, Hz. */
  readonly sampleRate: number;
  readonly channels: number;
}
