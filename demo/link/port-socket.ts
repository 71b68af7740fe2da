import type { FromClient, LinkPort, ToClient } from './link-port.ts';
import type { MessageSocket } from '../server/message-socket.ts';

const OPEN = 1;
const CLOSED = 3;
/** RFC 6455 §7.1.5: the connection was cut. */
export const ABNORMAL_CLOSURE = 1006;

type MessageListener = (data: Uint8Array, binary: boolean) => void;
type Listener = MessageListener | (() => void);

/** Refuses a connection: its client never sees it open. */
export function refusePort(port: LinkPort, code: number, reason: string): void {
  const message: ToClient = { type: 'closed', code, reason };
  port.postMessage(message, []);
}

/** A client's connection over a port, as the engine sees it: the counterpart of a server's `ws` WebSocket. */
export class PortSocket implements MessageSocket {
  readonly OPEN: number = OPEN;
  readyState: number = OPEN;
  /** A port has room for everything. */
  readonly bufferedAmount = 0;
  isPaused = false;
  readonly #port: LinkPort;
  readonly #onmessage: MessageListener[] = [];
  readonly #onclose: (() => void)[] = [];
  /** Messages that have not been read. */
  readonly #unread: Extract<FromClient, { type: 'message' }>[] = [];
  #isReading = false;

  constructor(port: LinkPort) {
    this.#port = port;
    port.onmessage = ({ data }: { readonly data: FromClient }) => {
      if (this.readyState !== OPEN) return;
      if (data.type === 'close') {
        this.#end();
        // Everything that the client posted has been read: nothing more comes.
        this.#port.close();
      } else {
        this.#unread.push(data);
        this.#read();
      }
    };
    this.#post({ type: 'open' });
  }

  on(event: 'message', listener: MessageListener): void;
  on(event: 'close' | 'error', listener: () => void): void;
  on(event: 'message' | 'close' | 'error', listener: Listener): void {
    if (event === 'message') this.#onmessage.push(listener as MessageListener);
    else if (event === 'close') this.#onclose.push(listener as () => void);
  }

  send(data: string | Uint8Array, { binary }: { readonly binary: boolean }): void {
    if (this.readyState === OPEN) this.#post({ type: 'message', data, binary });
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.#read();
  }

  close(code: number, reason: string): void {
    if (this.readyState !== OPEN) return;
    this.#post({ type: 'closed', code, reason });
    this.#end();
  }

  terminate(): void {
    this.close(ABNORMAL_CLOSURE, '');
  }

  /** A listener may pause, resume and close meanwhile. */
  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    while (!this.isPaused && this.readyState === OPEN) {
      const message = this.#unread.shift();
      if (message === undefined) break;
      const { data, binary } = message;
      this.#post({ type: 'read', bytes: data.length });
      for (const listener of this.#onmessage) listener(data, binary);
    }
    this.#isReading = false;
  }

  #end(): void {
    this.readyState = CLOSED;
    this.#unread.length = 0;
    this.#port.onmessage = null;
    for (const listener of this.#onclose) listener();
  }

  #post(message: ToClient): void {
    this.#port.postMessage(message, []);
  }
}
