import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn, MAX_CHANNELS } from '../arguments.ts';

/** Options of a {@link ChannelMixer}. */
export interface ChannelMixerOptions {
  /** Number of output channels, 1 to 32. */
  readonly outputChannels: number;
}
const NAMES = { outputChannels: 1 } satisfies OptionNames<ChannelMixerOptions>;

const HALF_POWER = Math.SQRT1_2;

/**
 * Up- and down-mixing in Web Audio's `"speakers"` interpretation (Web Audio §4.2 "Channel up-mixing and down-mixing"): one
 * row of input gains per output channel. Orders: mono M; stereo L R; quad L R SL SR; 5.1 L R C LFE SL SR.
 */
const SPEAKER_MIXES: Readonly<Record<string, readonly (readonly number[])[]>> = {
  '1→2': [[1], [1]],
  '1→4': [[1], [1], [0], [0]],
  '1→6': [[0], [0], [1], [0], [0], [0]],
  '2→1': [[0.5, 0.5]],
  '4→1': [[0.25, 0.25, 0.25, 0.25]],
  '4→2': [
    [0.5, 0, 0.5, 0],
    [0, 0.5, 0, 0.5],
  ],
  '4→6': [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 0, 0],
    [0, 0, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ],
  '6→1': [[HALF_POWER, HALF_POWER, 1, 0, 0.5, 0.5]],
  '6→2': [
    [1, 0, HALF_POWER, 0, HALF_POWER, 0],
    [0, 1, HALF_POWER, 0, 0, HALF_POWER],
  ],
  '6→4': [
    [1, 0, HALF_POWER, 0, 0, 0],
    [0, 1, HALF_POWER, 0, 0, 0],
    [0, 0, 0, 0, 1, 0],
    [0, 0, 0, 0, 0, 1],
  ],
};

/**
 * Mixes any number of channels, which may change from call to call, to a fixed number: by Web Audio's speaker layouts if both
 * counts have one (1, 2, 4, 6), otherwise channel by channel (`"discrete"`). Input without channels is silence. Allocates in
 * its constructor only.
 */
export class ChannelMixer {
  readonly outputChannels: number;
  /** By input count 0–6: one row of input gains per output channel; undefined if `"discrete"` applies. */
  readonly #gains: readonly (Float64Array | undefined)[];

  /** @throws TypeError or RangeError unless `outputChannels` is an integer from 1 to 32 */
  constructor(options: ChannelMixerOptions) {
    checkOptions('ChannelMixer', options, NAMES);
    const outputChannels = integerIn('outputChannels', options.outputChannels, 1, MAX_CHANNELS);
    this.outputChannels = outputChannels;
    this.#gains = Array.from({ length: 7 }, (_, inputChannels) => {
      const rows = SPEAKER_MIXES[`${inputChannels}→${outputChannels}`];
      return rows && Float64Array.from(rows.flat());
    });
  }

  /**
   * Mixes frames `from` … `from + frames` of `input` to `output` at frame `at`, and replaces the frames there.
   * @param input any number of channels, including 0; must not share memory with `output`
   * @param output the caller's; `outputChannels` arrays
   */
  mix(
    input: readonly Float32Array[],
    from: number,
    frames: number,
    output: readonly Float32Array[],
    at: number,
  ): void {
    const inputChannels = input.length;
    const gains = inputChannels < this.#gains.length ? this.#gains[inputChannels] : undefined;
    for (let o = 0; o < this.outputChannels; o++) {
      const target = output[o]!;
      if (gains === undefined) {
        if (o < inputChannels) add(input[o]!, from, frames, target, at, UNITY, 0, true);
        else target.fill(0, at, at + frames);
        continue;
      }
      let first = true;
      for (let i = 0; i < inputChannels; i++) {
        const index = o * inputChannels + i;
        if (gains[index] === 0) continue;
        add(input[i]!, from, frames, target, at, gains, index, first);
        first = false;
      }
      if (first) target.fill(0, at, at + frames);
    }
  }
}

/** The gain of channels that are copied unchanged. */
const UNITY = Float64Array.of(1);

/** @param gains the gain is at `index`: engines would box a number if this is not inlined */
function add(
  source: Float32Array,
  from: number,
  frames: number,
  target: Float32Array,
  at: number,
  gains: Float64Array,
  index: number,
  first: boolean,
): void {
  const gain = gains[index]!;
  if (first) for (let i = 0; i < frames; i++) target[at + i] = source[from + i]! * gain;
  else for (let i = 0; i < frames; i++) target[at + i]! += source[from + i]! * gain;
}
