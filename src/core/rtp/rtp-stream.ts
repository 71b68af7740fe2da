import type { StreamFormat } from '../format/stream-format.ts';

/** A stream as RTP carries it: what both ends agree on beside the sound itself. */
export interface RtpStreamOptions extends StreamFormat {
  /** 0..127. @default the format's static one where there is one, else that of `RTP_PAYLOAD_FORMATS` */
  readonly payloadType?: number | undefined;
  /** Payload type of packets with redundant copies (RFC 2198), 0..127, different from `payloadType`. @default 112 */
  readonly redPayloadType?: number | undefined;
  /**
   * The SSRC of the source, 0..2³²−1. A decoder without one takes the first that it hears, and another one once eight of its packets came in a row;
   * it refuses all others. Where several send in one session, give each its own at random (RFC 3550 §8).
   * @default 0x6d696377 for an encoder
   */
  readonly ssrc?: number | undefined;
  /**
   * Sequence number of the packet that has the number 0, 0..65535. RFC 3550 §5.1 wants it at random where what follows is
   * encrypted by something weak. A decoder takes it off.
   * @default 0
   */
  readonly sequenceOffset?: number | undefined;
  /** Timestamp of frame 0, likewise. 0..2³²−1. @default 0 */
  readonly timestampOffset?: number | undefined;
}

/**
 * Why a packet of RTP carries no audio: it is nothing but padding; it is comfort noise (RFC 3389); or its payload type is another
 * one than the stream's, as that of a telephone event (RFC 4733) is.
 */
export type NoAudio = 'padding' | 'comfort-noise' | 'other';

/** What the header of an RTP packet said (RFC 3550 §5.1), as it came. */
export interface RtpFields {
  /** The SSRC of its source, 0..2³²−1. */
  readonly ssrc: number;
  /** 0..65535 */
  readonly sequenceNumber: number;
  /** In the payload's clock, 0..2³²−1. */
  readonly timestamp: number;
  /** 0..127; of a packet with redundant copies that of RED. */
  readonly payloadType: number;
  readonly marker: boolean;
}

/** How a packet arrived: what statistics of a reception need to know of it. */
export interface RtpArrival {
  /** Number of the packet since the start. 0..2⁵³−1. */
  readonly sequence: number;
  /** Number of the payload's first frame since the start. 0..2⁵³−1. */
  readonly frame: number;
  /** Present where this is a copy that came with a later packet, for when the packet itself is lost. */
  readonly redundant?: true;
  /**
   * Present where the packet was received and there is nothing to play: `frames` is 0, `payload` is empty, and the next packet's
   * audio follows that of the one before. Hand it to a `Receiver` and a `LossReporter` like any other, so that its number does not
   * count as lost; skip it where you play or store payloads yourself.
   */
  readonly noAudio?: NoAudio;
  /** The header of the RTP packet that it came in. Not an own property: a copy of the packet, or one that was posted, is without. */
  readonly rtp?: RtpFields | undefined;
}
