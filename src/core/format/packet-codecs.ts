import type { PacketCodec } from './formats.ts';

/** Limits of a codec's packets. */
export interface PacketLimits {
  /** The rates that it has, Hz. */
  readonly sampleRates: readonly number[];
  readonly maxChannels: number;
  /** The longest packet, ms. */
  readonly maxPacketMs: number;
  /** A longer packet is made of frames of the codec, each of so many ms and bytes at most. */
  readonly frameMs: number;
  readonly maxFrameBytes: number;
  /** Packets may be padded: a longer one is refused, so that the memory for it is bounded. */
  readonly maxPacketBytes: number;
}

/** Every codec of packets that a row of `FORMATS` names, and its limits. The codecs themselves are in `core/codec`. */
export const PACKET_CODECS: Readonly<Record<PacketCodec, PacketLimits>> = {
  // RFC 6716 §2.1.1, §3.4
  opus: {
    sampleRates: [8000, 12_000, 16_000, 24_000, 48_000],
    maxChannels: 2,
    maxPacketMs: 120,
    frameMs: 20,
    maxFrameBytes: 1275,
    maxPacketBytes: 65_536,
  },
};

/** Bytes of the longest packet of `ms` milliseconds, without padding. */
export function longestPacketBytes(codec: PacketCodec, ms: number): number {
  const { frameMs, maxFrameBytes } = PACKET_CODECS[codec];
  // Two bytes say what the packet is, and two how long each frame is.
  return 2 + Math.ceil(ms / frameMs) * (2 + maxFrameBytes);
}
