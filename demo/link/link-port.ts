/** One end of a channel of messages, as it is used: a page's and a Worker's `MessagePort` fit. */
export interface LinkPort {
  onmessage: ((event: never) => void) | null;
  postMessage(message: unknown, transfer: never[]): void;
  close(): void;
}

/** To a gateway, which takes connections. */
export type ToGateway =
  /** The equivalent of a WebSocket to `/link/PATH` at the server. The port comes with it. */
  | { readonly type: 'connect'; readonly path: string; readonly port: LinkPort }
  /** Another gateway, for a Worker that connects by itself. */
  | { readonly type: 'gateway'; readonly port: LinkPort };

/** From a client, over its connection. */
export type FromClient =
  /** Text comes as UTF-8, with `binary` false. */
  | {
      readonly type: 'message';
      readonly data: Uint8Array<ArrayBuffer>;
      readonly binary: boolean;
    }
  | { readonly type: 'close' };

/** To a client. */
export type ToClient =
  | { readonly type: 'open' }
  | { readonly type: 'message'; readonly data: string | Uint8Array; readonly binary: boolean }
  /** How many bytes of the client's messages have been read. */
  | { readonly type: 'read'; readonly bytes: number }
  | { readonly type: 'closed'; readonly code: number; readonly reason: string };

/** A message of a data channel, on its way over the network. Comes back unchanged, or not at all. */
export interface Datagram {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Its size with all headers down to those of IP. */
  readonly packetBytes: number;
  /** Whether it goes from the receiver to the sender. */
  readonly isBack: boolean;
}
