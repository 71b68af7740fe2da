import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** Longest datagram that is carried: no path of the internet carries a longer one in one piece. */
export const MAX_DATAGRAM_BYTES: number = 1500 - 28;
const UDP_HEADER_BYTES = 8;
const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
/** Buffer for datagrams that arrive while this process is busy. */
const RECEIVE_BUFFER_BYTES = 2 ** 20;

/** What IP and UDP put in front of each datagram of an address, in bytes. */
export function headerBytesOf(address: string): number {
  return UDP_HEADER_BYTES + (isIPv6(address) ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES);
}

/** Opens a port that is free. @throws what binding a socket throws */
export function bindUdp(address: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket.once('error', reject);
    socket.bind(0, address, () => {
      socket.off('error', reject);
      // A peer that is gone answers with ICMP, which some systems report here: it may come back.
      socket.on('error', () => {});
      try {
        socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
      } catch {
        // The system's own size is enough while it is not busy.
      }
      resolve(socket);
    });
  });
}
