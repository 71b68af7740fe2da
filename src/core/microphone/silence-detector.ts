import type { SilenceKind } from './life-messages.ts';

/**
 * −100 dBFS: a device whose peaks stay below it for seconds hears nothing. The smallest step of 16 bits is −90 dBFS; a room with
 * 20 dB(A), as quiet as rooms get, has −100 dBFS RMS in a microphone with 120 dB SPL at full scale, and peaks 12 dB higher.
 */
const SILENCE_FLOOR = 1e-5;

/**
 * Detects a silent device: exact zeros, or peaks below the noise floor of any microphone, for a number of frames.
 * Constant work per quantum. Allocates nothing.
 */
export class SilenceDetector {
  /** `'zeros'`, `'floor'`, or null while the device is heard. */
  kind: SilenceKind | null = null;
  readonly #silenceFrames: number;
  /** How many of the last frames were exact zeros, and how many stayed below the floor. */
  #zeroFrames = 0;
  #quietFrames = 0;

  /** @param silenceFrames at least 1 */
  constructor(silenceFrames: number) {
    this.#silenceFrames = silenceFrames;
  }

  /** How many of the last frames were exact zeros in all channels. */
  get zeroFrames(): number {
    return this.#zeroFrames;
  }

  /** For how many frames the device has been silent, in the sense of `kind`. */
  get silentFrames(): number {
    return this.kind === 'zeros' ? this.#zeroFrames : this.#quietFrames;
  }

  /**
   * Takes a block.
   * @param channels finite samples, any number of channels; 0 channels count as exact zeros
   * @returns whether `kind` has changed
   */
  process(channels: readonly Float32Array[], frames: number): boolean {
    let sounding = -1;
    let loud = -1;
    for (let c = 0; c < channels.length; c++) {
      const samples = channels[c]!;
      let i = frames - 1;
      // From the end: if the device is heard, a few samples are enough.
      for (; i > loud; i--) {
        const sample = samples[i]!;
        if (sample === 0) continue;
        if (i > sounding) sounding = i;
        if (sample >= SILENCE_FLOOR || sample <= -SILENCE_FLOOR) loud = i;
      }
    }
    this.#zeroFrames = sounding < 0 ? this.#zeroFrames + frames : frames - 1 - sounding;
    this.#quietFrames = loud < 0 ? this.#quietFrames + frames : frames - 1 - loud;
    return this.#decide();
  }

  /** Restarts: the next audio comes from another device, or after a gap. @returns whether `kind` has changed */
  restart(): boolean {
    this.#zeroFrames = this.#quietFrames = 0;
    return this.#decide();
  }

  #decide(): boolean {
    const before = this.kind;
    if (this.#zeroFrames >= this.#silenceFrames) this.kind = 'zeros';
    else this.kind = this.#quietFrames >= this.#silenceFrames ? 'floor' : null;
    return this.kind !== before;
  }
}
