import { OPUS_MAX_FRAMES } from '../codec/opus-packet.ts';

/** The table of contents of packets that fill a gap: CELT, full band, by the length of a frame at 48 kHz (RFC 6716 table 2). */
const FILL_20_MS = { config: 31, frames: 960 } as const;
const FILL_2_5_MS = { config: 28, frames: 120 } as const;

/** The shortest gap that packets can fill: 2.5 ms at 48 kHz. */
export const OPUS_LEAST_GAP: number = FILL_2_5_MS.frames;

/**
 * Packets without data for what was lost, which a decoder answers with concealment (RFC 7845 §4.1). What is left over is
 * shorter than `OPUS_LEAST_GAP`.
 * @param frames at 48 kHz
 */
export function opusGapPackets(frames: number, channels: number): Uint8Array<ArrayBuffer>[] {
  const packets: Uint8Array<ArrayBuffer>[] = [];
  for (let rest = frames; rest >= OPUS_LEAST_GAP;) {
    const kind = rest >= FILL_20_MS.frames ? FILL_20_MS : FILL_2_5_MS;
    const count = Math.floor(Math.min(rest, OPUS_MAX_FRAMES) / kind.frames);
    // Code 3, constant size: each frame has 0 bytes.
    packets.push(Uint8Array.of((kind.config << 3) | ((channels - 1) << 2) | 3, count));
    rest -= count * kind.frames;
  }
  return packets;
}
