import { SAMPLE_FORMATS } from './sample-format.ts';
import type { SampleFormat } from './sample-format.ts';

/** What a chunk's payload is: samples as they are, or a packet of Opus. */
export type PayloadFormat = SampleFormat | 'opus';

/** Every {@link PayloadFormat}, for menus and checks. */
export const PAYLOAD_FORMATS: readonly PayloadFormat[] = [...SAMPLE_FORMATS, 'opus'];

/** The longest Opus frame in a packet, in bytes (RFC 6716 §3.4, R2), and the two bytes that say its length. */
const OPUS_FRAME_BYTES = 1275 + 2;
/** Where a packet is longer than that it is made of several Opus frames of 20 ms. */
const OPUS_FRAME_MS = 20;

/** Bytes of one Opus packet of `packetDurationMs` ms at most. */
export function opusMaxPacketBytes(packetDurationMs: number): number {
  return 2 + Math.ceil(packetDurationMs / OPUS_FRAME_MS) * OPUS_FRAME_BYTES;
}
