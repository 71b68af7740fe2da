import type { PpmBallistics } from './ppm-ballistics.ts';

/** What computes: a WebAssembly SIMD kernel, or plain TypeScript. */
type MeterExecution = 'wasm' | 'typescript';

/** Samples before a loaded block that the kernel keeps: true peak looks back at them. */
export const HISTORY = 40;
/** Frames that can be loaded at a time: more are metered in slices. */
export const SLICE = 512;
/** Samples are cut to ±2⁵⁰ (301 dBFS), so that no sum, in single precision either, leaves the numbers. */
export const LARGEST_SAMPLE: number = 2 ** 50;

/** What a scan finds, in this order: the largest |sample|, the sum of the squares, of the samples, and of their sizes. */
export const PEAK = 0;
export const SQUARES = 1;
export const SUM = 2;
export const SIZES = 3;
export const SCAN_NUMBERS = 4;

/**
 * The arithmetic under the meters, over one block at a time. It holds the block and the state of the filters; the meters
 * hold windows, maxima and counts. Frames are given by their place in the block. Nothing allocates after construction.
 */
export interface MeterKernel {
  readonly execution: MeterExecution;
  readonly channels: number;
  /** The results of `energy`, `truePeak` and `readQuasiPeak`: two numbers. Fractions that functions take or return engines may allocate. */
  readonly result: Float64Array;
  /** Gives the memory back. Nothing may be called after. */
  release?(): void;
  /**
   * Copies `frames` (at most `SLICE`) frames of a block, from index `from` on. Missing channels are silent; samples that
   * are not finite become 0, and are counted.
   */
  load(block: readonly Float32Array[], from: number, frames: number): void;
  /** How many of a channel's samples in the loaded block were not finite. */
  nonFinite(channel: number): number;
  /** Holds the samples of a channel of the loaded block, from index `sampleAt(channel)` on. */
  samples(channel: number): Float32Array;
  sampleAt(channel: number): number;
  /** Scans all channels, once if several meters ask for the same frames. */
  scan(from: number, frames: number): void;
  /** What the last scan found of a channel is here, from index `scanAt(channel)` on: see `PEAK` and the others. */
  readonly scanned: Float64Array;
  scanAt(channel: number): number;
  /**
   * Filters by BS.1770-5 Annex 1 and puts the weighted sum of the squares of all channels into `result`. `weights` holds as
   * many numbers as there are channels. Each frame once, in order.
   */
  energy(weights: Float64Array, from: number, frames: number): void;
  /** Raises `result` to the largest true peak of a channel's frames, 16 frames late. */
  truePeak(channel: number, from: number, frames: number): void;
  /** Sets the ballistics of `charge`. */
  setBallistics(ballistics: PpmBallistics): void;
  /** Charges and empties the quasi-peak integrators of all channels. Each frame once, in order. */
  charge(from: number, frames: number): void;
  /**
   * Puts into `result` where a channel's quasi-peak pointer stands, as the amplitude of the sine that would hold it there, and
   * the highest that it stood since the last reset.
   */
  readQuasiPeak(channel: number): void;
  /** Memory that `mix` can write to. Allocates. */
  mixTarget(frames: number): Float32Array;
  /** Writes the mean of the first `present` channels to a mix target from `at` on; silence when there is none. */
  mix(present: number, from: number, frames: number, target: Float32Array, at: number): void;
  /** Memory that `thin` can write to. Allocates. */
  thinTarget(samples: number): Float32Array;
  /** Writes the means of successive groups of `factor` samples of a mix target to a thin target, as many as it holds. */
  thin(source: Float32Array, factor: number, target: Float32Array): void;
  /** Empties the filters of the channels from that one on. */
  silence(channel: number): void;
  /** Has the engine compile what it compiles late. Changes nothing that counts. */
  warmUp?(): void;
  /** Whether the signal continues behind a `reset()`: then the filters keep what they have heard. */
  continues: boolean;
  /** Forgets everything but the ballistics, and the filters where the signal continues. */
  reset(): void;
}

/** A meter over what a kernel has loaded, so that several meters can share the loading. */
export interface KernelMeter {
  /**
   * Meters the first `frames` frames of the loaded block.
   *
   * @param present channels that the block had, up to the kernel's.
   */
  meter(present: number, frames: number): void;
}

/** Loads a block slice by slice and has it metered. */
export function meterInSlices(
  kernel: MeterKernel,
  meter: KernelMeter,
  block: readonly Float32Array[],
  from: number,
  frames: number,
): void {
  const present = Math.min(block.length, kernel.channels);
  const end = from + frames;
  for (let at = from; at < end; at += SLICE) {
    const count = Math.min(SLICE, end - at);
    kernel.load(block, at, count);
    meter.meter(present, count);
  }
}

/** Writes the means of successive groups of `factor` samples to `target`, as many as it holds. */
export function thinSamples(source: Float32Array, factor: number, target: Float32Array): void {
  const scale = 1 / factor;
  let from = 0;
  for (let i = 0; i < target.length; i++) {
    // Two sums: each addition waits for the one before.
    let sum = 0;
    let other = 0;
    const end = from + factor;
    for (; from + 1 < end; from += 2) {
      sum += source[from]!;
      other += source[from + 1]!;
    }
    if (from < end) sum += source[from++]!;
    target[i] = (sum + other) * scale;
  }
}

/** Meters whose steps end together ask for the same frames: so many results of a block are kept. */
export const SCAN_SLOTS = 8;

/** Which frames of the loaded block were scanned into which slot. */
export class ScanSlots {
  readonly #from: Int32Array = new Int32Array(SCAN_SLOTS);
  readonly #frames: Int32Array = new Int32Array(SCAN_SLOTS);
  #used = 0;
  /** The slot of the last request. */
  current = 0;

  /** Makes the slot of these frames the current one; true when they were scanned already. */
  find(from: number, frames: number): boolean {
    for (let slot = 0; slot < this.#used; slot++) {
      if (this.#from[slot] === from && this.#frames[slot] === frames) {
        this.current = slot;
        return true;
      }
    }
    if (this.#used < SCAN_SLOTS) this.current = this.#used++;
    else this.current = (this.current + 1) % SCAN_SLOTS;
    this.#from[this.current] = from;
    this.#frames[this.current] = frames;
    return false;
  }

  /** A new block is loaded. */
  clear(): void {
    this.#used = 0;
    this.current = 0;
  }
}
