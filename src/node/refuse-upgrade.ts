import type { Duplex } from 'node:stream';

/** Answers an upgrade with a status, such as `'403 Forbidden'`, and ends its connection. */
export function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
