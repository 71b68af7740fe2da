import { MicwireError } from '../errors.ts';
import type { CallRole, SignalMessage } from './signal-message.ts';
import { parseSignallingReply } from './signalling-protocol.ts';
import type { JoinRequest, SignallingReply, SignallingRequest } from './signalling-protocol.ts';

/** More than a call has messages: beyond it the newest are dropped, so that an outage fills no memory. */
const MAX_WAITING = 256;

/**
 * One peer's end of a signalling that survives its connections, without a connection and without a clock: what arrives is put in, and
 * what is to be sent is taken out. The server keeps the peer's place under a secret name, the seat, and the peer comes back to it.
 */
export class SignallingClient {
  readonly #room: string;
  #state: 'connecting' | 'waiting' | 'ready' | 'closed' = 'connecting';
  #role: CallRole | null = null;
  #failure: Error | null = null;
  #seat: string | undefined;
  #hasJoined = false;
  /** What was sent while the other peer could not be reached. */
  #waiting: SignalMessage[] = [];

  constructor(room: string) {
    this.#room = room;
  }

  get state(): 'connecting' | 'waiting' | 'ready' | 'closed' {
    return this.#state;
  }

  /** Null until it was ready for the first time. */
  get role(): CallRole | null {
    return this.#role;
  }

  /** Why it is closed; null unless something failed. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Whether a lost connection is to be replaced: a server that never let this peer in is not asked again. */
  get comesBack(): boolean {
    return this.#hasJoined && this.#state !== 'closed';
  }

  /** A connection is there. @returns what goes out over it first */
  opened(): JoinRequest {
    const seat = this.#seat;
    const role = this.#role;
    return {
      type: 'join',
      room: this.#room,
      ...(seat === undefined ? {} : { seat }),
      ...(role === null ? {} : { role }),
    };
  }

  /** The connection is gone; another may follow. */
  lost(): void {
    if (this.#state !== 'closed') this.#state = 'connecting';
  }

  /** Ends it. @param failure null: of one's own will */
  close(failure: Error | null): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#failure = failure;
    this.#waiting = [];
  }

  /**
   * Takes what has arrived. What nobody can read, and what the server refuses, closes it.
   * @returns the other peer's message; null for the server's own
   */
  receive(data: unknown): SignalMessage | null {
    if (this.#state === 'closed') return null;
    let reply: SignallingReply;
    try {
      reply = parseSignallingReply(typeof data === 'string' ? data : '');
    } catch (error) {
      this.close(error as Error);
      return null;
    }
    switch (reply.type) {
      case 'joined':
        this.#hasJoined = true;
        this.#seat = reply.seat ?? this.#seat;
        this.#state = 'waiting';
        return null;
      case 'ready':
        if (this.#role !== null && this.#role !== reply.role) {
          this.close(new MicwireError('transport', otherRole(this.#role)));
          return null;
        }
        this.#role = reply.role;
        this.#state = 'ready';
        return null;
      case 'pong':
        return null;
      case 'error':
        // The peer has just gone: the server says so, or its `bye` is on the way.
        if (reply.code !== 'no-peer') this.close(new MicwireError('transport', reply.message));
        return null;
      default:
        return reply;
    }
  }

  /**
   * Has a message sent: now, or when the other peer is there again. Without effect before it was there, and when closed. A description
   * takes the place of what waits, for it makes older ones and their candidates void.
   * @returns whether it was taken
   */
  send(message: SignalMessage): boolean {
    if (this.#role === null || this.#state === 'closed') return false;
    if (message.type === 'describe') {
      this.#waiting = this.#waiting.filter(({ type }) => type === 'bye');
    } else if (message.type === 'restart') {
      if (this.#waiting.some(({ type }) => type === 'restart')) return true;
    }
    if (this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push(message);
    return true;
  }

  /** What can go out now, in order. */
  take(): SignallingRequest[] {
    return this.#state === 'ready' ? this.#waiting.splice(0) : [];
  }
}

function otherRole(role: CallRole): string {
  const words =
    'The signalling server has given this side another role after the connection was lost';
  return `${words}: it was the ${role}. The server must keep the roles of a room, or refuse who comes back.`;
}
