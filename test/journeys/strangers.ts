/*
 * Messages that come to an RTP receiver beside its audio (RFC 3550). All are made from a packet of the stream, whose header
 * has no extension and no contributing sources.
 */

const HEADER_BYTES = 12;
const PADDING_BIT = 0x20;
const TELEPHONE_EVENT = 101;
const COMFORT_NOISE = 13;

/** The packet that follows `message` in the stream's numbers and carries no audio: its timestamp is the same. */
export function messageWithoutAudio(
  what: 'padding' | 'telephone-event' | 'comfort-noise',
  message: Uint8Array,
): Uint8Array {
  const body = what === 'padding' ? 255 : what === 'telephone-event' ? 4 : 1;
  const packet = new Uint8Array(HEADER_BYTES + body);
  packet.set(message.subarray(0, HEADER_BYTES));
  const view = new DataView(packet.buffer);
  view.setUint16(2, view.getUint16(2) + 1);
  if (what === 'padding') {
    packet[0]! |= PADDING_BIT;
    packet[packet.length - 1] = body;
  } else {
    packet[1] = what === 'telephone-event' ? TELEPHONE_EVENT : COMFORT_NOISE;
    packet.fill(7, HEADER_BYTES);
  }
  return packet;
}

/** A message of somebody else. */
export function foreignMessage(
  what: 'ssrc' | 'rtcp' | 'garbage',
  message: Uint8Array,
  count: number,
): Uint8Array {
  const packet = message.slice();
  const view = new DataView(packet.buffer);
  if (what === 'ssrc') {
    view.setUint16(2, 40_000 + count);
    view.setUint32(8, 0xdead_beef);
    return packet;
  }
  if (what === 'rtcp') {
    // A receiver report without blocks (RFC 3550 §6.4.2).
    return Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 1);
  }
  for (let i = 0; i < packet.length; i++)
    packet[i] = Math.imul(count * 7919 + i, 0x9e3779b1) >>> 24;
  return packet.subarray(0, count % 40);
}
