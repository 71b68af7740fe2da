import type { PayloadFormat } from '../format/formats.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { LazyPacket, Packet } from './packet.ts';

/** Writes the packets of one stream as messages. Each stream needs a separate encoder, because a framing may keep state. */
export interface MessageEncoder {
  /**
   * Writes a packet as a message in newly allocated memory, in a form that `WebSocket.send` and `RTCDataChannel.send` accept.
   * @throws RangeError when a field is out of its range, or the length of the payload does not match the header.
   */
  encode(packet: Packet | LazyPacket): string | Uint8Array<ArrayBuffer>;
  /** Restores the initial state. */
  reset(): void;
}

/**
 * Reads the messages of one stream. Each stream needs a separate decoder, because a framing may extend numbers from earlier
 * messages.
 */
export interface MessageDecoder {
  /**
   * Reads a message. A payload may be a view of `message`, so do not change the message afterwards.
   * @returns the packet, preceded by redundant copies of earlier ones, oldest first, whether or not those packets are missing. RTP
   *   also returns packets without audio (`noAudio`), and an empty list for a packet that may be a stray.
   * @throws PacketError, and no other error, whatever the data from the network. The decoder remains usable.
   */
  decode(message: string | Uint8Array): readonly Packet[];
  /** Restores the initial state. */
  reset(): void;
}

/** Position of a field in a binary message. */
export interface MessageField {
  /** Names of fields of {@link Packet}, or of the framing's standard. */
  readonly name: string;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** Describes how packets are laid out in the messages of a transport. */
export interface Framing {
  /** Name of the framing in the table of framings. */
  readonly name: string;
  /** Type of the messages: a string, or bytes. */
  readonly message: 'text' | 'bytes';
  /** Formats that the framing can carry. */
  readonly formats: readonly PayloadFormat[];
  /** @throws TypeError or RangeError for a stream that this framing cannot carry */
  createEncoder(stream: StreamFormat): MessageEncoder;
  /** @throws TypeError or RangeError for a stream that this framing cannot carry */
  createDecoder(stream: StreamFormat): MessageDecoder;
  /**
   * Returns the fields of a binary message in order, the payload last. Allocates its result.
   * @returns an empty list for text
   * @throws PacketError when it is not a message of this framing
   */
  layout(message: string | Uint8Array): readonly MessageField[];
}

/** Creates the encoder for a stream's messages: a `Framing`, or your own wrapper of one. */
export interface SendFraming {
  createEncoder(stream: StreamFormat): MessageEncoder;
}

/** A framing whose messages are complete: it needs no stream beforehand, and keeps no state. */
export interface SelfDescribingFraming extends Framing {
  createEncoder(stream?: StreamFormat): MessageEncoder;
  createDecoder(stream?: StreamFormat): MessageDecoder;
}
