import type { PacketCodec } from '../format/formats.ts';
import { OPUS_RATE, opusPacketFrames } from './opus-packet.ts';

/** Duration of a packet in seconds, according to its form. */
const PACKET_SECONDS: Readonly<Record<PacketCodec, (packet: Uint8Array) => number>> = {
  opus: (packet) => opusPacketFrames(packet) / OPUS_RATE,
};

/**
 * Returns the number of frames in a packet at a rate that the codec supports, judged only by its form.
 * @throws PacketError when it is not a packet of the codec
 */
export function packetFrames(codec: PacketCodec, packet: Uint8Array, sampleRate: number): number {
  return Math.round(PACKET_SECONDS[codec](packet) * sampleRate);
}
