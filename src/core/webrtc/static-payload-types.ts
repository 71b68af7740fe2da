/** The codec of a static payload type. */
interface StaticType {
  readonly name: string;
  /** Hz. */
  readonly clockRate: number;
  /** 1 for video. */
  readonly channels: number;
}

const entry = (
  payloadType: number,
  name: string,
  clockRate: number,
  channels = 1,
): readonly [number, StaticType] => [payloadType, { name, clockRate, channels }];

/** Payload types that need no `a=rtpmap`: RFC 3551 §6, tables 4 (audio) and 5 (video), without the reserved ones. */
export const STATIC_PAYLOAD_TYPES: ReadonlyMap<number, StaticType> = new Map([
  entry(0, 'PCMU', 8000),
  entry(3, 'GSM', 8000),
  entry(4, 'G723', 8000),
  entry(5, 'DVI4', 8000),
  entry(6, 'DVI4', 16_000),
  entry(7, 'LPC', 8000),
  entry(8, 'PCMA', 8000),
  entry(9, 'G722', 8000),
  entry(10, 'L16', 44_100, 2),
  entry(11, 'L16', 44_100),
  entry(12, 'QCELP', 8000),
  entry(13, 'CN', 8000),
  entry(14, 'MPA', 90_000),
  entry(15, 'G728', 8000),
  entry(16, 'DVI4', 11_025),
  entry(17, 'DVI4', 22_050),
  entry(18, 'G729', 8000),
  entry(25, 'CelB', 90_000),
  entry(26, 'JPEG', 90_000),
  entry(28, 'nv', 90_000),
  entry(31, 'H261', 90_000),
  entry(32, 'MPV', 90_000),
  entry(33, 'MP2T', 90_000),
  entry(34, 'H263', 90_000),
]);
