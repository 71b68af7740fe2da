import { randomUUID } from 'node:crypto';
import { MAX_REASON_LENGTH } from '../../src/core/webrtc/signal-message.ts';
import type { CallRole, SignalMessage } from '../../src/core/webrtc/signal-message.ts';
import type {
  JoinRequest,
  SignallingErrorCode,
  SignallingReply,
} from '../../src/core/webrtc/signalling-protocol.ts';
import type { TransportAddress } from '../../src/core/webrtc/stun/transport-address.ts';
import type { ErrorBoundary } from './error-boundary.ts';
import { dropHostCandidates, rewriteCandidates } from './rewrite-candidates.ts';
import { errorText } from '../../src/core/errors.ts';

/** The path of one call over the simulated network. */
export interface CallSplice {
  /** Where each side sends its packets: the only candidate that it learns. */
  readonly sendTo: Readonly<Record<CallRole, TransportAddress>>;
  /** Opens another path when ICE restarts, and returns it; the previous one continues until then. @throws Error if no path can be opened */
  renew(): Promise<CallSplice['sendTo']>;
  /** Resolves with the reason when the path is gone before it was closed. @default it lasts */
  readonly lost?: Promise<string>;
  close(): void;
}

/** Opens a splice for one call. @param link the name that the first peer gave */
export type OpenSplice = (link: string) => Promise<CallSplice>;

/** The route of a call's packets. */
export interface CallWay {
  /**
   * The name under which the simulated network carries this call; empty for a call without it. Each side then gets one candidate
   * only: the network's.
   */
  readonly link: string;
  /** Both sides are behind simulated routers: neither learns the other's own addresses, which would bypass them. */
  readonly isRouted: boolean;
}

/** One end of a connection, as the rooms see it. */
export interface Peer {
  reply(reply: SignallingReply): void;
  /** Says why, and ends the connection. */
  refuse(code: SignallingErrorCode, message: string): void;
}

/** A peer's place in a room. It outlives the connection, so that the peer can come back. */
interface Place {
  /** Null while the peer is away. */
  peer: Peer | null;
  /** The secret that the peer comes back with: nobody else knows it. */
  readonly seat: string;
  /** The role that the peer says it had, in a room that this server has forgotten. */
  readonly formerRole: CallRole | null;
  /** Null before both were there. */
  role: CallRole | null;
  /** Gives the place up. */
  holding: ReturnType<typeof setTimeout> | undefined;
}

interface Room {
  readonly name: string;
  readonly way: CallWay;
  /** At most two: the one that waited is first, and is called. */
  readonly places: Place[];
  /** Both were there. */
  hasBegun: boolean;
  splice: CallSplice | null;
  /** Where each side sends to now; null without a splice. */
  sendTo: CallSplice['sendTo'] | null;
  /** The first offer has passed: a further one restarts ICE. */
  hasOffered: boolean;
  /** Messages wait for this while another path is being opened; null: they need not wait. */
  turn: Promise<void> | null;
  /** A peer has left for good: no other may join. */
  spent: boolean;
  /** What a returning peer is told: why the call is over. Empty: it continues. */
  farewell: string;
}

/** What a peer asks for when it joins. */
export type JoinWish = Omit<JoinRequest, 'type'>;

const GONE = 'The other side is gone.';

/** Brings peers together, two in a room, and passes on their messages. Knows nothing of sockets. */
export class SignallingRooms {
  readonly #rooms = new Map<string, Room>();
  readonly #maxRooms: number;
  readonly #holdMs: number;
  readonly #openSplice: OpenSplice | null;
  readonly #boundary: ErrorBoundary;
  #isClosed = false;

  /** @param holdMs how long the place of a peer that was cut off is kept */
  constructor(
    maxRooms: number,
    holdMs: number,
    openSplice: OpenSplice | null,
    boundary: ErrorBoundary,
  ) {
    this.#boundary = boundary;
    this.#maxRooms = maxRooms;
    this.#holdMs = holdMs;
    this.#openSplice = openSplice;
  }

  get count(): number {
    return this.#rooms.size;
  }

  /** Forgets all rooms. */
  close(): void {
    this.#isClosed = true;
    for (const room of this.#rooms.values()) {
      for (const place of room.places.slice()) this.#giveUp(room, place, false);
    }
  }

  /**
   * @param way the first peer decides on the link; on the routers both must agree
   * @returns what to call for the peer's messages and when it leaves; null when it was refused
   */
  join(peer: Peer, { room: name, seat, role }: JoinWish, way: CallWay): RoomSeat | null {
    let room = this.#rooms.get(name);
    const own = room?.places.find((place) => place.seat === seat);
    if (room !== undefined && own !== undefined) {
      this.#comeBack(room, own, peer);
      return new RoomSeat(this, room, peer);
    }
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
        places: [],
        hasBegun: false,
        splice: null,
        sendTo: null,
        hasOffered: false,
        turn: null,
        spent: false,
        farewell: '',
      };
      this.#rooms.set(name, room);
    }
    const formerRole = role ?? null;
    // A peer that comes back to a forgotten room continues a call, and only with the peer that it had.
    const isOther = room.places.some((place) => !belongTogether(place.formerRole, formerRole));
    if (room.places.length === 2 || room.spent || isOther) {
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
    const place: Place = {
      peer,
      // A seat that this server has forgotten stays the same: its peer may lose this connection before it learns another.
      seat: seat ?? randomUUID(),
      formerRole,
      role: null,
      holding: undefined,
    };
    room.places.push(place);
    peer.reply({ type: 'joined', room: name, seat: place.seat });
    if (room.places.length === 2) this.#boundary.run(() => this.#begin(room));
    return new RoomSeat(this, room, peer);
  }

  /** A peer whose connection was lost has another one; the old one may not have noticed. */
  #comeBack(room: Room, place: Place, peer: Peer): void {
    clearTimeout(place.holding);
    const before = place.peer;
    place.peer = peer;
    before?.refuse('refused', 'Another connection has taken this place.');
    peer.reply({ type: 'joined', room: room.name, seat: place.seat });
    const { role } = place;
    if (role === null) return;
    if (room.farewell !== '') {
      peer.reply({ type: 'ready', role });
      peer.reply({ type: 'bye', reason: room.farewell });
      return;
    }
    const other = room.places.find((each) => each !== place);
    if (other === undefined || other.peer === null || other.role === null) return;
    // Messages sent meanwhile are lost: both are told, so that they can send them again.
    if (before !== null) other.peer.reply({ type: 'joined', room: room.name, seat: other.seat });
    other.peer.reply({ type: 'ready', role: other.role });
    peer.reply({ type: 'ready', role });
  }

  /** @internal */
  relay(room: Room, from: Peer, message: SignalMessage): void {
    const other = room.places.find(({ peer }) => peer !== from);
    const role = other?.role ?? null;
    if (other === undefined || other.peer === null || role === null) {
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
      if (passed !== null) other.peer?.reply(passed);
    };
    if (room.turn === null) pass();
    else this.#inTurn(room, pass);
  }

  /** Acts once everything before has been done. */
  #inTurn(room: Room, act: () => Promise<void> | void): void {
    const turn = (room.turn ?? Promise.resolve())
      .then(act)
      .catch((error: unknown) => this.#boundary.report(error));
    room.turn = turn;
    void turn.then(() => {
      if (room.turn === turn) room.turn = null;
    });
  }

  /** ICE restarts: candidates gathered from now on use another path. */
  async #renew(room: Room, splice: CallSplice): Promise<void> {
    try {
      room.sendTo = await splice.renew();
    } catch (error) {
      this.#lose(room, splice, `The simulated network cannot carry this call: ${errorText(error)}`);
    }
  }

  /** @internal */
  leave(room: Room, leaver: Peer, orderly: boolean): void {
    const place = room.places.find(({ peer }) => peer === leaver);
    if (place === undefined) return;
    place.peer = null;
    const isOver = orderly || !room.hasBegun || room.spent || this.#holdMs === 0;
    if (isOver || this.#isClosed) {
      this.#giveUp(room, place, orderly);
      return;
    }
    // A peer that was cut off may continue its call, and come back to announce an ICE restart. The other one waits for it.
    place.holding = setTimeout(() => this.#giveUp(room, place, false), this.#holdMs);
    place.holding.unref();
    const other = room.places.find((each) => each !== place);
    other?.peer?.reply({ type: 'joined', room: room.name, seat: other.seat });
  }

  /** @param orderly whether the peer has said that it leaves: the call is then over */
  #giveUp(room: Room, place: Place, orderly: boolean): void {
    clearTimeout(place.holding);
    const at = room.places.indexOf(place);
    if (at < 0) return;
    room.places.splice(at, 1);
    room.spent = room.hasBegun;
    const [other] = room.places;
    if (other === undefined) {
      this.#rooms.delete(room.name);
      room.splice?.close();
      room.splice = null;
    } else if (orderly && other.role !== null) {
      room.farewell = GONE;
      other.peer?.reply({ type: 'bye', reason: GONE });
    }
  }

  /** The path of a call is gone: nothing that either peer sends arrives, so both are told that the call is over. */
  #lose(room: Room, splice: CallSplice, why: string): void {
    if (room.splice !== splice) return;
    room.splice = null;
    room.spent = true;
    const reason = why.slice(0, MAX_REASON_LENGTH);
    room.farewell = reason;
    // Where another path could not be opened, the previous one is still there.
    splice.close();
    for (const { peer } of room.places.slice()) {
      peer?.reply({ type: 'bye', reason });
      peer?.refuse('refused', reason);
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
        for (const { peer } of room.places.slice()) peer?.refuse('refused', words);
        return;
      }
      // One peer has left meanwhile, and the other still waits; or a third has joined it, with a splice of its own.
      if (room.places.length < 2 || room.hasBegun) {
        splice.close();
        return;
      }
      room.splice = splice;
      room.sendTo = splice.sendTo;
      void splice.lost?.then((reason) => this.#lose(room, splice, reason));
    }
    const [first, second] = room.places;
    if (first === undefined || second === undefined) return;
    room.hasBegun = true;
    // The peer that waited is called, unless the two had their roles before.
    first.role = first.formerRole ?? 'callee';
    second.role = second.formerRole ?? 'caller';
    for (const { peer, role } of [first, second]) peer?.reply({ type: 'ready', role: role! });
  }
}

/** Whether two can share a room: both come for the first time, or both come back, with the two roles of a call. */
function belongTogether(one: CallRole | null, other: CallRole | null): boolean {
  return one === null ? other === null : other !== null && one !== other;
}

/** What a peer of that role receives of the other's message; null: nothing. */
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

  /** @param orderly whether the peer ended its connection itself, rather than being cut off */
  leave(orderly: boolean): void {
    this.#rooms.leave(this.#room, this.#peer, orderly);
  }
}
