/** The data of a message; text also arrives as bytes, as `ws` delivers it. */
export type SocketData = Uint8Array | ArrayBuffer | readonly Uint8Array[];

/** A WebSocket on a server: of the package `ws`, version 8, or of packages built on it. */
export interface StreamSocket {
  /** The selected subprotocol; empty if there is no subprotocol. */
  readonly protocol: string;
  /** State of the socket; 1 is open (WHATWG WebSockets §3.1). */
  readonly readyState: number;
  /** Bytes that were sent but have not left yet. */
  readonly bufferedAmount: number;
  on(event: 'message', listener: (data: SocketData, isBinary: boolean) => void): unknown;
  on(event: 'close' | 'error', listener: () => void): unknown;
  send(message: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  /** Pauses reading: the network then slows the client down. */
  pause(): void;
  resume(): void;
}

/** `WebSocket.OPEN`. */
export const OPEN = 1;

/** Returns a message's bytes. They may be a view of the socket's memory, which is valid only during the event. */
export function bytesOf(data: SocketData): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return Buffer.concat(data);
}
