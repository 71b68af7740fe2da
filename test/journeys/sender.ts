import { ChunkQueue } from '../../src/core/capture/chunk-queue.ts';
import { receiveDelivery } from '../../src/core/capture/chunk-receiver.ts';
import { longestPayload } from '../../src/core/capture/chunk.ts';
import type { Chunk } from '../../src/core/capture/chunk.ts';
import { bytesPerSample } from '../../src/core/format/formats.ts';
import type { MessageEncoder } from '../../src/core/framing/framing.ts';
import { base64JsonFraming } from '../../src/core/framing/base64-json.ts';
import { binaryFraming } from '../../src/core/framing/binary.ts';
import type { LazyPacket, Packet } from '../../src/core/framing/packet.ts';
import { RtpMessageEncoder } from '../../src/core/framing/rtp-message-encoder.ts';
import type {
  CaptureCommand,
  CaptureDelivery,
  CaptureEvent,
  MessagePortLike,
} from '../../src/core/messages.ts';
import { planResampler } from '../../src/core/resampler/resampler-planner.ts';
import type { Clock } from './invariants.ts';
import type { Network } from './network.ts';
import type { CaptureProcessor, Processors } from './processors.ts';
import type { Action, Journey, World } from './schedule.ts';
import { Microphone, firstForeignFrame } from './signal.ts';
import { foreignMessage, messageWithoutAudio } from './strangers.ts';

/** What the network carries: a message, and what the journey knows of it. */
export interface Sent {
  readonly message: string | Uint8Array;
  /** `'new-ssrc'`: signalling, which says who sends from now on. */
  readonly kind: 'audio' | 'no-audio' | 'foreign' | 'new-ssrc';
  /** Which sender, from 0. */
  readonly epoch: number;
  /** Number of the packet among those of its epoch that took a sequence number. */
  readonly sequence: number;
  /** First frame of the epoch's capture, and how many. */
  readonly frame: number;
  readonly frames: number;
  /** The first frame as the message says, but for RTP's offset. */
  readonly wireFrame: number;
  /** Frames that the sender lost just before. */
  readonly dropped: number;
  /** When the last frame was captured, ms. */
  readonly capturedAt: number;
  readonly payload: Uint8Array;
  readonly ssrc: number;
  /** The stretch of numbers that belong together: a restart begins another, and so does a leap. */
  readonly segment: number;
}

const NO_BYTES = new Uint8Array(0);
const FIRST_SSRC = 0x1234_5678;
/** A resampler's account of a run may be off by so many frames at the wire rate: its tail is cut to whole frames. */
const FRAMES_PER_RUN = 2;

/**
 * The sending end: a microphone, the capture's audio thread, and the page, which reads chunks and sends them as messages.
 * A restart makes all but the microphone again.
 */
export class Sender {
  /** The present sender, from 0. */
  epoch = -1;
  readonly microphone: Microphone;
  readonly #world: World;
  readonly #processors: Processors;
  readonly #clock: Clock;
  readonly #network: Network<Sent>;
  readonly #input: Float32Array[];
  /** Actions that hold, by what they are about. */
  readonly #on = new Map<string, number>();
  #quantum: number;
  #channels: number;
  #alive = false;
  /** Virtual time at which the context's frame 0 would have been, ms: suspensions shift it. */
  #origin = 0;
  #msPerFrame: number;
  #contextFrame = 0;
  #suspendedAt = -1;
  /** The frame at which each quantum's first wire frame stood, and when. */
  #anchors: number[] = [];

  #engine!: CaptureProcessor;
  #queue!: ChunkQueue<World['format']>;
  #reader!: AsyncIterableIterator<Chunk>;
  #toPage: CaptureEvent[] = [];
  #toProcessor: CaptureCommand[] = [];
  #closed: Extract<CaptureEvent, { type: 'closed' }> | undefined;
  /** Pauses that wait for their answers. */
  #awaitedPauses = 0;
  /** What the processor does: it is paused; it has a run under way. */
  #pausedInProcessor = false;
  #running = false;
  /** Frames of quanta that were missed since the last one. */
  #skipped = 0;
  #ended = false;

  /** The tape's frame that is the engine's frame 0, frames given to the engine, and runs. */
  #base = 0;
  #fed = 0;
  #runs = 0;
  #nextFrame = 0;
  #nextSequence = 0;
  #readFrames = 0;
  /** Whether a chunk's number has left one out where frames were lost; undefined before the first loss. */
  #lossesTakeNumbers: boolean | undefined;

  #encoder!: MessageEncoder;
  readonly #direct: boolean;
  readonly #ssrcs: number[] = [];
  #sequenceOffset = 0;
  #frameOffset = 0;
  #sentPackets = 0;
  #halves = 2;
  #group: Chunk[] = [];
  #redundancy: readonly [number, number];
  #sinceStranger = 0;
  #strangers: Extract<Action, { kind: 'no-audio' }> | undefined;
  #foreign: Extract<Action, { kind: 'foreign' }> | undefined;
  #foreignSent = 0;
  #segment = 0;

  constructor(
    { world, actions }: Journey,
    processors: Processors,
    network: Network<Sent>,
    clock: Clock,
  ) {
    this.#processors = processors;
    this.#world = world;
    this.#network = network;
    this.#clock = clock;
    this.#quantum = world.senderQuantum;
    this.#channels = world.channels;
    this.#redundancy = [world.redundancy, world.spacing];
    this.#msPerFrame = 1000 / (world.senderRate * (1 + world.skewPpm * 1e-6));
    this.microphone = new Microphone(world);
    this.#input = [0, 1, 2, 3].map(() => new Float32Array(2048));
    // What an app does that neither leaves packets out nor adds any.
    this.#direct = !actions.some(
      ({ kind }) =>
        kind === 'dtx' || kind === 'packet-duration' || kind === 'jump' || kind === 'no-audio',
    );
    this.#start(world.firstSequence, world.firstFrame, true);
  }

  /** When the next quantum is due, ms. */
  get nextAt(): number {
    if (!this.#alive || this.#suspendedAt >= 0) return Infinity;
    return this.#origin + (this.#contextFrame + this.#quantum) * this.#msPerFrame;
  }

  /** Whether packets are being made of what is heard. */
  get talks(): boolean {
    return this.#alive && !this.#is('pause') && !this.#is('dtx') && this.#suspendedAt < 0;
  }

  begin(action: Action): void {
    switch (action.kind) {
      case 'pause':
      case 'push-to-talk':
        if (this.#raise('pause') && this.#alive) this.#pause();
        break;
      case 'mute':
        this.#raise('mute');
        this.microphone.muted = true;
        break;
      case 'vanish':
        this.#raise('vanish');
        this.microphone.muted = true;
        break;
      case 'channels':
        if (action.count === 0) {
          this.#raise('vanish');
          this.microphone.muted = true;
        } else this.#channels = action.count;
        break;
      case 'slow-reader':
      case 'dtx':
        this.#raise(action.kind);
        break;
      case 'glitch':
        this.#glitch(action.for);
        break;
      case 'block':
        if (action.side === 'sender') this.#raise('block');
        break;
      case 'suspend':
        if (action.side === 'sender' && this.#raise('suspend')) this.#suspendedAt = this.#clock.now;
        break;
      case 'restart':
        if (this.#raise('restart')) this.#stop(action.graceful);
        break;
      case 'jump':
        this.#jump(action.sequences, action.frames);
        break;
      case 'packet-duration':
        this.#flushGroup();
        this.#halves = action.halves;
        break;
      case 'no-audio':
        this.#strangers = action;
        break;
      case 'foreign':
        this.#foreign = action;
        break;
      case 'quantum':
        if (action.side === 'sender') this.#setQuantum(action.frames);
        break;
      case 'redundancy':
        this.#redundancy = [action.copies, action.spacing];
        this.#adjust();
    }
  }

  end(action: Action): void {
    switch (action.kind) {
      case 'pause':
      case 'push-to-talk':
        if (this.#lower('pause') && this.#alive) this.#post({ type: 'resume' });
        break;
      case 'mute':
        this.#lower('mute');
        this.#unmute();
        break;
      case 'vanish':
        this.#lower('vanish');
        this.#unmute();
        break;
      case 'channels':
        if (action.count === 0) {
          this.#lower('vanish');
          this.#unmute();
        } else this.#channels = this.#world.channels;
        break;
      case 'slow-reader':
      case 'dtx':
        this.#lower(action.kind);
        break;
      case 'block':
        if (action.side === 'sender') this.#lower('block');
        break;
      case 'suspend':
        if (action.side === 'sender' && this.#lower('suspend')) {
          this.#origin += this.#clock.now - this.#suspendedAt;
          this.#suspendedAt = -1;
        }
        break;
      case 'restart':
        if (this.#lower('restart')) this.#start(action.sequence, action.frame, action.newSsrc);
        break;
      case 'no-audio':
        this.#strangers = undefined;
        break;
      case 'foreign':
        this.#foreign = undefined;
        break;
      case 'quantum':
        if (action.side === 'sender') this.#setQuantum(this.#world.senderQuantum);
    }
  }

  /** Renders one quantum. */
  render(): void {
    this.#deliverToProcessor();
    const frames = this.#quantum;
    this.#noticeSkipped();
    const input = this.#hear(frames);
    this.#engine.process(input, frames, this.#contextFrame);
    this.#contextFrame += frames;
    if (this.#pausedInProcessor) return;
    this.#anchors.push(this.#fed, this.#clock.now - frames * this.#msPerFrame);
    this.#runs = this.#running ? this.#runs : this.#runs + 1;
    this.#running = true;
    this.#fed += frames;
  }

  /** The page's turn: takes what came from the audio thread, reads, sends. Must be awaited where it returns a promise. */
  turn(): Promise<void> | undefined {
    if (this.#is('block')) return undefined;
    while (this.#toPage.length > 0) this.#take(this.#toPage.shift()!);
    if (this.#is('slow-reader') || this.#queue.stats.queuedFrames === 0) return undefined;
    return this.#read();
  }

  /** Ends the last capture and checks what it has to say. */
  async close(): Promise<void> {
    this.#on.clear();
    if (!this.#alive) return;
    this.#stop(true);
    await this.#settle();
  }

  /** Waits for what the last capture's end has to settle. */
  async #settle(): Promise<void> {
    await this.#read();
    let done: boolean | undefined;
    void this.#reader.next().then((result) => (done = result.done));
    for (let turns = 0; turns < 5; turns++) await Promise.resolve();
    const { deliveredFrames: delivered } = this.#queue.stats;
    this.#clock.equal('capture account', 'frames that were read', this.#readFrames, delivered);
    if (done !== true) this.#clock.fail('all settled', 'reading did not end with the capture.');
  }

  #start(sequence: number, frame: number, newSsrc: boolean): void {
    const { framing, format, sampleRate, channels, senderRate, chunkMs, encoding, bufferMs } =
      this.#world;
    this.epoch++;
    this.#alive = true;
    this.#origin = this.#clock.now;
    this.#contextFrame = 0;
    this.#suspendedAt = this.#is('suspend') ? this.#clock.now : -1;
    this.#anchors = [];
    this.#toPage = [];
    this.#toProcessor = [];
    this.#closed = undefined;
    this.#awaitedPauses = 0;
    this.#ended = false;
    this.#pausedInProcessor = false;
    this.#running = false;
    this.#skipped = 0;
    this.#segment++;
    this.#base = this.microphone.frames;
    this.microphone.begin();
    this.#fed = 0;
    this.#runs = 0;
    this.#nextFrame = 0;
    this.#nextSequence = 0;
    this.#readFrames = 0;
    this.#group = [];
    this.#sentPackets = 0;
    const slots = Math.ceil(bufferMs / chunkMs) + 1;
    this.#queue = new ChunkQueue(slots);
    this.#reader = this.#queue[Symbol.asyncIterator]();
    this.#engine = this.#processors.capture(
      {
        stream: { format, sampleRate, channels },
        encoding,
        dither: 'none',
        chunkDurationMs: chunkMs,
        payloadBytes: longestPayload(
          { stream: { format, sampleRate, channels }, encoding },
          chunkMs,
        ),
        slots,
        resampler:
          senderRate === sampleRate
            ? null
            : planResampler({ inputRate: senderRate, outputRate: sampleRate, quality: 'voice' }),
        ring: null,
      },
      senderRate,
      (message) => this.#postToPage(message as CaptureEvent),
    );
    this.#openStream(framing, sequence, frame, newSsrc);
    if (this.#is('pause')) this.#pause();
  }

  /** Where the numbers begin: RTP has offsets of its own, other framings write them out. */
  #openStream(framing: World['framing'], sequence: number, frame: number, newSsrc: boolean): void {
    const { format, sampleRate, channels } = this.#world;
    const stream = { format, sampleRate, channels } as const;
    if (framing !== 'rtp') {
      this.#sequenceOffset = sequence;
      this.#frameOffset = frame;
      this.#encoder = (framing === 'binary' ? binaryFraming : base64JsonFraming).createEncoder(
        stream,
      );
      return;
    }
    if (newSsrc) {
      this.#ssrcs.push(FIRST_SSRC + this.epoch);
      if (this.epoch > 0) this.#send({ ...this.#stranger(NO_BYTES), kind: 'new-ssrc' }, true);
    }
    this.#sequenceOffset = 0;
    this.#frameOffset = 0;
    this.#encoder = new RtpMessageEncoder({
      ...stream,
      ssrc: this.#ssrc,
      sequenceOffset: sequence,
      timestampOffset: frame,
    });
    this.#adjust();
  }

  get #ssrc(): number {
    return this.#ssrcs.at(-1)!;
  }

  #adjust(): void {
    if (!(this.#encoder instanceof RtpMessageEncoder)) return;
    [this.#encoder.redundancy, this.#encoder.redundancySpacing] = this.#redundancy;
  }

  /** @param graceful by `close()`; else the page is gone, and what was on its way with it */
  #stop(graceful: boolean): void {
    this.#alive = false;
    if (!graceful) {
      this.#toPage = [];
      return;
    }
    this.#deliverToProcessor();
    this.#engine.obey({ type: 'close' }, this.#contextFrame);
    while (this.#toPage.length > 0) this.#take(this.#toPage.shift()!);
    this.#checkEnd();
  }

  #checkEnd(): void {
    const clock: Clock = this.#clock;
    const { stats } = this.#queue;
    const closed = this.#closed;
    if (closed === undefined) clock.fail('all settled', 'close was not answered.');
    if (!this.#ended) clock.fail('all settled', 'the chunks did not end.');
    if (this.#awaitedPauses > 0)
      clock.fail('all settled', `${this.#awaitedPauses} pauses were not answered.`);
    clock.equal(
      'capture account',
      'captured, less delivered and dropped by the processor',
      closed.captured - closed.delivered - closed.dropped,
      0,
    );
    clock.equal(
      'capture account',
      'frames that the reader was told of',
      stats.capturedFrames,
      closed.captured,
    );
    clock.equal(
      'capture account',
      'captured, less delivered, queued and dropped',
      stats.capturedFrames - stats.deliveredFrames - stats.queuedFrames - stats.droppedFrames,
      0,
    );
    const { senderRate, sampleRate } = this.#world;
    const given = (this.#fed * sampleRate) / senderRate;
    const slack = senderRate === sampleRate ? 0 : FRAMES_PER_RUN * (this.#runs + 1);
    clock.within(
      'capture account',
      'captured frames',
      closed.captured,
      given - slack,
      given + slack,
    );
  }

  #pause(): void {
    this.#awaitedPauses++;
    this.#post({ type: 'pause' });
  }

  #unmute(): void {
    this.microphone.muted = this.#is('mute') || this.#is('vanish');
  }

  /** So many ms of quanta were rendered without the capture. */
  #glitch(ms: number): void {
    // The first quantum of a node may be followed by such a hole in Chromium, which counts as no beginning.
    if (!this.#alive || this.#suspendedAt >= 0 || this.#anchors.length < 8) return;
    if (!this.#processors.canSkip) return;
    const frames = Math.max(1, Math.round(ms / this.#msPerFrame / this.#quantum)) * this.#quantum;
    this.#contextFrame += frames;
    if (this.#running) this.#skipped += frames;
  }

  /** The capture learns of missed quanta by the next one; a pause or the end before that leaves nothing to learn. */
  #noticeSkipped(): void {
    const frames = this.#skipped;
    this.#skipped = 0;
    if (frames === 0 || !this.#running) return;
    this.#fed += frames;
    this.#runs++;
    this.microphone.skip(frames);
  }

  #setQuantum(frames: number): void {
    this.#quantum = frames;
  }

  /** One quantum of the microphone, in as many channels as there are. */
  #hear(frames: number): readonly Float32Array[] {
    const { microphone } = this;
    if (this.#pausedInProcessor) return NO_CHANNELS;
    if (this.#is('vanish') && microphone.silent) {
      microphone.disconnect(frames);
      return NO_CHANNELS;
    }
    const first = this.#input[0]!;
    microphone.record(first, frames);
    const channels: Float32Array[] = [];
    for (let c = 0; c < this.#channels; c++) {
      const target = this.#input[c]!;
      if (c > 0) target.set(first.subarray(0, frames));
      channels.push(target);
    }
    return channels;
  }

  #deliverToProcessor(): void {
    const commands = this.#toProcessor;
    if (commands.length === 0) return;
    this.#toProcessor = [];
    for (const command of commands) {
      if (command.type === 'pause') {
        this.#pausedInProcessor = true;
        this.#running = false;
      } else if (command.type === 'resume') this.#pausedInProcessor = false;
      this.#engine.obey(command, this.#contextFrame);
    }
  }

  #post(command: CaptureCommand): void {
    this.#toProcessor.push(command);
  }

  /** Messages cross as clones, and the processor uses its objects again. */
  #postToPage(event: CaptureEvent): void {
    this.#toPage.push(
      event.type === 'chunk'
        ? { type: 'chunk', header: event.header, bytes: event.bytes }
        : { ...event },
    );
  }

  #take(event: CaptureEvent): void {
    if (event.type === 'chunk' || event.type === 'end') {
      const { format, sampleRate, channels, encoding } = this.#world;
      const back: MessagePortLike = {
        postMessage: (message) => this.#post(message as CaptureCommand),
        addEventListener: () => {},
        start: () => {},
        close: () => {},
      };
      receiveDelivery(
        event as CaptureDelivery,
        back,
        { stream: { format, sampleRate, channels }, encoding },
        this.#queue,
      );
      if (event.type === 'end') this.#ended = true;
      const {
        capturedFrames: captured,
        deliveredFrames: delivered,
        queuedFrames: queued,
        droppedFrames: dropped,
      } = this.#queue.stats;
      this.#clock.equal(
        'capture account',
        'captured, less delivered, queued and dropped',
        captured - delivered - queued - dropped,
        0,
      );
      return;
    }
    if (event.type === 'paused') this.#awaitedPauses--;
    else if (event.type === 'closed') this.#closed = event;
  }

  async #read(): Promise<void> {
    while (this.#queue.stats.queuedFrames > 0 && !this.#is('slow-reader')) {
      const { value } = await this.#reader.next();
      if (value !== undefined) this.#handle(value);
    }
  }

  #handle(chunk: Chunk): void {
    this.#checkChunk(chunk);
    if (this.#is('dtx')) {
      this.#flushGroup();
      return;
    }
    if (this.#direct && this.#sequenceOffset === 0 && this.#frameOffset === 0) {
      this.#sendAudio(chunk, chunk.bytes, chunk.frame, chunk.frames, chunk.dropped);
      return;
    }
    if (this.#halves === 4) {
      if (chunk.dropped > 0) this.#flushGroup();
      this.#group.push(chunk);
      if (this.#group.length === 2) this.#flushGroup();
    } else if (this.#halves === 1 && chunk.frames > 1) {
      const first = chunk.frames >> 1;
      const at = first * this.#frameBytes;
      this.#sendPacket(chunk.bytes.subarray(0, at), chunk.frame, first, chunk.dropped);
      this.#sendPacket(chunk.bytes.subarray(at), chunk.frame + first, chunk.frames - first, 0);
    } else this.#sendPacket(chunk.bytes, chunk.frame, chunk.frames, chunk.dropped);
  }

  /** Each frame is there once, in order, or counted. */
  #checkChunk(chunk: Chunk): void {
    const clock = this.#clock;
    clock.equal(
      'frame identity',
      `first frame of chunk ${chunk.sequence}`,
      chunk.frame,
      this.#nextFrame + chunk.dropped,
    );
    if (chunk.sequence < this.#nextSequence)
      clock.fail('frame identity', `chunk ${chunk.sequence} came twice or too late.`);
    if (chunk.dropped > 0) {
      const takes = chunk.sequence > this.#nextSequence;
      this.#lossesTakeNumbers ??= takes;
      if (takes !== this.#lossesTakeNumbers) {
        clock.fail(
          'one meaning of sequence',
          `${chunk.dropped} frames were lost before chunk ${chunk.sequence}, which ${takes ? 'leaves numbers out' : 'leaves no number out'}, unlike the last time.`,
        );
      }
    } else
      clock.equal(
        'frame identity',
        'number of a chunk before which nothing was lost',
        chunk.sequence,
        this.#nextSequence,
      );
    this.#nextFrame = chunk.frame + chunk.frames;
    this.#nextSequence = chunk.sequence + 1;
    this.#readFrames += chunk.frames;
    if (this.#world.senderRate !== this.#world.sampleRate) return;
    const wrong = firstForeignFrame(
      chunk.bytes,
      this.#world,
      this.microphone.tape,
      this.#base + chunk.frame,
    );
    if (wrong >= 0)
      clock.fail(
        'frame identity',
        `frame ${chunk.frame + wrong} of chunk ${chunk.sequence} is not what the microphone heard.`,
      );
  }

  get #frameBytes(): number {
    return this.#world.channels * bytesPerSample(this.#world.format);
  }

  #flushGroup(): void {
    const group = this.#group;
    if (group.length === 0) return;
    this.#group = [];
    const [first] = group;
    const bytes = new Uint8Array(group.reduce((sum, chunk) => sum + chunk.bytes.length, 0));
    let at = 0;
    let frames = 0;
    for (const chunk of group) {
      bytes.set(chunk.bytes, at);
      at += chunk.bytes.length;
      frames += chunk.frames;
    }
    this.#sendPacket(bytes, first!.frame, frames, first!.dropped);
  }

  /** A packet with the app's own number. */
  #sendPacket(payload: Uint8Array, frame: number, frames: number, dropped: number): void {
    const { format, sampleRate, channels } = this.#world;
    const packet: Packet = {
      sequence: this.#sequenceOffset + this.#sentPackets,
      frame: this.#frameOffset + frame,
      frames,
      timestamp: Math.round(((this.#frameOffset + frame) / sampleRate) * 1e6),
      dropped,
      format,
      sampleRate,
      channels,
      payload,
    };
    this.#sendAudio(packet, payload, frame, frames, dropped);
  }

  #sendAudio(
    packet: Packet | LazyPacket,
    payload: Uint8Array,
    frame: number,
    frames: number,
    dropped: number,
  ): void {
    const message = this.#encoder.encode(packet);
    this.#send({
      message,
      kind: 'audio',
      epoch: this.epoch,
      sequence: this.#sentPackets++,
      frame,
      frames,
      wireFrame: packet.frame,
      dropped,
      capturedAt: this.#capturedAt(frame + frames),
      payload,
      ssrc: this.#ssrc,
      segment: this.#segment,
    });
    const strangers = this.#strangers;
    if (
      strangers !== undefined &&
      ++this.#sinceStranger >= strangers.every &&
      message instanceof Uint8Array
    ) {
      this.#sinceStranger = 0;
      this.#send({
        ...this.#stranger(messageWithoutAudio(strangers.what, message)),
        kind: 'no-audio',
        sequence: this.#sentPackets++,
      });
    }
    if (this.#foreign !== undefined && message instanceof Uint8Array) {
      this.#send(this.#stranger(foreignMessage(this.#foreign.what, message, this.#foreignSent++)));
    }
  }

  #stranger(message: Uint8Array): Sent {
    return {
      message,
      kind: 'foreign',
      epoch: this.epoch,
      sequence: -1,
      frame: 0,
      frames: 0,
      wireFrame: 0,
      dropped: 0,
      capturedAt: this.#clock.now,
      payload: NO_BYTES,
      ssrc: this.#ssrc,
      segment: this.#segment,
    };
  }

  #send(sent: Sent, reliable = false): void {
    this.#network.send(sent, this.#clock.now, reliable);
  }

  /** When the wire frame was captured, ms. */
  #capturedAt(frame: number): number {
    const { sampleRate, senderRate } = this.#world;
    const wanted = (frame * senderRate) / sampleRate;
    const anchors = this.#anchors;
    let i = anchors.length - 2;
    while (i > 0 && anchors[i]! >= wanted) i -= 2;
    return (
      (anchors[i + 1] ?? this.#clock.now) + (wanted - (anchors[i] ?? wanted)) * this.#msPerFrame
    );
  }

  /** RTP's numbers are taken modulo their size, whichever way they leap; others cannot be negative. */
  #jump(sequences: number, frames: number): void {
    this.#segment++;
    const rtp = this.#world.framing === 'rtp';
    const leap = (offset: number, by: number, size: number): number =>
      rtp ? (offset + by + size) % size : Math.max(0, offset + by);
    this.#sequenceOffset = leap(this.#sequenceOffset, sequences, 2 ** 16);
    this.#frameOffset = leap(this.#frameOffset, frames, 2 ** 32);
  }

  /** @returns whether it was not on before */
  #raise(what: string): boolean {
    const before = this.#on.get(what) ?? 0;
    this.#on.set(what, before + 1);
    return before === 0;
  }

  /** @returns whether it is on no more */
  #lower(what: string): boolean {
    const before = this.#on.get(what) ?? 0;
    this.#on.set(what, Math.max(0, before - 1));
    return before === 1;
  }

  #is(what: string): boolean {
    return (this.#on.get(what) ?? 0) > 0;
  }
}

const NO_CHANNELS: readonly Float32Array[] = [];
