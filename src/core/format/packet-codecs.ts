import type { PacketCodec } from './formats.ts';

/** Limits of a codec's packets. */
export interface PacketLimits {
  /** Supported sample rates, in Hz. */
  readonly sampleRates: readonly number[];
  readonly maxChannels: number;
  /** Length of the longest packet, in ms. */
  readonly maxPacketMs: number;
  /** A longer packet consists of several frames of the codec, each with at most this duration in ms and this size in bytes. */
  readonly frameMs: number;
  readonly maxFrameBytes: number;
  /** Packets may be padded; a larger one is refused, so that the memory is bounded. */
  readonly maxPacketBytes: number;
}

/** Every packet codec in the rows of `FORMATS`, and its limits. The codecs themselves are in `core/codec`. */
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

/** Returns the size of the longest packet of `ms` milliseconds, in bytes, without padding. */
export function longestPacketBytes(codec: PacketCodec, ms: number): number {
  const { frameMs, maxFrameBytes } = PACKET_CODECS[codec];
  // Two bytes describe the packet, and two give the length of each frame.
  return 2 + Math.ceil(ms / frameMs) * (2 + maxFrameBytes);
}
