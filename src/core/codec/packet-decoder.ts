import { PacketError } from '../errors.ts';
import type { PayloadDecoder } from './codec.ts';

/**
 * Decodes packets as they arrive from the network, on an audio thread: it never throws, whatever the bytes are, and time always
 * continues. A packet that cannot be decoded is concealed and counted, as are frames that never arrived; if the next packet carries
 * data about missing frames, they are recovered from it.
 */
export class PacketDecoder {
  readonly #decoder: PayloadDecoder;
  /** Length of the last good packet in frames, which is the assumed length of a packet that cannot be read. */
  #usualFrames = 0;

  /** Number of payloads that were not packets. */
  errors = 0;
  /** Error of the last such payload; undefined before the first. */
  lastError: PacketError | undefined;
  /** Number of concealed frames, of lost and of bad packets. */
  concealedFrames = 0;
  /** Number of lost frames that were recovered from the next packet. */
  recoveredFrames = 0;

  /** @param decoder the decoder, which must not be used elsewhere */
  constructor(decoder: PayloadDecoder) {
    this.#decoder = decoder;
  }

  /**
   * Decodes a packet, preceded by replacements for the missing frames.
   * @param lostFrames number of frames between the previous packet and this one
   * @param output room for `maxFrames` frames from `at` on
   * @param maxFrames maximum number of frames to write; if more frames were lost, the oldest of them are left out
   * @returns the number of frames written
   */
  decode(
    source: Uint8Array,
    byteOffset: number,
    byteLength: number,
    lostFrames: number,
    output: readonly Float32Array[],
    at: number,
    maxFrames: number,
  ): number {
    let written = 0;
    try {
      const frames = this.#decoder.framesIn(source, byteOffset, byteLength);
      if (frames > maxFrames) {
        throw new PacketError('oversized', `there is room for ${maxFrames} frames, got ${frames}.`);
      }
      const lost = lostFrames < maxFrames - frames ? lostFrames : maxFrames - frames;
      if (lost > 0) {
        written += this.#recover(source, byteOffset, byteLength, lost, output, at);
      }
      written += this.#decoder.decode(source, byteOffset, byteLength, output, at + written);
      this.#usualFrames = frames;
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.errors++;
      this.lastError = error;
      const wanted = lostFrames + this.#usualFrames - written;
      written += this.#conceal(wanted, maxFrames - written, output, at + written);
    }
    return written;
  }

  /** Conceals frames that are due and have not arrived. @returns the number of frames written */
  conceal(frames: number, output: readonly Float32Array[], at: number): number {
    return this.#conceal(frames, frames, output, at);
  }

  /** Restores the initial state, except the counters. */
  reset(): void {
    this.#decoder.reset();
    this.#usualFrames = 0;
  }

  close(): void {
    this.#decoder.close();
  }

  #recover(
    source: Uint8Array,
    byteOffset: number,
    byteLength: number,
    frames: number,
    output: readonly Float32Array[],
    at: number,
  ): number {
    const held = this.#decoder.redundantFramesIn(source, byteOffset, byteLength);
    const written = this.#decoder.recover(source, byteOffset, byteLength, frames, output, at);
    const recovered = held < frames ? held : frames;
    this.recoveredFrames += recovered;
    this.concealedFrames += frames - recovered;
    return written;
  }

  #conceal(wanted: number, room: number, output: readonly Float32Array[], at: number): number {
    const frames = wanted < room ? wanted : room;
    if (frames <= 0) return 0;
    const written = this.#decoder.conceal(frames, output, at);
    this.concealedFrames += written;
    return written;
  }
}
