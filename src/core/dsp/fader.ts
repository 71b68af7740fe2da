import { raisedCosine } from './windows.ts';

/**
 * A gain that moves between 0 and 1 along a raised cosine (sin² of a linear phase), so that neither a cut nor a return clicks.
 * A fade that reverses midway continues from the current gain. Allocates nothing.
 */
export class Fader {
  /** 0 is silence, 1 is open; the gain is sin²(π/2 · phase). */
  #phase = 1;
  /** Change of the phase per frame: 0 at rest, positive during a fade-in. */
  #step = 0;

  /** Whether everything comes out as silence. */
  get silent(): boolean {
    return this.#phase === 0 && this.#step <= 0;
  }

  /** Opens at once. */
  open(): void {
    this.#phase = 1;
    this.#step = 0;
  }

  /** Closes at once. */
  close(): void {
    this.#phase = 0;
    this.#step = 0;
  }

  /** Rises from the current gain; from silence it takes `frames` frames. */
  fadeIn(frames: number): void {
    if (frames < 1) this.open();
    else this.#step = 1 / frames;
  }

  /** Falls from the current gain; from fully open it takes `frames` frames. */
  fadeOut(frames: number): void {
    if (frames < 1) this.close();
    else this.#step = -1 / frames;
  }

  /**
   * Applies the gain in place to frames `at` … `at + frames` of every channel.
   * @returns how many of the frames precede silence: `frames`, unless a fade-out ends among them
   */
  apply(channels: readonly Float32Array[], at: number, frames: number): number {
    let phase = this.#phase;
    let step = this.#step;
    if (step === 0 && phase === 1) return frames;
    const count = channels.length;
    let i = 0;
    while (step !== 0 && i < frames) {
      phase += step;
      // A sum of n times 1/n misses 1 by about 1e-13.
      if (phase > 1 - 1e-9) {
        phase = 1;
        step = 0;
      } else if (phase < 1e-9) {
        phase = 0;
        step = 0;
        break;
      }
      const gain = raisedCosine(phase);
      for (let c = 0; c < count; c++) channels[c]![at + i]! *= gain;
      i++;
    }
    this.#phase = phase;
    this.#step = step;
    if (phase !== 0) return frames;
    for (let c = 0; c < count; c++) channels[c]!.fill(0, at + i, at + frames);
    return i;
  }
}
