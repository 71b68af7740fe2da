import { bytesPerFrame } from '../../format/stream-format.ts';
import type { StreamFormat } from '../../format/stream-format.ts';
import type { WireMessage } from '../../services/service.ts';
import { encodeProtocol } from '../protocol.ts';

/** Limits of a {@link ReplyQueue}. */
export interface ReplyLimits {
  readonly maxMs: number;
  readonly maxBytes: number;
}

/** Frames of a {@link ReplyQueue}: written = acknowledged + in flight + waiting + dropped + discarded. */
export interface ReplyStats {
  readonly writtenFrames: number;
  readonly acknowledgedFrames: number;
  /** Sent on this connection, and not acknowledged. */
  readonly inFlightFrames: number;
  readonly waitingFrames: number;
  /** They waited until there was no room for them. */
  readonly droppedFrames: number;
  /** Of interrupted items. */
  readonly discardedFrames: number;
  readonly bytes: number;
}

/** A message between two frames: it goes before the audio that begins with `frame`. */
interface Note {
  readonly frame: number;
  readonly frames: 0;
  readonly message: WireMessage;
  /** The item that it is about; empty: none. */
  readonly item: string;
  /** Sent again on a new connection, unless the client shows that it has it. */
  readonly isKept: boolean;
}

interface Audio {
  readonly frame: number;
  readonly frames: number;
  readonly bytes: Uint8Array;
}

type Entry = Note | Audio;

/** Longer audio is cut, so that it can be acknowledged and interleaved piece by piece, s. */
const PIECE_SECONDS = 0.1;
/** Messages that wait; the oldest gives way. */
const MAX_NOTES = 4096;

/**
 * What a server has to say in a session: audio, and the messages between it, in order, until the client has them.
 * The oldest audio gives way where there is no room.
 */
export class ReplyQueue {
  readonly #stream: StreamFormat;
  readonly #maxFrames: number;
  readonly #maxBytes: number;
  /** What the client is not known to have, oldest first; before `#cursor`: what this connection was sent. */
  #entries: Entry[] = [];
  #cursor = 0;
  /** Where the next audio goes. */
  #end = 0;
  #notes = 0;
  #bytes = 0;
  #frames = 0;
  #sequence = 0;
  #acknowledged = 0;
  #dropped = 0;
  #discarded = 0;
  #written = 0;

  constructor(stream: StreamFormat, { maxMs, maxBytes }: ReplyLimits) {
    this.#stream = stream;
    this.#maxFrames = (maxMs / 1000) * stream.sampleRate;
    this.#maxBytes = maxBytes;
  }

  /** Frame that the next audio begins with. */
  get end(): number {
    return this.#end;
  }

  /** Whether something waits to be sent. */
  get hasNext(): boolean {
    return this.#cursor < this.#entries.length;
  }

  get stats(): ReplyStats {
    const sent = this.#entries.slice(0, this.#cursor).reduce((sum, { frames }) => sum + frames, 0);
    return {
      writtenFrames: this.#written,
      acknowledgedFrames: this.#acknowledged,
      inFlightFrames: sent,
      waitingFrames: this.#frames - sent,
      droppedFrames: this.#dropped,
      discardedFrames: this.#discarded,
      bytes: this.#bytes,
    };
  }

  /** Takes audio. @param bytes copied */
  write(frames: number, bytes: Uint8Array): void {
    this.#written += frames;
    const frameBytes = bytesPerFrame(this.#stream);
    const pieceFrames =
      frameBytes === 0 ? frames : Math.ceil(this.#stream.sampleRate * PIECE_SECONDS);
    for (let done = 0; done < frames; done += pieceFrames) {
      const piece = Math.min(pieceFrames, frames - done);
      const from = done * frameBytes;
      const own = frameBytes === 0 ? bytes.slice() : bytes.slice(from, from + piece * frameBytes);
      this.#entries.push({ frame: this.#end, frames: piece, bytes: own });
      this.#end += piece;
      this.#frames += piece;
      this.#bytes += own.length;
    }
    while (this.#frames > this.#maxFrames || this.#bytes > this.#maxBytes) {
      const at = this.#entries.findIndex(({ frames: some }) => some > 0);
      const [gone] = this.#entries.splice(at, 1);
      if (at < this.#cursor) this.#cursor--;
      this.#forget(gone!);
      this.#dropped += gone!.frames;
    }
  }

  /** Takes a message that goes behind all audio so far. */
  note(message: WireMessage, item: string, isKept: boolean): void {
    this.#entries.push({ frame: this.#end, frames: 0, message, item, isKept });
    if (++this.#notes <= MAX_NOTES) return;
    const at = this.#entries.findIndex(({ frames }) => frames === 0);
    this.#entries.splice(at, 1);
    if (at < this.#cursor) this.#cursor--;
    this.#notes--;
  }

  /** The next message for the client. */
  next(): WireMessage | undefined {
    const entry = this.#entries[this.#cursor];
    if (entry === undefined) return undefined;
    if ('message' in entry && !entry.isKept) {
      this.#entries.splice(this.#cursor, 1);
      this.#forget(entry);
    } else this.#cursor++;
    if ('message' in entry) return entry.message;
    const { frame, frames, bytes } = entry;
    return encodeProtocol({
      type: 'audio',
      packet: {
        ...this.#stream,
        sequence: this.#sequence++,
        frame,
        frames,
        timestamp: Math.round((frame / this.#stream.sampleRate) * 1e6),
        dropped: 0,
        payload: bytes,
      },
    });
  }

  /** A new connection has begun: it gets what is from `frame` on. Numbering goes on there at least. */
  rewind(frame: number): void {
    this.#sequence = 0;
    this.acknowledge(frame);
    this.#cursor = 0;
    if (frame > this.#end) this.#end = frame;
  }

  /** The client has all audio before `frame`, and the messages before that. */
  acknowledge(frame: number): void {
    this.#acknowledged += this.#remove(frame);
  }

  /** Audio before `frame` is not to be sent any more, nor messages about these items. */
  discard(frame: number, items: readonly string[]): void {
    this.#discarded += this.#remove(frame);
    const isStale = (entry: Entry): boolean => 'message' in entry && items.includes(entry.item);
    const cursor = this.#entries.slice(0, this.#cursor).filter(isStale).length;
    const kept = this.#entries.filter((entry) => !isStale(entry));
    this.#notes -= this.#entries.length - kept.length;
    this.#entries = kept;
    this.#cursor -= cursor;
  }

  /** @returns frames of audio that were removed */
  #remove(frame: number): number {
    let count = 0;
    let frames = 0;
    for (; count < this.#entries.length; count++) {
      const entry = this.#entries[count]!;
      const isBefore =
        entry.frames === 0 ? entry.frame < frame : entry.frame + entry.frames <= frame;
      if (!isBefore) break;
      this.#forget(entry);
      frames += entry.frames;
    }
    this.#entries.splice(0, count);
    this.#cursor = Math.max(0, this.#cursor - count);
    return frames;
  }

  #forget({ frames, ...entry }: Entry): void {
    this.#frames -= frames;
    if ('bytes' in entry) this.#bytes -= entry.bytes.length;
    else this.#notes--;
  }
}
