import type { QuicActions } from '../../demo/server/webtransport/http3-connection.ts';
import { FRAME, encodeFrame } from '../../demo/server/webtransport/http3-frames.ts';
import { encodeFields } from '../../demo/server/webtransport/qpack.ts';

/** What a connection of HTTP/3 has done. */
export class QuicLog implements QuicActions {
  readonly sent = new Map<number, number[]>();
  readonly ended = new Set<number>();
  readonly datagrams: number[][] = [];
  readonly resets: number[] = [];
  closed = '';

  send(stream: number, bytes: Uint8Array, isLast: boolean): void {
    this.sent.set(stream, [...(this.sent.get(stream) ?? []), ...bytes]);
    if (isLast) this.ended.add(stream);
  }

  sendDatagram(bytes: Uint8Array): boolean {
    this.datagrams.push([...bytes]);
    return true;
  }

  reset(stream: number): void {
    this.resets.push(stream);
  }

  close(_code: number, reason: string): void {
    this.closed = reason;
  }
}

/** A page's request for a session. */
export function connectRequest(path: string): Uint8Array {
  const fields = encodeFields([
    [':method', 'CONNECT'],
    [':protocol', 'webtransport'],
    [':scheme', 'https'],
    [':authority', 'lab.test:1'],
    [':path', path],
    ['origin', 'https://lab.test'],
  ]);
  return encodeFrame(FRAME.headers, fields);
}

/** The beginning of a bidirectional stream of a session below 16,384: type 0x41, in two bytes, and the session. */
export function streamHeader(session: number): Uint8Array {
  return session < 64
    ? Uint8Array.of(0x40, 0x41, session)
    : Uint8Array.of(0x40, 0x41, 0x40 | (session >> 8), session & 0xff);
}
