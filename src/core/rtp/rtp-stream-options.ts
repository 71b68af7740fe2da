import type { StreamFormat } from '../format/stream-format.ts';

/** A stream as RTP carries it: what both ends agree on beside the sound itself. */
export interface RtpStreamOptions extends StreamFormat {
  /** 0..127. @default the format's static one where there is one, else the dynamic one in its row of `FORMATS` */
  readonly payloadType?: number | undefined;
  /** Of packets with redundant copies (RFC 2198), 0..127, another one than `payloadType`. @default 112 */
  readonly redPayloadType?: number | undefined;
  /**
   * The SSRC of the source, 0..2³²−1. A decoder without one takes the first that it hears, and another one once four of its packets came in a row;
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
