import type { StreamFormat } from '../format/stream-format.ts';

/** A stream carried by RTP: parameters on which both ends must agree. */
export interface RtpStreamOptions extends StreamFormat {
  /** Payload type, 0–127. @default the format's static one if it exists, otherwise that of `RTP_PAYLOAD_FORMATS` */
  readonly payloadType?: number | undefined;
  /** Payload type of packets with redundant copies (RFC 2198), 0–127, different from `payloadType`. @default 112 */
  readonly redPayloadType?: number | undefined;
  /**
   * The SSRC of the source, 0..2³²−1. A decoder without it accepts the first SSRC that it receives, and switches to another one
   * after eight of its packets in a row; it refuses all others. If several sources send in one session, give each a random SSRC
   * (RFC 3550 §8).
   * @default 0x6d696377 for an encoder
   */
  readonly ssrc?: number | undefined;
  /**
   * Sequence number of packet number 0, 0–65535. RFC 3550 §5.1 requires a random value if the stream is weakly encrypted. A decoder
   * subtracts it.
   * @default 0
   */
  readonly sequenceOffset?: number | undefined;
  /** Timestamp of frame 0, likewise, 0 to 2³²−1. @default 0 */
  readonly timestampOffset?: number | undefined;
}

/**
 * Why an RTP packet carries no audio: it is only padding; it is comfort noise (RFC 3389); or its payload type differs from the
 * stream's, like that of a telephone event (RFC 4733).
 */
export type NoAudio = 'padding' | 'comfort-noise' | 'other';

/** Fields of the header of a received RTP packet (RFC 3550 §5.1). */
export interface RtpFields {
  /** The SSRC of its source, 0..2³²−1. */
  readonly ssrc: number;
  /** Sequence number, 0–65535. */
  readonly sequenceNumber: number;
  /** Timestamp in the payload's clock, 0 to 2³²−1. */
  readonly timestamp: number;
  /** Payload type, 0–127; for a packet with redundant copies that of RED. */
  readonly payloadType: number;
  readonly marker: boolean;
}

/** Data about the arrival of a packet, for reception statistics. */
export interface RtpArrival {
  /** Number of the packet since the start. 0..2⁵³−1. */
  readonly sequence: number;
  /** Number of the payload's first frame since the start. 0..2⁵³−1. */
  readonly frame: number;
  /** Present if this is a copy that arrived with a later packet, in case the packet itself is lost. */
  readonly redundant?: true;
  /**
   * Present if the packet was received but holds no audio: `frames` is 0, `payload` is empty, and the next packet's audio follows
   * that of the previous one. Pass the packet to a `Receiver` and a `LossReporter` like any other, so that its number does not
   * count as lost; skip it if you play or store payloads yourself.
   */
  readonly noAudio?: NoAudio;
  /** The header of the RTP packet in which it arrived. Not an own property: a copied or posted packet lacks it. */
  readonly rtp?: RtpFields | undefined;
}
