import type { PpmBallistics } from './ppm-ballistics.ts';

/** Where the kernel computes: in WebAssembly SIMD, or in plain TypeScript. */
type MeterExecution = 'wasm' | 'typescript';

/** Number of samples before a loaded block that the kernel keeps: true peak needs them. */
export const HISTORY = 40;
/** Maximum number of frames loaded at a time: longer blocks are metered in slices. */
export const SLICE = 512;
/** Samples are limited to ±2⁵⁰ (301 dBFS), so that no sum overflows, even in single precision. */
export const LARGEST_SAMPLE: number = 2 ** 50;

/** Results of a scan, in this order: the largest |sample|, the sums of the squares, of the samples, and of their absolute values. */
export const PEAK = 0;
export const SQUARES = 1;
export const SUM = 2;
export const SIZES = 3;
export const SCAN_NUMBERS = 4;

/**
 * The arithmetic of the meters, on one block at a time. It holds the block and the state of the filters; the meters hold windows,
 * maxima and counts. Frames are given by their index in the block. Allocates only in its constructor.
 */
export interface MeterKernel {
  readonly execution: MeterExecution;
  readonly channels: number;
  /**
   * The results of `energy`, `truePeak` and `readQuasiPeak`, two numbers: engines may allocate fractions that functions take or
   * return.
   */
  readonly result: Float64Array;
  /** Releases the memory. Do not call any method afterwards. */
  release?(): void;
  /**
   * Copies `frames` (at most `SLICE`) frames of a block, from index `from` on. Missing channels are silent; samples that are not
   * finite become 0, and are counted.
   */
  load(block: readonly Float32Array[], from: number, frames: number): void;
  /** Returns the number of non-finite samples of a channel in the loaded block. */
  nonFinite(channel: number): number;
  /** Returns the memory with a channel's samples of the loaded block, from index `sampleAt(channel)` on. */
  samples(channel: number): Float32Array;
  sampleAt(channel: number): number;
  /** Scans all channels, only once if several meters request the same frames. */
  scan(from: number, frames: number): void;
  /** Results of the last scan, for each channel from index `scanAt(channel)` on: see `PEAK` and the others. */
  readonly scanned: Float64Array;
  scanAt(channel: number): number;
  /**
   * Applies the filters of BS.1770-5 Annex 1 and stores the weighted sum of the squares of all channels in `result`. `weights` has
   * one number per channel. Pass each frame once, in order.
   */
  energy(weights: Float64Array, from: number, frames: number): void;
  /** Raises `result` to the largest true peak of a channel's frames, with a delay of 16 frames. */
  truePeak(channel: number, from: number, frames: number): void;
  /** Sets the ballistics of `charge`. */
  setBallistics(ballistics: PpmBallistics): void;
  /** Updates the quasi-peak integrators of all channels. Pass each frame once, in order. */
  charge(from: number, frames: number): void;
  /**
   * Stores in `result` the position of a channel's quasi-peak pointer, as the amplitude of the sine that would hold it there, and
   * the highest position since the last reset.
   */
  readQuasiPeak(channel: number): void;
  /** Returns memory that `mix` can write to. Allocates. */
  mixTarget(frames: number): Float32Array;
  /** Writes the mean of the first `present` channels to a mix target from `at` on; silence without channels. */
  mix(present: number, from: number, frames: number, target: Float32Array, at: number): void;
  /** Returns memory that `thin` can write to. Allocates. */
  thinTarget(samples: number): Float32Array;
  /** Writes the means of successive groups of `factor` samples of a mix target to a thin target, as many as it holds. */
  thin(source: Float32Array, factor: number, target: Float32Array): void;
  /** Clears the filters of this channel and all later ones. */
  silence(channel: number): void;
  /** Triggers late compilation in the engine. Has no effect on readings. */
  warmUp?(): void;
  /** Whether the signal continues after a `reset()`: then the filters keep their state. */
  continues: boolean;
  /** Resets everything except the ballistics, and the filters if the signal continues. */
  reset(): void;
}

/** A meter of the audio that a kernel has loaded, so that several meters can share the loading. */
export interface KernelMeter {
  /**
   * Meters the first `frames` frames of the loaded block.
   *
   * @param present number of channels in the block, up to the kernel's
   */
  meter(present: number, frames: number): void;
}

/** Loads a block slice by slice and meters it. */
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
    // Two sums: each addition would wait for the previous one.
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

/** Number of results kept per block: meters whose steps end together request the same frames. */
export const SCAN_SLOTS = 8;

/** Tracks which frames of the loaded block were scanned into which slot. */
export class ScanSlots {
  readonly #from: Int32Array = new Int32Array(SCAN_SLOTS);
  readonly #frames: Int32Array = new Int32Array(SCAN_SLOTS);
  #used = 0;
  /** The slot of the last request. */
  current = 0;

  /** Selects the slot of these frames; returns true if they were scanned already. */
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

  /** Forgets the results, because a new block is loaded. */
  clear(): void {
    this.#used = 0;
    this.current = 0;
  }
}
