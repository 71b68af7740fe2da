import { utf8Bytes, utf8Text } from '../bytes.ts';
import { PacketError } from '../errors.ts';
import { GrowingBytes } from './growing-bytes.ts';
import { readVarint, varintLength, writeVarint } from './varint.ts';

/** Longest message that is read from a stream, in bytes. */
const MAX_STREAM_MESSAGE_BYTES = 2 ** 24;

const TEXT = 0;
const BYTES = 1;

/**
 * Writes a message as it travels on a stream, which has no messages of its own: one byte, 0 for text (UTF-8) and 1 for bytes;
 * the length as a variable-length integer (RFC 9000 §16); the message.
 */
export function encodeStreamMessage(message: string | Uint8Array): Uint8Array<ArrayBuffer> {
  const isText = typeof message === 'string';
  const body = isText ? utf8Bytes(message) : message;
  const bytes = new Uint8Array(1 + varintLength(body.length) + body.length);
  bytes[0] = isText ? TEXT : BYTES;
  bytes.set(body, writeVarint(bytes, 1, body.length));
  return bytes;
}

/** Reads messages from the bytes of a stream, in whatever pieces they come. */
export class StreamMessageReader {
  readonly #maxMessageBytes: number;
  readonly #bytes = new GrowingBytes();

  /** @param maxMessageBytes a longer message is refused as soon as its length is known */
  constructor(maxMessageBytes: number = MAX_STREAM_MESSAGE_BYTES) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /**
   * @param bytes the next ones of the stream; they are copied
   * @returns the messages that are complete with them; their bytes are the caller's
   * @throws PacketError and nothing else: the stream is of no use after it
   */
  read(bytes: Uint8Array): (string | Uint8Array<ArrayBuffer>)[] {
    this.#bytes.add(bytes);
    const messages: (string | Uint8Array<ArrayBuffer>)[] = [];
    for (;;) {
      const { view } = this.#bytes;
      const kind = view[0];
      if (kind === undefined) return messages;
      if (kind !== TEXT && kind !== BYTES) {
        throw new PacketError(
          'unknown-type',
          `A message on a stream begins with 0 or 1, got ${kind}.`,
        );
      }
      const length = readVarint(view, 1);
      if (length === null) return messages;
      if (length.value > this.#maxMessageBytes) {
        throw new PacketError(
          'oversized',
          `A message on a stream has at most ${this.#maxMessageBytes} bytes, got ${length.value}.`,
        );
      }
      const end = length.end + length.value;
      if (end > view.length) return messages;
      const body = view.slice(length.end, end) as Uint8Array<ArrayBuffer>;
      messages.push(kind === TEXT ? utf8Text(body) : body);
      this.#bytes.skip(end);
    }
  }
}
