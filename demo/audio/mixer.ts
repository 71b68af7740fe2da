import { MAX_LAG_SECONDS } from '../measure/lag-finder.ts';

/** Seconds of the exponential by which one sound replaces another: no gap, no click. */
const FADE = 0.008;
/** Where sounds are shifted in time all are silent for so long, in seconds: a shift is not to be heard, nor which of them was shifted. */
const HUSH = 0.06;

/** What is done to a sound so that it is like another in time and level. */
export interface Trim {
  readonly delaySeconds: number;
  readonly gain: number;
}

const NO_TRIM: Trim = { delaySeconds: 0, gain: 1 };

/** A sound that may be heard. */
interface Input {
  readonly source: AudioNode;
  readonly gain: GainNode;
  /** Only while it is delayed. */
  delay: DelayNode | null;
}

/** Plays one of several sounds, and switches between them without a gap: they all go on, only their gains cross over. */
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
    const gain = new GainNode(this.node.context, { gain: key === this.#heardKey ? 1 : 0 });
    source.connect(gain).connect(this.node);
    this.#inputs.set(key, { source, gain, delay: null });
  }

  remove(key: Key): void {
    const input = this.#inputs.get(key);
    if (input === undefined) return;
    this.#inputs.delete(key);
    input.gain.disconnect();
    input.delay?.disconnect();
    try {
      input.source.disconnect(input.delay ?? input.gain);
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
    for (const [each, input] of this.#inputs) {
      const { gain } = input.gain;
      const trim = trims.get(each) ?? NO_TRIM;
      if (shifts) {
        gain.cancelScheduledValues(currentTime);
        gain.setTargetAtTime(0, currentTime, FADE);
        this.#delay(input, trim.delaySeconds, at - FADE);
      }
      gain.setTargetAtTime(each === key ? trim.gain : 0, at, FADE);
    }
  }

  /** Delays a sound from a time on. The node stays, as taking it out would be heard. */
  #delay(input: Input, seconds: number, at: number): void {
    if (input.delay === null) {
      if (seconds === 0) return;
      input.delay = new DelayNode(this.node.context, { maxDelayTime: MAX_LAG_SECONDS });
      input.source.connect(input.delay).connect(input.gain);
      input.source.disconnect(input.gain);
    }
    input.delay.delayTime.setValueAtTime(seconds, at);
  }
}
