import type { PacketCodec } from '../format/formats.ts';
import { OPUS_RATE, opusPacketFrames } from './opus-packet.ts';

/** Seconds of a packet, as its form says. */
const PACKET_SECONDS: Readonly<Record<PacketCodec, (packet: Uint8Array) => number>> = {
  opus: (packet) => opusPacketFrames(packet) / OPUS_RATE,
};

/**
 * Frames of a packet at a rate that the codec has, looking at no more than its form.
 * @throws PacketError when it is no packet of the codec
 */
export function packetFrames(codec: PacketCodec, packet: Uint8Array, sampleRate: number): number {
  return Math.round(PACKET_SECONDS[codec](packet) * sampleRate);
}
