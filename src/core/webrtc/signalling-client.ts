import { MicwireError } from '../errors.ts';
import type { CallRole, SignalMessage } from './signal-message.ts';
import { parseSignallingReply } from './signalling-protocol.ts';
import type { JoinRequest, SignallingReply, SignallingRequest } from './signalling-protocol.ts';

/** Most messages that wait, more than a call has: further ones are dropped, so that an outage does not fill memory. */
const MAX_WAITING = 256;

/**
 * One peer's end of signalling that survives lost connections. Has no connection and no clock: pass incoming messages to
 * `receive`, and send the outgoing ones from `take`. The server keeps the peer's place under a secret name, the seat, to which the
 * peer comes back.
 */
export class SignallingClient {
  readonly #room: string;
  #state: 'connecting' | 'waiting' | 'ready' | 'closed' = 'connecting';
  #role: CallRole | null = null;
  #failure: Error | null = null;
  #seat: string | undefined;
  #hasJoined = false;
  /** Messages that wait until the other peer can be reached. */
  #waiting: SignalMessage[] = [];

  constructor(room: string) {
    this.#room = room;
  }

  get state(): 'connecting' | 'waiting' | 'ready' | 'closed' {
    return this.#state;
  }

  /** Null until the signalling is ready for the first time. */
  get role(): CallRole | null {
    return this.#role;
  }

  /** Why it closed; null unless something failed. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Whether to replace a lost connection: a server that never let this peer in is not asked again. */
  get comesBack(): boolean {
    return this.#hasJoined && this.#state !== 'closed';
  }

  /** Called when a connection is open. @returns the first message to send over it */
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

  /** Called when the connection is gone; another one may follow. */
  lost(): void {
    if (this.#state !== 'closed') this.#state = 'connecting';
  }

  /** Closes the signalling. @param failure null if this side closes it intentionally */
  close(failure: Error | null): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#failure = failure;
    this.#waiting = [];
  }

  /**
   * Takes a message that has arrived. An unreadable message closes the signalling, and so does a refusal by the server.
   * @returns the other peer's message; null for a message of the server
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
   * Queues a message, to be sent now or when the other peer is back. Has no effect before the first `ready`, or once closed. A
   * description replaces the waiting messages, since it makes older descriptions and their candidates void.
   * @returns whether the message was taken
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

  /** Returns the messages that can be sent now, in order, and removes them. */
  take(): SignallingRequest[] {
    return this.#state === 'ready' ? this.#waiting.splice(0) : [];
  }
}

function otherRole(role: CallRole): string {
  const words =
    'The signalling server has given this side another role after the connection was lost';
  return `${words}: it was the ${role}. The server must keep the roles of a room, or refuse who comes back.`;
}
