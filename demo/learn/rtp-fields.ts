import { RtpPacket } from 'micwire/rtp';

/** A field of an RTP header. */
export interface RtpField {
  /** As the box drawing of RFC 3550 §5.1 has it. */
  readonly label: string;
  readonly name: string;
  /** How many bits. */
  readonly width: number;
  /** As zeros and ones. */
  readonly bits: string;
  readonly value: string;
  readonly meaning: string;
  readonly clause: string;
}

/** What the header does not say about the stream. */
export interface RtpStreamWords {
  /** What the payload type stands for: `opus/48000/2`. */
  readonly rtpMap: string;
  /** Hz of the timestamp. */
  readonly clockRate: number;
  /** The stream's first timestamp and sequence number, as the page knows them. */
  readonly firstTimestamp: number;
  readonly firstSequence: number;
}

/** Takes the fixed header and its contributing sources apart. @throws PacketError when it is not an RTP packet */
export function rtpFields(bytes: Uint8Array, stream: RtpStreamWords): readonly RtpField[] {
  const packet = new RtpPacket().parse(bytes);
  const { marker, payloadType, sequenceNumber, timestamp, ssrc, csrcCount } = packet;
  const bitsOf = (from: number, width: number): string =>
    Array.from({ length: width }, (_, i) => {
      const bit = from + i;
      return (bytes[bit >> 3]! >> (7 - (bit & 7))) & 1;
    }).join('');
  let at = 0;
  const field = (
    label: string,
    name: string,
    width: number,
    value: string,
    meaning: string,
  ): RtpField => {
    const bits = bitsOf(at, width);
    at += width;
    return { label, name, width, bits, value, meaning, clause: 'RFC 3550 §5.1' };
  };
  const packets = (sequenceNumber - stream.firstSequence) & 0xffff;
  const ticks = (timestamp - stream.firstTimestamp) >>> 0;
  const seconds = (ticks / stream.clockRate).toFixed(3);
  const fields = [
    field(
      'V=2',
      'Version',
      2,
      '2',
      'The version of RTP. Version 1 was a draft; 0 was a forerunner, the protocol of vat.',
    ),
    field(
      'P',
      'Padding',
      1,
      packet.paddingBytes > 0 ? '1' : '0',
      packet.paddingBytes > 0
        ? `${packet.paddingBytes} bytes of padding follow the payload.`
        : 'No padding: the payload reaches to the end of the packet.',
    ),
    field(
      'X',
      'Extension',
      1,
      packet.hasExtension ? '1' : '0',
      packet.hasExtension
        ? 'A header extension follows (§5.3.1), such as the audio level of RFC 6464.'
        : 'No header extension.',
    ),
    field(
      'CC',
      'CSRC count',
      4,
      String(csrcCount),
      csrcCount === 0
        ? 'No contributing sources: no mixer has put streams together.'
        : `${csrcCount} contributing sources follow: a mixer has put streams together.`,
    ),
    field(
      'M',
      'Marker',
      1,
      marker ? '1' : '0',
      marker
        ? 'The first packet after a silence (RFC 3551 §4.1): a good moment to change the delay.'
        : 'Not the first packet after a silence.',
    ),
    field(
      'PT',
      'Payload type',
      7,
      String(payloadType),
      `What the payload is: ${stream.rtpMap}. ${
        payloadType < 96
          ? 'Fixed by RFC 3551.'
          : 'A dynamic number (96 to 127): both ends have to agree on its meaning (RFC 3551 §3).'
      }`,
    ),
    field(
      'sequence number',
      'Sequence number',
      16,
      String(sequenceNumber),
      `${packets} more than the first packet had: ${stream.firstSequence}, a random number. It grows by one with each packet and returns to 0 after 65535. Gaps show loss, and reordered packets can be put back in order.`,
    ),
    field(
      'timestamp',
      'Timestamp',
      32,
      String(timestamp),
      `The moment of the payload's first sample, counted at ${stream.clockRate} Hz: ${seconds} s after the first one, which had a random timestamp too.`,
    ),
    field(
      'synchronization source (SSRC) identifier',
      'SSRC',
      32,
      `0x${ssrc.toString(16).padStart(8, '0')}`,
      'Who sends: a random number, so that no two senders of a session share it (§8).',
    ),
  ];
  for (let i = 0; i < csrcCount; i++) {
    const value = `0x${packet.csrc(i).toString(16).padStart(8, '0')}`;
    fields.push(field('CSRC', 'Contributing source', 32, value, 'One of the streams in the mix.'));
  }
  return fields;
}

/** The payload of an RTP packet, without header, extension and padding. */
export function rtpPayload(bytes: Uint8Array): Uint8Array {
  const { payloadOffset, payloadBytes } = new RtpPacket().parse(bytes);
  return bytes.subarray(payloadOffset, payloadOffset + payloadBytes);
}
