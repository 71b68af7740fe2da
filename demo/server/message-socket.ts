/** A client's connection, as the lab's servers use it: a WebSocket of `ws` that takes Buffers, or a `PortSocket`. */
export interface MessageSocket {
  readonly OPEN: number;
  readonly readyState: number;
  /** Bytes that the client has not read yet. */
  readonly bufferedAmount: number;
  readonly isPaused: boolean;
  /** @param listener gets text as UTF-8, with `binary` false */
  on(event: 'message', listener: (data: Uint8Array, binary: boolean) => void): void;
  on(event: 'close' | 'error', listener: () => void): void;
  /** @param sent called when `bufferedAmount` may be less */
  send(data: string | Uint8Array, options: { readonly binary: boolean }, sent?: () => void): void;
  /** Reads nothing further until `resume()`. */
  pause(): void;
  resume(): void;
  /** @param code of RFC 6455 §7.4.1 */
  close(code: number, reason: string): void;
  terminate(): void;
}
