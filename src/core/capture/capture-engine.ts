import type {
  CaptureCommand,
  CaptureEvent,
  MessagePortLike,
  PostingPort,
  CaptureProcessorOptions,
} from '../messages.ts';
import { QuantumClock } from '../dsp/quantum-clock.ts';
import { layOutRing, ringBytes } from '../dsp/ring-buffer.ts';
import type { PayloadFormat } from '../format/formats.ts';
import { isSampled } from '../format/stream-format.ts';
import { MISSING, NO_SIGNAL, PRESENT } from '../microphone/presence.ts';
import { CapturePipeline, WARM_UP_QUANTUM } from './capture-pipeline.ts';
import { PresenceGate } from './presence-gate.ts';
import type { ChunkSink } from './chunk-sinks.ts';
import { HEADER_BYTES, longestPayload } from './chunk.ts';
import type { FrameWriter } from './capture-pipeline.ts';
import { PoolSink, RingSink } from './chunk-sinks.ts';

/** The transfer list of messages that transfer nothing. */
const NONE: ArrayBuffer[] = [];
/** During the warm-up, chunks are at most this long, ms, so that some are finished, and slots so few that some chunks find none. */
const WARM_UP_CHUNK = 10;
const WARM_UP_SLOTS = 4;
const WARM_UP_QUANTA = 24;
/** Takes the place of the port during the warm-up. */
const NO_PORT: PostingPort = { postMessage: () => {} };

/** Creates a capture's writer, for samples or for a codec's packets. @param chunkDurationMs ms */
export type CreateWriter = (sink: ChunkSink, chunkDurationMs: number) => FrameWriter;

/** The capture processor without its scope: takes commands, sends its input in chunks and posts events. */
export class CaptureEngine {
  #port = NO_PORT;
  readonly #sink: ChunkSink;
  /** The same sink if buffers come back in messages. */
  readonly #pool: PoolSink | null;
  readonly #pipeline: CapturePipeline;
  readonly #gate: PresenceGate;
  /** Reused for every answer. */
  readonly #pong = { type: 'pong', frame: 0, captured: 0, delivered: 0, runs: false };
  #pinged = false;
  #paused = false;
  #closed = false;
  /** Whether the source reports its presence: otherwise all its audio is present. */
  #tellsPresence: boolean;
  /** Whether a source has reported its presence. */
  #hasTold = false;
  /** The frame at which the presence signal was lost: another source follows, or no source. −1: it is not lost. */
  #lostAt = -1;
  /** `currentFrame` at the last call. */
  #frame = 0;
  readonly #clock = new QuantumClock();

  /**
   * @param inputRate the context's sample rate, Hz
   * @param port the node's port
   * @param createWriter creates the writer of chunks; called twice, the second time for the warm-up
   */
  constructor(
    options: CaptureProcessorOptions<PayloadFormat>,
    inputRate: number,
    port: MessagePortLike,
    createWriter: CreateWriter,
  ) {
    const { ring, slots, stream, payloadBytes, chunkDurationMs, resampler } = options;
    this.#pool = ring ? null : new PoolSink(port, slots, payloadBytes);
    const sink = this.#pool ?? new RingSink(ring!);
    this.#sink = sink;
    const writer = createWriter(sink, chunkDurationMs);
    const { channels } = stream;
    this.#pipeline = new CapturePipeline({ channels, inputRate, resampler, writer });
    const { preRollFrames = 0, holdPauses = false } = options;
    this.#gate = new PresenceGate(this.#pipeline, { channels, preRollFrames, holdPauses });
    this.#tellsPresence = options.tellsPresence ?? true;
    this.#warmUp(options, inputRate, createWriter);
    this.#port = port;
  }

  /**
   * Takes one render quantum.
   * @param input any number of channels; 0 means silence
   * @param frames length of the quantum
   * @param currentFrame the context's `currentFrame`
   * @param presence presence of the audio: see `presence.ts`
   * @returns false once closed: the processor may be removed
   */
  process(
    input: readonly Float32Array[],
    frames: number,
    currentFrame: number,
    presence: number = PRESENT,
  ): boolean {
    if (this.#closed) return false;
    const frame = this.#clock.begin(currentFrame, frames);
    this.#frame = frame;
    if (!this.#paused) this.#take(input, frames, frame, this.#tellsPresence ? presence : PRESENT);
    if (this.#pinged) {
      this.#pinged = false;
      const pong = this.#pong;
      pong.frame = frame + frames;
      pong.captured = this.#pipeline.capturedAt(this.#lostAt < 0 ? pong.frame : this.#lostAt);
      pong.delivered = this.#pipeline.delivered;
      pong.runs = this.#pipeline.running && this.#lostAt < 0;
      this.#port.postMessage(pong, NONE);
    }
    return true;
  }

  #take(input: readonly Float32Array[], frames: number, frame: number, presence: number): void {
    if (presence === NO_SIGNAL && this.#hasTold) {
      if (this.#lostAt < 0) this.#lostAt = frame;
      return;
    }
    this.#hasTold = this.#tellsPresence && presence !== NO_SIGNAL;
    if (this.#lostAt >= 0) {
      // Nobody can tell whether there was audio meanwhile.
      this.#gate.process(input, frame - this.#lostAt, this.#lostAt, MISSING);
      this.#lostAt = -1;
    }
    this.#gate.process(input, frames, frame, presence);
  }

  /** Carries out a command, between two quanta. @param frame the context's `currentFrame` */
  obey(command: CaptureCommand, frame: number): void {
    if (this.#closed) return;
    this.#frame = frame;
    if (command.type === 'recycle') this.#pool?.recycle(command);
    else if (command.type === 'ping') this.#pinged = true;
    else if (command.type === 'resume') {
      this.#paused = false;
      this.#pinged = true;
    } else if (command.type === 'source') {
      this.#tellsPresence = command.tellsPresence;
      // The capture has begun: missing audio of the new source counts.
      this.#hasTold = true;
    } else if (command.type === 'pause') {
      this.#paused = true;
      this.#lostAt = -1;
      this.#gate.settle();
      if (command.hold === true) this.#pipeline.hold();
      else this.#pipeline.flush();
      const { captured, delivered } = this.#pipeline;
      this.#tell({ type: 'paused', frame, captured, delivered, runs: false });
    } else if (command.type === 'pipe') {
      const { port } = command;
      port?.addEventListener('message', ({ data }) =>
        this.obey(data as CaptureCommand, this.#frame),
      );
      port?.start();
      this.#pool?.redirect(port ?? this.#port);
      this.#tell({ type: 'piped', frame, out: this.#pool?.out ?? 0 });
    } else {
      this.#closed = true;
      this.#gate.settle();
      this.#pipeline.flush();
      const { captured, delivered, dropped } = this.#pipeline;
      this.#sink.end(captured);
      this.#pipeline.close();
      this.#tell({ type: 'closed', frame, captured, delivered, dropped });
    }
  }

  /** Captures into a separate sink, so that the first quantum finds compiled code, and discards the result. */
  #warmUp(
    options: CaptureProcessorOptions<PayloadFormat>,
    inputRate: number,
    createWriter: CreateWriter,
  ): void {
    const { ring, stream, encoding } = options;
    let { chunkDurationMs, payloadBytes } = options;
    let quanta = WARM_UP_QUANTA;
    if (isSampled(stream)) {
      chunkDurationMs = Math.min(chunkDurationMs, WARM_UP_CHUNK);
      payloadBytes = longestPayload({ stream, encoding }, chunkDurationMs);
    } else {
      // A codec takes long: one or two packets, and those that flushing sends, must be enough.
      quanta = Math.max(10, Math.ceil((chunkDurationMs / 1000) * (inputRate / WARM_UP_QUANTUM)));
    }
    const sink = ring
      ? new RingSink(scratchRing(HEADER_BYTES + payloadBytes))
      : new PoolSink(NO_PORT, WARM_UP_SLOTS, payloadBytes);
    this.#pipeline.warmUp(createWriter(sink, chunkDurationMs), quanta, this.#gate);
    this.#pinged = this.#paused = true;
    this.process([], 0, 0);
    this.#paused = false;
  }

  #tell(event: CaptureEvent): void {
    this.#port.postMessage(event, NONE);
  }
}

/** Creates a ring for this thread alone: some scopes receive shared memory but cannot allocate it. */
function scratchRing(slotBytes: number): ArrayBuffer {
  const memory = new ArrayBuffer(ringBytes(WARM_UP_SLOTS, slotBytes));
  layOutRing(memory, WARM_UP_SLOTS, slotBytes);
  return memory;
}
