import type { OptionNames } from '../../core/option-names.ts';
import type { MicwireError } from '../../core/errors.ts';
import type { SpeakerRoute } from '../../core/microphone/echo-plan.ts';
import type { AbortOptions } from '../abort.ts';
import type { OutputDevice } from './speaker-devices.ts';

/**
 * State of a speaker: `'locked'`: the browser plays no audio before a user gesture; `'running'`: audio can be heard; `'suspended'`:
 * the context is suspended by the app or interrupted by the system; `'closed'`: closed by `close()` or with its context.
 */
export type SpeakerState = 'locked' | 'running' | 'suspended' | 'closed';

/** Options of a `Speaker`. */
export interface SpeakerOptions extends AbortOptions {
  /** Id of the device to play on; null for the system's default. @default the context's `sinkId` */
  readonly deviceId?: string | null | undefined;
  /** Linear gain, 0–16: 1 changes nothing. @default 1 */
  readonly volume?: number;
  /**
   * How audio reaches the loudspeaker. `'auto'`: by the route that the echo plan of a `Microphone` with this speaker requires;
   * without such a plan, through the context, or through an element where only an element can use the device. @default 'auto'
   */
  readonly route?: 'auto' | SpeakerRoute;
  /**
   * What happens after the browser has refused to play: `'gesture'`: the first gesture of the user anywhere on the page
   * unlocks the speaker; `'manual'`: the app calls `unlock()`. @default 'gesture'
   */
  readonly unlock?: 'gesture' | 'manual';
}
export const SPEAKER_OPTION_NAMES: OptionNames<SpeakerOptions> = {
  deviceId: 1,
  volume: 1,
  route: 1,
  unlock: 1,
  signal: 1,
};

/** The largest gain, 24 dB: a larger one must be a mistake. */
export const MAX_VOLUME = 16;
/** A change of the output device. */
export interface SpeakerDeviceChange {
  /** The device in use from now on; null for the system's default. */
  readonly device: OutputDevice | null;
  readonly previous: OutputDevice | null;
  /** `'chosen'`: the app called `use()`; `'gone'`: the device was unplugged, and the default replaces it. */
  readonly cause: 'chosen' | 'gone';
}

/** Events of a `Speaker`. */
export interface SpeakerEventMap {
  /** `speaker.state` has changed. */
  readonly statechange: Event;
  /** A different device is in use; `detail` describes the change. */
  readonly devicechange: CustomEvent<SpeakerDeviceChange>;
  /** A failure, in `detail`. The speaker continues, on the default device or by another route. */
  readonly error: CustomEvent<MicwireError>;
}

/** The figures of `AudioContext.playbackStats` (Web Audio, `AudioPlaybackStats`), under the same names. Times are in seconds. */
export interface PlaybackStats {
  readonly underrunDuration: number;
  readonly underrunEvents: number;
  readonly totalDuration: number;
  readonly averageLatency: number;
  readonly minimumLatency: number;
  readonly maximumLatency: number;
}
/** Every field of {@link PlaybackStats}. */
export const PLAYBACK_STATS: readonly (keyof PlaybackStats)[] = [
  'underrunDuration',
  'underrunEvents',
  'totalDuration',
  'averageLatency',
  'minimumLatency',
  'maximumLatency',
];
