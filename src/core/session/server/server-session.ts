import { integerIn } from '../../arguments.ts';
import { PacketError } from '../../errors.ts';
import { checkStream } from '../../format/check-stream.ts';
import { FORMATS } from '../../format/formats.ts';
import { PACKET_CODECS } from '../../format/packet-codecs.ts';
import { bytesPerFrame, isSameStream } from '../../format/stream-format.ts';
import type { StreamFormat } from '../../format/stream-format.ts';
import { checkBytes } from '../../option-names.ts';
import type { Packet } from '../../framing/packet.ts';
import { ArrivalCursor } from '../arrival-cursor.ts';
import { encodeAppMessage } from '../app-messages.ts';
import { CLOSING, encodeProtocol } from '../protocol.ts';
import type { HelloMessage, ProtocolMessage } from '../protocol.ts';
import { ReplyQueue } from './reply-queue.ts';
import type { ReplyLimits, ReplyStats } from './reply-queue.ts';
import type {
  SessionAnswer,
  SessionClient,
  SessionEnding,
  SessionHost,
  SessionWire,
} from './session-host.ts';

/** Settings that a session gets from its server. */
export interface ServerSessionSettings {
  readonly host: SessionHost;
  /** Whether audio counts as stored when `host.audio` returns. */
  readonly storesAtOnce: boolean;
  readonly replies: ReplyLimits;
  /** Returns the time of the current event. */
  readonly now: () => number;
  /** Called when `dueMs` may have moved closer. */
  readonly due: (dueMs: number) => void;
  /** Called when the session is over. */
  readonly end: (session: ServerSession, ending: SessionEnding) => void;
}

/** Running totals of a session, in frames of its `input`; those of `replies` in frames of its `output`. */
export interface ServerSessionStats {
  /** Frames that were passed to the host. */
  readonly receivedFrames: number;
  /** Frames that arrived again, and were not passed to the host. */
  readonly duplicateFrames: number;
  /** Frames that never arrived: the user was muted, or the client lost them. */
  readonly missingFrames: number;
  /** Number of connections that became ready. */
  readonly connections: number;
  readonly replies: ReplyStats;
}

/** Audio is acknowledged once this much has arrived, or its first part is this old, in ms. */
const ACKNOWLEDGE_MS = 100;
/** A connection that holds more than this is sent nothing for now: data in the queue can still be discarded. */
const MAX_BUFFERED_BYTES = 65_536;
/** Interval at which a connection that holds too much is checked, in ms. */
const LOOK_AGAIN_MS = 20;
/** Maximum number of items whose outcome can still be reported by name. */
const MAX_ITEMS = 1024;
/** Maximum number of unanswered marks of an item; beyond it the first is dropped. */
const MAX_MARKS = 1024;
/** For sessions that send no audio: their queue holds only messages. */
const NO_AUDIO: StreamFormat = { format: 's16', sampleRate: 8000, channels: 1 };

interface Item {
  readonly name: string;
  /** First frame. */
  readonly frame: number;
  /** The frame after its last one; null while more may follow. */
  end: number | null;
  isInterrupted: boolean;
  /** Whether the client has reported that it played the item to its end. */
  isPlayed: boolean;
  /** Whether the client has reported how far the item was heard when it was interrupted. */
  isSilenced: boolean;
  /** Unanswered marks, in the order of their frames. */
  readonly marks: { readonly name: string; readonly frames: number }[];
}

/**
 * A session on the server's side, which outlives its connections. Data that the host writes waits until the client has received it,
 * or the session has ended.
 */
export class ServerSession {
  readonly id: string;
  /** Format of the client's audio. */
  readonly input: StreamFormat;
  /** Format of the host's audio; null for no audio. */
  readonly output: StreamFormat | null;
  /** Free for the host's own data about the session. */
  data: unknown;
  readonly #settings: ServerSessionSettings;
  readonly #replies: ReplyQueue;
  readonly #items: Item[] = [];
  #open: Item | null = null;
  /** Reports about unknown items, which are from before a restart of the server. */
  readonly #toldUnknown = new Set<string>();
  #cursor: ArrivalCursor;
  #wire: SessionWire | null = null;
  #isOver = false;
  /** The first frame that the host has not stored. */
  #stored = 0;
  /** The last acknowledgement sent. */
  #acknowledged = 0;
  #committed = -1;
  #acknowledgeMs = Infinity;
  #sendMs = Infinity;
  #received = 0;
  #duplicates = 0;
  #missing = 0;
  #connections = 0;

  /** @internal */
  constructor(hello: HelloMessage, answer: SessionAnswer, settings: ServerSessionSettings) {
    this.id = hello.session;
    this.input = hello.input;
    const output = answer.output === undefined ? hello.output : answer.output;
    this.output = output === null ? null : checkStream(output);
    this.#settings = settings;
    this.#replies = new ReplyQueue(this.output ?? NO_AUDIO, settings.replies);
    this.#cursor = new ArrivalCursor(this.input, 0);
  }

  /** True while a connection is ready. Until then, written data waits. */
  get isConnected(): boolean {
    return this.#wire !== null;
  }

  /** The next frame of the user's audio: the host has received everything before it. */
  get frame(): number {
    return this.#cursor.next;
  }

  /** Frame of the session's output at which the next reply begins: a number that no earlier item had. */
  get replyFrame(): number {
    return this.#replies.end;
  }

  get stats(): ServerSessionStats {
    return {
      receivedFrames: this.#received,
      duplicateFrames: this.#duplicates + this.#cursor.duplicates,
      missingFrames: this.#missing,
      connections: this.#connections,
      replies: this.#replies.stats,
    };
  }

  /**
   * Sends audio of an item; the first audio of a new name begins the item, and ends the one before. A name is never used again for
   * another item, not even after a restart of the server: `replyFrame` helps to create unique names.
   * @param audio the audio; `frames` is required only for packets of a codec. The bytes are copied
   * @returns false if the item was interrupted: the audio is not sent, and further audio of the item would not be either
   * @throws TypeError or RangeError for a wrong name, or bytes that end within a frame
   */
  write(audio: {
    readonly item: string;
    readonly bytes: Uint8Array;
    readonly frames?: number;
  }): boolean {
    const bytes = checkBytes('bytes', audio.bytes);
    const { output } = this;
    if (output === null) throw new TypeError('The session has no output.');
    const frames = checkedFrames(output, bytes, audio.frames);
    if (this.#isOver) return false;
    const item = this.#itemToWrite(audio.item);
    if (item.isInterrupted) return false;
    if (frames > 0) this.#replies.write(frames, bytes);
    this.#send();
    return true;
  }

  /** Declares that all audio of an item was written. */
  endItem(name: string): void {
    if (this.#open?.name !== name) return;
    this.#endOpen();
    this.#send();
  }

  /**
   * Requests a call of `host.played` when an item was heard up to a place.
   * @param mark the mark; `frames` is counted from the item's start. @default all audio of the item written so far
   * @throws RangeError for an item that was not written, or has ended
   */
  mark(mark: { readonly item: string; readonly name: string; readonly frames?: number }): void {
    const item = this.#open;
    if (item?.name !== mark.item) {
      const known = this.#items.find(({ name }) => name === mark.item);
      if (known?.isInterrupted === true) return;
      throw new RangeError('item must be the one that is being written.');
    }
    const { frames = this.#replies.end - item.frame, name } = mark;
    this.#note({ type: 'mark', frames, item: item.name, name }, item.name);
    const later = item.marks.findIndex((other) => other.frames > frames);
    item.marks.splice(later < 0 ? item.marks.length : later, 0, { name, frames });
    if (item.marks.length > MAX_MARKS) item.marks.shift();
  }

  /**
   * Interrupts playback of everything that was written so far. The client's answer, how much was heard, is passed to
   * `host.interrupted`.
   */
  interrupt(): void {
    if (this.#isOver) return;
    for (const item of this.#items) this.#interruptItem(item);
    const frame = this.#replies.end;
    this.#replies.discard(
      frame,
      this.#items.map(({ name }) => name),
    );
    this.#note({ type: 'interrupt', frame }, '');
  }

  /** Answers `host.mark`: the client's audio before the mark was played. */
  played(name: string): void {
    this.#note({ type: 'played', frames: this.#cursor.next, item: '', name }, '');
  }

  /**
   * Sends a custom message after all earlier data: an object becomes JSON; text and bytes are sent unchanged. The message is lost
   * if the connection is lost on the way.
   * @throws TypeError or RangeError for a value that cannot be sent
   */
  send(value: unknown): void {
    const message = encodeAppMessage(value);
    if (this.#isOver) return;
    this.#replies.note(message, '', false);
    this.#send();
  }

  /** Declares that the host has stored all audio before `frame`, for servers with `acknowledge: 'stored'`. */
  stored(frame: number): void {
    integerIn('frame', frame, 0, this.#cursor.next);
    if (frame <= this.#stored) return;
    this.#stored = frame;
    this.#acknowledge();
  }

  /** Ends the session permanently. Waiting data is not sent. */
  close(): void {
    this.finish('closed');
  }

  /**
   * Abandons the session after a failure of the host: the connection is closed with 1011, so that the client reconnects, and sends
   * unacknowledged audio again in a session that the server does not know.
   */
  abandon(): void {
    this.detach(CLOSING.failed, 'The server has failed.');
    this.finish('expired');
  }

  /** Gives the session to a connection. @internal */
  attach(
    wire: SessionWire,
    hello: HelloMessage,
    answer: SessionAnswer,
    client: SessionClient,
  ): void {
    this.detach(CLOSING.replaced, 'A newer connection of the session has taken over.');
    const isKnown = this.#connections++ > 0;
    const { frame: next = this.#cursor.next } = answer;
    integerIn('frame', next, 0, Number.MAX_SAFE_INTEGER);
    if (next !== this.#cursor.next) {
      this.#duplicates += this.#cursor.duplicates;
      this.#cursor = new ArrivalCursor(this.input, next);
    }
    if (answer.frame !== undefined) this.#stored = next;
    this.#acknowledged = this.#stored;
    this.#replies.rewind(hello.next, this.#settings.now());
    this.#wire = wire;
    wire.send(
      encodeProtocol({
        type: 'welcome',
        known: isKnown,
        next: this.#stored,
        received: Math.max(this.#stored, this.#cursor.next),
        output: this.output,
      }),
    );
    const item = this.#itemAt(hello.next);
    if (item !== undefined) {
      wire.send(encodeProtocol({ type: 'item', frame: item.frame, item: item.name }));
    }
    this.#send();
    this.#settings.host.connected?.(this, isKnown, client);
  }

  /** Takes the connection away because it is gone or must be closed. @internal */
  detach(code?: number, reason = ''): void {
    const wire = this.#wire;
    if (wire === null) return;
    this.#wire = null;
    this.#acknowledgeMs = Infinity;
    this.#sendMs = Infinity;
    if (code !== undefined) {
      wire.send(encodeProtocol({ type: 'bye', code, reason }));
      wire.close(code, reason);
    }
  }

  /** Handles a message of the session's connection. @internal @throws PacketError when the protocol forbids it */
  receive(message: ProtocolMessage): void {
    const { host } = this.#settings;
    switch (message.type) {
      case 'audio':
        this.#audio(message.packet);
        return;
      case 'acknowledged':
        if (message.frame > this.#replies.end) {
          throw new PacketError('bad-field', 'acknowledged must not be beyond what was sent.');
        }
        this.#replies.acknowledge(message.frame, this.#settings.now());
        this.#send();
        return;
      case 'commit':
        if (message.frame > this.#committed) {
          this.#committed = message.frame;
          host.commit?.(this, message.frame);
        }
        this.#acknowledge();
        return;
      case 'interrupted':
        this.#interrupted(message.item, message.frames, message.unheard);
        return;
      case 'interrupt':
        host.clear?.(this, message.frame);
        return;
      case 'mark':
        host.mark?.(this, { name: message.name, frame: message.frames });
        return;
      case 'played':
        this.#played(message.item, message.name === '' ? null : message.name, message.frames);
        return;
      case 'mute':
        host.muted?.(this, message.muted);
        return;
      case 'ping':
        this.#wire?.send(encodeProtocol({ type: 'pong', number: message.number }));
        this.#acknowledge();
        return;
      case 'pong':
        return;
      case 'data':
        host.message?.(this, message.bytes);
        return;
      default:
        throw new PacketError('unknown-type', `a server does not get ${message.type}.`);
    }
  }

  /** Ends the session at the client's request. @internal */
  finish(ending: SessionEnding): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#acknowledge();
    this.detach(CLOSING.done, '');
    this.#settings.end(this, ending);
  }

  /** When `tick` is due. @internal */
  get dueMs(): number {
    return Math.min(this.#acknowledgeMs, this.#sendMs);
  }

  /** @internal */
  tick(nowMs: number): void {
    if (nowMs >= this.#acknowledgeMs) this.#acknowledge();
    if (nowMs >= this.#sendMs) this.#send();
  }

  #audio(packet: Packet): void {
    if (!isSameStream(packet, this.input)) {
      throw new PacketError('bad-field', 'audio must be of the stream that hello says.');
    }
    const arrival = this.#cursor.look(packet.frame, packet.frames, packet.payload);
    if (arrival !== null) {
      this.#settings.host.audio(this, arrival);
      this.#cursor.advance(arrival.frame + arrival.frames);
      this.#received += arrival.frames;
      this.#missing += arrival.missing;
      if (this.#settings.storesAtOnce) this.#stored = this.#cursor.next;
    }
    const waiting = this.#stored - this.#acknowledged;
    if (waiting >= (this.input.sampleRate * ACKNOWLEDGE_MS) / 1000) this.#acknowledge();
    else if (this.#acknowledgeMs === Infinity) this.#acknowledgeLater();
  }

  #acknowledgeLater(): void {
    this.#acknowledgeMs = this.#settings.now() + ACKNOWLEDGE_MS;
    this.#settings.due(this.#acknowledgeMs);
  }

  #acknowledge(): void {
    this.#acknowledgeMs = Infinity;
    if (this.#wire === null || this.#stored === this.#acknowledged) return;
    this.#acknowledged = this.#stored;
    this.#wire.send(encodeProtocol({ type: 'acknowledged', frame: this.#stored }));
  }

  #note(message: ProtocolMessage, item: string): void {
    if (this.#isOver) return;
    this.#replies.note(encodeProtocol(message), item, true);
    this.#send();
  }

  /** Sends waiting data, as far as the connection accepts it. */
  #send(): void {
    this.#sendMs = Infinity;
    const wire = this.#wire;
    if (wire === null) return;
    while (wire.bufferedBytes < MAX_BUFFERED_BYTES) {
      const message = this.#replies.next(this.#settings.now());
      if (message === undefined) return;
      wire.send(message);
    }
    this.#sendMs = this.#settings.now() + LOOK_AGAIN_MS;
    this.#settings.due(this.#sendMs);
  }

  #itemToWrite(name: string): Item {
    if (this.#open?.name === name) return this.#open;
    const known = this.#items.find((item) => item.name === name);
    if (known?.isInterrupted === true) return known;
    if (known !== undefined)
      throw new RangeError('item must be a new one, got one that has ended.');
    const item: Item = {
      name,
      frame: this.#replies.end,
      end: null,
      isInterrupted: false,
      isPlayed: false,
      isSilenced: false,
      marks: [],
    };
    const message = encodeProtocol({ type: 'item', frame: item.frame, item: name });
    this.#endOpen();
    this.#replies.note(message, name, true);
    this.#open = item;
    this.#items.push(item);
    if (this.#items.length > MAX_ITEMS) this.#items.shift();
    return item;
  }

  #endOpen(): void {
    const item = this.#open;
    if (item === null) return;
    this.#open = null;
    item.end = this.#replies.end;
    const message = encodeProtocol({ type: 'item-end', frame: item.end, item: item.name });
    this.#replies.note(message, item.name, true);
  }

  /** Returns the item that contains a frame other than its first one. */
  #itemAt(at: number): Item | undefined {
    return this.#items.find(({ frame, end, isInterrupted }) => {
      return frame < at && (end === null || end > at) && !isInterrupted;
    });
  }

  #interruptItem(item: Item): void {
    item.isInterrupted = true;
    item.end ??= this.#replies.end;
    if (this.#open === item) this.#open = null;
  }

  /**
   * The client has played an item up to a place, and so everything before: an earlier report of that was lost with a connection.
   * Repeated reports are passed on once.
   */
  #played(name: string, mark: string | null, frames: number): void {
    const tell = (item: string, told: string | null, place: number): void => {
      this.#settings.host.played?.(this, { item, name: told, frames: place });
    };
    const index = this.#items.findIndex((item) => item.name === name);
    const item = this.#items[index];
    if (item === undefined) {
      if (this.#isNewOfUnknown(`played ${frames} ${name.length} ${name}${mark ?? ''}`)) {
        tell(name, mark, frames);
      }
      return;
    }
    const last = item.marks.findIndex((known) => known.name === mark);
    if (item.isPlayed || (mark !== null && last < 0)) return;
    for (const before of this.#items.slice(0, index)) {
      if (before.isPlayed || before.isInterrupted) continue;
      before.isPlayed = true;
      for (const known of before.marks.splice(0)) tell(before.name, known.name, known.frames);
      tell(before.name, null, before.end! - before.frame);
    }
    const answered = item.marks.splice(0, mark === null ? item.marks.length : last + 1);
    item.isPlayed = mark === null;
    for (const known of answered) tell(name, known.name, known.frames);
    if (mark === null) tell(name, null, frames);
  }

  #isNewOfUnknown(key: string): boolean {
    const told = this.#toldUnknown;
    if (told.has(key)) return false;
    told.add(key);
    const [oldest] = told;
    if (told.size > MAX_ITEMS) told.delete(oldest!);
    return true;
  }

  #interrupted(item: string, frames: number, unheard: readonly string[]): void {
    // A client repeats reports that it cannot know to have arrived: they are passed on once.
    const first = this.#items.find(({ name }) => name === item);
    const isUnknown = first === undefined && item !== '';
    if (first?.isSilenced === true || (isUnknown && !this.#isNewOfUnknown(`interrupted ${item}`)))
      return;
    const names = item === '' ? unheard : [item, ...unheard];
    let end = 0;
    for (const known of this.#items) {
      if (!names.includes(known.name)) continue;
      this.#interruptItem(known);
      known.isSilenced = true;
      end = Math.max(end, known.end!);
    }
    this.#replies.discard(end, names);
    const sampleRate = this.output?.sampleRate ?? NO_AUDIO.sampleRate;
    this.#settings.host.interrupted?.(this, {
      item: item === '' ? undefined : item,
      frames,
      ms: Math.floor((frames * 1000) / sampleRate),
      unheard,
    });
  }
}

/** Returns the number of frames of audio to write. @throws TypeError or RangeError for invalid audio */
function checkedFrames(output: StreamFormat, bytes: Uint8Array, given: number | undefined): number {
  const frameBytes = bytesPerFrame(output);
  const { codec } = FORMATS[output.format];
  const frames = integerIn('frames', given ?? bytes.length / frameBytes, 0, 2 ** 32 - 1);
  if (codec !== undefined) {
    integerIn('bytes.length', bytes.length, 1, PACKET_CODECS[codec].maxPacketBytes);
  } else if (frames * frameBytes !== bytes.length) {
    throw new RangeError(`bytes must be ${frames * frameBytes}, got ${bytes.length}.`);
  }
  return frames;
}
