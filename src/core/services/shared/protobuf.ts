import { PacketError } from '../../errors.ts';

/*
 * The part of Protocol Buffers that our services need: fields of varints and of bytes (protobuf.dev/programming-guides/encoding).
 *
 *   tag (varint): number of the field × 8 + wire type
 *   0 varint    7 bits a byte, lowest first; the highest bit says that another byte follows
 *   1 64 bits, 5 32 bits
 *   2 length (varint), then so many bytes: text, bytes or another message
 *   3, 4        groups: deprecated, and refused here
 */

/** Bytes of the longest varint, of 64 bits. */
const MAX_VARINT_BYTES = 10;
/** Maximum number of fields in a message. Ours have six. */
const MAX_FIELDS = 256;

/** A field of a message. */
export interface ProtobufField {
  readonly number: number;
  /** Value of a varint; inexact above 2^53 − 1. */
  readonly value: number;
  /** The bytes of a string, bytes or a message, as a view; undefined for a varint. */
  readonly bytes: Uint8Array<ArrayBufferLike> | undefined;
}

/**
 * Reads the fields of a message, in order. Skips fields of 32 and 64 bits.
 * @throws PacketError
 */
export function readProtobuf(message: Uint8Array): readonly ProtobufField[] {
  const fields: ProtobufField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      if (at >= message.length) throw new PacketError('truncated', 'a varint has no end.');
      const byte = message[at++]!;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new PacketError('bad-field', `a varint may have ${MAX_VARINT_BYTES} bytes.`);
  };
  const skip = (count: number): number => {
    if (count > message.length - at) {
      throw new PacketError('truncated', 'a field is longer than its message.');
    }
    at += count;
    return at - count;
  };
  for (let count = 0; at < message.length; count++) {
    if (count === MAX_FIELDS) {
      throw new PacketError('oversized', `a message may have ${MAX_FIELDS} fields.`);
    }
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        fields.push({ number, value: varint(), bytes: undefined });
        break;
      case 1:
        skip(8);
        break;
      case 2: {
        const length = varint();
        const from = skip(length);
        fields.push({ number, value: 0, bytes: message.subarray(from, from + length) });
        break;
      }
      case 5:
        skip(4);
        break;
      default:
        throw new PacketError('unknown-type', `wire type ${tag % 8} is not known.`);
    }
  }
  return fields;
}

/** Returns the last field with a number, because later fields replace earlier ones; undefined if there is no such field. */
export function protobufField(
  fields: readonly ProtobufField[],
  number: number,
): ProtobufField | undefined {
  return fields.findLast((field) => field.number === number);
}

/** Encodes a varint field, from 0 to 2^53 − 1. */
export function varintField(number: number, value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...varintBytes(number * 8), ...varintBytes(value)]);
}

/** Encodes a field of bytes: the parts, concatenated. */
export function bytesField(
  number: number,
  ...parts: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [...varintBytes(number * 8 + 2), ...varintBytes(length)];
  const field = new Uint8Array(head.length + length);
  field.set(head);
  let at = head.length;
  for (const part of parts) {
    field.set(part, at);
    at += part.length;
  }
  return field;
}

function varintBytes(value: number): readonly number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return [...bytes, value];
}
