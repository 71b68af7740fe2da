import { describeOutside, integerIn } from '../../core/arguments.ts';
import { PacketError } from '../../core/errors.ts';
import { frameTimestamp } from '../../core/format/stream-format.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import { binaryFraming } from '../../core/framing/binary.ts';
import type { Packet } from '../../core/framing/packet.ts';
import type { StreamChunk } from '../accepted-stream.ts';

/*
 * A message in JetStream is a packet of the binary framing; or several packets, whose number is in the header Micwire-Packets, each
 * preceded by its length in 4 bytes, little-endian; or the end of a stream, with the reason in the header Micwire-End and the frame
 * after its last one in Micwire-Frame.
 */

/** Headers of a message. */
export const HEADER = {
  packets: 'Micwire-Packets',
  end: 'Micwire-End',
  frame: 'Micwire-Frame',
} as const;

/** Maximum number of chunks in a message. */
const MAX_PACKETS = 1000;
const LENGTH_BYTES = 4;
const DIGITS = /^\d{1,16}$/;

const encoder = binaryFraming.createEncoder();
const decoder = binaryFraming.createDecoder();

/** Encodes consecutive chunks of a stream as a message. */
export function encodeChunks(format: StreamFormat, chunks: readonly StreamChunk[]): Uint8Array {
  const { format: payloadFormat, sampleRate, channels } = format;
  const packets = chunks.map(({ frame, frames, bytes, missing }) => {
    // Packets of equal length then need not contain their frame.
    const sequence = frames > 0 && frame % frames === 0 ? frame / frames : 0;
    const timestamp = frameTimestamp(frame, sampleRate);
    const dropped = Math.min(missing, 2 ** 32 - 1);
    return encoder.encode({
      sequence,
      frame,
      frames,
      timestamp,
      dropped,
      format: payloadFormat,
      sampleRate,
      channels,
      payload: bytes,
    }) as Uint8Array;
  });
  if (packets.length === 1) return packets[0]!;
  const bytes = packets.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0);
  const message = new Uint8Array(bytes);
  const view = new DataView(message.buffer);
  let at = 0;
  for (const packet of packets) {
    view.setUint32(at, packet.length, true);
    message.set(packet, at + LENGTH_BYTES);
    at += LENGTH_BYTES + packet.length;
  }
  return message;
}

/** The content of a message. */
export type NatsMessage =
  | { readonly type: 'chunks'; readonly packets: readonly Packet[] }
  | { readonly type: 'end'; readonly ending: string; readonly frame: number };

/**
 * Reads a message.
 * @param header returns a header of the message; '' if it has no such header
 * @throws PacketError for anything else
 */
export function decodeMessage(header: (name: string) => string, data: Uint8Array): NatsMessage {
  const ending = header(HEADER.end);
  if (ending !== '') return { type: 'end', ending, frame: numberFrom(header(HEADER.frame)) };
  const count = header(HEADER.packets);
  if (count === '') return { type: 'chunks', packets: decoder.decode(data) };
  const wanted = numberFrom(count);
  if (wanted < 1 || wanted > MAX_PACKETS) {
    throw new PacketError('bad-field', `packets must be 1 to ${MAX_PACKETS}, got ${wanted}.`);
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const packets: Packet[] = [];
  let at = 0;
  for (let i = 0; i < wanted; i++) {
    const from = at + LENGTH_BYTES;
    at = from <= data.length ? from + view.getUint32(at, true) : Infinity;
    if (at > data.length) {
      throw new PacketError('truncated', `a message of ${data.length} bytes ends within a packet.`);
    }
    packets.push(...decoder.decode(data.subarray(from, at)));
  }
  if (at !== data.length) {
    throw new PacketError(
      'oversized',
      `a message has ${data.length - at} bytes after its packets.`,
    );
  }
  return { type: 'chunks', packets };
}

function numberFrom(text: string): number {
  const number = DIGITS.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new PacketError('bad-field', `a header must be a number, got ${describeOutside(text)}.`);
}

/** Checks an option that only gateways have. @throws RangeError */
export function checkPackets(value: number): number {
  return integerIn('chunksPerMessage', value, 1, MAX_PACKETS);
}
