import {
  STUN_ATTRIBUTE as ATTRIBUTE,
  STUN_CLASS as CLASS,
  STUN_METHOD as METHOD,
  StunWriter,
  isStun,
  parseStun,
  stunAddress,
  stunAttribute,
} from '../../src/core/webrtc/stun/index.ts';
import type { StunMessage, TransportAddress } from '../../src/core/webrtc/stun/index.ts';
import type { Internet } from './internet.ts';

/** The two addresses and two ports of RFC 5780. */
export const STUN_ADDRESSES: readonly [string, string] = ['203.0.113.1', '203.0.113.2'];
export const STUN_PORTS: readonly [number, number] = [3478, 3479];
export const TURN_SERVER: TransportAddress = { address: '203.0.113.3', port: 3478 };

const keyOf = ({ address, port }: TransportAddress): string => `${address} ${port}`;
const response = ({ method, transaction }: StunMessage): StunWriter =>
  new StunWriter(method, CLASS.success, transaction);

/** A STUN server with CHANGE-REQUEST (RFC 5780 §6). */
export function serveStun(internet: Internet): void {
  for (const address of STUN_ADDRESSES) {
    internet.serve(address, (bytes, from, to) => {
      if (!isStun(bytes)) return;
      const message = parseStun(bytes);
      if (message.method !== METHOD.binding || message.class !== CLASS.request) return;
      const change = stunAttribute(message, ATTRIBUTE.changeRequest)?.[3] ?? 0;
      const other = {
        address: otherOf(STUN_ADDRESSES, to.address),
        port: otherOf(STUN_PORTS, to.port),
      };
      const source = {
        address: (change & 4) !== 0 ? other.address : to.address,
        port: (change & 2) !== 0 ? other.port : to.port,
      };
      const answer = response(message)
        .addXorAddress(ATTRIBUTE.xorMappedAddress, from)
        .addAddress(ATTRIBUTE.responseOrigin, source)
        .addAddress(ATTRIBUTE.otherAddress, other);
      internet.sendOutside(source, from, answer.finish());
    });
  }
}

function otherOf<T>([first, second]: readonly [T, T], one: T): T {
  return one === first ? second : first;
}

interface Allocation {
  readonly client: TransportAddress;
  readonly port: number;
  /** IP addresses. */
  readonly permitted: Set<string>;
}

/** A TURN server without credentials: allocations, permissions, Send and Data. */
export function serveTurn(internet: Internet): void {
  const byClient = new Map<string, Allocation>();
  const byPort = new Map<number, Allocation>();
  let nextPort = 49_152;
  const toClient = (client: TransportAddress, writer: StunWriter): void =>
    internet.sendOutside(TURN_SERVER, client, writer.finish());
  const request = (message: StunMessage, client: TransportAddress): void => {
    let allocation = byClient.get(keyOf(client));
    if (message.method === METHOD.allocate) {
      if (allocation === undefined) {
        allocation = { client, port: nextPort++, permitted: new Set() };
        byClient.set(keyOf(client), allocation);
        byPort.set(allocation.port, allocation);
      }
      const relayed = { address: TURN_SERVER.address, port: allocation.port };
      toClient(
        client,
        response(message)
          .addXorAddress(ATTRIBUTE.xorRelayedAddress, relayed)
          .addXorAddress(ATTRIBUTE.xorMappedAddress, client)
          .addUint32(ATTRIBUTE.lifetime, 600),
      );
    } else if (message.method === METHOD.createPermission && allocation !== undefined) {
      const peer = stunAddress(message, ATTRIBUTE.xorPeerAddress);
      if (peer !== undefined) allocation.permitted.add(peer.address);
      toClient(client, response(message));
    }
  };
  internet.serve(TURN_SERVER.address, (bytes, from, to) => {
    if (to.port !== TURN_SERVER.port) {
      const allocation = byPort.get(to.port);
      if (allocation === undefined || !allocation.permitted.has(from.address)) return;
      const data = new StunWriter(METHOD.data, CLASS.indication, new Uint8Array(12))
        .addXorAddress(ATTRIBUTE.xorPeerAddress, from)
        .add(ATTRIBUTE.data, bytes);
      toClient(allocation.client, data);
      return;
    }
    if (!isStun(bytes)) return;
    const message = parseStun(bytes);
    if (message.class === CLASS.request) return request(message, from);
    const allocation = byClient.get(keyOf(from));
    const peer = stunAddress(message, ATTRIBUTE.xorPeerAddress);
    const data = stunAttribute(message, ATTRIBUTE.data);
    if (message.method !== METHOD.send || allocation === undefined) return;
    if (peer === undefined || data === undefined || !allocation.permitted.has(peer.address)) return;
    internet.sendOutside(
      { address: TURN_SERVER.address, port: allocation.port },
      peer,
      data.slice(),
    );
  });
}
