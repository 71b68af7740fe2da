import type { TransportAddress } from 'micwire/nat';
import { STUN_ATTRIBUTE, STUN_CLASS, STUN_METHOD, StunWriter } from 'micwire/stun';

/** A request to a STUN server and its answer. */
export interface StunExchange {
  readonly request: Uint8Array;
  readonly response: Uint8Array;
}

/**
 * Writes a binding request and the answer of a server.
 * @param transaction 12 random bytes
 * @param seen the address that the request comes from, as the server sees it
 */
export function bindingExchange(transaction: Uint8Array, seen: TransportAddress): StunExchange {
  const request = new StunWriter(STUN_METHOD.binding, STUN_CLASS.request, transaction)
    .add(STUN_ATTRIBUTE.software, 'micwire')
    .finish();
  const response = new StunWriter(STUN_METHOD.binding, STUN_CLASS.success, transaction)
    .addXorAddress(STUN_ATTRIBUTE.xorMappedAddress, seen)
    .add(STUN_ATTRIBUTE.software, 'micwire')
    .finish();
  return { request, response };
}
