import { StoiResampler } from './stoi-resampler.ts';
import { stoi } from './stoi.ts';

/** Audio that is kept, in seconds: at 48 kHz 194 kB for each second of the reference and of each lane, so 58 MB of nine lanes. */
const KEPT_SECONDS = 30;

/** A window of the reference and what became of it, with what the resampler needs around them. */
interface KeptWindow {
  readonly frame: number;
  readonly reference: Float32Array;
  /** The reference at 10 kHz, once a lane has needed it. */
  resampled: Float32Array | null;
  /** By number of the lane; absent where it was not open. */
  readonly outputs: (Float32Array | undefined)[];
}

/**
 * Keeps windows of reference and lanes while a run is measured, and computes at its end how well speech is understood (STOI). Outside
 * of runs it costs nothing, and during them a copy: the load of what is measured must not grow.
 */
export class Intelligibility {
  /** Frames that windows need before and after their own. */
  readonly marginFrames: number;
  readonly #resampler: StoiResampler;
  readonly #windowSamples: number;
  readonly #windowSeconds: number;
  readonly #windows: KeptWindow[] = [];
  /** Windows are kept from this frame on. */
  #since = Infinity;

  constructor(sampleRate: number, windowFrames: number) {
    this.#resampler = new StoiResampler(sampleRate);
    this.marginFrames = this.#resampler.marginFrames;
    this.#windowSamples = this.#resampler.samplesOf(windowFrames);
    this.#windowSeconds = windowFrames / sampleRate;
  }

  /** A run is measured from a frame on: anything kept before is forgotten. */
  begin(frame: number): void {
    this.#windows.length = 0;
    this.#since = frame;
  }

  /**
   * Takes in a window of the reference.
   * @param samples with `marginFrames` more at either end
   * @returns whether it is kept, and the lanes' are wanted
   */
  addReference(frame: number, samples: Float32Array): boolean {
    const seconds = this.#windows.length * this.#windowSeconds;
    if (frame < this.#since || seconds >= KEPT_SECONDS) return false;
    this.#windows.push({ frame, reference: samples.slice(), resampled: null, outputs: [] });
    return true;
  }

  /** Takes in what a lane made of the last window. @param samples aligned, with `marginFrames` more at either end */
  addOutput(lane: number, samples: Float32Array): void {
    this.#windows.at(-1)!.outputs[lane] = samples.slice();
  }

  /** STOI of a lane over the windows that begin in [from, to) and are kept; null where there is too little audio. */
  of(lane: number, from: number, to: number): number | null {
    const kept = this.#windows.filter(
      ({ frame, outputs }) => frame >= from && frame < to && outputs[lane] !== undefined,
    );
    const samples = this.#windowSamples;
    const reference = new Float32Array(kept.length * samples);
    const output = new Float32Array(kept.length * samples);
    kept.forEach((window, i) => {
      window.resampled ??= this.#resampled(window.reference);
      reference.set(window.resampled, i * samples);
      output.set(this.#resampled(window.outputs[lane]!), i * samples);
    });
    return stoi(reference, output);
  }

  #resampled(samples: Float32Array): Float32Array {
    const target = new Float32Array(this.#windowSamples);
    this.#resampler.read(samples, target);
    return target;
  }
}
