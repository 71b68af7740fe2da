import { bytesPerSample } from '../../src/core/format/formats.ts';
import type { World } from './schedule.ts';

/** A ramp's step from frame to frame: every number up to 2²⁰ is exact in s24 and f32. */
export const RAMP_STEP = 2 ** -20;
/** Frames after which the smooth signal repeats: a prime, so that no packet is mistaken for another. */
const PERIOD = 8009;
const FADE_SECONDS = 0.005;

const tables = new Map<number, Float32Array>();

/** A voice-like sound: three partials whose levels rise and fall. */
function voiceTable(sampleRate: number): Float32Array {
  let table = tables.get(sampleRate);
  if (table !== undefined) return table;
  table = new Float32Array(PERIOD);
  const cycles = (hz: number): number => Math.max(1, Math.round((hz * PERIOD) / sampleRate));
  const [low, middle, high] = [cycles(150), cycles(300), cycles(450)];
  for (let i = 0; i < PERIOD; i++) {
    const angle = (2 * Math.PI * i) / PERIOD;
    const level = 0.6 + 0.4 * Math.sin(3 * angle);
    table[i] =
      level *
      (0.3 * Math.sin(low * angle) +
        0.12 * Math.sin(middle * angle) +
        0.05 * Math.sin(high * angle));
  }
  tables.set(sampleRate, table);
  return table;
}

/**
 * What the microphone hears, frame by frame, and a record of it. It fades out and in where it is muted, so that whatever
 * step a listener hears is the library's.
 */
export class Microphone {
  muted = false;
  /** The greatest difference between neighbouring samples. */
  readonly steepest: number;
  /** Every frame that a capture was given, by its number; frames that none was given are not a number. */
  tape: Float32Array;
  /** Frames so far. */
  frames = 0;
  readonly #isRamp: boolean;
  readonly #table: Float32Array;
  readonly #fadeStep: number;
  #gain = 0;
  #phase = 0;

  constructor({ signal, senderRate, durationMs }: World) {
    this.tape = new Float32Array(Math.ceil((durationMs / 1000) * senderRate * 1.1));
    this.#isRamp = signal === 'ramp';
    this.#table = voiceTable(senderRate);
    this.#fadeStep = 1 / (FADE_SECONDS * senderRate);
    let steepest = 0;
    for (let i = 1; i < PERIOD; i++) {
      steepest = Math.max(steepest, Math.abs(this.#table[i]! - this.#table[i - 1]!));
    }
    this.steepest = steepest + 0.4 * this.#fadeStep;
  }

  /** Whether the next frame is silent, and those that follow while it stays muted. */
  get silent(): boolean {
    return this.#isRamp ? this.muted : this.muted && this.#gain === 0;
  }

  /** Writes the next frames to `target`, and to the tape. */
  record(target: Float32Array, frames: number): void {
    this.#makeRoom(frames);
    const { tape } = this;
    const first = this.frames;
    for (let i = 0; i < frames; i++) {
      const sample = this.#isRamp ? this.#rampAt(first + i) : this.#voice();
      target[i] = sample;
      tape[first + i] = target[i]!;
    }
    this.frames += frames;
  }

  /** Puts silence on the tape: the capture had no input. */
  disconnect(frames: number): void {
    this.#makeRoom(frames);
    this.tape.fill(0, this.frames, this.frames + frames);
    this.frames += frames;
    this.#gain = 0;
  }

  /** Advances by frames that no capture is given. */
  skip(frames: number): void {
    this.#makeRoom(frames);
    this.tape.fill(Number.NaN, this.frames, this.frames + frames);
    this.frames += frames;
  }

  /** The sound begins softly again, as after a restart. */
  begin(): void {
    this.#gain = 0;
  }

  #rampAt(frame: number): number {
    return this.muted ? 0 : (frame + 1) * RAMP_STEP;
  }

  #voice(): number {
    const wanted = this.muted ? 0 : 1;
    const gain =
      this.#gain + Math.max(-this.#fadeStep, Math.min(this.#fadeStep, wanted - this.#gain));
    this.#gain = gain;
    const sample = gain * this.#table[this.#phase]!;
    this.#phase = this.#phase + 1 === PERIOD ? 0 : this.#phase + 1;
    return sample;
  }

  #makeRoom(frames: number): void {
    if (this.frames + frames <= this.tape.length) return;
    const larger = new Float32Array(2 * (this.frames + frames));
    larger.set(this.tape);
    this.tape = larger;
  }
}

/** Index of the first frame of `bytes` that is not what the tape holds from `from` on; −1 when all are. */
export function firstForeignFrame(
  bytes: Uint8Array,
  { format, channels }: Pick<World, 'format' | 'channels'>,
  tape: Float32Array,
  from: number,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = bytesPerSample(format);
  const frames = bytes.length / (width * channels);
  for (let i = 0, at = 0; i < frames; i++) {
    const wanted = tape[from + i]!;
    for (let c = 0; c < channels; c++, at += width) {
      const error = sampleAt(view, at, format) - wanted;
      const tolerance = format === 's16' ? 2 ** -15 : format === 's24' ? 2 ** -23 : 0;
      if (!(error <= tolerance && error >= -tolerance)) return i;
    }
  }
  return -1;
}

function sampleAt(view: DataView, at: number, format: World['format']): number {
  if (format === 'f32') return view.getFloat32(at, true);
  if (format === 's16') return view.getInt16(at, true) / 2 ** 15;
  return ((view.getInt16(at + 1, true) << 8) | view.getUint8(at)) / 2 ** 23;
}
