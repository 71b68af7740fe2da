import { decodeProtocol, encodeProtocol } from '../../src/core/session/protocol.ts';
import type { HeardItem, WireMessage } from '../../src/core/services/service.ts';
import type {
  PlayedPlace,
  SessionAnswer,
  SessionAudio,
  SessionHost,
  SessionRefusal,
} from '../../src/core/session/server/session-host.ts';
import type { ServerSession } from '../../src/core/session/server/server-session.ts';
import { SessionServer } from '../../src/core/session/server/session-server.ts';
import type { ServerConnection } from '../../src/core/session/server/session-server.ts';
import { FrameRanges } from './frame-ranges.ts';
import type { FrameRange } from './frame-ranges.ts';
import type { Clock } from './invariants.ts';
import type { Ledger } from './ledger.ts';
import type { Connection, Network, ServerEnd } from './network.ts';
import { firstFrameOf } from './player.ts';
import { Samples } from './samples.ts';
import { SAMPLE_RATE } from './recovery.ts';
import type { World } from './schedule.ts';
import type { ClientView, SimulatedServer } from './server.ts';

/** Replies are written in pieces of so many ms. */
const PIECE_MS = 100;

/** Samples are stored in blocks of so many frames. */
const BLOCK_FRAMES = 96;

interface SaidItem {
  readonly name: string;
  readonly frames: number;
  written: number;
  /** Nobody is to hear it, or the process that said it is gone. */
  isGivenUp: boolean;
}

/** A process of the server: what it knows is gone with it. */
interface Process {
  readonly server: SessionServer;
  readonly wires: Map<Connection, ServerConnection>;
}

/** A server that speaks our own protocol, and stores what it hears: frames by their identity. */
export class MicwireServer implements SimulatedServer {
  readonly end: ServerEnd;
  readonly #world: World;
  readonly #time: Clock;
  readonly #network: Network;
  readonly #ledger: Ledger;
  readonly #view: ClientView;
  readonly #replies = new Samples('s16');
  #process: Process;
  #session: ServerSession | undefined;
  /** What is on the disk. */
  readonly stored = new FrameRanges<'audio'>();
  /** Frames that were lost with a process after they had been acknowledged: no client can help. */
  readonly excused: FrameRange<'lost'>[] = [];
  /** Frames with which audio began or ended, as it was stored. */
  #starts: number[] = [];
  #next = 0;
  /** Of `acknowledge: 'stored'`: how far the disk is. */
  #storedEnd = 0;
  /** What it had when it was stored last. */
  #storedAt = 0;
  #acknowledged = 0;
  receivedFrames = 0;
  #hadUpTo = 0;
  #busy = 0;
  #denied: number | null = null;
  readonly #held: (() => void)[] = [];
  readonly #items: SaidItem[] = [];
  readonly #commits = new Set<number>();
  /** No audio before this may follow. */
  #committedTo = 0;
  #heard = 0;
  readonly #played = new Set<string>();
  #messageUp = 0;
  #messageDown = 0;
  #due = Infinity;
  readonly asks: () => void;

  constructor(
    world: World,
    time: Clock,
    ledger: Ledger,
    view: ClientView,
    network: Network,
    asks: () => void,
  ) {
    this.#world = world;
    this.#time = time;
    this.#ledger = ledger;
    this.#view = view;
    this.#network = network;
    this.asks = asks;
    this.#process = this.#newProcess();
    this.end = {
      accepted: (connection) => this.#accept(connection),
      message: (connection, data) => {
        this.#process.wires.get(connection)?.receive(data, this.#time.now);
        this.#arm();
      },
      closed: (connection) => {
        this.#process.wires.get(connection)?.closed(this.#time.now);
        this.#process.wires.delete(connection);
        this.#arm();
      },
    };
    if (world.storeMs > 0) this.#storeLater();
  }

  // --- the process ---------------------------------------------------------------------------------------------------

  #newProcess(): Process {
    const { storeMs, expireMs, maxReplyMs } = this.#world;
    const host: SessionHost = {
      open: ({ known }) => this.#open(known),
      connected: (session) => {
        this.#session = session;
      },
      audio: (_, audio) => this.#audio(audio),
      failed: (error) => {
        throw error;
      },
      commit: (_, frame) => this.#commit(frame),
      interrupted: (_, heard) => this.#interrupted(heard),
      played: (_, place) => this.#wasPlayed(place),
      message: (_, value) => this.#message(value),
      ended: () => {
        this.#session = undefined;
        this.#giveUpItems();
      },
    };
    const acknowledge = storeMs > 0 ? 'stored' : 'received';
    const server = new SessionServer(host, { acknowledge, expireMs, maxReplyMs });
    return { server, wires: new Map() };
  }

  kill(): void {
    for (const connection of this.#process.wires.keys()) connection.crash();
    this.#process.wires.clear();
    this.#session = undefined;
    this.#giveUpItems();
  }

  start(lostMs: number): void {
    const known = this.#world.storeMs > 0 ? this.#storedEnd : this.#next;
    const wanted = known - Math.round((lostMs * SAMPLE_RATE) / 1000);
    // Packets are stored whole.
    const next =
      this.#world.format === 'opus'
        ? (this.#starts.findLast((start) => start <= wanted) ?? 0)
        : Math.max(0, wanted);
    if (next < this.#acknowledged) {
      this.excused.push({ from: next, to: this.#acknowledged, kind: 'lost' });
    }
    this.stored.cut(next);
    this.#starts = this.#starts.filter((start) => start <= next);
    if (next < this.#next) this.#committedTo = 0;
    this.#next = next;
    this.#storedEnd = next;
    this.#process = this.#newProcess();
    this.#due = Infinity;
  }

  leave(inMs: number): void {
    this.#process.server.leave(inMs, this.#time.now);
    this.#arm();
  }

  #giveUpItems(): void {
    for (const item of this.#items) item.isGivenUp = true;
  }

  #accept(connection: Connection): void {
    const { server, wires } = this.#process;
    let isClosed = false;
    const wire = {
      get bufferedBytes(): number {
        return connection.down.bufferedBytes;
      },
      send: (message: WireMessage) => {
        if (isClosed) this.#time.fail('coherent actions', 'The server sends after it has closed.');
        this.#noteAcknowledgement(message);
        connection.sendFromServer(message);
      },
      close: (code: number, reason: string) => {
        if (isClosed) this.#time.fail('coherent actions', 'The server closes twice.');
        isClosed = true;
        connection.closeFromServer(code, reason);
      },
    };
    wires.set(connection, server.connect(wire, {}, this.#time.now));
    this.#arm();
  }

  #noteAcknowledgement(message: WireMessage): void {
    if (typeof message === 'string' || message[0]! > 0x12) return;
    const read = decodeProtocol(message);
    if (read.type === 'welcome') this.#acknowledged = Math.max(this.#acknowledged, read.next);
    if (read.type === 'acknowledged') {
      this.#acknowledged = Math.max(this.#acknowledged, read.frame);
      const has = this.#world.storeMs > 0 ? this.#storedEnd : this.#next;
      if (read.frame > has) {
        this.#time.fail('acknowledged truly', `${read.frame} is told, the server has ${has}.`);
      }
    }
  }

  /** A tick when the server wants one. */
  #arm(): void {
    const { server } = this.#process;
    if (server.dueMs >= this.#due) return;
    const at = server.dueMs;
    this.#due = at;
    this.#time.at(at, () => {
      if (server !== this.#process.server || this.#due !== at) return;
      this.#due = Infinity;
      server.tick(this.#time.now);
      this.#arm();
    });
  }

  // --- the host ------------------------------------------------------------------------------------------------------

  #open(known: boolean): SessionAnswer | SessionRefusal | Promise<SessionAnswer | SessionRefusal> {
    const answer = (): SessionAnswer | SessionRefusal => {
      if (this.#denied !== null) return { code: this.#denied, reason: 'not now' };
      // A server that remembers says what it has stored, though it has received more: that comes again.
      return known && this.#world.storeMs > 0 ? {} : { frame: this.#next };
    };
    const { welcomeMs } = this.#world;
    if (welcomeMs === 0 && this.#busy === 0) return answer();
    return new Promise((resolve) => {
      const go = (): void => {
        this.asks();
        resolve(answer());
        this.#time.after(0, () => this.#arm());
      };
      if (this.#busy > 0) this.#held.push(go);
      else this.#time.after(welcomeMs, go);
    });
  }

  busy(by: 1 | -1): void {
    this.#busy += by;
    if (this.#busy === 0) for (const go of this.#held.splice(0)) go();
  }

  deny(code: number | null): void {
    this.#denied = code;
  }

  #audio({ frame, frames, bytes, missing }: SessionAudio): void {
    const { stored } = this;
    if (frame - missing !== this.#next) {
      const what = `The host has ${this.#next} frames, and gets ${frame} after ${missing} missing.`;
      this.#time.fail('exactly once', what);
    }
    if (frame < this.#committedTo) {
      this.#time.fail(
        'commits',
        `Audio from ${frame} on came after the end at ${this.#committedTo}.`,
      );
    }
    this.#ledger.check(frame, frames, bytes);
    stored.add(frame, frame + frames, 'audio');
    this.#starts.push(frame, frame + frames);
    this.#next = frame + frames;
    this.receivedFrames += Math.max(0, this.#next - Math.max(frame, this.#hadUpTo));
    this.#hadUpTo = Math.max(this.#hadUpTo, this.#next);
  }

  #storeLater(): void {
    this.#time.after(this.#world.storeMs, () => {
      // A whole block, or what is left when nothing more comes.
      const isWhole = this.#world.format === 'opus' || this.#next === this.#storedAt;
      const rest = isWhole ? 0 : this.#next % BLOCK_FRAMES;
      this.#storedAt = this.#next;
      this.#storedEnd = Math.max(this.#storedEnd, this.#next - rest);
      this.#session?.stored(this.#storedEnd);
      this.#storeLater();
    });
  }

  #commit(frame: number): void {
    if (!this.#view.commits.has(frame)) {
      this.#time.fail('commits', `The turn was never said to end at ${frame}.`);
    }
    this.#commits.add(frame);
    this.#committedTo = frame;
  }

  #message(value: unknown): void {
    const { up } = value as { readonly up: number };
    if (up <= this.#messageUp) {
      this.#time.fail('messages in order', `Message ${up} came after ${this.#messageUp}.`);
    }
    this.#messageUp = up;
  }

  // --- replies -------------------------------------------------------------------------------------------------------

  say(frames: number, speed: number, hasMark: boolean): void {
    if (this.#session === undefined) return;
    const name = `item-${this.#items.length + 1}`;
    const item: SaidItem = { name, frames, written: 0, isGivenUp: false };
    this.#items.push(item);
    this.#write(item, this.#session, PIECE_MS / speed, hasMark);
  }

  #write(item: SaidItem, session: ServerSession, pieceMs: number, hasMark: boolean): void {
    if (item.isGivenUp || session !== this.#session) return;
    const frames = Math.min((PIECE_MS * SAMPLE_RATE) / 1000, item.frames - item.written);
    const { name } = item;
    const bytes = this.#replies.of(firstFrameOf(name) + item.written, frames);
    const isFirst = item.written === 0;
    const isWanted = session.write({ item: name, bytes });
    this.#arm();
    if (!isWanted) {
      item.isGivenUp = true;
      return;
    }
    // Another item that began meanwhile has ended those before.
    for (const before of this.#items) {
      if (before === item) break;
      if (before.written < before.frames) before.isGivenUp = true;
    }
    item.written += frames;
    if (isFirst && hasMark) {
      session.mark({ item: name, name: `half of ${name}`, frames: Math.floor(item.frames / 2) });
    }
    if (item.written === item.frames) session.endItem(name);
    else this.#time.after(pieceMs, () => this.#write(item, session, pieceMs, hasMark));
    this.#arm();
  }

  interrupt(): void {
    this.#session?.interrupt();
    this.#giveUpItems();
    this.#arm();
  }

  send(count: number): void {
    for (let i = 0; i < count; i++) this.#session?.send({ down: ++this.#messageDown });
    this.#arm();
  }

  #interrupted(heard: HeardItem): void {
    const { heard: told } = this.#view;
    const key = JSON.stringify(heard);
    const at = told.findIndex((one, i) => i >= this.#heard && JSON.stringify(one) === key);
    if (at < 0) this.#time.fail('heard truly', `${key} was not heard, or was told before.`);
    this.#heard = at + 1;
  }

  /** What the client has said may have been lost with a connection: then a later place says it as well. */
  #wasPlayed(place: PlayedPlace): void {
    const { item: name, frames } = place;
    const fail = (what: string): never => {
      return this.#time.fail('heard truly', `${JSON.stringify(place)} ${what}.`);
    };
    const key = `${name} ${place.name}`;
    if (this.#played.has(key)) fail('is told again');
    this.#played.add(key);
    const item = this.#view.item(name);
    if (item === undefined) {
      if (this.#world.maxReplyMs >= 60_000) fail('never came to the player');
      return;
    }
    const heard = place.name === null ? item.received : Math.min(frames, item.received);
    if (item.played < heard) fail(`is told, and ${item.played} frames were heard`);
  }

  // --- faults --------------------------------------------------------------------------------------------------------

  nonsense(what: 'bytes' | 'text' | 'acknowledgement'): void {
    const connection = this.#network.latest;
    if (connection === undefined) return;
    if (what === 'text') connection.sendFromServer('{"micwire":"speech"');
    else if (what === 'bytes') connection.sendFromServer(Uint8Array.of(0x5a, 1, 2, 3));
    else {
      // One that says too much, and one that others have overtaken.
      for (const frame of [1e12, Math.floor(this.#acknowledged / 2)]) {
        connection.sendFromServer(encodeProtocol({ type: 'acknowledged', frame }));
      }
    }
  }

  takeOver(): void {
    if (this.#session === undefined) return;
    const { id, input, output } = this.#session;
    const wire = { bufferedBytes: 0, send: () => {}, close: () => {} };
    const connection = this.#process.server.connect(wire, {}, this.#time.now);
    const hello = {
      type: 'hello',
      session: id,
      frame: this.#next,
      next: 0,
      input,
      output,
    } as const;
    connection.receive(encodeProtocol(hello), this.#time.now);
    this.#arm();
  }

  // --- the end -------------------------------------------------------------------------------------------------------

  checkEnd(isAlive: boolean): void {
    if (!isAlive) return;
    for (const frame of this.#view.commits) {
      if (this.#commits.has(frame)) continue;
      // Turns of which nothing has come are one with the next.
      const next = Math.min(...[...this.#commits].filter((one) => one > frame));
      const isEmpty = next < Infinity && !this.stored.hasBetween(frame, next);
      if (!isEmpty) this.#time.fail('commits', `The one at ${frame} never came.`);
    }
    if (this.#world.maxReplyMs < 60_000) return;
    for (const { name, frames, isGivenUp } of this.#items) {
      const item = this.#view.item(name);
      if (isGivenUp || item?.isInterrupted === true) continue;
      const got = item?.received ?? 0;
      if (got !== frames || item?.isEnded !== true) {
        this.#time.fail('replies exactly once', `Of ${name}, ${got} of ${frames} frames came.`);
      }
    }
  }
}
