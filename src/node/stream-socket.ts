/** What comes in a message: text as bytes, too, as `ws` gives it. */
export type SocketData = Uint8Array | ArrayBuffer | readonly Uint8Array[];

/** A WebSocket on a server: that of the package `ws`, version 8, and of what is built on it. */
export interface StreamSocket {
  /** The subprotocol that was selected; empty: none. */
  readonly protocol: string;
  /** 1: open (WHATWG WebSockets §3.1). */
  readonly readyState: number;
  /** Bytes that were sent and have not left yet. */
  readonly bufferedAmount: number;
  on(event: 'message', listener: (data: SocketData, isBinary: boolean) => void): unknown;
  on(event: 'close' | 'error', listener: () => void): unknown;
  send(message: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  /** Reads no more for now: the network holds the client back. */
  pause(): void;
  resume(): void;
}

/** `WebSocket.OPEN`. */
export const OPEN = 1;

/** A message's bytes. May be a view of the socket's memory, for as long as its event. */
export function bytesOf(data: SocketData): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return Buffer.concat(data);
}
