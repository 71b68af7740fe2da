/** Counters of decoded packets. */
export interface DecodingStats {
  /** Invalid packets, each of which was concealed. */
  readonly badPackets: number;
  /** Frames concealed for lost or invalid packets. */
  readonly concealedFrames: number;
  /** Frames of lost packets that were decoded from the next packet (FEC). */
  readonly recoveredFrames: number;
}

/** Decodes each packet that is written to a playout. */
export interface PacketReader {
  readonly stats: DecodingStats;
  /**
   * @param lostFrames frames missing before the packet: they are concealed, or decoded from its FEC
   * @returns interleaved f32 samples, valid until the next call; and how many missing frames they do not include
   */
  read(
    packet: Uint8Array,
    lostFrames: number,
  ): { readonly bytes: Uint8Array; readonly missing: number };
  /** Starts another stream. */
  reset(): void;
  close(): void;
}
