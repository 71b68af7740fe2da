import type { TransportAddress } from '../../../src/core/webrtc/stun/transport-address.ts';

/** A client of the TURN server as it is reached: the 5-tuple of RFC 8656 §2.2, over UDP, TCP or TLS. */
export interface ClientLink {
  /** Unique among all clients. */
  readonly key: string;
  readonly address: TransportAddress;
  /** Whether it can still be reached, as far as is known. */
  readonly isOpen: boolean;
  /** Sends a message of STUN or ChannelData; it may be lost. */
  send(message: Uint8Array): void;
}
