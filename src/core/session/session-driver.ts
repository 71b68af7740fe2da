import type { Service, ServiceAddress, WireMessage } from '../services/service.ts';
import { SessionLife } from './session-life.ts';
import type { SessionLifeOptions } from './session-life.ts';
import type {
  SessionAction,
  SessionEvent,
  SessionState,
  SessionStats,
} from './session-messages.ts';
import { errorText } from '../errors.ts';

/** What a socket tells. */
export interface SocketListener {
  opened(): void;
  message(data: string | Uint8Array): void;
  /** Once; also when the socket could not be made: 1006. */
  closed(code: number, reason: string): void;
}

/** A socket that is being made, or open. */
export interface SocketHandle {
  /** Bytes of messages that have not left it; of a closed one, those that never will. */
  readonly bufferedBytes: number;
  send(message: WireMessage): void;
  /** Whatever it tells afterwards is ignored. */
  close(code: number): void;
}

/** What a session needs of where it runs. */
export interface SessionIo {
  /** Ms of a monotonic clock. */
  now(): number;
  /** Calls `run` after so many ms. @returns cancels it */
  setTimer(ms: number, run: () => void): () => void;
  /** Asks the app where to connect. */
  address(): Promise<ServiceAddress>;
  connect(address: ServiceAddress, listener: SocketListener): SocketHandle;
  /** Uniform in [0, 1). */
  random(): number;
}

/** Engines cut longer timers short (2³¹ ms). */
const MAX_TIMER_MS = 60_000;
/** Code of a connection that was lost or never made (RFC 6455 §7.1.5). */
const LOST = 1006;
/** Code with which a socket that does not work is closed, as in `SessionLife`. */
const COMES_BACK = 4000;

interface OpenSocket {
  readonly attempt: number;
  readonly handle: SocketHandle;
  /** Bytes that the socket did not take. */
  refusedBytes: number;
}

/**
 * Carries out what a `SessionLife` says on real or simulated timers and sockets. Events that come while it does so wait, so that
 * everything is told in order.
 */
export class SessionDriver {
  readonly #life: SessionLife;
  readonly #io: SessionIo;
  readonly #act: (action: SessionAction) => void;
  readonly #events: SessionEvent[] = [];
  #socket: OpenSocket | null = null;
  #timerAtMs = Infinity;
  #cancelTimer: (() => void) | null = null;

  /** @param act is told all actions but those that concern the socket: `service`, `interrupt`, and what the app is to know */
  constructor(
    service: Service,
    io: SessionIo,
    options: Omit<SessionLifeOptions, 'random'>,
    act: (action: SessionAction) => void,
  ) {
    this.#life = new SessionLife(service, { ...options, random: () => io.random() });
    this.#io = io;
    this.#act = act;
  }

  get state(): SessionState {
    return this.#life.state;
  }

  get muted(): boolean {
    return this.#life.muted;
  }

  get stats(): SessionStats {
    return this.#life.stats;
  }

  /**
   * An event happens now. After the session has closed, nothing happens.
   * @throws what `act` throws, after everything else was carried out
   */
  tell(event: SessionEvent): void {
    this.#events.push(event);
    if (this.#events.length > 1) return;
    const errors: unknown[] = [];
    const attempt = (run: () => void): void => {
      try {
        run();
      } catch (error) {
        errors.push(error);
      }
    };
    for (let next: SessionEvent | undefined = event; next; next = this.#events[0]) {
      const present = next;
      attempt(() => {
        for (const action of this.#life.handle(present, this.#io.now(), this.#bufferedBytes)) {
          attempt(() => this.#do(action));
        }
      });
      // What a closed socket still held is told with its end only.
      const isEnd = present.type === 'closed' && present.attempt === this.#socket?.attempt;
      if (isEnd) this.#socket = null;
      this.#events.shift();
    }
    this.#setTimer();
    if (errors.length > 0) throw errors[0];
  }

  get #bufferedBytes(): number {
    const socket = this.#socket;
    return socket === null ? 0 : socket.handle.bufferedBytes + socket.refusedBytes;
  }

  #setTimer(): void {
    const { dueMs } = this.#life;
    if (dueMs === this.#timerAtMs) return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#timerAtMs = dueMs;
    if (dueMs === Infinity) return;
    const ms = Math.min(Math.max(0, dueMs - this.#io.now()), MAX_TIMER_MS);
    this.#cancelTimer = this.#io.setTimer(ms, () => {
      this.#timerAtMs = Infinity;
      this.#cancelTimer = null;
      this.tell({ type: 'tick' });
    });
  }

  #do(action: SessionAction): void {
    switch (action.type) {
      case 'address':
        return this.#findAddress(action.attempt);
      case 'connect':
        return this.#connect(action.attempt, action.address);
      case 'send':
        return this.#send(action.attempt, action.message);
      case 'disconnect':
        return this.#disconnect(action.attempt, action.code);
      default:
        this.#act(action);
    }
  }

  #findAddress(attempt: number): void {
    new Promise<ServiceAddress>((resolve) => {
      resolve(this.#io.address());
    }).then(
      (address) => this.tell({ type: 'address', attempt, address }),
      (cause: unknown) => this.tell({ type: 'address-failed', attempt, cause }),
    );
  }

  #connect(attempt: number, address: ServiceAddress): void {
    try {
      const handle = this.#io.connect(address, {
        opened: () => this.tell({ type: 'opened', attempt }),
        message: (data) => this.tell({ type: 'message', attempt, data }),
        closed: (code, reason) => this.tell({ type: 'closed', attempt, code, reason }),
      });
      this.#socket = { attempt, handle, refusedBytes: 0 };
    } catch (cause) {
      this.tell({ type: 'address-failed', attempt, cause });
    }
  }

  #send(attempt: number, message: WireMessage): void {
    const socket = this.#socket;
    if (socket === null || socket.attempt !== attempt) return;
    try {
      socket.handle.send(message);
    } catch (error) {
      // It is about to close, or is of no use: what it did not take has not left it.
      socket.refusedBytes += message.length;
      socket.handle.close(COMES_BACK);
      const reason = errorText(error);
      this.tell({ type: 'closed', attempt, code: LOST, reason });
    }
  }

  #disconnect(attempt: number, code: number): void {
    const socket = this.#socket;
    if (socket === null || socket.attempt !== attempt) return;
    this.#socket = null;
    socket.handle.close(code);
  }
}
