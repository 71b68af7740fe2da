import type { ChunkEncoding } from '../capture/chunk.ts';
import { isSampled } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { UpAudio } from '../services/service.ts';
import { DoubtfulAudio } from './doubtful-audio.ts';
import { Fifo } from './fifo.ts';
import { OutboxPlace } from './outbox-place.ts';
import { heldBytes, withoutFirst } from './raw-audio.ts';
import type { SessionGapCause } from './session-messages.ts';

export interface OutboxOptions {
  /** Maximum length of the held audio in ms, waiting and in flight. */
  readonly maxMs: number;
  /** Maximum number of bytes held, including some for each chunk. */
  readonly maxBytes: number;
  /** Whether the other side acknowledges. If not, audio counts as acknowledged `overlapMs` after it left the socket. */
  readonly acknowledges: boolean;
  /** How long acknowledged audio is kept, in ms, to be sent again after a lost connection. See `Service.overlapMs`. @default 0 */
  readonly overlapMs?: number;
  /** Form in which chunks arrive: only the bytes of that form are counted. @default 'binary' */
  readonly encoding?: ChunkEncoding;
  /** Called when audio is lost for good. */
  readonly onlost?: (frame: number, frames: number, cause: SessionGapCause) => void;
}

/** The next item to send. */
export type OutboxItem =
  | { readonly type: 'audio'; readonly audio: UpAudio; readonly replayed: boolean }
  | { readonly type: 'commit'; readonly frame: number }
  | { readonly type: 'mute'; readonly muted: boolean };

/** A chunk, and the messages before it. */
interface Held {
  readonly serial: number;
  readonly audio: UpAudio;
  readonly bytes: number;
  place: OutboxPlace;
  /** Frames from its start that will not be sent again. */
  skip: number;
  /** Frames from its start that count as acknowledged; at least `skip`. */
  acknowledged: number;
  /** Whether it may have reached the other side on an earlier connection. */
  wasSent: boolean;
  /** Bytes passed to the connection so far, including this chunk. */
  handedBytes: number;
  /** When it left the socket, or was acknowledged. */
  doneAtMs: number;
}

/** Approximate memory of a chunk besides its payload, so that the limit in bytes also works for tiny chunks. */
const CHUNK_BYTES = 128;

/**
 * How much room is made at once while audio is sent more slowly than it is captured. Speech remains intelligible with an occasional
 * long gap, but not with a short gap every few chunks.
 */
const SPARE_SHARE = 1 / 16;
const SPARE_MS = 250;

/**
 * Holds audio until the other side has received it. Audio first waits, then it is in flight, and once acknowledged it is discarded.
 * When a connection is lost, audio in flight waits again, in its place. The size is bounded: the oldest waiting chunk is dropped
 * and counted.
 *
 * The end of a turn and changes of mute keep their place between chunks, and are sent again with the audio around them.
 */
export class Outbox {
  readonly #stream: StreamFormat;
  readonly #acknowledges: boolean;
  readonly #overlapMs: number;
  readonly #encoding: ChunkEncoding;
  readonly #maxFrames: number;
  readonly #maxBytes: number;
  readonly #spareFrames: number;
  readonly #onlost: NonNullable<OutboxOptions['onlost']>;

  /** Chunks sent on this connection, oldest first. The first `#done` have left the socket, or were acknowledged. */
  readonly #sent = new Fifo<Held>();
  #done = 0;
  readonly #waiting = new Fifo<Held>();
  /** The messages after the last chunk. */
  #tail = new OutboxPlace();
  /** Whether the user was muted before the oldest chunk, as far as the other side was told. */
  #isMutedBefore = false;
  /** Serial number of chunks and commits, which are numbered together. */
  #serial = 0;
  #lastCommit = 0;
  /** The frame after the last one ever sent. */
  #sentEnd = 0;
  /** Everything before this frame was declared settled. */
  #settled = 0;
  /** Bytes of this connection that have left the socket. */
  #leftBytes = 0;
  /** Whether audio was sent on the current connection. */
  #isSending = false;
  /** Whether the other side has said, on the current connection, what it has received on earlier ones. */
  #isAnswered = false;
  /** Everything before this frame arrived on earlier connections, as reported on the current one; not all of it is stored yet. */
  #receivedEnd = 0;
  /** Audio that was dropped after it had been sent on a lost connection. */
  readonly #doubtful: DoubtfulAudio;

  #captured = 0;
  #inFlight = 0;
  #waitingFrames = 0;
  #acknowledged = 0;
  #replayed = 0;
  #heldFrames = 0;
  #heldBytes = 0;

  constructor(stream: StreamFormat, options: OutboxOptions) {
    const { maxMs, maxBytes, acknowledges, overlapMs = 0, encoding = 'binary' } = options;
    this.#stream = stream;
    this.#acknowledges = acknowledges;
    this.#overlapMs = overlapMs;
    this.#encoding = encoding;
    this.#maxFrames = (maxMs * stream.sampleRate) / 1000;
    this.#spareFrames = Math.max(SPARE_SHARE, SPARE_MS / maxMs) * this.#maxFrames;
    this.#maxBytes = maxBytes;
    this.#onlost = options.onlost ?? (() => {});
    this.#doubtful = new DoubtfulAudio(this.#onlost);
  }

  /** Number of frames pushed so far: acknowledged + in flight + waiting + dropped. */
  get capturedFrames(): number {
    return this.#captured;
  }

  get acknowledgedFrames(): number {
    return this.#acknowledged;
  }

  /** Number of frames sent on this connection and not acknowledged. */
  get inFlightFrames(): number {
    return this.#inFlight;
  }

  get waitingFrames(): number {
    return this.#waitingFrames;
  }

  /** Number of frames dropped for lack of room, or discarded. */
  get droppedFrames(): number {
    return this.#captured - this.#acknowledged - this.#inFlight - this.#waitingFrames;
  }

  /** Number of frames sent again, counted each time. */
  get replayedFrames(): number {
    return this.#replayed;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Serial number of the last chunk or commit; 0 if there was none. */
  get lastSerial(): number {
    return this.#serial;
  }

  /** Serial number of the last commit; 0 if there was none. */
  get lastCommit(): number {
    return this.#lastCommit;
  }

  /** Serial number of the next chunk or commit to send: all before it have been sent. Infinity if none waits. */
  get nextSerial(): number {
    const next = this.#waiting.at(0);
    const { commit } = next?.place ?? this.#tail;
    if (commit !== null && commit.sentAtMs === null) return commit.serial;
    return next?.serial ?? Infinity;
  }

  /** The frame after the last one ever sent. */
  get sentEnd(): number {
    return this.#sentEnd;
  }

  /** Whether a new connection must begin by saying that the user is muted. */
  get isMutedBefore(): boolean {
    return this.#isMutedBefore;
  }

  /** The oldest waiting frame; undefined if no audio waits. */
  get nextFrame(): number | undefined {
    const next = this.#waiting.at(0);
    return next && next.audio.frame + next.skip;
  }

  /**
   * Whether more audio may be in flight: at most half of the capacity, so that there is always other audio to drop.
   */
  get hasWindow(): boolean {
    if (!this.#acknowledges || this.#inFlight === 0) return true;
    const bytes = (this.#heldBytes / this.#heldFrames) * this.#inFlight;
    return this.#inFlight * 2 < this.#maxFrames && bytes * 2 < this.#maxBytes;
  }

  /** Takes a chunk, which follows all others; frames may be missing in between. */
  push(audio: UpAudio): void {
    const bytes = heldBytes(audio, this.#encoding) + CHUNK_BYTES;
    this.#waiting.push({
      serial: ++this.#serial,
      audio,
      bytes,
      place: this.#tail,
      skip: 0,
      acknowledged: 0,
      wasSent: false,
      handedBytes: 0,
      doneAtMs: 0,
    });
    this.#tail = new OutboxPlace();
    this.#captured += audio.frames;
    this.#waitingFrames += audio.frames;
    this.#heldFrames += audio.frames;
    this.#heldBytes += bytes;
    while (!this.#hasRoom(0) && this.#done > 0) this.#release();
    if (this.#hasRoom(0)) return;
    const spareFrames = this.#isSending ? this.#spareFrames : 0;
    while (!this.#hasRoom(spareFrames) && this.#dropOldest());
  }

  /** Ends the user's turn here. */
  commit(frame: number): void {
    // A commit that has not been sent belongs to the same turn.
    const isSame = this.#tail.commit?.sentAtMs === null;
    if (!isSame) this.#lastCommit = ++this.#serial;
    const serial = this.#lastCommit;
    this.#tail.commit = { serial, frame, sentAtMs: null, handedBytes: 0 };
  }

  /** Mutes or unmutes the user from here on. */
  mute(muted: boolean): void {
    this.#tail.mute = { muted, isSent: false };
  }

  /** Returns the next item to send without removing it; null if there is no item. See `shift`. */
  peek(): OutboxItem | null {
    const next = this.#waiting.at(0);
    const { commit, mute } = next?.place ?? this.#tail;
    if (commit !== null && commit.sentAtMs === null) return { type: 'commit', frame: commit.frame };
    if (mute !== null && !mute.isSent) return { type: 'mute', muted: mute.muted };
    if (next === undefined) return null;
    const { audio, skip, wasSent } = next;
    const rest = skip === 0 ? audio : withoutFirst(audio, skip, this.#stream);
    return { type: 'audio', audio: rest, replayed: wasSent };
  }

  /**
   * Notes that the item returned by `peek` was sent.
   * @param handedBytes bytes passed to the connection so far, including this item
   */
  shift(nowMs: number, handedBytes: number): void {
    const next = this.#waiting.at(0);
    const { commit, mute } = next?.place ?? this.#tail;
    if (commit !== null && commit.sentAtMs === null) {
      commit.sentAtMs = nowMs;
      commit.handedBytes = handedBytes;
    } else if (mute !== null && !mute.isSent) {
      mute.isSent = true;
    } else if (next !== undefined) {
      const { audio, skip, acknowledged, wasSent } = next;
      this.#waiting.shift();
      this.#sent.push(next);
      this.#isSending = true;
      next.handedBytes = handedBytes;
      this.#waitingFrames -= audio.frames - acknowledged;
      this.#inFlight += audio.frames - acknowledged;
      if (wasSent) this.#replayed += audio.frames - skip;
      this.#sentEnd = Math.max(this.#sentEnd, audio.frame + audio.frames);
    }
  }

  /** Notes how many bytes of those passed to the connection have left the socket. */
  left(bytes: number, nowMs: number): void {
    this.#leftBytes = Math.max(this.#leftBytes, bytes);
    if (!this.#acknowledges) {
      for (let next = this.#sent.at(this.#done); next; next = this.#sent.at(this.#done)) {
        if (next.handedBytes > this.#leftBytes) break;
        next.doneAtMs = nowMs;
        this.#done++;
      }
    }
    this.#releaseOld(nowMs);
  }

  /** Notes that everything that left the socket has arrived: the connection ends in good order. */
  arrived(): void {
    if (!this.#acknowledges) while (this.#done > 0) this.#release();
  }

  /**
   * Notes that the other side has received everything before `frame`, which may be inside a chunk of PCM.
   * @returns false if that much was never sent: it is ignored
   */
  acknowledge(frame: number, nowMs: number): boolean {
    if (!this.#acknowledges || !this.#wasSent(frame)) return false;
    for (let next = this.#sent.at(this.#done); next; next = this.#sent.at(this.#done)) {
      this.#inFlight -= this.#acknowledgePart(next, frame);
      if (next.audio.frame + next.audio.frames > frame) break;
      next.doneAtMs = nowMs;
      this.#done++;
    }
    // Audio that an earlier connection delivered need not be sent again, unless the other side has forgotten it.
    if (this.#done === this.#sent.length && this.#overlapMs === 0) this.#skipWaiting(frame);
    this.#acknowledged += this.#doubtful.believe(frame);
    this.#releaseOld(nowMs);
    return true;
  }

  /** Notes that earlier connections delivered everything before `frame`. */
  received(frame: number): void {
    this.#receivedEnd = Math.max(this.#receivedEnd, frame);
  }

  /**
   * Notes that a new connection need not hear anything before `frame`, despite `overlapMs`.
   * @returns false if that much was never sent
   */
  settle(frame: number): boolean {
    if (!this.#wasSent(frame)) return false;
    this.#settled = Math.max(this.#settled, frame);
    for (let next = this.#sent.at(0); next !== undefined; next = this.#sent.at(0)) {
      const frames = this.#skipPart(next, frame);
      this.#inFlight -= frames;
      this.#acknowledged += frames;
      if (next.skip < next.audio.frames) break;
      this.#done = Math.max(this.#done, 1);
      this.#release();
    }
    if (this.#sent.length === 0) this.#skipWaiting(frame);
    this.#acknowledged += this.#doubtful.believe(frame);
    return true;
  }

  /**
   * The connection is lost: unacknowledged audio, and the overlap, wait again.
   * @param mayArrive whether data still in the socket may arrive: a socket closed from this side sends its data first
   */
  rewind(nowMs: number, mayArrive = true): void {
    for (const held of this.#sent) {
      held.wasSent ||= mayArrive || held.handedBytes <= this.#leftBytes;
    }
    this.#isAnswered = false;
    this.#receivedEnd = 0;
    this.#isSending = false;
    this.#waiting.prepend(this.#sent);
    this.#waitingFrames += this.#inFlight;
    this.#inFlight = 0;
    this.#done = 0;
    const first = this.#waiting.at(0)?.place ?? this.#tail;
    const { commit, mute } = first;
    if (mute?.isSent === true) {
      this.#isMutedBefore = mute.muted;
      first.mute = null;
    }
    if (commit !== null && commit.sentAtMs !== null) {
      // All audio before it has arrived, as far as is known. The commit itself may not have.
      const hasLeft = commit.handedBytes <= this.#leftBytes;
      const isOld = !this.#acknowledges && nowMs - commit.sentAtMs >= this.#overlapMs;
      if (hasLeft && isOld) first.commit = null;
    }
    this.#tail.rewind();
    for (const { place } of this.#waiting) place.rewind();
    this.#leftBytes = 0;
  }

  /** Discards everything before `frame`, sent or not; PCM is cut exactly there. @returns the number of frames lost */
  discard(frame: number): number {
    const before = this.droppedFrames;
    this.#discardSent(frame);
    if (this.#sent.length === 0) this.#discardWaiting(frame);
    return this.droppedFrames - before;
  }

  #discardSent(frame: number): void {
    for (let next = this.#sent.at(0); next !== undefined; next = this.#sent.at(0)) {
      const { acknowledged } = next;
      this.#inFlight -= this.#skipPart(next, frame);
      this.#lose(next, acknowledged, next.acknowledged, 'cleared');
      if (next.skip < next.audio.frames) break;
      this.#done = Math.max(this.#done, 1);
      this.#release();
    }
  }

  #discardWaiting(frame: number): void {
    for (let next = this.#waiting.at(0); next !== undefined; next = this.#waiting.at(0)) {
      const { acknowledged } = next;
      this.#waitingFrames -= this.#skipPart(next, frame);
      this.#lose(next, acknowledged, next.acknowledged, 'cleared');
      if (next.skip < next.audio.frames) break;
      this.#removeFirst();
    }
  }

  /** The other side has said what it has: dropped audio that has not arrived by now is lost. */
  tellDoubtful(): void {
    this.#isAnswered = true;
    this.#doubtful.tell(this.#receivedEnd, 'overflow');
  }

  /** Ends sending: unacknowledged audio is lost. */
  end(): void {
    this.rewind(Infinity);
    this.#doubtful.tell(0, 'closed');
    for (let next = this.#waiting.at(0); next !== undefined; next = this.#waiting.at(0)) {
      const { audio, acknowledged } = next;
      this.#waitingFrames -= audio.frames - acknowledged;
      this.#lose(next, acknowledged, audio.frames, 'closed');
      this.#removeFirst();
    }
    this.#tail = new OutboxPlace();
  }

  /** Returns whether everything before `frame` may have been sent. */
  #wasSent(frame: number): boolean {
    return Number.isSafeInteger(frame) && frame <= this.#sentEnd;
  }

  /** Returns whether everything fits, with room for this much more audio. */
  #hasRoom(spareFrames: number): boolean {
    const share = 1 - spareFrames / this.#maxFrames;
    return this.#heldFrames <= this.#maxFrames * share && this.#heldBytes <= this.#maxBytes * share;
  }

  /** Drops the oldest waiting chunk. @returns false if nothing waits */
  #dropOldest(): boolean {
    const next = this.#waiting.at(0);
    if (next === undefined) return false;
    const { audio, acknowledged, wasSent } = next;
    this.#waitingFrames -= audio.frames - acknowledged;
    const doubtfulEnd = this.#isAnswered ? this.#framesBefore(next, this.#receivedEnd) : Infinity;
    const mayHaveCome = wasSent && this.#acknowledges && doubtfulEnd > acknowledged;
    const lostFrom = mayHaveCome ? Math.min(doubtfulEnd, audio.frames) : acknowledged;
    if (lostFrom > acknowledged) {
      this.#doubtful.add(audio.frame + acknowledged, lostFrom - acknowledged);
    }
    this.#lose(next, lostFrom, audio.frames, 'overflow');
    this.#removeFirst();
    return true;
  }

  #lose({ audio }: Held, from: number, to: number, cause: SessionGapCause): void {
    if (to > from) this.#onlost(audio.frame + from, to - from, cause);
  }

  /** Discards the oldest waiting chunk; the messages before it move before the next one. */
  #removeFirst(): void {
    const { place } = this.#forget(this.#waiting.shift()!);
    const next = this.#waiting.at(0);
    if (next === undefined) this.#tail = place.before(this.#tail);
    else next.place = place.before(next.place);
  }

  /** Removes everything before `frame` from the waiting chunks that were sent before. */
  #skipWaiting(frame: number): void {
    for (let next = this.#waiting.at(0); next !== undefined; next = this.#waiting.at(0)) {
      const frames = this.#skipPart(next, frame);
      this.#waitingFrames -= frames;
      this.#acknowledged += frames;
      if (next.skip > 0) this.#passed(next.place);
      if (next.skip < next.audio.frames) return;
      this.#forget(this.#waiting.shift()!);
    }
  }

  /** @returns the number of frames that this acknowledges */
  #acknowledgePart(held: Held, frame: number): number {
    const frames = this.#framesBefore(held, frame) - held.acknowledged;
    if (frames <= 0) return 0;
    held.acknowledged += frames;
    this.#acknowledged += frames;
    this.#passed(held.place);
    if (this.#overlapMs === 0) held.skip = held.acknowledged;
    return frames;
  }

  /** Excludes everything before `frame` from being sent again. @returns the number of frames that had not been acknowledged */
  #skipPart(held: Held, frame: number): number {
    held.skip = Math.max(held.skip, this.#framesBefore(held, frame));
    const frames = Math.max(0, held.skip - held.acknowledged);
    held.acknowledged += frames;
    return frames;
  }

  /** Returns the number of frames of a chunk before `frame`; for a packet, which cannot be cut, all or none. */
  #framesBefore({ audio }: Held, frame: number): number {
    const frames = Math.max(0, Math.min(audio.frames, frame - audio.frame));
    return frames === audio.frames || isSampled(this.#stream) ? frames : 0;
  }

  /** The other side has received audio after these messages. */
  #passed(place: OutboxPlace): void {
    if (place.mute !== null) this.#isMutedBefore = place.mute.muted;
    place.commit = null;
    place.mute = null;
  }

  #releaseOld(nowMs: number): void {
    while (this.#done > 0) {
      const { audio, doneAtMs } = this.#sent.at(0)!;
      const isSettled = audio.frame + audio.frames <= this.#settled;
      if (!isSettled && nowMs - doneAtMs < this.#overlapMs) return;
      this.#release();
    }
  }

  /** Discards the oldest chunk that was sent, and counts it as acknowledged if it was not yet. */
  #release(): void {
    const held = this.#forget(this.#sent.shift()!);
    const frames = held.audio.frames - held.acknowledged;
    this.#passed(held.place);
    this.#done--;
    this.#inFlight -= frames;
    this.#acknowledged += frames;
  }

  #forget(held: Held): Held {
    this.#heldFrames -= held.audio.frames;
    this.#heldBytes -= held.bytes;
    return held;
  }
}
