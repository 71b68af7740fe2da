import { Base64Writer } from '../base64/base64.ts';
import type { ChunkSink } from './chunk-sink.ts';
import { HEADER } from './chunk.ts';
import type { ChunkEncoding } from './chunk.ts';

/**
 * Puts packets of a codec into the slots of a sink, numbers them, and counts. A packet for which there is no slot is dropped,
 * and the next one tells how many frames were. Allocates in its constructor only.
 */
export class PacketSender {
  /** Set it before `send`: the context time of the packet's first frame, in seconds. (As an argument, engines would box it.) */
  readonly contextTime: Float64Array = new Float64Array(1);
  readonly #sink: ChunkSink;
  readonly #base64: Base64Writer | undefined;
  #sequence = 0;
  #delivered = 0;
  #dropped = 0;
  /** Dropped since the last packet. */
  #droppedBefore = 0;

  constructor(sink: ChunkSink, encoding: ChunkEncoding) {
    this.#sink = sink;
    this.#base64 = encoding === 'base64' ? new Base64Writer() : undefined;
  }

  /** Frames in packets that the sink has taken. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Frames that were dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * @param packet its first `length` bytes
   * @param frame number of the packet's first frame
   * @param frames that were captured: fewer than it decodes to where it was filled up with silence
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
    header[HEADER.sequence] = this.#sequence++;
    header[HEADER.frame] = frame;
    header[HEADER.frames] = frames;
    header[HEADER.contextTime] = this.contextTime[0]!;
    header[HEADER.dropped] = this.#droppedBefore;
    this.#droppedBefore = 0;
    this.#delivered += frames;
    this.#sink.commit();
  }

  /** Counts frames that are in no packet. */
  drop(frames: number): void {
    this.#dropped += frames;
    this.#droppedBefore += frames;
  }
}
