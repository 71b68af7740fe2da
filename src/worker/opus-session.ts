import { planar } from '../core/dsp/planar.ts';
import type { Chunk } from '../core/capture/chunk.ts';
import { crossingBytes } from '../core/capture/chunk.ts';
import { OpusChunkWriter, PacketSender } from '../core/capture/opus-chunk-writer.ts';
import { PoolSink } from '../core/capture/chunk-sinks.ts';
import { OpusEncoder } from '../core/codec/opus-encoder.ts';
import { OpusLibrary } from '../core/codec/opus-library.ts';
import { opusPacketLength } from '../core/codec/opus-options.ts';
import type { OpusAdjustment } from '../core/codec/opus-options.ts';
import { SampleDecoder } from '../core/format/sample-format.ts';
import { longestPacketBytes } from '../core/format/packet-codecs.ts';
import type { MicwireError } from '../core/errors.ts';
import type {
  CaptureCommand,
  MessagePortLike,
  OpusSessionOptions,
  OpusWorkerEvent,
} from '../core/messages.ts';
import type { ReceivedCapture } from './receive-capture.ts';
import { WebCodecsOpusEncoder } from './web-codecs-opus.ts';

/** Interval at which the encoding time is reported, in seconds of audio. */
const TOLD_SECONDS = 0.25;
/** Number of packets encoded for the warm-up, before the first real packet. */
const WARM_UP_PACKETS = 20;

/** Takes frames and produces packets. */
interface Writer {
  /** Delay of the decoded audio, in frames. */
  readonly preSkip: number;
  /** Skips frames that were lost before the next ones. */
  skip(frames: number): void;
  /** Writes frames. @param contextTime the context's time of the first frame, in seconds */
  write(input: readonly Float32Array[], frames: number, contextTime: number): void;
  /** Sends the frames that are held back, because no frames follow for now. */
  finish(): Promise<void>;
  /** Changes the encoder's settings, from the next packet on. */
  adjust?(options: OpusAdjustment): void;
  close(): void;
}

/** Encodes one capture in this Worker: samples in, packets out through a port. */
export class OpusSession {
  readonly preSkip: number;
  readonly #sink: PoolSink;
  #port: MessagePortLike;
  readonly #writer: Writer;
  readonly #decoder: SampleDecoder;
  readonly #input: readonly Float32Array[];
  readonly #packetFrames: number;
  readonly #onEncoded: (ms: number) => void;

  /**
   * @param onError called when the engine's encoder does not honour its settings: no more packets follow
   * @param onEncoded called a few times a second with the time that libopus has taken so far, in ms
   */
  constructor(
    options: OpusSessionOptions,
    onError: (error: MicwireError) => void,
    onEncoded: (ms: number) => void,
  ) {
    this.#onEncoded = onEncoded;
    const { settings, module, slots, port, encoding } = options;
    const { channels } = settings;
    const bytes = crossingBytes(longestPacketBytes('opus', settings.packetDurationMs), encoding);
    this.#sink = new PoolSink(port, slots, bytes);
    this.#port = port;
    this.#listen(port);
    this.#packetFrames = opusPacketLength(settings);
    this.#decoder = new SampleDecoder({ format: 'f32', channels });
    this.#input = planar(channels, this.#packetFrames);
    this.#writer =
      module === null
        ? new WebCodecsWriter(options, this.#sink, onError)
        : new LibraryWriter(options, OpusLibrary.shared(module), this.#sink);
    this.preSkip = this.#writer.preSkip;
  }

  /**
   * Sends the following packets through another port. The old port announces this, so that its reader knows that no more packets
   * follow.
   * @param refill true if the old port's reader is gone, and its buffers with it
   */
  redirect(port: MessagePortLike, refill: boolean): void {
    const piped: OpusWorkerEvent = { type: 'piped' };
    this.#port.postMessage(piped, []);
    this.#port = port;
    this.#listen(port);
    this.#sink.redirect(port);
    if (refill) this.#sink.refill();
  }

  /**
   * Changes the settings of libopus, from the next packet on. The page never calls this for the engine's own encoder, which cannot
   * change.
   */
  adjust(options: OpusAdjustment): void {
    this.#writer.adjust?.(options);
  }

  /** Resolves when the capture has ended and all packets have been sent. */
  async run(
    capture: AsyncIterable<Chunk> & Pick<ReceivedCapture, 'sampleRate' | 'stats'>,
  ): Promise<void> {
    const writer = this.#writer;
    let encodeMs = 0;
    let untoldFrames = 0;
    for await (const chunk of capture) {
      if (chunk.dropped > 0) {
        // For a gap that begins after a complete chunk.
        await writer.finish();
        writer.skip(chunk.dropped);
      }
      this.#decoder.decode(chunk.bytes, 0, chunk.frames, this.#input, 0);
      const start = performance.now();
      writer.write(this.#input, chunk.frames, chunk.contextTime);
      encodeMs += performance.now() - start;
      untoldFrames += chunk.frames;
      // The engine's own encoder works elsewhere, later.
      if (writer.adjust !== undefined && untoldFrames >= TOLD_SECONDS * capture.sampleRate) {
        untoldFrames = 0;
        this.#onEncoded(encodeMs);
      }
      // A chunk is short at the end of a run: a pause, a gap, the end of the capture.
      if (chunk.frames < this.#packetFrames) await writer.finish();
    }
    await writer.finish();
    writer.close();
    this.#sink.end(capture.stats.capturedFrames);
  }

  #listen(port: MessagePortLike): void {
    port.addEventListener('message', ({ data }) => {
      const command = data as CaptureCommand;
      if (command.type === 'recycle') this.#sink.recycle(command);
    });
    port.start();
  }
}

/** Encodes with libopus. */
class LibraryWriter implements Writer {
  readonly preSkip: number;
  readonly #encoder: OpusEncoder;
  readonly #writer: OpusChunkWriter;

  constructor(options: OpusSessionOptions, library: OpusLibrary, sink: PoolSink) {
    const { settings, encoding } = options;
    this.#encoder = new OpusEncoder(library, settings);
    this.#encoder.warmUp(WARM_UP_PACKETS);
    this.preSkip = this.#encoder.latencyFrames;
    this.#writer = new OpusChunkWriter({ encoder: this.#encoder, encoding, sink });
  }

  skip(frames: number): void {
    this.#writer.skip(frames);
  }

  write(input: readonly Float32Array[], frames: number, contextTime: number): void {
    this.#writer.beginRun(contextTime);
    this.#writer.write(input, frames);
  }

  finish(): Promise<void> {
    this.#writer.finishChunk();
    return Promise.resolve();
  }

  adjust(options: OpusAdjustment): void {
    this.#encoder.adjust(options);
  }

  close(): void {
    this.#encoder.close();
  }
}

/** Encodes with the engine's encoder, whose packets arrive later, in order: each takes the next waiting description. */
class WebCodecsWriter implements Writer {
  readonly #encoder: WebCodecsOpusEncoder;
  readonly #sender: PacketSender;
  readonly #packetFrames: number;
  readonly #sampleRate: number;
  readonly #waiting: (readonly [frame: number, frames: number, time: number, lost: number])[] = [];
  readonly #silence: readonly Float32Array[];
  #frame = 0;
  #lost = 0;
  #holds = false;
  /** Frames of silence after the last frames that were written. */
  #filled = 0;

  constructor(
    { settings, encoding }: OpusSessionOptions,
    sink: PoolSink,
    onError: (error: MicwireError) => void,
  ) {
    this.#packetFrames = opusPacketLength(settings);
    this.#sampleRate = settings.sampleRate;
    this.#sender = new PacketSender(sink, encoding);
    this.#silence = Array.from(
      { length: settings.channels },
      () => new Float32Array(this.#packetFrames),
    );
    this.#encoder = new WebCodecsOpusEncoder(
      settings,
      (packet, length) => this.#send(packet, length),
      onError,
    );
  }

  get preSkip(): number {
    return this.#encoder.preSkip;
  }

  skip(frames: number): void {
    this.#lost += frames;
    this.#frame += frames;
  }

  write(input: readonly Float32Array[], frames: number, contextTime: number): void {
    for (const samples of input) samples.fill(0, frames);
    this.#filled = this.#packetFrames - frames;
    this.#submit(input, frames, contextTime);
  }

  async finish(): Promise<void> {
    if (!this.#holds) return;
    this.#holds = false;
    for (; this.#filled < this.#encoder.preSkip; this.#filled += this.#packetFrames) {
      const time = this.#waiting.at(-1)?.[2] ?? 0;
      this.#submit(this.#silence, 0, time + this.#packetFrames / this.#sampleRate);
    }
    this.#holds = false;
    await this.#encoder.flush();
  }

  close(): void {
    this.#encoder.close();
  }

  #submit(input: readonly Float32Array[], frames: number, contextTime: number): void {
    this.#waiting.push([this.#frame, frames, contextTime, this.#lost]);
    this.#lost = 0;
    this.#frame += frames;
    this.#holds = true;
    this.#encoder.encode(input);
  }

  #send(packet: Uint8Array, length: number): void {
    const next = this.#waiting.shift();
    // An extra packet: the look-ahead, which some engines emit when flushed.
    if (next === undefined) return;
    const [frame, frames, time, lost] = next;
    if (lost > 0) this.#sender.drop(lost);
    this.#sender.contextTime[0] = time;
    this.#sender.send(packet, length, frame, frames);
  }
}
