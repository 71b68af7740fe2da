import { readUint16 } from '../../../src/core/bytes.ts';
import { PacketError } from '../../../src/core/errors.ts';
import { integerIn } from '../../../src/core/arguments.ts';
import { STUN_HEADER_BYTES } from '../../../src/core/webrtc/stun/stun-message.ts';

const CHANNEL_HEADER_BYTES = 4;
/** The prefix with a message's length: two bytes of type or channel, two of length. */
const PREFIX_BYTES = 4;

/**
 * Cuts a stream, TCP or TLS, into messages of STUN and ChannelData (RFC 8489 §6.2.2, RFC 8656 §12.5). The length field of each gives its
 * end; ChannelData is padded to four bytes.
 */
export class StunStream {
  readonly #maxMessageBytes: number;
  /** The message that is arriving. */
  readonly #buffer: Uint8Array<ArrayBuffer>;
  #filled = 0;

  /** @param maxMessageBytes a longer one is refused; 24 to 65,555, as long as a message can be */
  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = integerIn('maxMessageBytes', maxMessageBytes, 24, 65_555);
    // With the padding of the longest ChannelData.
    this.#buffer = new Uint8Array(maxMessageBytes + 3);
  }

  /** Bytes of an incomplete message. */
  get pendingBytes(): number {
    return this.#filled;
  }

  /**
   * Takes bytes, in linear time.
   * @returns the messages that are complete, ChannelData without its padding; each has memory of its own
   * @throws PacketError `unknown-type`, `bad-field` or `oversized`: the stream cannot be read any further
   */
  push(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
    const messages: Uint8Array<ArrayBuffer>[] = [];
    let at = 0;
    while (at < bytes.length) {
      const wanted = this.#filled < PREFIX_BYTES ? PREFIX_BYTES : this.#streamBytes();
      const count = Math.min(wanted - this.#filled, bytes.length - at);
      this.#buffer.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled < PREFIX_BYTES || this.#filled < this.#streamBytes()) continue;
      messages.push(this.#buffer.slice(0, this.#messageBytes()));
      this.#filled = 0;
    }
    return messages;
  }

  /** Of the message that is arriving, without padding. Its prefix must have arrived. */
  #messageBytes(): number {
    const first = this.#buffer[0]!;
    if (first > 0x7f) {
      throw new PacketError('unknown-type', 'Neither STUN nor ChannelData begins like this.');
    }
    const header = first >= 0x40 ? CHANNEL_HEADER_BYTES : STUN_HEADER_BYTES;
    const length = header + readUint16(this.#buffer, 2);
    if (header === STUN_HEADER_BYTES && length % 4 !== 0) {
      throw new PacketError('bad-field', 'STUN attributes fill words of 4 bytes.');
    }
    if (length > this.#maxMessageBytes) {
      throw new PacketError(
        'oversized',
        `A message has at most ${this.#maxMessageBytes} bytes, got ${length}.`,
      );
    }
    return length;
  }

  /** The same with padding. */
  #streamBytes(): number {
    return padded(this.#messageBytes());
  }
}

/** A message as written to a stream: a multiple of four bytes long. */
export function toStunStream(message: Uint8Array): Uint8Array {
  if (message.length % 4 === 0) return message;
  const bytes = new Uint8Array(padded(message.length));
  bytes.set(message);
  return bytes;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
