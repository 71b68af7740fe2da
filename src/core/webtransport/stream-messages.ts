import { utf8Bytes, utf8Text } from '../bytes.ts';
import { PacketError } from '../errors.ts';
import { integerBytes, tryReadInteger, writeInteger } from '../framing/integers.ts';
import { GrowingBytes } from './growing-bytes.ts';

/** Maximum size of a message on a stream, in bytes. */
const MAX_STREAM_MESSAGE_BYTES = 2 ** 24;

const TEXT = 0;
const BYTES = 1;

/**
 * Encodes a message for a stream, which has no message boundaries of its own: one byte, 0 for text (UTF-8) or 1 for bytes; the
 * length as a variable-length integer (RFC 9000 §16); the message.
 * @throws RangeError above 16 MiB
 */
export function encodeStreamMessage(message: string | Uint8Array): Uint8Array<ArrayBuffer> {
  const isText = typeof message === 'string';
  const body = isText ? utf8Bytes(message) : message;
  if (body.length > MAX_STREAM_MESSAGE_BYTES)
    throw new RangeError(tooLong(MAX_STREAM_MESSAGE_BYTES, body.length));
  const bytes = new Uint8Array(1 + integerBytes(body.length) + body.length);
  bytes[0] = isText ? TEXT : BYTES;
  bytes.set(body, writeInteger(body.length, bytes, 1));
  return bytes;
}

/** Reads messages from the bytes of a stream, which may arrive in any pieces. */
export class StreamMessageReader {
  readonly #maxMessageBytes: number;
  readonly #bytes = new GrowingBytes();

  /** @param maxMessageBytes a longer message is refused as soon as its length is known */
  constructor(maxMessageBytes: number = MAX_STREAM_MESSAGE_BYTES) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /**
   * Yields the messages that these bytes complete; the caller owns the returned bytes.
   * @param bytes the next bytes of the stream, which are copied
   * @throws PacketError, and no other error, after the messages before the invalid one: the stream is unusable afterwards
   */
  *read(bytes: Uint8Array): Generator<string | Uint8Array<ArrayBuffer>, void> {
    this.#bytes.add(bytes);
    for (;;) {
      const { view } = this.#bytes;
      const kind = view[0];
      if (kind === undefined) return;
      if (kind !== TEXT && kind !== BYTES) {
        throw new PacketError(
          'unknown-type',
          `A message on a stream begins with 0 or 1, got ${kind}.`,
        );
      }
      const length = tryReadInteger(view, 1);
      if (length === null) return;
      if (length.value > this.#maxMessageBytes) {
        throw new PacketError('oversized', tooLong(this.#maxMessageBytes, length.value));
      }
      const end = length.end + length.value;
      if (end > view.length) return;
      const body = view.slice(length.end, end) as Uint8Array<ArrayBuffer>;
      this.#bytes.skip(end);
      yield kind === TEXT ? utf8Text(body) : body;
    }
  }
}

function tooLong(maxBytes: number, bytes: number): string {
  return `A message on a stream has at most ${maxBytes} bytes, got ${bytes}.`;
}
