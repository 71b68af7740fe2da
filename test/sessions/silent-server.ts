import type { HeardItem } from '../../src/core/services/service.ts';
import { FrameRanges } from './frame-ranges.ts';
import type { Clock } from './invariants.ts';
import type { Ledger } from './ledger.ts';
import type { Connection, Network, ServerEnd } from './network.ts';
import { firstFrameOf } from './player.ts';
import { Samples } from './samples.ts';
import { SAMPLE_RATE } from './recovery.ts';
import type { World } from './schedule.ts';
import type { ClientView, SimulatedServer } from './server.ts';
import { AUDIO_HEADER_BYTES } from './silent-service.ts';

const PIECE_MS = 100;
const REPLACED = 4409;

/** What came on one connection. */
interface Heard {
  readonly ranges: FrameRanges<'audio'>;
  /** The client has said that it is there. */
  isOpen: boolean;
}

/** A service that acknowledges nothing, and remembers nothing from connection to connection. */
export class SilentServer implements SimulatedServer {
  readonly end: ServerEnd;
  readonly #world: World;
  readonly #time: Clock;
  readonly #network: Network;
  readonly #ledger: Ledger;
  readonly #view: ClientView;
  readonly #replies = new Samples('s16');
  /** By number of the connection. */
  readonly heard = new Map<number, Heard>();
  receivedFrames = 0;
  readonly #commits = new Set<number>();
  #told = 0;
  #played = 0;
  #messageUp = 0;
  #messageDown = 0;
  #items = 0;
  #busy = 0;
  #denied: number | null = null;
  readonly #held: (() => void)[] = [];

  constructor(world: World, time: Clock, ledger: Ledger, view: ClientView, network: Network) {
    this.#world = world;
    this.#time = time;
    this.#ledger = ledger;
    this.#view = view;
    this.#network = network;
    this.end = {
      accepted: (connection) => {
        this.heard.set(connection.number, { ranges: new FrameRanges(), isOpen: false });
      },
      message: (connection, data) => this.#message(connection, data),
      closed: () => {},
    };
  }

  #message(connection: Connection, data: string | Uint8Array<ArrayBuffer>): void {
    const heard = this.heard.get(connection.number)!;
    if (typeof data === 'string') this.#text(connection, heard, data);
    else this.#audio(heard, data);
  }

  #audio(heard: Heard, data: Uint8Array<ArrayBuffer>): void {
    if (!heard.isOpen) this.#time.fail('coherent actions', 'Audio comes first.');
    const header = new DataView(data.buffer, data.byteOffset);
    const frame = header.getUint32(0);
    const frames = header.getUint32(4);
    this.#ledger.check(frame, frames, data.subarray(AUDIO_HEADER_BYTES));
    const { end } = heard.ranges;
    if (frame < end) {
      this.#time.fail('exactly once', `Frame ${frame} comes after ${end} on one connection.`);
    }
    heard.ranges.add(frame, frame + frames, 'audio');
  }

  #text(connection: Connection, heard: Heard, text: string): void {
    const [word] = text.split(' ');
    const rest = text.slice(word!.length + 1);
    switch (word) {
      case 'open':
        heard.isOpen = true;
        if (this.#denied !== null) connection.closeFromServer(this.#denied, 'not now');
        else this.#welcome(() => connection.sendFromServer('ready'));
        return;
      case 'commit':
        this.#commits.add(Number(rest));
        return;
      case 'interrupted': {
        const { heard: told } = this.#view;
        const isSame = (one: HeardItem): boolean => JSON.stringify(one) === rest;
        const at = told.findIndex((one, i) => i >= this.#told && isSame(one));
        if (at < 0) this.#time.fail('heard truly', `${rest} was not heard, or was told before.`);
        this.#told = at + 1;
        return;
      }
      case 'played': {
        const place = JSON.parse(rest) as { item: string; name: string | null; frames: number };
        const at = this.#view.played.findIndex(
          ({ item, name, frames }, i) =>
            i >= this.#played &&
            item === place.item &&
            name === place.name &&
            frames === place.frames,
        );
        if (at < 0) this.#time.fail('heard truly', `${rest} was not heard, or was told before.`);
        this.#played = at + 1;
        return;
      }
      case 'message': {
        const up = Number(rest);
        if (up <= this.#messageUp) {
          this.#time.fail('messages in order', `Message ${up} came after ${this.#messageUp}.`);
        }
        this.#messageUp = up;
        return;
      }
      case 'mute':
      case 'alive':
      case 'end':
        return;
      default:
        this.#time.fail('coherent actions', `${text} says nothing.`);
    }
  }

  #welcome(ready: () => void): void {
    if (this.#busy > 0) this.#held.push(ready);
    else if (this.#world.welcomeMs === 0) ready();
    else this.#time.after(this.#world.welcomeMs, ready);
  }

  // --- what a schedule asks ------------------------------------------------------------------------------------------

  start(): void {}

  leave(): void {}

  kill(): void {
    for (const connection of this.#network.connections) connection.crash();
  }

  busy(by: 1 | -1): void {
    this.#busy += by;
    if (this.#busy === 0) for (const go of this.#held.splice(0)) go();
  }

  deny(code: number | null): void {
    this.#denied = code;
  }

  say(frames: number, speed: number, hasMark: boolean): void {
    const connection = this.#network.latest;
    if (connection?.isOpenForServer !== true) return;
    const number = ++this.#items % 256;
    const name = `item-${number}`;
    let written = 0;
    const write = (): void => {
      const some = Math.min((PIECE_MS * SAMPLE_RATE) / 1000, frames - written);
      const message = new Uint8Array(1 + 2 * some);
      message[0] = number;
      message.set(this.#replies.of(firstFrameOf(name) + written, some), 1);
      connection.sendFromServer(message);
      if (written === 0 && hasMark) {
        connection.sendFromServer(`mark ${name} half ${Math.floor(frames / 2)}`);
      }
      written += some;
      if (written === frames) connection.sendFromServer(`item-end ${name}`);
      else this.#time.after(PIECE_MS / speed, write);
    };
    write();
  }

  interrupt(): void {
    this.#network.latest?.sendFromServer('interrupted');
  }

  send(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#network.latest?.sendFromServer(`message ${++this.#messageDown}`);
    }
  }

  nonsense(what: 'bytes' | 'text' | 'acknowledgement'): void {
    this.#network.latest?.sendFromServer(what === 'bytes' ? new Uint8Array(4) : `what? ${what}`);
  }

  takeOver(): void {
    this.#network.latest?.closeFromServer(REPLACED, 'taken over');
  }

  checkEnd(): void {}
}
