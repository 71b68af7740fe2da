import type { LazyPacket, Packet } from './packet.ts';

/** How a packet lies in one message of a transport. Stateless: one message is one packet. */
export interface Framing {
  /** The name in the table of framings. */
  readonly name: string;
  /** What `encode` makes, and the only thing that `decode` takes: a string, or bytes. */
  readonly message: 'text' | 'bytes';
  /**
   * Writes one packet as one message, in memory of its own.
   * @throws RangeError when a field is out of its range or the payload is not as long as the header says.
   */
  encode(packet: Packet | LazyPacket): string | Uint8Array;
  /**
   * Reads one message. The payload may be a view of `message`: it is the caller's to keep the message unchanged.
   * @throws PacketError, and nothing else, whatever comes from the network.
   */
  decode(message: string | Uint8Array): Packet;
}
