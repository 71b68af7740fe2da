import { PacketError } from '../errors.ts';
import type { PayloadDecoder } from './codec.ts';

/**
 * Decodes packets as the network brings them, for an audio thread: whatever the bytes are it never throws, and time always
 * continues. A packet that cannot be decoded is concealed and counted; so are frames that never came, and where the packet
 * behind them tells about them they are taken from it.
 */
export class PacketDecoder {
  readonly #decoder: PayloadDecoder;
  /** Frames of the last good packet: how long one that cannot be read is taken to be. */
  #usualFrames = 0;

  /** Payloads that were not packets. */
  errors = 0;
  /** The last of them; undefined before the first. */
  lastError: PacketError | undefined;
  /** Concealed frames, of lost packets and of bad ones. */
  concealedFrames = 0;
  /** Frames that were lost and taken from the packet behind. */
  recoveredFrames = 0;

  /** @param decoder taken over: nobody else may use it */
  constructor(decoder: PayloadDecoder) {
    this.#decoder = decoder;
  }

  /**
   * Decodes one packet, and before it the frames that are missing.
   * @param lostFrames frames between the packet before and this one
   * @param output room for `maxFrames` frames from `at` on
   * @param maxFrames most frames to write: where it is less than what was lost, the older of those are left out
   * @returns frames written
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

  /** Conceals frames that are due and have not arrived. @returns frames written */
  conceal(frames: number, output: readonly Float32Array[], at: number): number {
    return this.#conceal(frames, frames, output, at);
  }

  /** As new, but for the counters. */
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
