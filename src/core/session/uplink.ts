import { bytesPerFrame, isSampled } from '../format/stream-format.ts';
import type { LifeClock } from '../life-clock.ts';
import type { Service, ServiceRequest } from '../services/service.ts';
import { TokenBucket } from '../token-bucket.ts';
import { GapReport } from './gap-report.ts';
import { Outbox } from './outbox.ts';
import { isWhole, silenceLike } from './raw-audio.ts';
import { RequestQueue } from './request-queue.ts';
import { BAD_AUDIO, QUEUE_FULL, TOO_FAR, sessionError } from './session-errors.ts';
import type { PushAction, SessionLink } from './session-link.ts';
import type { CapturedAudio, SessionStats } from './session-messages.ts';

/** If a socket holds more bytes, and more audio, than this, it gets no more: data in the outbox is counted, and can be sent elsewhere. */
const MAX_BUFFERED_BYTES = 65_536;
const MAX_BUFFERED_MS = 500;
/** How much audio may be sent at once, in ms: as much as a network or a busy thread usually delays. */
const BURST_MS = 200;
/** Interval at which a socket that holds too much is checked. */
export const POLL_MS = 25;

export interface UplinkOptions {
  readonly maxOutboxMs: number;
  readonly maxOutboxBytes: number;
}

/** All data for the service: audio, in order and in time, and other requests. Outlives connections. */
export class Uplink {
  readonly #service: Service;
  readonly #clock: LifeClock;
  readonly #push: PushAction;
  readonly #outbox: Outbox;
  /** In frames: services refuse a backlog that arrives all at once, or overflow. */
  readonly #pace: TokenBucket;
  readonly #gaps = new GapReport();
  /** Reports of what was heard: they do not wait for audio. */
  readonly #answers: RequestQueue;
  /** Messages from the app: they follow the turn that was committed before. */
  readonly #requests = new RequestQueue();
  readonly #maxBufferedBytes: number;
  /** The frame after all captured audio. */
  #nextFrame = 0;
  #captureLost = 0;
  /** When waiting data may be sent; Infinity if something else must happen first. */
  #pumpAtMs = Infinity;
  #isReplaying = false;
  /** Whether the service has yet to say, on a new connection, what earlier ones delivered. */
  #isDoubtful = false;
  /** Errors already reported, until the next connection. */
  #hasToldQueue = false;
  #hasToldAudio = false;

  constructor(service: Service, options: UplinkOptions, clock: LifeClock, push: PushAction) {
    const { input, acknowledges, overlapMs, encoding, replaySpeed } = service;
    this.#service = service;
    this.#clock = clock;
    this.#push = push;
    this.#outbox = new Outbox(input, {
      maxMs: options.maxOutboxMs,
      maxBytes: options.maxOutboxBytes,
      acknowledges,
      overlapMs,
      encoding,
      onlost: (frame, frames, cause) => this.#gaps.add({ frame, frames, cause }, clock.nowMs),
    });
    this.#answers = new RequestQueue(acknowledges ? isRepeatable : undefined);
    const depth = (input.sampleRate * BURST_MS) / 1000;
    this.#pace = new TokenBucket({ depth, perSecond: input.sampleRate * replaySpeed }, 0);
    const audioBytes = (bytesPerFrame(input) * input.sampleRate * MAX_BUFFERED_MS) / 1000;
    const messageBytes = encoding === 'base64' ? audioBytes * (4 / 3) : audioBytes;
    this.#maxBufferedBytes = Math.max(MAX_BUFFERED_BYTES, messageBytes);
  }

  /** The statistics, except for the connections. */
  get stats(): Omit<SessionStats, 'connections'> {
    const outbox = this.#outbox;
    return {
      capturedFrames: outbox.capturedFrames + this.#captureLost,
      acknowledgedFrames: outbox.acknowledgedFrames,
      inFlightFrames: outbox.inFlightFrames,
      waitingFrames: outbox.waitingFrames,
      droppedFrames: outbox.droppedFrames + this.#captureLost,
      replayedFrames: outbox.replayedFrames,
      outboxBytes: outbox.heldBytes,
    };
  }

  /** The oldest frame still to be sent, or the next one to be captured. */
  get firstFrame(): number {
    return this.#outbox.nextFrame ?? this.#nextFrame;
  }

  /** Whether more audio waits than may be sent at once. */
  get isReplaying(): boolean {
    return this.#isReplaying;
  }

  /** Whether data waits that needs a connection. */
  get hasWork(): boolean {
    const { waitingFrames, inFlightFrames } = this.#outbox;
    return waitingFrames > 0 || inFlightFrames > 0 || !this.#requests.isEmpty;
  }

  /** When `run` is due. */
  get dueMs(): number {
    return Math.min(this.#pumpAtMs, this.#gaps.dueMs);
  }

  // --- input ---------------------------------------------------------------------------------------------------------

  /** Takes captured audio. @param isGated whether it is withheld from the service: see `Service.muteAs` */
  take(audio: CapturedAudio, isGated: boolean): void {
    const { input, encoding } = this.#service;
    const { frame, frames, dropped } = audio;
    const isNext = Number.isSafeInteger(frame + frames) && frame >= this.#nextFrame && frames > 0;
    if (!isNext || !isWhole(audio, input, encoding)) return this.#refuseAudio();
    if (!isGated || this.#isSilenced) {
      this.lose(Math.min(dropped, frame - this.#nextFrame), isGated, frame);
      this.#outbox.push(isGated ? silenceLike(audio, input) : audio);
    }
    this.#nextFrame = frame + frames;
  }

  /**
   * Notes that the capture has lost frames. @param end the frame after them
   */
  lose(frames: number, isGated: boolean, end: number = this.#nextFrame + frames): void {
    if (!(frames > 0 && Number.isSafeInteger(frames) && Number.isSafeInteger(end))) return;
    this.#nextFrame = end;
    if (isGated && !this.#isSilenced) return;
    this.#captureLost += frames;
    this.#gaps.add({ frame: end - frames, frames, cause: 'capture' }, this.#clock.nowMs);
  }

  commit(): void {
    this.#outbox.commit(this.#nextFrame);
  }

  /** Mutes or unmutes the user: the service is told in the right place between the audio. */
  mute(muted: boolean): void {
    this.#outbox.mute(muted);
  }

  /** Sends a message of the app, after the last commit. */
  send(value: unknown): void {
    this.#ask({ type: 'message', value }, this.#outbox.lastCommit);
  }

  /** Sets a mark after all audio so far. */
  mark(name: string): void {
    this.#ask({ type: 'mark', name }, this.#outbox.lastSerial);
  }

  /** Discards waiting audio. */
  clear(): void {
    this.#outbox.discard(this.#nextFrame);
    this.answer({ type: 'clear' });
  }

  /** Sends a request to the service as soon as possible. */
  answer(request: ServiceRequest): void {
    // Repeating that nothing was heard adds no information.
    if (isEmpty(request) && this.#answers.last?.type === 'interrupted') return;
    if (this.#answers.push(request, 0) > 0) this.#queueFull();
  }

  #ask(request: ServiceRequest, after: number): void {
    if (this.#requests.push(request, after) > 0) this.#queueFull();
  }

  /** Whether gated audio is sent as silence. Silent packets of a codec cannot be created here. */
  get #isSilenced(): boolean {
    return this.#service.muteAs === 'silence' && isSampled(this.#service.input);
  }

  #refuseAudio(): void {
    if (!this.#hasToldAudio) this.#push({ type: 'error', error: sessionError(BAD_AUDIO) });
    this.#hasToldAudio = true;
  }

  #queueFull(): void {
    if (!this.#hasToldQueue) this.#push({ type: 'error', error: sessionError(QUEUE_FULL) });
    this.#hasToldQueue = true;
  }

  // --- events of the connection --------------------------------------------------------------------------------------

  /** Updates how much has left the socket. */
  observe({ leftBytes, leftMostBytes }: SessionLink): void {
    this.#outbox.left(leftBytes, this.#clock.nowMs);
    this.#answers.left(leftMostBytes);
    this.#requests.left(leftMostBytes);
  }

  /** Handles a new connection that is ready. @param isResumed as in its event */
  ready(link: SessionLink, isResumed: boolean): void {
    const { nowMs } = this.#clock;
    this.#answers.resume(isResumed);
    this.#pace.fill(nowMs);
    this.#hasToldQueue = false;
    this.#hasToldAudio = false;
    // The service may say in the same message what it has received on earlier connections.
    this.#isDoubtful = true;
    // From here on, less than a burst counts as caught up.
    this.#isReplaying = true;
    if (this.#outbox.isMutedBefore) link.request({ type: 'mute', muted: true }, nowMs);
  }

  /** The connection is gone: data that may not have arrived waits again. @param mayArrive as in `Outbox.rewind` */
  rewind(mayArrive: boolean): void {
    this.#pumpAtMs = Infinity;
    this.#outbox.rewind(this.#clock.nowMs, mayArrive);
    const lost = this.#answers.rewind(mayArrive) + this.#requests.rewind(mayArrive);
    if (lost > 0) this.#queueFull();
  }

  /** The service has received everything before `frame`. @param received as in its event */
  acknowledge(link: SessionLink, frame: number, received: number = frame): void {
    const { nowMs } = this.#clock;
    const before = this.#outbox.inFlightFrames;
    const isTrue = this.#outbox.acknowledge(frame, nowMs);
    if (!isTrue) return link.errorOnce('acknowledged', TOO_FAR);
    this.#outbox.received(received);
    this.#answers.confirm(frame);
    if (this.#outbox.inFlightFrames < before) link.acknowledged(nowMs);
  }

  settle(link: SessionLink, frame: number): void {
    if (!this.#outbox.settle(frame)) link.errorOnce('settled', TOO_FAR);
  }

  /** Everything that left the socket has arrived: the connection ends in good order. */
  arrived(): void {
    this.#outbox.arrived();
  }

  /** Sends the answer to a ping. */
  reply(link: SessionLink, message: string | Uint8Array<ArrayBuffer>): void {
    // A blocked socket will not accept this either.
    if (link.bufferedBytes <= this.#maxBufferedBytes) link.send(message, this.#clock.nowMs);
  }

  /** Whether the service owes an acknowledgement. */
  isOwed(link: SessionLink): boolean {
    return this.#service.acknowledges && !link.isHeld && this.#outbox.inFlightFrames > 0;
  }

  /** Whether everything passed to the connection has arrived, as far as can be known. */
  isFlushed(link: SessionLink): boolean {
    const isMissing = this.#service.acknowledges && this.#outbox.inFlightFrames > 0;
    return !isMissing && link.bufferedBytes === 0;
  }

  /** Whether nothing waits, and everything has arrived. */
  isDrained(link: SessionLink): boolean {
    const isEmpty = this.#requests.isEmpty && this.#answers.isEmpty;
    return isEmpty && this.#outbox.peek() === null && this.isFlushed(link);
  }

  // --- output --------------------------------------------------------------------------------------------------------

  /** Sends what may be sent now, in order. @param link the connection; null if there is no connection that accepts data */
  run(link: SessionLink | null): void {
    this.#pumpAtMs = Infinity;
    if (link !== null) this.#pump(link);
    // Hysteresis, for audio that is sent in bursts.
    const limit = this.#isReplaying ? this.#pace.depth : 2 * this.#pace.depth;
    this.#isReplaying = this.#outbox.waitingFrames > limit;
    if (this.#isDoubtful) {
      this.#isDoubtful = false;
      this.#outbox.tellDoubtful();
    }
    if (this.#clock.nowMs >= this.#gaps.dueMs) this.#tellGaps();
  }

  /** Ends sending. */
  end(): void {
    this.#outbox.end();
    this.#tellGaps();
  }

  #pump(link: SessionLink): void {
    const outbox = this.#outbox;
    const { nowMs } = this.#clock;
    for (;;) {
      if (link.bufferedBytes > this.#maxBufferedBytes) {
        this.#pumpAtMs = nowMs + POLL_MS;
        return;
      }
      if (this.#sendNext(link, this.#answers) || this.#sendNext(link, this.#requests)) continue;
      const item = outbox.peek();
      if (item === null) return;
      if (item.type === 'audio') {
        if (link.isHeld || !outbox.hasWindow) return;
        const { frames } = item.audio;
        const atMs = this.#pace.dueMs(frames, nowMs);
        if (atMs > nowMs) {
          this.#pumpAtMs = atMs;
          return;
        }
        this.#pace.take(frames, nowMs);
        if (outbox.inFlightFrames === 0) link.acknowledged(nowMs);
      }
      link.request(item, nowMs);
      outbox.shift(nowMs, link.handedBytes);
    }
  }

  /** Sends the next request of a queue. @returns whether there was one */
  #sendNext(link: SessionLink, queue: RequestQueue): boolean {
    const request = queue.peek(this.#outbox.nextSerial);
    if (request === null) return false;
    const isSent = link.request(request, this.#clock.nowMs);
    queue.shift(link.handedMostBytes, this.#outbox.sentEnd, isSent);
    return true;
  }

  #tellGaps(): void {
    for (const gap of this.#gaps.take()) this.#push({ type: 'gap', gap });
  }
}

/** Whether a service that knows the session handles a repeated request once: such a request names what it refers to. */
function isRepeatable(request: ServiceRequest): boolean {
  return request.type === 'played' || (request.type === 'interrupted' && !isEmpty(request));
}

/** Whether the request reports that nothing was playing when it was interrupted. */
function isEmpty(request: ServiceRequest): boolean {
  return request.type === 'interrupted' && request.heard.item === undefined;
}
