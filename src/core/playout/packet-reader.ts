/** Counts of decoded packets. */
export interface DecodingStats {
  /** Invalid packets: each was concealed. */
  readonly badPackets: number;
  /** Frames concealed for packets that were lost or bad. */
  readonly concealedFrames: number;
  /** Frames of lost packets that were decoded from the next packet (FEC). */
  readonly recoveredFrames: number;
}

/** Turns each packet that a playout is given into samples. */
export interface PacketReader {
  readonly stats: DecodingStats;
  /**
   * @param lostFrames frames that are missing before the packet: they are concealed, or decoded from its FEC
   * @returns interleaved f32 samples, valid until the next call; and how many of the missing frames are not among them
   */
  read(
    packet: Uint8Array,
    lostFrames: number,
  ): { readonly bytes: Uint8Array; readonly missing: number };
  /** Another stream begins. */
  reset(): void;
  close(): void;
}
