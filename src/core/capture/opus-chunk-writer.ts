import { Base64Writer } from '../base64/base64.ts';
import type { ChunkSink } from './chunk-sinks.ts';
import { ChunkAccount, HEADER } from './chunk.ts';
import type { ChunkEncoding } from './chunk.ts';
import { planar } from '../dsp/planar.ts';
import type { PayloadEncoder } from '../codec/codec.ts';
import type { FrameWriter } from './capture-pipeline.ts';

/**
 * Writes a codec's packets to the slots of a sink, numbers them and counts their frames. Drops a packet if there is no slot for
 * it; the next packet says how many frames were dropped. Allocates in its constructor only.
 */
export class PacketSender {
  /** Context time of the packet's first frame, in seconds. Set it before `send`. (Engines would box it as an argument.) */
  readonly contextTime: Float64Array = new Float64Array(1);
  readonly #sink: ChunkSink;
  readonly #base64: Base64Writer | undefined;
  readonly #account = new ChunkAccount();

  constructor(sink: ChunkSink, encoding: ChunkEncoding) {
    this.#sink = sink;
    this.#base64 = encoding === 'base64' ? new Base64Writer() : undefined;
  }

  /** Frames in packets that the sink has taken. */
  get delivered(): number {
    return this.#account.delivered;
  }

  /** Frames that were dropped. */
  get dropped(): number {
    return this.#account.dropped;
  }

  /**
   * Sends a packet.
   * @param packet holds the packet in its first `length` bytes
   * @param frame number of the packet's first frame
   * @param frames number of captured frames: fewer than the packet decodes to if it was filled with silence
   */
  send(packet: Uint8Array, length: number, frame: number, frames: number): void {
    const slot = this.#sink.acquire();
    if (slot === undefined) {
      this.drop(frames);
      return;
    }
    const { header, bytes } = slot;
    let written = length;
    if (this.#base64 === undefined) {
      for (let i = 0; i < length; i++) bytes[i] = packet[i]!;
    } else {
      written = this.#base64.write(packet, 0, length, bytes, 0);
      written += this.#base64.finish(bytes, written);
    }
    header[HEADER.byteLength] = written;
    header[HEADER.frame] = frame;
    header[HEADER.frames] = frames;
    header[HEADER.contextTime] = this.contextTime[0]!;
    this.#account.number(header);
    this.#account.deliver(frames);
    this.#sink.commit();
  }

  /** Counts frames that are in no packet. */
  drop(frames: number): void {
    this.#account.drop(frames);
  }
}

/** Options of an {@link OpusChunkWriter}. */
export interface OpusChunkWriterOptions {
  readonly encoder: PayloadEncoder;
  readonly encoding: ChunkEncoding;
  readonly sink: ChunkSink;
}

/**
 * Gathers frames until there are enough for a packet, and encodes them. Each packet is a chunk.
 *
 * The last packet before a pause or the end is filled with silence; its `frames` are those that were captured. The frames that
 * the encoder still holds, its look-ahead, need as much silence: if there was less, another packet follows, of 0 frames.
 */
export class OpusChunkWriter implements FrameWriter {
  readonly sampleRate: number;
  readonly #encoder: PayloadEncoder;
  readonly #sender: PacketSender;
  readonly #packet: Uint8Array;
  /** Frames of the packet that is being gathered. */
  readonly #gathered: readonly Float32Array[];
  #gatheredFrames = 0;
  /** Whether the encoder holds frames that are in no packet yet. */
  #holds = false;
  #frame = 0;
  /** The run's first frame, and its context time in seconds. */
  #runFrame = 0;
  #runTime = 0;

  constructor({ encoder, encoding, sink }: OpusChunkWriterOptions) {
    const { channels, packetFrames } = encoder;
    this.sampleRate = encoder.sampleRate;
    this.#encoder = encoder;
    this.#sender = new PacketSender(sink, encoding);
    this.#packet = new Uint8Array(encoder.maxBytes(packetFrames));
    this.#gathered = planar(channels, packetFrames);
  }

  get frame(): number {
    return this.#frame;
  }

  get delivered(): number {
    return this.#sender.delivered;
  }

  get dropped(): number {
    return this.#sender.dropped;
  }

  close(): void {
    this.#encoder.close();
  }

  beginRun(contextTime: number): void {
    this.#runFrame = this.#frame;
    this.#runTime = contextTime;
  }

  restart(): boolean {
    if (this.delivered > 0 || this.dropped > 0) return false;
    this.#gatheredFrames = 0;
    this.#frame = 0;
    return true;
  }

  skip(frames: number): void {
    if (frames <= 0) return;
    this.#frame += frames;
    this.#sender.drop(frames);
  }

  write(input: readonly Float32Array[], frames: number): void {
    const { packetFrames } = this.#encoder;
    let at = 0;
    while (at < frames) {
      if (this.#gatheredFrames === 0) this.#stamp();
      const room = packetFrames - this.#gatheredFrames;
      const rest = frames - at;
      const count = rest < room ? rest : room;
      for (let c = 0; c < this.#gathered.length; c++) {
        const samples = input[c]!;
        const gathered = this.#gathered[c]!;
        const to = this.#gatheredFrames;
        for (let i = 0; i < count; i++) gathered[to + i] = samples[at + i]!;
      }
      this.#gatheredFrames += count;
      this.#frame += count;
      at += count;
      if (count === room) this.#send();
    }
  }

  finishChunk(): void {
    const { packetFrames, latencyFrames } = this.#encoder;
    let silence = 0;
    if (this.#gatheredFrames > 0) {
      silence = packetFrames - this.#gatheredFrames;
      this.#send();
    }
    if (!this.#holds) return;
    for (; silence < latencyFrames; silence += packetFrames) {
      this.#stamp();
      this.#send();
    }
    this.#holds = false;
  }

  /** Encodes the gathered frames, filled with silence. */
  #send(): void {
    const encoder = this.#encoder;
    const frames = this.#gatheredFrames;
    this.#gatheredFrames = 0;
    this.#holds = true;
    for (let c = 0; c < this.#gathered.length; c++) this.#gathered[c]!.fill(0, frames);
    const length = encoder.encode(this.#gathered, 0, encoder.packetFrames, this.#packet, 0);
    const frame = this.#frame - frames;
    this.#sender.send(this.#packet, length, frame, frames);
  }

  /** Gives a packet the time of the next frame, its first, whichever runs its other frames belong to. */
  #stamp(): void {
    this.#sender.contextTime[0] = this.#runTime + (this.#frame - this.#runFrame) / this.sampleRate;
  }
}
