import { checkContext, checkWorker } from '../core/option-names.ts';
import type { PayloadFormat } from '../core/format/formats.ts';
import { bytesPerFrame, isSampled } from '../core/format/stream-format.ts';
import { MicwireError, PacketError } from '../core/errors.ts';
import { ReceivePipes, checkPipe } from '../core/pipe.ts';
import type { PipeOptions, ReceivePipeResult } from '../core/pipe.ts';
import type { ReceiveFraming } from '../core/receive/receive-feed.ts';
import type { Transport } from './transport/transport.ts';
import { checkSignal } from './abort.ts';
import { makeInOpenContext, whileOpen } from './context-life.ts';
import type {
  MessagePortLike,
  PlayoutCommand,
  PlayoutEvent,
  PlayoutFigures,
  PlayoutHandover,
} from '../core/messages.ts';
import { BargeIn } from '../core/playout/barge-in.ts';
import { checkFade } from '../core/playout/fade-options.ts';
import type { FadeOptions } from '../core/playout/fade-options.ts';
import { FadedRequest } from '../core/playout/faded-request.ts';
import type { PlayoutData } from '../core/playout/playout-data.ts';
import { markOf, positionAt, skipOf, statsOf } from '../core/playout/playout-position.ts';
import { PlayoutWriter } from '../core/playout/playout-writer.ts';
import type { PlayoutMarkOptions, PlayoutWriteOptions } from '../core/playout/playout-writer.ts';
import { createPlayoutNode, checkPlayoutOptions, checkTargetDelay } from './playout-options.ts';
import type { DecodingStats, PacketReader } from '../core/playout/packet-reader.ts';
import type { PlayoutOptions, PlayoutSettings } from './playout-options.ts';
import type {
  PlayoutEventMap,
  PlayoutInterruption,
  PlayoutPosition,
  PlayoutSkip,
  PlayoutState,
  PlayoutStats,
} from './playout-position.ts';
import { loadResamplerDesign } from './resampler-design.ts';
import { LastWord, setTimer } from './patience.ts';
import { PLAYOUT_WORKLET } from './playout-worklet.ts';
import { WRITER_WORDS, WorkerWatch } from './worker-watch.ts';
import { loadWorklet } from './worklet-loader.ts';
import { TypedEventTarget } from './typed-event-target.ts';

export type { PlayoutMarkOptions, PlayoutWriteOptions } from '../core/playout/playout-writer.ts';

/**
 * Plays audio as it arrives. Chunks are joined sample-exactly, late chunks cause silence instead of clicks, and the playout reports
 * exactly what was heard.
 *
 * @example
 * const playout = await Playout.create(context, { sampleRate: 24000 });
 * playout.connect(context.destination);
 * socket.onmessage = ({ data }) => playout.write(data, { item: 'reply-1' });
 * // The user speaks:
 * const { item, ms } = await playout.interrupt();
 */
export class Playout extends TypedEventTarget<PlayoutEventMap> {
  /** The processor's node, with one output. Connect it to the destination or to further nodes. */
  readonly node: AudioWorkletNode;
  /** Sample rate of the written audio, Hz. */
  readonly sampleRate: number;
  readonly channels: number;
  readonly format: PayloadFormat;
  readonly #settings: PlayoutSettings;
  /** Decodes the written packets; undefined for PCM. */
  readonly #reader: PacketReader | undefined;
  readonly #writer: PlayoutWriter;
  /** True once audio was written on this thread. */
  #hasWritten = false;
  /** Watches the Worker that writes, if there is one, and informs it when the playout ends. */
  #worker: WorkerWatch | null = null;
  readonly #pipes = new ReceivePipes();
  readonly #bargeIn = new BargeIn((command) => this.#send(command), setTimer);
  readonly #pausing = new FadedRequest<void>(setTimer, () => this.#sendPause(0));
  /** Number of pause commands sent: only the answer to the last one counts. */
  #pauses = 0;
  #targetDelayMs: number;
  #state: PlayoutState = 'idle';
  readonly #lastWord = new LastWord();
  /** The processor's latest report. */
  #figures: PlayoutFigures | null = null;

  /**
   * Loads the worklet and creates a playout.
   * @throws TypeError or RangeError for an invalid option; MicwireError `'worklet-load'` or `'codec-load'` when a file
   *   cannot be loaded, `'closed'` when the context is closed, before or during the call
   */
  static async create(context: BaseAudioContext, options: PlayoutOptions): Promise<Playout> {
    checkContext('Playout.create', context);
    const settings = checkPlayoutOptions(options);
    const life = { context, signal: options.signal };
    checkSignal(options.signal);
    const loading = Promise.all([
      loadWorklet(context, PLAYOUT_WORKLET, { url: options.workletUrl }),
      loadResamplerDesign(options.sampleRate, context.sampleRate, settings.quality),
    ]);
    if (isSampled(settings)) {
      await whileOpen(life, loading);
      return makeInOpenContext(life, () => new Playout(context, options, undefined));
    }
    // Apps that play PCM never load it.
    const opening = import('./opus-playout.ts').then((opus) => opus.openOpusReader(options));
    try {
      const [reader] = await whileOpen(life, Promise.all([opening, loading]));
      return makeInOpenContext(life, () => new Playout(context, options, reader));
    } catch (error) {
      void opening.then(
        (reader) => reader.close(),
        () => {},
      );
      throw error;
    }
  }

  private constructor(
    context: BaseAudioContext,
    options: PlayoutOptions,
    reader: PacketReader | undefined,
  ) {
    super();
    const settings = checkPlayoutOptions(options);
    this.#reader = reader;
    const { sampleRate, channels, format } = settings;
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.format = format;
    this.#settings = settings;
    this.#targetDelayMs = settings.targetDelayMs;
    this.#writer = new PlayoutWriter({
      format,
      sampleRate,
      channels,
      bytesPerFrame: bytesPerFrame(settings.samples),
      maxBufferMs: settings.maxBufferMs,
      reader,
      tellsNames: false,
      now: () => performance.now(),
      send: (command, transfer) => this.#send(command, transfer),
      noRoom: (item, frames) => this.#skipped(item, frames, 'no-room'),
    });
    this.node = createPlayoutNode(context, settings, this.#writer.feed.capacityFrames);
    this.node.port.onmessage = ({ data }: MessageEvent<PlayoutEvent>): void => this.#receive(data);
    this.node.onprocessorerror = (): void => this.#fail();
    context.addEventListener('statechange', this.#onContext);
  }

  /** State of the playout, as of the last report: at most 20 ms old while the context runs. */
  get state(): PlayoutState {
    return this.#state;
  }

  /** How far the current item has been heard, as of the last report: at most 20 ms old while the context runs. */
  get position(): PlayoutPosition {
    return this.#position(this.#figures);
  }

  /** Counts of decoded and concealed packets; undefined for PCM. */
  get decoding(): DecodingStats | undefined {
    return this.#reader?.stats;
  }

  /** Totals, as of the last report. */
  get stats(): PlayoutStats {
    const figures = this.#figures;
    if (this.#worker === null) return statsOf(figures, this.#writer.feed, this.sampleRate);
    const { received = 0, unsentFrames = 0, lostFrames = 0 } = figures ?? {};
    const feed = { receivedFrames: received, droppedFrames: unsentFrames, lostFrames };
    return statsOf(figures, feed, this.sampleRate);
  }

  /**
   * How long audio waits before it plays, in ms, 0–10000. A longer wait takes effect at the next start.
   * @throws TypeError or RangeError for another value
   */
  get targetDelayMs(): number {
    return this.#targetDelayMs;
  }
  set targetDelayMs(targetDelayMs: number) {
    this.#targetDelayMs = checkTargetDelay(targetDelayMs);
    this.#send({ type: 'target', frames: this.#frames(targetDelayMs) });
  }

  /** Connects the node. @returns `destination` */
  connect(destination: AudioNode): AudioNode {
    return this.node.connect(destination);
  }

  /** Disconnects the node from all destinations. */
  disconnect(): void {
    this.node.disconnect();
  }

  /**
   * Queues audio. With Opus, each call takes one packet: missing frames before it are concealed, and an invalid packet is concealed
   * and counted in `decoding`. In PCM, a frame may be split between two writes of one item; an incomplete frame at the end of the
   * item is dropped.
   * @param data the audio; the buffer remains the caller's
   * @returns the number of frames taken. The rest did not fit: they count as dropped, and `'skipped'` is dispatched for them
   * @throws PacketError `'bad-base64'` for text that is not Base64; TypeError for a typed array that does not match the format (a
   *   Float32Array for `'s16'`); MicwireError `'closed'`
   */
  write(data: PlayoutData, options: PlayoutWriteOptions = {}): number {
    this.#checkWritable();
    this.#hasWritten = true;
    return this.#writer.write(data, options);
  }

  /**
   * Marks a frame of an item: `'mark'` is dispatched when it leaves the output, or just before the item's `'ended'` when the item
   * is shorter. It is dispatched immediately for a frame that has left already, and never for an item that is interrupted first,
   * unless the interruption is undone.
   * @param name the name that the event will carry; marks may share a name
   * @returns whether the mark was accepted: false for an interrupted item, and while 1,024 marks are pending
   * @throws TypeError or RangeError for an invalid argument; MicwireError `'closed'`
   */
  mark(name: string, options: PlayoutMarkOptions = {}): boolean {
    this.#checkOpen();
    return this.#writer.mark(name, options);
  }

  /**
   * Writes the packets of every message of a transport, until the transport is closed permanently, the playout is closed or
   * `signal` is aborted. The transport must keep messages in order; use a `Receiver` for other transports. Data from the network
   * never makes it throw: a message that cannot be read, or belongs to another stream, is counted.
   * @example
   * playout.pipeFrom(transport, binaryFraming);
   * @param framing `binaryFraming`, `base64JsonFraming` or `rtpFraming`, as for `Receiver.pipeFrom`
   * @returns statistics of what was received, when the pipe has ended
   * @throws TypeError or RangeError for an invalid argument, or a stream that the framing cannot carry
   */
  async pipeFrom(
    transport: Transport,
    framing: ReceiveFraming,
    options: PipeOptions = {},
  ): Promise<ReceivePipeResult> {
    checkPipe('playout.pipeFrom', transport, framing, 'createDecoder', options);
    if (this.#state !== 'closed') this.#checkWritable();
    const { format, sampleRate, channels } = this;
    const decoder = framing.createDecoder({ format, sampleRate, channels });
    let nextFrame: number | undefined;
    const done = this.#pipes.pipe(transport, options.signal, (message) => {
      try {
        for (const packet of decoder.decode(message)) {
          if (packet.redundant === true) continue;
          const same = packet.sampleRate === sampleRate && packet.channels === channels;
          if (packet.format !== format || !same) return false;
          const lostFrames = Math.max(0, packet.frame - (nextFrame ?? packet.frame));
          nextFrame = packet.frame + packet.frames;
          if (packet.noAudio === undefined) this.write(packet.payload, { lostFrames });
        }
        return true;
      } catch (error) {
        if (error instanceof PacketError) return false;
        throw error;
      }
    });
    if (this.#state === 'closed') this.#pipes.close();
    return done;
  }

  /**
   * Declares the open item complete. Its end is then not an underrun, the rest of it plays without waiting for `targetDelayMs`, and
   * `'ended'` follows when it has been heard.
   * @param item the name of the item, if it has one. The call has no effect if a different item, or no item, is open. After the
   *   call, the name of an interrupted item can be used for a new item
   */
  end(item?: string): void {
    this.#checkWritable();
    this.#writer.end(item);
  }

  /**
   * Lets a Worker write instead of this thread. In the Worker, `openPlayoutPort(event)` of `micwire/worker` returns an object with
   * `write`, `end`, `mark` and `interrupt`. `write`, `end` and `pipeFrom` of this playout must no longer be called. Everything else
   * works as before, including the events. If the Worker is terminated, the audio that it has written plays, and an `'error'` event
   * with `'worker-gone'` follows within two seconds.
   * @throws TypeError for an invalid argument, if audio has been written already, if a Worker writes already, and for Opus, which
   *   is decoded on this thread; MicwireError `'closed'`
   */
  pipeFromWorker(worker: Worker | MessagePort): void {
    checkWorker('playout.pipeFromWorker', worker);
    this.#checkWritable();
    const { samples, maxBufferMs } = this.#settings;
    if (this.#hasWritten) {
      throw new TypeError('This playout was written to already. Make another one for the Worker.');
    }
    if (this.#reader !== undefined) {
      throw new TypeError(
        `A Worker writes PCM or G.711, and this playout takes '${this.format}'. Decode in the Worker.`,
      );
    }
    const audio = new MessageChannel();
    const watch = new WorkerWatch(worker, WRITER_WORDS, (_, detail) => {
      this.dispatchEvent(new CustomEvent('error', { detail }));
    });
    const handover: PlayoutHandover = {
      type: 'micwire-playout',
      ...samples,
      maxBufferMs,
      contextRate: this.node.context.sampleRate,
      port: audio.port2,
      control: watch.control as MessagePortLike,
      lock: watch.lock,
    };
    try {
      worker.postMessage(handover, [audio.port2, watch.control]);
    } catch (error) {
      watch.end(null);
      audio.port1.close();
      throw new MicwireError('worker-gone', 'The Worker does not take the playout.', {
        cause: error,
      });
    }
    this.#send({ type: 'pipe', port: audio.port1 }, [audio.port1]);
    this.#worker = watch;
    watch.watch();
  }

  /**
   * Silences everything that was written: the audio fades out within one render quantum plus `fadeMs`, and the rest is removed.
   * While the context is not running, or when it stops, there is no fade.
   * @returns the item and how far it was heard, to the frame
   * @throws TypeError or RangeError for an invalid option; MicwireError `'closed'`, also when it is closed during the call;
   *   `'stalled'` when the audio thread does not answer
   */
  async interrupt(options: FadeOptions = {}): Promise<PlayoutInterruption> {
    const fade = checkFade('playout.interrupt', options);
    this.#checkOpen();
    const { interruption, undoing } = this.#bargeIn;
    if (interruption !== null) return interruption;
    if (undoing !== null) {
      await undoing;
      return this.interrupt(options);
    }
    if (this.#worker === null) this.#writer.interrupt();
    const fadeMs = this.#renders ? fade : 0;
    return this.#bargeIn.interrupt(this.#fadeFrames(fadeMs), fadeMs);
  }

  /**
   * Undoes the last interrupt: playback continues from the position that was heard, with a short fade-in. Works within a second of
   * audio time, until newer audio starts to play.
   * @returns whether the interrupt was undone
   * @throws MicwireError `'closed'`, also when it is closed during the call; `'stalled'` when the audio thread does not
   *   answer
   */
  async undo(): Promise<boolean> {
    this.#checkOpen();
    const { undoable } = this.#bargeIn;
    if (undoable === null) return false;
    await undoable;
    this.#checkOpen();
    return this.#bargeIn.undo((frames) => this.#writer.feed.reserve(frames));
  }

  /**
   * Pauses playback: the audio fades out within one render quantum plus `fadeMs`. Audio that was not heard is kept, as is audio
   * written during the pause, up to `maxBufferMs`. The position stops, and marks wait. While the context is not running, or when it
   * stops, there is no fade. Resolves when the output is silent; `position` is then where playback stopped, to the frame.
   * @throws TypeError or RangeError for an invalid option; MicwireError `'closed'`, also when it is closed during the call;
   *   `'stalled'` when the audio thread does not answer
   */
  async pause(options: FadeOptions = {}): Promise<void> {
    const fade = checkFade('playout.pause', options);
    this.#checkOpen();
    const fadeMs = this.#renders ? fade : 0;
    if (this.#pausing.pending === null) this.#sendPause(this.#fadeFrames(fadeMs));
    return this.#pausing.pending ?? this.#pausing.begin(fadeMs);
  }

  /**
   * Continues after `pause()` with the first frame that was not heard, with a short fade-in in the middle of an item. A pending
   * `pause()` resolves. Does not resume a suspended context.
   * @throws MicwireError `'closed'`
   */
  async resume(): Promise<void> {
    this.#send({ type: 'resume' });
    if (this.#pausing.pending !== null) this.#pausing.answer();
  }

  /**
   * Ends the processor and disconnects the node; the remaining audio is dropped. The playout closes by itself when its
   * context is closed. Resolves when the processor has ended; a second call returns the same promise.
   */
  close(): Promise<void> {
    if (this.#state !== 'closed') {
      this.#send({ type: 'close' });
      this.#lastWord.await(this.node);
      this.#shut();
    }
    return this.#lastWord.heard;
  }

  #receive(event: PlayoutEvent): void {
    const { items } = this.#writer;
    switch (event.type) {
      case 'report':
        this.#update(event);
        break;
      case 'skipped':
        this.#skipped(items.name(event.item), event.frames, 'catch-up');
        break;
      case 'no-room':
        this.#skipped(event.name, event.frames, 'no-room');
        break;
      case 'begun':
        this.#writer.learn(event.item, event.name);
        break;
      case 'underrun':
        this.dispatchEvent(new Event('underrun'));
        break;
      case 'ended': {
        const { item, frames, missed, frame } = event;
        const detail = this.#positionIn(item, frames, missed, frame);
        items.ended(item);
        this.dispatchEvent(new CustomEvent('ended', { detail }));
        break;
      }
      case 'mark': {
        const detail = markOf(event, items);
        this.dispatchEvent(new CustomEvent('mark', { detail }));
        break;
      }
      case 'interrupted':
        // Audio that a Worker writes becomes known here when it is in the processor.
        if (this.#worker !== null) items.interrupt(performance.now(), event.last);
        this.#bargeIn.interrupted(
          { ...this.#position(event), unheard: items.unheard(event.item) },
          event.taken,
        );
        break;
      case 'undone':
        this.#writer.undone(event.done);
        this.#bargeIn.undone(event.done);
        break;
      case 'paused':
        if (event.pauses === this.#pauses) this.#pausing.answer();
        break;
      case 'buffer':
        this.#writer.feed.giveBack(event.buffer, event.received);
        break;
      case 'closed':
        this.#lastWord.hear(this.node.port);
    }
  }

  #skipped(item: string | undefined, frames: number, reason: PlayoutSkip['reason']): void {
    if (frames === 0) return;
    const detail = skipOf(item, frames, reason, this.sampleRate);
    this.dispatchEvent(new CustomEvent('skipped', { detail }));
  }

  #update(figures: PlayoutFigures): void {
    // The page never sends more than fits. If frames are lost even so, the app must hear of it.
    this.#skipped(undefined, figures.dropped - (this.#figures?.dropped ?? 0), 'no-room');
    this.#figures = figures;
    this.#writer.report(figures);
    this.#setState(figures.state);
  }

  #position(figures: PlayoutFigures | null): PlayoutPosition {
    const { item = -1, itemFrames = 0, itemMissed = 0, frame = 0 } = figures ?? {};
    return this.#positionIn(item, itemFrames, itemMissed, frame);
  }

  #positionIn(
    number: number,
    frames: number,
    skippedFrames: number,
    contextFrame: number,
  ): PlayoutPosition {
    const item = this.#writer.items.name(number);
    return positionAt({ item, frames, skippedFrames, contextFrame }, this.sampleRate);
  }

  /** True while the context is rendering, so that a fade can be heard. */
  get #renders(): boolean {
    const { context } = this.node;
    return context.state === 'running' || 'startRendering' in context;
  }

  /** Converts to frames of the context. */
  #fadeFrames(fadeMs: number): number {
    return Math.round((fadeMs / 1000) * this.node.context.sampleRate);
  }

  #sendPause(fadeFrames: number): void {
    this.#pauses++;
    this.#send({ type: 'pause', fadeFrames });
  }

  #frames(ms: number): number {
    return Math.round((ms / 1000) * this.sampleRate);
  }

  #setState(state: PlayoutState): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    this.dispatchEvent(new Event('statechange'));
  }

  #send(command: PlayoutCommand, transfer: Transferable[] = []): void {
    this.#checkOpen();
    this.node.port.postMessage(command, transfer);
  }

  #checkWritable(): void {
    this.#checkOpen();
    if (this.#worker !== null) {
      throw new TypeError('A Worker writes to this playout: see playout.pipeFromWorker.');
    }
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw new MicwireError('closed', CLOSED);
  }

  readonly #onContext = (): void => {
    const { state } = this.node.context;
    if (state === 'closed') {
      if (this.#state === 'closed') return;
      this.#shut();
      this.#lastWord.await(this.node);
    }
    // An offline context is suspended deliberately, and resumed later.
    else if (state !== 'running' && !('startRendering' in this.node.context)) {
      this.#bargeIn.hasten();
      this.#pausing.hasten();
    }
  };

  /** Handles an exception of the processor: its node stays silent. */
  #fail(): void {
    if (this.#state === 'closed') return;
    const detail = new MicwireError('processor-error', FAILED);
    this.#shut();
    this.#lastWord.hear(this.node.port);
    this.dispatchEvent(new CustomEvent('error', { detail }));
  }

  #shut(): void {
    this.node.context.removeEventListener('statechange', this.#onContext);
    this.node.disconnect();
    this.#writer.close();
    this.#worker?.end(null);
    this.#pipes.close();
    this.#bargeIn.close(new MicwireError('closed', CLOSED));
    this.#pausing.close(new MicwireError('closed', CLOSED));
    this.#setState('closed');
  }
}

const CLOSED = 'The playout is closed. Make another one.';
const FAILED = 'The playout processor threw and is silent for good. Make another playout.';
