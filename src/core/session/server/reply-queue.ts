import { bytesPerFrame, frameTimestamp } from '../../format/stream-format.ts';
import type { StreamFormat } from '../../format/stream-format.ts';
import type { WireMessage } from '../../services/service.ts';
import { Outbox } from '../outbox.ts';
import { MAX_PAYLOAD_BYTES, encodeProtocol } from '../protocol.ts';
import { RawAudio } from '../raw-audio.ts';

/** Limits of a {@link ReplyQueue}. */
export interface ReplyLimits {
  readonly maxMs: number;
  readonly maxBytes: number;
}

/** Frame counts of a {@link ReplyQueue}: written = acknowledged + in flight + waiting + dropped + discarded. */
export interface ReplyStats {
  readonly writtenFrames: number;
  readonly acknowledgedFrames: number;
  /** Frames sent on this connection and not acknowledged. */
  readonly inFlightFrames: number;
  readonly waitingFrames: number;
  /** Frames that waited until there was no room for them. */
  readonly droppedFrames: number;
  /** Unacknowledged frames of interrupted items. */
  readonly discardedFrames: number;
  /** Number of bytes held. */
  readonly bytes: number;
}

/** A message that precedes the audio from `frame` on. */
interface Note {
  readonly frame: number;
  readonly message: WireMessage;
  /** The item that it refers to; empty for none. */
  readonly item: string;
  /** Whether it is sent again on a new connection, unless the client shows that it has received it. */
  readonly isKept: boolean;
}

/** Longer audio is cut, so that it can be acknowledged and discarded piece by piece, in s. */
const PIECE_SECONDS = 0.1;
/** Maximum number of messages held; beyond it the oldest is dropped. */
const MAX_NOTES = 4096;

/**
 * A server's output in a session: audio, and the messages between it, in order, until the client has received them. If there is no
 * room, the oldest waiting audio is dropped.
 */
export class ReplyQueue {
  readonly #stream: StreamFormat;
  readonly #outbox: Outbox;
  /** The messages in the order of their frames. The first `#sentNotes` were sent on this connection. */
  #notes: Note[] = [];
  #sentNotes = 0;
  /** The frame at which the next audio begins. */
  #end = 0;
  /** Number of audio messages on this connection. */
  #sequence = 0;
  #discarded = 0;

  constructor(stream: StreamFormat, limits: ReplyLimits) {
    this.#stream = stream;
    this.#outbox = new Outbox(stream, { ...limits, acknowledges: true });
  }

  /** The frame at which the next audio begins. */
  get end(): number {
    return this.#end;
  }

  get stats(): ReplyStats {
    const outbox = this.#outbox;
    return {
      writtenFrames: outbox.capturedFrames,
      acknowledgedFrames: outbox.acknowledgedFrames,
      inFlightFrames: outbox.inFlightFrames,
      waitingFrames: outbox.waitingFrames,
      droppedFrames: outbox.droppedFrames - this.#discarded,
      discardedFrames: this.#discarded,
      bytes: outbox.heldBytes,
    };
  }

  /** Adds audio. @param bytes the bytes, which are copied */
  write(frames: number, bytes: Uint8Array): void {
    const frameBytes = bytesPerFrame(this.#stream);
    // A packet cannot be cut.
    const most = frameBytes === 0 ? frames : this.#pieceFrames(frameBytes);
    for (let done = 0; done < frames; done += most) {
      const piece = Math.min(most, frames - done);
      const from = done * frameBytes;
      const to = frameBytes === 0 ? bytes.length : from + piece * frameBytes;
      this.#outbox.push(new RawAudio(this.#end, piece, Uint8Array.from(bytes.subarray(from, to))));
      this.#end += piece;
    }
  }

  /** Adds a message after all audio so far. */
  note(message: WireMessage, item: string, isKept: boolean): void {
    this.#notes.push({ frame: this.#end, message, item, isKept });
    if (this.#notes.length > MAX_NOTES) this.#forgetNotes(1);
  }

  /** Returns the next message for the client; undefined without one, or if the client must acknowledge some audio first. */
  next(nowMs: number): WireMessage | undefined {
    const outbox = this.#outbox;
    const { nextFrame } = outbox;
    const note = this.#notes[this.#sentNotes];
    if (note !== undefined && (nextFrame === undefined || note.frame <= nextFrame)) {
      if (note.isKept) this.#sentNotes++;
      else this.#notes.splice(this.#sentNotes, 1);
      return note.message;
    }
    const item = outbox.hasWindow ? outbox.peek() : null;
    if (item?.type !== 'audio') return undefined;
    outbox.shift(nowMs, 0);
    const { frame, frames, bytes } = item.audio;
    return encodeProtocol({
      type: 'audio',
      packet: {
        ...this.#stream,
        sequence: this.#sequence++,
        frame,
        frames,
        timestamp: frameTimestamp(frame, this.#stream.sampleRate),
        dropped: 0,
        payload: bytes,
      },
    });
  }

  /** Starts a new connection. Its client has everything before `frame`, and receives the rest. Numbering continues at least there. */
  rewind(frame: number, nowMs: number): void {
    this.#sequence = 0;
    this.#outbox.rewind(nowMs);
    this.acknowledge(frame, nowMs);
    this.#outbox.tellDoubtful();
    this.#sentNotes = 0;
    if (frame > this.#end) this.#end = frame;
  }

  /** The client has received all audio before `frame`, and the messages before that. */
  acknowledge(frame: number, nowMs: number): void {
    this.#outbox.acknowledge(frame, nowMs);
    const first = this.#notes.findIndex((note) => note.frame >= frame);
    this.#forgetNotes(Math.min(this.#sentNotes, first < 0 ? this.#notes.length : first));
  }

  /** Discards audio before `frame`, and messages about these items. */
  discard(frame: number, items: readonly string[]): void {
    this.#discarded += this.#outbox.discard(frame);
    const isStale = ({ item }: Note): boolean => items.includes(item);
    const stale = this.#notes.slice(0, this.#sentNotes).filter(isStale).length;
    this.#notes = this.#notes.filter((note) => !isStale(note));
    this.#sentNotes -= stale;
  }

  #pieceFrames(frameBytes: number): number {
    const fitting = Math.floor(MAX_PAYLOAD_BYTES / frameBytes);
    return Math.min(fitting, Math.ceil(this.#stream.sampleRate * PIECE_SECONDS));
  }

  #forgetNotes(count: number): void {
    this.#notes.splice(0, count);
    this.#sentNotes = Math.max(0, this.#sentNotes - count);
  }
}
