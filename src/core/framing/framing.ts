import type { PayloadFormat } from '../format/formats.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { LazyPacket, Packet } from './packet.ts';

/** Writes the packets of one stream as messages. Each stream has its own, because a framing may keep state. */
export interface MessageEncoder {
  /**
   * Writes one packet as one message, in memory of its own: what `WebSocket.send` and `RTCDataChannel.send` take.
   * @throws RangeError when a field is out of its range or the payload is not as long as the header says.
   */
  encode(packet: Packet | LazyPacket): string | Uint8Array<ArrayBuffer>;
  /** As new. */
  reset(): void;
}

/**
 * Reads the messages of one stream. Each stream has its own, because a framing may extend numbers from earlier
 * messages.
 */
export interface MessageDecoder {
  /**
   * Reads one message. A payload may be a view of `message`, so keep the message unchanged.
   * @returns the packet, preceded by redundant copies of earlier ones, oldest first, whether they are missing or not.
   *   RTP also returns packets without audio (`noAudio`), and none for a packet that may be a stray.
   * @throws PacketError, and nothing else, whatever comes from the network. The decoder stays usable.
   */
  decode(message: string | Uint8Array): readonly Packet[];
  /** As new. */
  reset(): void;
}

/** Position of a field in a binary message. */
export interface MessageField {
  /** Names of {@link Packet}, or of the framing's own standard. */
  readonly name: string;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** Describes how packets lie in the messages of a transport. */
export interface Framing {
  /** The name in the table of framings. */
  readonly name: string;
  /** Type of the messages: a string, or bytes. */
  readonly message: 'text' | 'bytes';
  /** Formats that it can carry. */
  readonly formats: readonly PayloadFormat[];
  /** @throws TypeError or RangeError for a stream that this framing cannot carry */
  createEncoder(stream: StreamFormat): MessageEncoder;
  /** @throws TypeError or RangeError for a stream that this framing cannot carry */
  createDecoder(stream: StreamFormat): MessageDecoder;
  /**
   * The fields of a message of bytes in their order, the payload last. Allocates its result.
   * @returns none for text
   * @throws PacketError when it is not a message of this framing
   */
  layout(message: string | Uint8Array): readonly MessageField[];
}

/** Makes the encoder of a stream's messages: a `Framing`, or an object of your own around one. */
export interface SendFraming {
  createEncoder(stream: StreamFormat): MessageEncoder;
}

/** A framing whose messages are complete: it needs no stream beforehand, and keeps no state. */
export interface SelfDescribingFraming extends Framing {
  createEncoder(stream?: StreamFormat): MessageEncoder;
  createDecoder(stream?: StreamFormat): MessageDecoder;
}
