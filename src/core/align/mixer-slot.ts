import { ChannelMixer } from '../dsp/channel-mixer.ts';
import { planar } from '../dsp/planar.ts';
import { MISSING, PAUSED, PAUSED_MISSING, PRESENT } from '../microphone/presence.ts';
import type { VariableResamplerPlan } from '../resampler/variable-resampler.ts';
import { ClockAligner } from './clock-aligner.ts';
import { ContextTimeline } from './context-timeline.ts';
import { SOURCE, SOURCE_FIELDS } from './mixer-report.ts';

/** Most frames that are mixed at once. */
export const BLOCK_FRAMES = 128;
/** Timestamps that differ by more than this, ms, from those of the other sources come from another clock. */
const OTHER_CLOCK_MS = 1000;
/** How long a change of the gain takes, seconds. */
const GAIN_SECONDS = 0.01;

/** Indices of the state. */
const GAIN = 0;
const TARGET = 1;
const PRESENT_FRAMES = 2;
const MISSING_FRAMES = 3;
const PAUSED_FRAMES = 4;
const TOLD = 5;
const SLOTS = 6;

/** Options of a {@link MixerSlot}. */
export interface MixerSlotOptions {
  readonly id: number;
  readonly channels: number;
  readonly gain: number;
  readonly contextRate: number;
  readonly timeline: ContextTimeline;
  readonly maxDelayMs: number;
  /** For a node: whether a second input reports its presence. */
  readonly tellsPresence: boolean;
}

/** One source of a mixer: a stream with its own clock, or a node of the context. */
export class MixerSlot {
  readonly id: number;
  readonly #channels: number;
  readonly #mixer: ChannelMixer;
  readonly #block: readonly Float32Array[];
  readonly #state: Float64Array = new Float64Array(SLOTS);
  readonly #gainStep: number;
  readonly #options: MixerSlotOptions;
  /** Null: the source is a node. */
  #aligner: ClockAligner | null = null;
  /** Sample rate of the stream, Hz. */
  #sampleRate = 0;
  /** Context frames per frame of the stream. */
  #rates = 1;
  /** Figures of the audio that the source sent earlier at other rates. */
  readonly #before: Float64Array = new Float64Array(SOURCE_FIELDS.length);
  /** Used for timestamps that do not come from the common clock. */
  readonly #own: ContextTimeline;
  #gaps = 0;
  #isPresent = true;

  constructor(options: MixerSlotOptions) {
    const { channels } = options;
    this.id = options.id;
    this.#options = options;
    this.#channels = channels;
    this.#mixer = new ChannelMixer({ outputChannels: channels });
    this.#own = new ContextTimeline(options.contextRate);
    this.#block = planar(channels, BLOCK_FRAMES);
    this.#gainStep = 1 / (GAIN_SECONDS * options.contextRate);
    // The gain is 0 at first: the source fades in.
    this.#state[TARGET] = options.gain;
  }

  /** Prepares for the first blocks, or for blocks with another rate. */
  open(resampler: VariableResamplerPlan): void {
    if (this.#aligner !== null) {
      this.#aligner.end();
      this.report(this.#before, 0);
    }
    this.#sampleRate = resampler.inputRate;
    this.#rates = this.#options.contextRate / resampler.inputRate;
    this.#aligner = new ClockAligner({ ...this.#options, resampler });
  }

  set gain(gain: number) {
    this.#state[TARGET] = gain;
  }

  /** Takes a block of the stream. */
  insert(
    channels: readonly Float32Array[],
    sampleRate: number,
    timestampMs: number,
    nowMs: number,
  ): void {
    const aligner = this.#aligner;
    const frames = channels[0]?.length ?? 0;
    if (aligner === null || frames === 0 || sampleRate !== this.#sampleRate) return;
    const common = aligner.timeline;
    if (aligner.receivedFrames === 0 && common.begun) {
      const apart = timestampMs - common.timestampAt(nowMs);
      if (Math.abs(apart) > OTHER_CLOCK_MS) aligner.timeline = this.#own;
    }
    aligner.insert(channels, frames, timestampMs, nowMs);
  }

  /** Begins a render quantum. Called before the timeline follows. */
  begin(frame: number): void {
    const aligner = this.#aligner;
    if (aligner === null) return;
    aligner.ask(frame);
    if (aligner.timeline === this.#own) this.#own.follow(frame);
  }

  /**
   * Adds frames `at` … `at + frames` of the source to `output`.
   * @param input audio of a node
   * @param presence presence of a node that reports it
   * @param first the first channel of `output` to add to
   * @param frame the context's frame at `at`
   */
  add(
    input: readonly Float32Array[],
    presence: readonly Float32Array[],
    output: readonly Float32Array[],
    first: number,
    at: number,
    frames: number,
    frame: number,
  ): void {
    const block = this.#block;
    if (this.#aligner !== null) this.#aligner.read(block, 0, frames, frame);
    else {
      this.#count(presence, at, frames);
      this.#mixer.mix(input, at, frames, block, 0);
    }
    const state = this.#state;
    const target = state[TARGET]!;
    let gain = state[GAIN]!;
    for (let c = 0; c < this.#channels; c++) {
      const source = block[c]!;
      const channel = output[first + c]!;
      gain = state[GAIN]!;
      for (let i = 0; i < frames; i++) {
        const missing = target - gain;
        const step = this.#gainStep;
        gain = missing > step ? gain + step : missing < -step ? gain - step : target;
        channel[at + i] = channel[at + i]! + source[i]! * gain;
      }
    }
    state[GAIN] = gain;
  }

  /** Returns how many context frames were missing in the gap that has just ended; 0 if no gap has. */
  takeGap(): number {
    const aligner = this.#aligner;
    const state = this.#state;
    const missing = this.#missingFrames();
    if (missing === state[TOLD]!) return 0;
    if (aligner === null ? !this.#isPresent : !aligner.playing) return 0;
    const gap = missing - state[TOLD]!;
    state[TOLD] = missing;
    return gap;
  }

  /** Writes the figures to `values` from `at` on, in the order of `SOURCE_FIELDS`. */
  report(values: Float64Array, at: number): void {
    const aligner = this.#aligner;
    const state = this.#state;
    const before = this.#before;
    values[at + SOURCE.id] = this.id;
    values[at + SOURCE.missingFrames] = this.#missingFrames();
    if (aligner === null) {
      values[at + SOURCE.playing] = this.#isPresent ? 1 : 0;
      values[at + SOURCE.presentFrames] = state[PRESENT_FRAMES]!;
      values[at + SOURCE.pausedFrames] = state[PAUSED_FRAMES]!;
      values[at + SOURCE.gaps] = this.#gaps;
      return;
    }
    values[at + SOURCE.playing] = aligner.playing ? 1 : 0;
    values[at + SOURCE.driftPpm] = (aligner.ratio - 1) * 1e6;
    values[at + SOURCE.offsetMs] = aligner.errorMs;
    values[at + SOURCE.delayMs] = aligner.timeline.begun ? aligner.timeline.delayMs : 0;
    values[at + SOURCE.bufferedMs] = aligner.bufferedMs;
    values[at + SOURCE.receivedFrames] = before[SOURCE.receivedFrames]! + aligner.receivedFrames;
    values[at + SOURCE.usedFrames] = before[SOURCE.usedFrames]! + aligner.usedFrames;
    values[at + SOURCE.droppedFrames] = before[SOURCE.droppedFrames]! + aligner.droppedFrames;
    values[at + SOURCE.lostFrames] = before[SOURCE.lostFrames]! + aligner.lostFrames;
    values[at + SOURCE.presentFrames] =
      before[SOURCE.presentFrames]! +
      before[SOURCE.missingFrames]! +
      aligner.presentFrames +
      aligner.missingFrames -
      this.#missingFrames();
    values[at + SOURCE.gaps] = before[SOURCE.gaps]! + aligner.gaps;
  }

  /** Counts lost frames too: silence was given in their place. */
  #missingFrames(): number {
    const aligner = this.#aligner;
    if (aligner === null) return this.#state[MISSING_FRAMES]!;
    const silent = Math.round(aligner.silentFrames * this.#rates);
    return this.#before[SOURCE.missingFrames]! + aligner.missingFrames + silent;
  }

  #count(presence: readonly Float32Array[], at: number, frames: number): void {
    const state = this.#state;
    // The presence of a node that is gone is empty or 0.
    const told = presence.length > 0 ? presence[0]![at]! : MISSING;
    const value = this.#options.tellsPresence ? told : PRESENT;
    if (value === PAUSED || value === PAUSED_MISSING) {
      state[PAUSED_FRAMES] = state[PAUSED_FRAMES]! + frames;
      return;
    }
    const isPresent = value === PRESENT;
    if (!isPresent && this.#isPresent) this.#gaps++;
    this.#isPresent = isPresent;
    const which = isPresent ? PRESENT_FRAMES : MISSING_FRAMES;
    state[which] = state[which]! + frames;
  }
}
