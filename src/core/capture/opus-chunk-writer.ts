import type { PayloadEncoder } from '../codec/codec.ts';
import { Base64Writer } from '../framing/base64.ts';
import type { ChunkSink, ChunkSlot } from './chunk-sink.ts';
import { HEADER } from './chunk.ts';
import type { ChunkEncoding } from './chunk.ts';
import type { FrameWriter } from './frame-writer.ts';

/** How frames become packets. */
export interface OpusChunkWriterOptions {
  readonly encoder: PayloadEncoder;
  readonly encoding: ChunkEncoding;
  readonly sink: ChunkSink;
}

/**
 * Gathers frames until there are enough for a packet, and encodes that into a slot of the sink. Each packet is a chunk.
 *
 * The last packet before a pause or the end is filled up with silence; its `frames` are those that were captured. What the
 * encoder still holds then, its look-ahead, needs as much silence: where there was less, one more packet follows, of 0 frames.
 */
export class OpusChunkWriter implements FrameWriter {
  readonly sampleRate: number;
  readonly #sink: ChunkSink;
  readonly #encoder: PayloadEncoder;
  readonly #base64: Base64Writer | undefined;
  /** A packet before it becomes Base64. */
  readonly #scratch: Uint8Array;
  /** Frames of the packet that is being gathered. */
  readonly #gathered: readonly Float32Array[];
  #gatheredFrames = 0;
  /** A slot that was acquired and not used. */
  #slot: ChunkSlot | undefined;
  #sequence = 0;
  #frame = 0;
  #delivered = 0;
  #dropped = 0;
  /** Dropped since the last packet. */
  #droppedBefore = 0;
  /** The run's first frame, and its context time in seconds. */
  #runFrame = 0;
  #runTime = 0;

  constructor({ encoder, encoding, sink }: OpusChunkWriterOptions) {
    this.sampleRate = encoder.sampleRate;
    this.#sink = sink;
    this.#encoder = encoder;
    const { channels, packetFrames } = encoder;
    this.#base64 = encoding === 'base64' ? new Base64Writer() : undefined;
    this.#scratch = new Uint8Array(encoding === 'base64' ? encoder.maxBytes(packetFrames) : 0);
    this.#gathered = Array.from({ length: channels }, () => new Float32Array(packetFrames));
  }

  get frame(): number {
    return this.#frame;
  }

  get delivered(): number {
    return this.#delivered;
  }

  get dropped(): number {
    return this.#dropped;
  }

  beginRun(contextTime: number): void {
    this.#runFrame = this.#frame;
    this.#runTime = contextTime;
  }

  restart(): boolean {
    if (this.#delivered > 0 || this.#dropped > 0) return false;
    this.#gatheredFrames = 0;
    this.#frame = 0;
    return true;
  }

  skip(frames: number): void {
    if (frames > 0) this.#drop(frames);
  }

  write(input: readonly Float32Array[], frames: number): void {
    const { packetFrames } = this.#encoder;
    let at = 0;
    while (at < frames) {
      const room = packetFrames - this.#gatheredFrames;
      const rest = frames - at;
      const count = rest < room ? rest : room;
      for (let c = 0; c < this.#gathered.length; c++) {
        const samples = input[c]!;
        const gathered = this.#gathered[c]!;
        for (let i = 0, o = this.#gatheredFrames; i < count; i++, o++)
          gathered[o] = samples[at + i]!;
      }
      this.#gatheredFrames += count;
      this.#frame += count;
      at += count;
      if (count === room) this.#send();
    }
  }

  finishChunk(): void {
    if (this.#gatheredFrames === 0) return;
    const { packetFrames, latencyFrames } = this.#encoder;
    const silent = packetFrames - this.#gatheredFrames;
    this.#silence(this.#gatheredFrames);
    this.#send();
    for (let more = latencyFrames - silent; more > 0; more -= packetFrames) {
      this.#silence(0);
      this.#send();
    }
  }

  /** Encodes what was gathered, silence behind it included, into a slot. Without a slot it is dropped. */
  #send(): void {
    const frames = this.#gatheredFrames;
    this.#gatheredFrames = 0;
    const slot = this.#slot ?? this.#sink.acquire();
    if (slot === undefined) {
      this.#dropped += frames;
      this.#droppedBefore += frames;
      return;
    }
    this.#slot = slot;
    const { header } = slot;
    header[HEADER.byteLength] = this.#encode(slot.bytes);
    const frame = this.#frame - frames;
    header[HEADER.sequence] = this.#sequence++;
    header[HEADER.frame] = frame;
    header[HEADER.frames] = frames;
    header[HEADER.contextTime] = this.#runTime + (frame - this.#runFrame) / this.sampleRate;
    header[HEADER.dropped] = this.#droppedBefore;
    this.#droppedBefore = 0;
    this.#slot = undefined;
    this.#delivered += frames;
    this.#sink.commit();
  }

  #encode(target: Uint8Array): number {
    const encoder = this.#encoder;
    const { packetFrames } = encoder;
    if (this.#base64 === undefined)
      return encoder.encode(this.#gathered, 0, packetFrames, target, 0);
    const length = encoder.encode(this.#gathered, 0, packetFrames, this.#scratch, 0);
    const written = this.#base64.write(this.#scratch, 0, length, target, 0);
    return written + this.#base64.finish(target, written);
  }

  #silence(from: number): void {
    for (let c = 0; c < this.#gathered.length; c++) this.#gathered[c]!.fill(0, from);
  }

  #drop(frames: number): void {
    this.#frame += frames;
    this.#dropped += frames;
    this.#droppedBefore += frames;
  }
}
