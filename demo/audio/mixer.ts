/** Seconds of the exponential by which one sound replaces another: no gap, no click. */
const FADE = 0.008;

/** Plays one of several sounds, and switches between them without a gap: they all go on, only their gains cross over. */
export class Mixer<Key> {
  /** What is heard, to be connected by the owner. */
  readonly node: GainNode;
  readonly #inputs = new Map<Key, { readonly source: AudioNode; readonly gain: GainNode }>();
  #heardKey: Key | null = null;

  constructor(context: AudioContext) {
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
    this.#inputs.set(key, { source, gain });
  }

  remove(key: Key): void {
    const input = this.#inputs.get(key);
    if (input === undefined) return;
    this.#inputs.delete(key);
    input.gain.disconnect();
    try {
      input.source.disconnect(input.gain);
    } catch {
      // Gone from the graph already, with the lane that it belonged to.
    }
  }

  /** Lets only that one be heard; one that is not there yet, as soon as it is. */
  hear(key: Key | null): void {
    this.#heardKey = key;
    const { currentTime } = this.node.context;
    for (const [each, { gain }] of this.#inputs) {
      gain.gain.setTargetAtTime(each === key ? 1 : 0, currentTime, FADE);
    }
  }
}
