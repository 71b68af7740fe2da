import { MAX_LAG_SECONDS } from '../measure/lag-finder.ts';

/** Seconds of the exponential by which one input replaces another: no gap, no click. */
const FADE = 0.008;
/** How long all sounds are silent when they are shifted in time, in seconds: neither a shift nor which of them was shifted can be heard. */
const HUSH = 0.06;

/** What makes a sound match another in time and level. */
export interface Trim {
  readonly delaySeconds: number;
  readonly gain: number;
}

const NO_TRIM: Trim = { delaySeconds: 0, gain: 1 };

/** A sound that may be heard. */
interface Input {
  readonly source: AudioNode;
  readonly gain: GainNode;
  readonly delay: DelayNode;
}

/** Plays one of several sounds, and switches between them without a gap: all of them continue, and only their gains cross over. */
export class Mixer<Key> {
  /** What is heard, to be connected by the owner. */
  readonly node: GainNode;
  readonly #inputs = new Map<Key, Input>();
  #trims: ReadonlyMap<Key, Trim> = new Map();
  #heardKey: Key | null = null;

  constructor(context: BaseAudioContext) {
    this.node = new GainNode(context);
  }

  /** Which is heard; null for none. */
  get heard(): Key | null {
    return this.#heardKey;
  }

  /** A sound that may be heard. It takes the place of an earlier one of the same name. */
  add(key: Key, source: AudioNode): void {
    this.remove(key);
    const { context } = this.node;
    const trim = this.#trims.get(key) ?? NO_TRIM;
    const gain = new GainNode(context, { gain: key === this.#heardKey ? trim.gain : 0 });
    // Always there, so that it holds the audio that a shift makes audible.
    const delay = new DelayNode(context, {
      maxDelayTime: MAX_LAG_SECONDS,
      delayTime: trim.delaySeconds,
    });
    source.connect(delay).connect(gain).connect(this.node);
    this.#inputs.set(key, { source, gain, delay });
  }

  remove(key: Key): void {
    const input = this.#inputs.get(key);
    if (input === undefined) return;
    this.#inputs.delete(key);
    input.gain.disconnect();
    input.delay.disconnect();
    try {
      input.source.disconnect(input.delay);
    } catch {
      // Gone from the graph already, with the lane that it belonged to.
    }
  }

  /**
   * Lets only that one be heard; one that is not there yet, as soon as it is.
   * @param trims what makes some of them alike in time and level. With any, sounds do not cross over: all are silent for a moment,
   *   whatever is changed, so that nothing but the sound tells them apart
   */
  hear(key: Key | null, trims: ReadonlyMap<Key, Trim> = new Map()): void {
    this.#heardKey = key;
    const { currentTime } = this.node.context;
    const shifts = trims.size > 0 || this.#trims.size > 0;
    this.#trims = trims;
    const at = shifts ? currentTime + HUSH : currentTime;
    for (const [each, { gain, delay }] of this.#inputs) {
      const trim = trims.get(each) ?? NO_TRIM;
      // What an earlier choice has planned for later does not come.
      gain.gain.cancelScheduledValues(currentTime);
      if (shifts) {
        gain.gain.setTargetAtTime(0, currentTime, FADE);
        delay.delayTime.cancelScheduledValues(currentTime);
        delay.delayTime.setValueAtTime(trim.delaySeconds, at - FADE);
      }
      gain.gain.setTargetAtTime(each === key ? trim.gain : 0, at, FADE);
    }
  }
}
