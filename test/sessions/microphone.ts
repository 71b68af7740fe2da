import { encodeBase64 } from '../../src/core/base64/base64.ts';
import type { CapturedAudio } from '../../src/core/session/session-messages.ts';
import type { Clock } from './invariants.ts';
import type { Machine } from './machine.ts';
import type { Samples } from './samples.ts';
import { SAMPLE_RATE } from './recovery.ts';
import type { World } from './schedule.ts';

/** What a capture tells. */
interface CaptureEnd {
  readonly audio: (audio: CapturedAudio) => void;
  readonly lost: (frames: number) => void;
}

/** A capture: chunks whose samples say which frames they are, one each `chunkMs`, while it is not paused and has not ended. */
export class Microphone {
  readonly #time: Clock;
  readonly #machine: Machine;
  readonly #samples: Samples;
  readonly #chunkFrames: number;
  readonly #chunkMs: number;
  readonly #isPackets: boolean;
  readonly #end: CaptureEnd;
  /** First frame of the next chunk. */
  #frame = 0;
  #dropped = 0;
  #stopped = 0;
  /** Where the chunk began that is being captured. */
  #since = 0;
  #arm = 0;

  constructor(world: World, time: Clock, machine: Machine, samples: Samples, end: CaptureEnd) {
    this.#time = time;
    this.#machine = machine;
    this.#samples = samples;
    this.#chunkMs = world.chunkMs;
    this.#chunkFrames = (world.chunkMs * SAMPLE_RATE) / 1000;
    this.#isPackets = world.format === 'opus';
    this.#end = end;
  }

  start(): void {
    this.#since = this.#time.now;
    this.#arm++;
    this.#next();
  }

  /** No audio comes, and no frames are counted. Samples that were captured make a shorter chunk. */
  stop(): void {
    if (this.#stopped++ > 0) return;
    this.#arm++;
    const frames = Math.floor(((this.#time.now - this.#since) * SAMPLE_RATE) / 1000);
    if (frames > 0 && !this.#isPackets) this.#deliver(Math.min(frames, this.#chunkFrames));
  }

  resume(): void {
    if (--this.#stopped === 0) this.start();
  }

  /** The capture loses frames: the next chunk says so. */
  drop(frames: number): void {
    this.#dropped += frames;
  }

  /** The capture ends, and has lost so many frames: no chunk will say so. */
  lose(frames: number): void {
    this.stop();
    const lost = frames + this.#dropped;
    this.#frame += lost;
    this.#dropped = 0;
    this.#machine.post(() => this.#end.lost(lost));
  }

  #next(): void {
    const arm = this.#arm;
    this.#time.at(this.#since + this.#chunkMs, () => {
      if (arm !== this.#arm) return;
      // A machine that sleeps captures nothing.
      if (this.#machine.isAwake) this.#deliver(this.#chunkFrames);
      this.#since += this.#chunkMs;
      this.#next();
    });
  }

  #deliver(frames: number): void {
    const dropped = this.#dropped;
    this.#dropped = 0;
    const frame = this.#frame + dropped;
    this.#frame = frame + frames;
    const audio = new SampleChunk(frame, frames, dropped, this.#samples.of(frame, frames));
    this.#machine.post(() => this.#end.audio(audio));
  }
}

class SampleChunk implements CapturedAudio {
  readonly frame: number;
  readonly frames: number;
  readonly dropped: number;
  readonly bytes: Uint8Array<ArrayBuffer>;

  constructor(frame: number, frames: number, dropped: number, bytes: Uint8Array<ArrayBuffer>) {
    this.frame = frame;
    this.frames = frames;
    this.dropped = dropped;
    this.bytes = bytes;
  }

  get base64(): string {
    return encodeBase64(this.bytes);
  }
}
