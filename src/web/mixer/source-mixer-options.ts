import { integerIn, MAX_CHANNELS, numberIn, oneOf } from '../../core/arguments.ts';
import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import type { AbortOptions } from '../abort.ts';
import type { CaptureSource } from '../capture-source.ts';
import { gainOf } from './mixed-source.ts';
import type { MixedSource } from './mixed-source.ts';
import type { MicwireError } from '../../core/errors.ts';
import type { WorkerUrl } from '../worker-loader.ts';
import type { WorkletUrl } from '../worklet-loader.ts';

/** A source of a `SourceMixer`. */
export interface MixerSource {
  /** A `Microphone`, a track, a stream (for example from `getDisplayMedia`) or a node. */
  readonly source: CaptureSource;
  /** Linear gain, 0–100. Can be changed. @default 1 */
  readonly gain?: number;
}
const SOURCE_NAMES = { source: 1, gain: 1 } satisfies OptionNames<MixerSource>;

/** Options of a `SourceMixer`. */
export interface SourceMixerOptions extends AbortOptions {
  /**
   * `'separate'`: each source, mixed to mono, is one channel of the node; the first source is the first channel. `'mixed'`: all
   * sources are mixed together. @default 'separate'
   */
  readonly layout?: 'separate' | 'mixed';
  /**
   * Maximum number of sources at a time, 1–16. With `'separate'` the node has this many channels.
   * @default 2, or as many as are given
   */
  readonly maxSources?: number;
  /** With `'mixed'`: number of channels of the node, 1–32. @default 2 */
  readonly channels?: number;
  /**
   * The longest time that sources wait for each other and for their own late blocks, in ms, 20–1000. Blocks that would need a
   * longer wait are left out. @default 250
   */
  readonly maxDelayMs?: number;
  /** Your own copy of the worklet file: see `loadWorklet`. */
  readonly workletUrl?: WorkletUrl;
  /** Your own copy of `blocks.js`, the Worker that reads tracks. All mixers of a page share the Worker of the first one. */
  readonly workerUrl?: WorkerUrl;
}
const NAMES = {
  layout: 1,
  maxSources: 1,
  channels: 1,
  maxDelayMs: 1,
  workletUrl: 1,
  workerUrl: 1,
  signal: 1,
} satisfies OptionNames<SourceMixerOptions>;

/** The end of a gap in a source's audio: the `detail` of a `gap` event. */
export interface MixerGap {
  readonly source: MixedSource;
  /** Frames of the context without audio of this source. */
  readonly missingFrames: number;
  readonly durationMs: number;
  /** The context's time at which audio continued, in seconds. */
  readonly contextTime: number;
}

/** Events of a `SourceMixer`. */
export interface SourceMixerEventMap {
  readonly gap: CustomEvent<MixerGap>;
  /** A source has ended, for example because sharing was stopped. It remains in the mixer, silent, until it is removed. */
  readonly sourceend: CustomEvent<MixedSource>;
  /** The processor failed, in `detail`; the node stays silent. */
  readonly error: CustomEvent<MicwireError>;
}

/** The validated options, with the defaults filled in. */
export interface MixerSettings {
  readonly layout: 'separate' | 'mixed';
  readonly channels: number;
  readonly slots: number;
  readonly maxDelayMs: number;
  readonly workerUrl: WorkerUrl | undefined;
}

const MAX_SOURCES = 16;

/** @throws TypeError or RangeError */
export function mixerSettings(options: SourceMixerOptions, sources: number): MixerSettings {
  checkOptions('SourceMixer', options, NAMES);
  const layout = oneOf('layout', options.layout ?? 'separate', ['separate', 'mixed']);
  const slots = integerIn('maxSources', options.maxSources ?? Math.max(2, sources), 1, MAX_SOURCES);
  if (sources > slots) {
    throw new RangeError(`maxSources must be at least the ${sources} sources given, got ${slots}.`);
  }
  if (layout === 'separate' && options.channels !== undefined) {
    throw new TypeError("channels is for layout 'mixed': 'separate' has a channel per source.");
  }
  return {
    layout,
    slots,
    channels:
      layout === 'separate' ? slots : integerIn('channels', options.channels ?? 2, 1, MAX_CHANNELS),
    workerUrl: options.workerUrl,
    maxDelayMs: numberIn('maxDelayMs', options.maxDelayMs ?? 250, 20, 1000),
  };
}

/** @throws TypeError or RangeError */
export function mixerSource(source: MixerSource): Required<MixerSource> {
  checkOptions('SourceMixer.add', source, SOURCE_NAMES);
  return { source: source.source, gain: gainOf(source.gain ?? 1) };
}
