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

/** Handlers of a socket's events. */
export interface SocketListener {
  opened(): void;
  message(data: string | Uint8Array): void;
  /** Called once, also with 1006 if the socket could not be created. */
  closed(code: number, reason: string): void;
}

/** A socket that is connecting or open. */
export interface SocketHandle {
  /** Bytes of messages that have not left the socket; after it closed, those that never will. */
  readonly bufferedBytes: number;
  send(message: WireMessage): void;
  /** Closes the socket. Later events of it are ignored. */
  close(code: number): void;
}

/** The environment of a session. */
export interface SessionIo {
  /** Returns the time in ms of a monotonic clock. */
  now(): number;
  /** Calls `run` after `ms`. @returns a function that cancels it */
  setTimer(ms: number, run: () => void): () => void;
  /** Asks the app for the address. */
  address(): Promise<ServiceAddress>;
  connect(address: ServiceAddress, listener: SocketListener): SocketHandle;
  /** Returns a uniform number in [0, 1). */
  random(): number;
}

/** Engines limit longer timers (2³¹ ms). */
const MAX_TIMER_MS = 60_000;
/** Code of a connection that was lost or never made (RFC 6455 §7.1.5). */
const LOST = 1006;
/** Code for closing a socket that does not work, as in `SessionLife`. */
const COMES_BACK = 4000;

interface OpenSocket {
  readonly attempt: number;
  readonly handle: SocketHandle;
  /** Bytes that the socket did not accept. */
  refusedBytes: number;
}

/**
 * Carries out the actions of a `SessionLife` with real or simulated timers and sockets. Events that arrive meanwhile wait, so that
 * everything is reported in order.
 */
export class SessionDriver {
  readonly #life: SessionLife;
  readonly #io: SessionIo;
  readonly #act: (action: SessionAction) => void;
  readonly #events: SessionEvent[] = [];
  #socket: OpenSocket | null = null;
  #timerAtMs = Infinity;
  #cancelTimer: (() => void) | null = null;

  /** @param act receives all actions that do not concern the socket: `service`, `interrupt`, and news for the app */
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
   * Handles an event now. After the session has closed, events have no effect.
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
      // The remaining bytes of a closed socket are reported only with its end.
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
      // The socket is about to close, or unusable: messages that it did not accept have not left it.
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
