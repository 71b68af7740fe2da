import { PacketError } from '../errors.ts';
import { RED_BLOCK_HEADER_BYTES, RED_PRIMARY_HEADER_BYTES, RedBlocks } from '../rtp/red.ts';
import { RED_PAYLOAD_TYPE, RTP_FORMATS } from '../rtp/rtp-payload-format.ts';
import { EXTENSION_HEADER_BYTES, RtpPacket } from '../rtp/rtp-packet.ts';
import type { RtpStreamOptions } from '../rtp/rtp-stream.ts';
import type { Framing, MessageField } from './framing.ts';
import { RtpMessageDecoder } from './rtp-message-decoder.ts';
import { RtpMessageEncoder } from './rtp-message-encoder.ts';

/** RTP (RFC 3550), with RED (RFC 2198) for redundant copies. */
export interface RtpFraming extends Framing {
  createEncoder(stream: RtpStreamOptions): RtpMessageEncoder;
  createDecoder(stream: RtpStreamOptions): RtpMessageDecoder;
}

/**
 * The header has 12 bytes, with 16 bits of the sequence number and 32 bits of the timestamp, which a decoder extends. Both ends
 * must know the format of the packets beforehand. A receiver's `sequence` and `frame` start within the first two cycles of those
 * numbers.
 */
export const rtpFraming: RtpFraming = {
  name: 'rtp',
  message: 'bytes',
  formats: RTP_FORMATS,
  createEncoder: (stream) => new RtpMessageEncoder(stream),
  createDecoder: (stream) => new RtpMessageDecoder(stream),
  layout: rtpLayout,
};

/** Describes the layout of a message. RED is recognized by its usual payload type. */
function rtpLayout(message: string | Uint8Array): readonly MessageField[] {
  if (typeof message === 'string') {
    throw new PacketError('unknown-type', 'an RTP packet must be bytes, got text.');
  }
  const packet = new RtpPacket().parse(message);
  const fields: MessageField[] = [];
  let byteOffset = 0;
  const add = (name: string, byteLength: number): void => {
    if (byteLength > 0) fields.push({ name, byteOffset, byteLength });
    byteOffset += byteLength;
  };
  add('V, P, X, CC', 1);
  add('M, PT', 1);
  add('sequence number', 2);
  add('RTP timestamp', 4);
  add('SSRC', 4);
  add('CSRC', 4 * packet.csrcCount);
  if (packet.hasExtension) {
    add('header extension', EXTENSION_HEADER_BYTES + packet.extensionBytes);
  }
  let payloadBytes = packet.payloadBytes;
  if (packet.payloadType === RED_PAYLOAD_TYPE) {
    const blocks = new RedBlocks();
    const primary = blocks.parse(message, packet.payloadOffset, packet.payloadBytes) - 1;
    for (let block = 0; block < primary; block++) add('copy: header', RED_BLOCK_HEADER_BYTES);
    add('payload: header', RED_PRIMARY_HEADER_BYTES);
    for (let block = 0; block < primary; block++) add('copy', blocks.byteLength(block));
    payloadBytes = blocks.byteLength(primary);
  }
  fields.push({ name: 'payload', byteOffset, byteLength: payloadBytes });
  byteOffset += payloadBytes;
  add('padding', packet.paddingBytes);
  return fields;
}
