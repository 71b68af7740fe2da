import { describe } from '../core/arguments.ts';
import { ChannelMixer } from '../core/dsp/channel-mixer.ts';
import { MAX_CHANNELS } from './node-options.ts';
import type { NodeSettings } from './node-options.ts';

type Mixing = Pick<NodeSettings, 'channelCount' | 'channelCountMode' | 'channelInterpretation'>;

/**
 * The signal of one input in each quantum, as the test has set it; the processor gets copies, so it cannot change the signal. Allocates
 * only if there are more channels than before.
 */
export class InputBlocks {
  /** Number of channels that the processor sees; 0 while nothing is connected. */
  count = 0;
  readonly #mixing: Mixing;
  readonly #quantum: number;
  /** The channels as they were given, and mixed to `count` channels. */
  readonly #given: Float32Array[] = [];
  readonly #mixed: Float32Array[] = [];
  #mixer: ChannelMixer | undefined;
  #mixes = false;

  constructor(mixing: Mixing, quantum: number) {
    this.#mixing = mixing;
    this.#quantum = quantum;
  }

  /** Copies one quantum from frame `from` of each channel; if a channel ends early, the rest is silence. */
  set(channels: readonly Float32Array[], from: number): void {
    if (!Array.isArray(channels)) {
      throw new TypeError(`channels must be an array, got ${describe(channels)}.`);
    }
    const given = channels.length;
    if (given > MAX_CHANNELS) {
      throw new RangeError(`An input has at most ${MAX_CHANNELS} channels, got ${given}.`);
    }
    for (let channel = 0; channel < given; channel++) {
      const source = channels[channel] as Partial<Float32Array> | null | undefined;
      if (source?.[Symbol.toStringTag] === 'Float32Array') continue;
      throw new TypeError(`channels must hold Float32Arrays, got ${describe(source)}.`);
    }
    this.#extend(this.#given, given);
    for (let channel = 0; channel < given; channel++) {
      const source = channels[channel]!;
      const target = this.#given[channel]!;
      const frames = Math.max(0, Math.min(target.length, source.length - from));
      for (let i = 0; i < frames; i++) target[i] = source[from + i]!;
      if (frames < target.length) target.fill(0, frames);
    }
    this.count = this.#computedCount(given);
    this.#mixes = this.count !== given;
    if (this.#mixes) this.#mix(given);
  }

  /** Copies the quantum to the arrays that the processor will see. */
  show(target: readonly Float32Array[]): void {
    const source = this.#mixes ? this.#mixed : this.#given;
    for (let channel = 0; channel < target.length; channel++) {
      target[channel]!.set(source[channel]!);
    }
  }

  /** Copies the content of another one with another quantum. */
  adopt(other: InputBlocks): void {
    this.#extend(this.#given, other.count);
    const source = other.#mixes ? other.#mixed : other.#given;
    for (let channel = 0; channel < other.count; channel++) {
      const from = source[channel]!;
      this.#given[channel]!.set(from.subarray(0, Math.min(from.length, this.#quantum)));
    }
    this.count = other.count;
  }

  /** Returns `computedNumberOfChannels` of an input with one connection (Web Audio §4.1). */
  #computedCount(given: number): number {
    const { channelCount, channelCountMode } = this.#mixing;
    if (given === 0 || channelCountMode === 'max') return given;
    return channelCountMode === 'explicit' ? channelCount : Math.min(given, channelCount);
  }

  #mix(given: number): void {
    const { count } = this;
    this.#extend(this.#mixed, count);
    if (this.#mixing.channelInterpretation === 'discrete') {
      for (let channel = 0; channel < count; channel++) {
        if (channel < given) this.#mixed[channel]!.set(this.#given[channel]!);
        else this.#mixed[channel]!.fill(0);
      }
      return;
    }
    if (this.#mixer?.outputChannels !== count) {
      this.#mixer = new ChannelMixer({ outputChannels: count });
    }
    const source = this.#given.length === given ? this.#given : this.#given.slice(0, given);
    this.#mixer.mix(source, 0, this.#quantum, this.#mixed, 0);
  }

  #extend(arrays: Float32Array[], count: number): void {
    while (arrays.length < count) arrays.push(new Float32Array(this.#quantum));
  }
}
