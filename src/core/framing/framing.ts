import type { PayloadFormat } from '../format/formats.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { LazyPacket, Packet } from './packet.ts';

/** Writes the packets of one stream as messages. One stream has one, since a framing may count or remember. */
export interface MessageEncoder {
  /**
   * Writes one packet as one message, in memory of its own: what `WebSocket.send` and `RTCDataChannel.send` take.
   * @throws RangeError when a field is out of its range or the payload is not as long as the header says.
   */
  encode(packet: Packet | LazyPacket): string | Uint8Array<ArrayBuffer>;
  /** As new. */
  reset(): void;
}

/** Reads the messages of one stream. One stream has one, since a framing may have to tell numbers from what came before. */
export interface MessageDecoder {
  /**
   * Reads one message. A payload may be a view of `message`: it is the caller's to keep the message unchanged.
   * @returns the packet; before it, oldest first, such as came along once more (`redundant`), whether they are missing or not. Of
   *   RTP also packets without audio (`noAudio`), and none for a packet that may be a stray.
   * @throws PacketError, and nothing else, whatever comes from the network. The decoder stays usable.
   */
  decode(message: string | Uint8Array): readonly Packet[];
  /** As new. */
  reset(): void;
}

/** Where a field lies in a message of bytes, for those who show one. */
export interface MessageField {
  /** Names of {@link Packet}, or of the framing's own standard. */
  readonly name: string;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** How packets lie in the messages of a transport. */
export interface Framing {
  /** The name in the table of framings. */
  readonly name: string;
  /** What an encoder makes, and the only thing that a decoder takes: a string, or bytes. */
  readonly message: 'text' | 'bytes';
  /** What it can carry. */
  readonly formats: readonly PayloadFormat[];
  /** @throws TypeError or RangeError for a stream that this framing cannot carry */
  createEncoder(stream: StreamFormat): MessageEncoder;
  /** @throws TypeError or RangeError for a stream that this framing cannot carry */
  createDecoder(stream: StreamFormat): MessageDecoder;
  /**
   * The fields of a message of bytes in their order, the payload last. Allocates its result.
   * @returns none for text
   * @throws PacketError when it is no message of this framing
   */
  layout(message: string | Uint8Array): readonly MessageField[];
}

/** What makes the encoder of a stream's messages: a `Framing`, or your own function around one. */
export interface SendFraming {
  createEncoder(stream: StreamFormat): MessageEncoder;
}

/** A framing whose every message tells all about its packet: nothing has to be known beforehand, and nothing is remembered. */
export interface SelfDescribingFraming extends Framing {
  createEncoder(stream?: StreamFormat): MessageEncoder;
  createDecoder(stream?: StreamFormat): MessageDecoder;
}
