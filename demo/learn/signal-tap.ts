import { WebSocketSignalling } from 'micwire';
import type { Signalling } from 'micwire';
import { meet, newRoom } from './meet.ts';
import type { CallEnd } from './meet.ts';

const IS_PING = /^\{"type":"p[io]ng"\}$/;

/** A message between one end of a call and the signalling server. */
export interface TappedMessage {
  /** ms since the first one. */
  readonly atMs: number;
  readonly end: CallEnd;
  /** `'up'`: to the server. */
  readonly direction: 'up' | 'down';
  /** The JSON as it went over the WebSocket. */
  readonly text: string;
}

/**
 * Brings the two ends of a call together through the lab's signalling server, and keeps every message, except for the pings between each
 * end and the server, which never end.
 */
export class SignalTap {
  /** Of the last call; empty before the first. */
  messages: readonly TappedMessage[] = [];
  /** Where the two meet; another one for each call. */
  room: string = newRoom();
  /** Whether the connections to the server were cut while the call was up. */
  isCut = false;
  readonly #changed: () => void;
  #sockets: readonly WebSocket[] = [];

  /** @param changed called when anything of it has changed */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Opens both ends, for another call. */
  open(): Promise<readonly [caller: Signalling, callee: Signalling]> {
    const room = newRoom();
    this.room = room;
    this.messages = [];
    this.#sockets = [];
    this.isCut = false;
    const startMs = performance.now();
    const keep = (end: CallEnd, direction: TappedMessage['direction'], text: unknown): void => {
      // A message of the previous call may come late.
      if (room !== this.room || typeof text !== 'string' || IS_PING.test(text)) return;
      const atMs = performance.now() - startMs;
      this.messages = [...this.messages, { atMs, end, direction, text }];
      this.#changed();
    };
    return meet('/signal', room, (end) => (url) => {
      if (room === this.room && this.isCut) throw new Error('The server is cut off.');
      const socket = new WebSocket(url);
      this.#sockets = [...this.#sockets, socket];
      const send = socket.send.bind(socket);
      socket.send = (data) => {
        keep(end, 'up', data);
        send(data);
      };
      socket.addEventListener('message', ({ data }) => keep(end, 'down', data));
      return socket;
    });
  }

  /** Cuts both connections to the server, and lets neither come back. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.#sockets) socket.close();
    this.#changed();
  }

  /** Asks to join the room as a third peer. @returns what the server says to it */
  async knock(): Promise<string> {
    const third = WebSocketSignalling.create('/signal', { room: this.room });
    return new Promise((resolve) => {
      third.addEventListener('statechange', () => {
        if (third.state === 'closed') resolve(third.error?.message ?? 'The server said nothing.');
        else if (third.state === 'waiting') {
          resolve('It was let in: nobody else is in the room.');
          void third.close();
        }
      });
    });
  }
}
