import { MAX_REASON_LENGTH } from '../../src/core/webrtc/signal-message.ts';
import type { CallRole, SignalMessage } from '../../src/core/webrtc/signal-message.ts';
import type {
  SignallingErrorCode,
  SignallingReply,
} from '../../src/core/webrtc/signalling-protocol.ts';
import type { TransportAddress } from '../../src/core/webrtc/stun/transport-address.ts';
import type { ErrorBoundary } from './error-boundary.ts';
import { dropHostCandidates, rewriteCandidates } from './rewrite-candidates.ts';
import { errorText } from '../../src/core/errors.ts';

/** The way of one call over the simulated network. */
export interface CallSplice {
  /** Where each side sends its packets: the only candidate that it learns. */
  readonly sendTo: Readonly<Record<CallRole, TransportAddress>>;
  /** Opens another way when ICE restarts, and tells it; the one before carries on until then. @throws Error when there is none */
  renew(): Promise<CallSplice['sendTo']>;
  /** Resolves with the reason when the way is gone before it was closed. @default it lasts */
  readonly lost?: Promise<string>;
  close(): void;
}

/** Opens a splice for one call. @param link the name that the first peer gave */
export type OpenSplice = (link: string) => Promise<CallSplice>;

/** How the packets of a call go. */
export interface CallWay {
  /**
   * A name under which the simulated network shall carry this call; empty for a call without. Each side then gets one candidate
   * only: the network's.
   */
  readonly link: string;
  /** Both sides are behind simulated routers: neither learns the other's own addresses, which would lead past them. */
  readonly isRouted: boolean;
}

/** One end of a connection, as the rooms see it. */
export interface Peer {
  reply(reply: SignallingReply): void;
  /** Says why, and ends the connection. */
  refuse(code: SignallingErrorCode, message: string): void;
}

interface Room {
  readonly name: string;
  readonly way: CallWay;
  /** At most two: the one who waited first, who is called. */
  readonly peers: Peer[];
  /** Null before both are there. */
  roles: Map<Peer, CallRole> | null;
  splice: CallSplice | null;
  /** Where each side sends to now; null without a splice. */
  sendTo: CallSplice['sendTo'] | null;
  /** The first offer has passed: a further one restarts ICE. */
  hasOffered: boolean;
  /** What is said while another way is being opened waits for it; null: nothing has to. */
  turn: Promise<void> | null;
  /** Someone has left: nobody else may come. */
  spent: boolean;
}

/** Brings peers together, two a room, and passes on what they say. Knows nothing of sockets. */
export class SignallingRooms {
  readonly #rooms = new Map<string, Room>();
  readonly #maxRooms: number;
  readonly #openSplice: OpenSplice | null;
  readonly #boundary: ErrorBoundary;

  constructor(maxRooms: number, openSplice: OpenSplice | null, boundary: ErrorBoundary) {
    this.#boundary = boundary;
    this.#maxRooms = maxRooms;
    this.#openSplice = openSplice;
  }

  get count(): number {
    return this.#rooms.size;
  }

  /**
   * @param way the peer who comes first decides on its link; on the routers both must agree
   * @returns what to call for the peer's messages and when it goes; null when it was refused
   */
  join(peer: Peer, name: string, way: CallWay): RoomSeat | null {
    let room = this.#rooms.get(name);
    if (room === undefined) {
      if (this.#rooms.size >= this.#maxRooms) {
        peer.refuse(
          'too-many-rooms',
          `The server carries ${this.#maxRooms} calls at most. Try again later.`,
        );
        return null;
      }
      if (way.link !== '' && this.#openSplice === null) {
        peer.refuse('refused', 'This server has no simulated network: leave out `link`.');
        return null;
      }
      room = {
        name,
        way,
        peers: [],
        roles: null,
        splice: null,
        sendTo: null,
        hasOffered: false,
        turn: null,
        spent: false,
      };
      this.#rooms.set(name, room);
    }
    if (room.peers.length === 2 || room.spent) {
      peer.refuse('room-full', `Two are in room '${name}' already. Take another name.`);
      return null;
    }
    if (room.way.isRouted !== way.isRouted) {
      peer.refuse(
        'refused',
        way.isRouted
          ? 'The other side is not behind a simulated router: choose one on both sides, or none.'
          : 'The other side is behind a simulated router: choose one on both sides, or none.',
      );
      return null;
    }
    room.peers.push(peer);
    peer.reply({ type: 'joined', room: name });
    if (room.peers.length === 2) this.#boundary.run(() => this.#begin(room));
    return new RoomSeat(this, room, peer);
  }

  /** @internal */
  relay(room: Room, from: Peer, message: SignalMessage): void {
    const other = room.peers.find((peer) => peer !== from);
    const role = other === undefined ? undefined : room.roles?.get(other);
    if (other === undefined || role === undefined) {
      from.reply({ type: 'error', code: 'no-peer', message: 'Nobody else is in the room.' });
      return;
    }
    const isOffer = message.type === 'describe' && message.kind === 'offer';
    const { splice } = room;
    if (isOffer && room.hasOffered && splice !== null) {
      this.#inTurn(room, () => this.#renew(room, splice));
    }
    if (isOffer) room.hasOffered = true;
    const pass = (): void => {
      const passed = passedIn(room, role, message);
      if (passed !== null && room.peers.includes(other)) other.reply(passed);
    };
    if (room.turn === null) pass();
    else this.#inTurn(room, pass);
  }

  /** Acts once all that came before has been done. */
  #inTurn(room: Room, act: () => Promise<void> | void): void {
    const turn = (room.turn ?? Promise.resolve())
      .then(act)
      .catch((error: unknown) => this.#boundary.report(error));
    room.turn = turn;
    void turn.then(() => {
      if (room.turn === turn) room.turn = null;
    });
  }

  /** ICE restarts: what is gathered from now on goes another way. */
  async #renew(room: Room, splice: CallSplice): Promise<void> {
    try {
      room.sendTo = await splice.renew();
    } catch (error) {
      this.#lose(room, splice, `The simulated network cannot carry this call: ${errorText(error)}`);
    }
  }

  /** @internal */
  leave(room: Room, leaver: Peer, orderly: boolean): void {
    const at = room.peers.indexOf(leaver);
    if (at < 0) return;
    room.peers.splice(at, 1);
    room.spent = room.roles !== null;
    const [other] = room.peers;
    if (other === undefined) {
      this.#rooms.delete(room.name);
      room.splice?.close();
      room.splice = null;
    } else if (orderly && room.roles?.has(other)) {
      other.reply({ type: 'bye', reason: 'The other side is gone.' });
    }
    // One that was cut off may continue its call without signalling, so the other is left alone.
  }

  /** The way of a call is gone: nothing that either peer sends arrives, so both are told that the call is over. */
  #lose(room: Room, splice: CallSplice, reason: string): void {
    if (room.splice !== splice) return;
    room.splice = null;
    room.spent = true;
    // Where another way could not be opened, the one before is still there.
    splice.close();
    for (const peer of room.peers.slice()) {
      peer.reply({ type: 'bye', reason: reason.slice(0, MAX_REASON_LENGTH) });
      peer.refuse('refused', reason.slice(0, MAX_REASON_LENGTH));
    }
  }

  async #begin(room: Room): Promise<void> {
    if (room.way.link !== '' && this.#openSplice !== null) {
      let splice: CallSplice;
      try {
        splice = await this.#openSplice(room.way.link);
      } catch (error) {
        const reason = errorText(error);
        const words = `The simulated network cannot carry this call: ${reason}`.slice(0, 500);
        for (const peer of room.peers.slice()) peer.refuse('refused', words);
        return;
      }
      // One has left meanwhile, and the other still waits; or a third came for it, with a splice of its own.
      if (room.peers.length < 2 || room.roles !== null) {
        splice.close();
        return;
      }
      room.splice = splice;
      room.sendTo = splice.sendTo;
      void splice.lost?.then((reason) => this.#lose(room, splice, reason));
    }
    const [callee, caller] = room.peers;
    if (callee === undefined || caller === undefined) return;
    room.roles = new Map([
      [callee, 'callee'],
      [caller, 'caller'],
    ]);
    callee.reply({ type: 'ready', role: 'callee' });
    caller.reply({ type: 'ready', role: 'caller' });
  }
}

/** What a peer of that role learns of the other's message; null: nothing. */
function passedIn(
  { sendTo, way }: Room,
  role: CallRole,
  message: SignalMessage,
): SignalMessage | null {
  if (sendTo !== null) return rewriteCandidates(message, sendTo[role]);
  return way.isRouted ? dropHostCandidates(message) : message;
}

/** A peer's place in a room. */
export class RoomSeat {
  readonly #rooms: SignallingRooms;
  readonly #room: Room;
  readonly #peer: Peer;

  constructor(rooms: SignallingRooms, room: Room, peer: Peer) {
    this.#rooms = rooms;
    this.#room = room;
    this.#peer = peer;
  }

  /** Passes a message on to the other peer. */
  say(message: SignalMessage): void {
    this.#rooms.relay(this.#room, this.#peer, message);
  }

  /** @param orderly whether the peer ended its connection itself, as against one that was cut */
  leave(orderly: boolean): void {
    this.#rooms.leave(this.#room, this.#peer, orderly);
  }
}
