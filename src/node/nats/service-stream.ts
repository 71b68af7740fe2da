import { performance } from 'node:perf_hooks';
import { opusCodec } from '../../core/codec/opus-codec.ts';
import type { OpusLibrary } from '../../core/codec/opus-library.ts';
import { deferred } from '../../core/deferred.ts';
import type { Deferred } from '../../core/deferred.ts';
import { MicwireError, PacketError } from '../../core/errors.ts';
import { bytesPerFrame, isSameStream, isSampled } from '../../core/format/stream-format.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import type { Packet } from '../../core/framing/packet.ts';
import { StreamConverter } from '../../core/resampler/stream-converter.ts';
import type { Service } from '../../core/services/service.ts';
import { Fifo } from '../../core/session/fifo.ts';
import { RawAudio } from '../../core/session/raw-audio.ts';
import { SessionDriver } from '../../core/session/session-driver.ts';
import type { SessionIo } from '../../core/session/session-driver.ts';
import type { SessionAction } from '../../core/session/session-messages.ts';
import { sessionIo } from '../../core/session/session-scope.ts';
import type { SessionScope, SessionTarget } from '../../core/session/session-scope.ts';
import { FrameSet } from '../recording/frame-set.ts';
import { SlowStream } from './partition-sink.ts';
import type { ReaderTurn } from './partition-sink.ts';
import { textIn } from './text-service.ts';
import type { StreamFate, StreamText } from './text-service.ts';

/** Options that all streams of a worker share. */
export interface ServiceStreamOptions {
  readonly target: SessionTarget;
  readonly scope: SessionScope;
  readonly opus: OpusLibrary | undefined;
  /** Maximum length of audio that the service has not taken, in ms; beyond it the sender waits. */
  readonly maxWaitMs: number;
  readonly stallMs: number;
  /** Time after which a sender that keeps others waiting is told that there is no room, in ms; only while `isTaking`. */
  readonly patienceMs: number;
  /** Whether the service currently takes audio of any stream. */
  readonly isTaking: () => boolean;
  readonly text: (text: StreamText) => void;
  readonly failed: (error: unknown) => void;
}

/** Audio that `maxWaitMs` holds back is never dropped. */
const NO_LIMIT = { maxOutboxMs: 3_600_000, maxOutboxBytes: 2 ** 30 } as const;
/** How long the service may take for its last results when the stream is over, in ms. */
const END_MS = 30_000;
/** Close code of a lost connection (RFC 6455 §7.1.5). */
const LOST = 1006;
/** Time after which an idle converter outputs what it still holds, in ms. */
const FLUSH_MS = 1000;

/**
 * Sends one stream to a speech service: decoded, converted, and over one connection at a time. A lost connection is replaced, and
 * continues at the first frame that the service has not taken. Frames reach the service in order on each connection, and at least once.
 */
export class ServiceStream {
  readonly id: string;
  readonly #stream: StreamFormat;
  readonly #service: Service;
  readonly #isOwn: boolean;
  readonly #fate: StreamFate;
  readonly #options: ServiceStreamOptions;
  /** Null if the stream already has the format of the service. */
  readonly #converter: StreamConverter | null;
  /** Received audio, in frames of the stream. */
  readonly #given = new FrameSet();
  /** The frame after the last one that went into the converter. */
  #next = 0;
  /** Whether the converter may still hold the end of its input. */
  #isOpen = false;
  /** Frames of the stream since the converter started, and frames of the service before that. */
  #pieceFrames = 0;
  #pieceBase = 0;
  /** The next frame of the service. */
  #frame = 0;
  /** Frames passed to all sessions, and frames that the service took in earlier sessions. */
  #handed = 0;
  #takenBefore = 0;
  #driver: SessionDriver | null = null;
  /** Calls that wait until this many frames are taken. */
  readonly #waiting = new Fifo<{ readonly frames: number; readonly taken: Deferred<void> }>();
  /** Settles when something has changed. */
  #change: Deferred<void> = deferred();
  #failure: Error | null = null;
  #isStopped = false;
  #ending: Promise<void> | null = null;
  #usedMs: number = performance.now();

  constructor(
    id: string,
    { format, sampleRate, channels }: StreamFormat,
    service: { readonly service: Service; readonly isOwn: boolean; readonly fate: StreamFate },
    options: ServiceStreamOptions,
  ) {
    this.id = id;
    this.#stream = { format, sampleRate, channels };
    this.#service = service.service;
    this.#isOwn = service.isOwn;
    this.#fate = service.fate;
    this.#options = options;
    const { input } = this.#service;
    const { opus } = options;
    if (!isSampled(this.#stream) && opus === undefined) {
      // A PacketError, so that only this stream is affected.
      throw new PacketError(
        'bad-field',
        `${id} is Opus. Give the option opus, an OpusLibrary of micwire/codec.`,
      );
    }
    this.#converter = isSameStream(this.#stream, input)
      ? null
      : new StreamConverter({
          input: this.#stream,
          output: input,
          codec: opus === undefined ? undefined : opusCodec(opus),
        });
  }

  /** Frames of the service: given = taken + waiting. */
  get stats(): { readonly givenFrames: number; readonly takenFrames: number } {
    return { givenFrames: this.#handed, takenFrames: this.#taken };
  }

  get isConnected(): boolean {
    return this.#driver?.state === 'open' || this.#driver?.state === 'replaying';
  }

  /** Whether the service has refused this stream. */
  get isRefused(): boolean {
    return this.#fate.refusal !== null;
  }

  /** The frame of the stream after all received audio. */
  get endFrame(): number {
    return this.#given.end;
  }

  /** Time since the last audio arrived, in ms. */
  get idleMs(): number {
    return performance.now() - this.#usedMs;
  }

  /**
   * Takes a packet once there is room for it. One call at a time.
   * @returns `taken` settles when the service has taken it
   * @throws PacketError for a packet that does not belong to this stream, or cannot be decoded
   * @throws MicwireError if the service has ended the session
   * @throws SlowStream if there is no room and the turn is not patient
   */
  async take(packet: Packet, turn: ReaderTurn): Promise<{ readonly taken: Promise<void> }> {
    if (!isSameStream(this.#stream, packet)) {
      throw new PacketError('bad-field', 'A packet must be of the same stream as the first.');
    }
    const frameBytes = bytesPerFrame(this.#stream);
    const { frame, frames, payload } = packet;
    if (frameBytes > 0 && payload.length !== frames * frameBytes) {
      throw new PacketError(
        'bad-field',
        `A packet of ${frames} frames must have ${frames * frameBytes} bytes, got ${payload.length}.`,
      );
    }
    const { input, overlapMs } = this.#service;
    const maxFrames = ((this.#options.maxWaitMs + overlapMs) / 1000) * input.sampleRate;
    const wait = this.#waitFor(turn);
    while (this.#handed - this.#taken > maxFrames && !this.isRefused) await wait();
    if (this.isRefused) return { taken: Promise.resolve() };
    const [first] = this.#given.gaps(frame, frame + frames);
    if (first !== undefined && first.frame < this.#next) await this.#goBack(wait);
    if (this.isRefused) return { taken: Promise.resolve() };
    this.#check(turn.signal);
    this.#usedMs = performance.now();
    const fresh = this.#given.add(frame, frames);
    if (frameBytes === 0) {
      // A packet cannot be cut.
      if (fresh.length > 0) this.#feed(frame, frames, payload);
    } else {
      for (const part of fresh) {
        const from = (part.frame - frame) * frameBytes;
        this.#feed(
          part.frame,
          part.frames,
          payload.subarray(from, from + part.frames * frameBytes),
        );
      }
    }
    return { taken: this.#whenTaken() };
  }

  /**
   * Ends the stream.
   * @returns settles when the service has taken everything, and sent its last results
   */
  end(): Promise<void> {
    this.#ending ??= this.#end().catch((error: unknown) => {
      this.#fail(error);
      throw error;
    });
    return this.#ending;
  }

  get isEnding(): boolean {
    return this.#ending !== null;
  }

  /** Sends what the converter still holds if nothing has arrived for a while. */
  tend(): void {
    if (this.#isOpen && this.idleMs > FLUSH_MS) this.#flush();
  }

  /** Ends the connection without telling the service: another worker continues the stream. */
  stop(): void {
    this.#isStopped = true;
    this.#fail(new MicwireError('closed', `${this.id} is not read any more.`));
  }

  async #end(): Promise<void> {
    this.#check(null);
    this.#flush();
    this.#fate.isOver = true;
    if (this.#service.acknowledges) await this.#allTaken(() => this.#changed(null));
    if (this.isRefused) return this.#close();
    const driver = this.#isOwn ? await this.#connected() : this.#driver;
    if (driver === null) return this.#close();
    // A service without acknowledgements is asked for its last results first.
    driver.tell({ type: 'close', drainMs: END_MS });
    while (driver.state !== 'closed') await this.#changed(null);
    this.#look();
    const { isTold, isAnswered, isLost } = this.#fate;
    // If the connection was lost, it is unknown whether the service received the end.
    const isHeard = isTold && (isAnswered || !isLost);
    if (this.#isOwn && !isHeard && !this.isRefused) throw hasEnded(this.id);
    if (driver.stats.droppedFrames > 0) {
      throw new MicwireError(
        'transport',
        `${this.id}: the service was not there when it was to hear the end. It is asked again.`,
      );
    }
    this.#close();
  }

  get #taken(): number {
    return this.#takenBefore + (this.#driver?.stats.acknowledgedFrames ?? 0);
  }

  /** Converts audio that follows the previous audio, or a gap. */
  #feed(frame: number, frames: number, bytes: Uint8Array): void {
    const { sampleRate } = this.#service.input;
    if (frame !== this.#next) this.#flush();
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#pieceFrames = 0;
      this.#pieceBase = this.#handed;
      this.#frame = Math.max(
        this.#frame,
        Math.round((frame * sampleRate) / this.#stream.sampleRate),
      );
    }
    this.#next = frame + frames;
    if (this.#converter === null) {
      this.#pieceFrames += frames;
      return this.#hand(bytes);
    }
    try {
      for (const chunk of this.#converter.convert(bytes)) this.#hand(chunk);
    } catch (error) {
      // No part of an undecodable packet was taken.
      this.#flush();
      throw error;
    }
    this.#pieceFrames = this.#converter.stats.inputFrames;
  }

  /** Ends a piece of audio without gaps. */
  #flush(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#converter === null) return;
    for (const chunk of this.#converter.finish()) this.#hand(chunk);
    this.#converter.reset();
  }

  #hand(bytes: Uint8Array): void {
    const { input } = this.#service;
    const frames = bytes.length / bytesPerFrame(input);
    if (frames === 0) return;
    // The bytes of a message are not reused, nor is the converter's output.
    const audio = new RawAudio(this.#frame, frames, bytes as Uint8Array<ArrayBuffer>);
    this.#frame += frames;
    this.#handed += frames;
    const isFirst = this.#driver === null;
    this.#driver ??= this.#session();
    this.#driver.tell({ type: 'audio', audio: Object.assign(audio, { dropped: 0 }) });
    if (isFirst) this.#driver.tell({ type: 'start' });
  }

  #session(): SessionDriver {
    const { scope, target, stallMs } = this.#options;
    const io = sessionIo(scope, target, this.#service);
    let driver: SessionDriver | null = null;
    const look = (): void => {
      if (driver !== null && driver === this.#driver) this.#look();
    };
    const watched: SessionIo = {
      ...io,
      setTimer: (ms, run) =>
        io.setTimer(ms, () => {
          run();
          look();
        }),
      connect: (address, listener) =>
        io.connect(address, {
          opened() {
            listener.opened();
            look();
          },
          message(data) {
            listener.message(data);
            look();
          },
          closed: (code, reason) => {
            if (this.#fate.isTold && code === LOST) this.#fate.isLost = true;
            listener.closed(code, reason);
            look();
          },
        }),
    };
    const settings = { session: this.id, stallMs, ...NO_LIMIT };
    driver = new SessionDriver(this.#service, watched, settings, (action) => this.#act(action));
    return driver;
  }

  #act(action: SessionAction): void {
    if (this.#isStopped) return;
    if (action.type === 'service') {
      const text = textIn(action.event, this.#isOwn);
      if (text !== null) this.#options.text(text);
    } else if (action.type === 'error') this.#options.failed(action.error);
    else if (action.type === 'closed') {
      if (this.isRefused) return this.#putAside();
      // `#end` checks itself whether the session has ended too early.
      if (this.#ending !== null) return this.#notify();
      if (this.#driver?.state === 'closed') this.#fail(hasEnded(this.id));
    }
  }

  /** The service refuses the stream: the rest of its audio need not arrive again. */
  #putAside(): void {
    for (const { taken } of this.#waiting) taken.resolve();
    this.#waiting.clear();
    this.#close();
    this.#notify();
  }

  /** Handles late audio that the service has not received: it is sent over another connection, since each one is in order. */
  async #goBack(wait: () => Promise<void>): Promise<void> {
    this.#flush();
    await this.#allTaken(wait);
    if (this.isRefused) return;
    this.#takenBefore = this.#handed;
    const driver = this.#driver;
    this.#driver = null;
    driver?.tell({ type: 'close', drainMs: 0 });
    this.#frame = 0;
    this.#next = 0;
  }

  #whenTaken(): Promise<void> {
    const { sampleRate } = this.#service.input;
    const frames =
      this.#pieceBase + Math.round((this.#pieceFrames * sampleRate) / this.#stream.sampleRate);
    if (frames <= this.#taken) return Promise.resolve();
    const taken = deferred<void>();
    this.#waiting.push({ frames, taken });
    return taken.promise;
  }

  async #allTaken(wait: () => Promise<void>): Promise<void> {
    while (this.#taken < this.#handed && !this.isRefused) {
      if (this.#driver?.state === 'closed') throw hasEnded(this.id);
      await wait();
    }
  }

  /** @returns the session for the end, a new one if the service received the audio on other connections; null if the stream is refused */
  async #connected(): Promise<SessionDriver | null> {
    if (this.#driver === null || this.#driver.state === 'closed') {
      this.#takenBefore = this.#taken;
      this.#driver = this.#session();
      this.#driver.tell({ type: 'start' });
    }
    const driver = this.#driver;
    while (!this.isConnected && !this.isRefused) {
      if (driver.state === 'closed') throw hasEnded(this.id);
      await this.#changed(null);
    }
    return this.isRefused ? null : driver;
  }

  /** Returns a function that waits for a change: not for long if others wait for this stream. */
  #waitFor({ signal, isPatient }: ReaderTurn): () => Promise<void> {
    const { patienceMs, isTaking } = this.#options;
    let untilMs = performance.now() + patienceMs;
    return async () => {
      if (isPatient) return this.#changed(signal);
      const late = deferred<void>();
      const timer = setTimeout(late.resolve, Math.max(0, untilMs - performance.now()));
      await Promise.race([this.#changed(signal), late.promise]).finally(() => clearTimeout(timer));
      if (performance.now() < untilMs) return;
      if (isTaking()) throw new SlowStream(this.id);
      untilMs = performance.now() + patienceMs;
    };
  }

  /** Checks the driver for progress. */
  #look(): void {
    const taken = this.#taken;
    while (this.#waiting.length > 0 && this.#waiting.at(0)!.frames <= taken) {
      this.#waiting.shift()!.taken.resolve();
    }
    this.#notify();
  }

  /** @throws if the stream is no longer read, or the service has ended the session */
  async #changed(signal: AbortSignal | null): Promise<void> {
    this.#check(signal);
    if (signal === null) await this.#change.promise;
    else {
      const aborted = deferred<void>();
      const abort = (): void => aborted.resolve();
      signal.addEventListener('abort', abort, { once: true });
      await Promise.race([this.#change.promise, aborted.promise]);
      signal.removeEventListener('abort', abort);
    }
    this.#check(signal);
  }

  #check(signal: AbortSignal | null): void {
    if (this.#failure !== null) throw this.#failure;
    if (signal?.aborted === true) {
      throw new MicwireError('closed', `${this.id} is not read any more.`);
    }
  }

  #notify(): void {
    this.#change.resolve();
    this.#change = deferred();
  }

  #fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = error instanceof Error ? error : new Error(String(error));
    for (const { taken } of this.#waiting) taken.reject(error);
    this.#waiting.clear();
    this.#close();
    this.#notify();
  }

  #close(): void {
    this.#isOpen = false;
    this.#converter?.close();
    this.#driver?.tell({ type: 'close', drainMs: 0 });
  }
}

function hasEnded(id: string): MicwireError {
  return new MicwireError(
    'transport',
    `${id}: the service has ended the session. It is begun again.`,
  );
}
