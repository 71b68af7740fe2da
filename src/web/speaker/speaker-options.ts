import type { OptionNames } from '../../core/option-names.ts';
import type { MicwireError } from '../../core/errors.ts';
import type { SpeakerRoute } from '../../core/microphone/echo-plan.ts';
import type { AbortOptions } from '../abort.ts';
import type { OutputDevice } from './speaker-devices.ts';

/**
 * State of a speaker:
 * `'locked'`: the browser plays nothing before a gesture of the user; `'running'`; `'suspended'`: the context is suspended by
 * the app or interrupted by the system; `'closed'`: by `close()` or with its context.
 */
export type SpeakerState = 'locked' | 'running' | 'suspended' | 'closed';

/** Options of a `Speaker`. */
export interface SpeakerOptions extends AbortOptions {
  /** Device to play on, by its id; null: the system's default. @default the context's, `sinkId` */
  readonly deviceId?: string | null | undefined;
  /** Linear gain, 0–16: 1 changes nothing. @default 1 */
  readonly volume?: number;
  /**
   * How audio reaches the loudspeaker. `'auto'`: as the echo plan of a `Microphone` with this speaker wants it, and without
   * one by the context, or by an element where only that can use the device. @default 'auto'
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

/** 24 dB: more is a mistake. */
export const MAX_VOLUME = 16;
/** A change of the output device. */
export interface SpeakerDeviceChange {
  /** In use from now on; null: the system's default. */
  readonly device: OutputDevice | null;
  readonly previous: OutputDevice | null;
  /** `'chosen'`: by `use()`; `'gone'`: the device was unplugged, and the default takes its place. */
  readonly cause: 'chosen' | 'gone';
}

/** Events of a `Speaker`. */
export interface SpeakerEventMap {
  /** `speaker.state` has changed. */
  readonly statechange: Event;
  /** Another device is in use, in `detail`. */
  readonly devicechange: CustomEvent<SpeakerDeviceChange>;
  /** A failure, in `detail`. The speaker continues, on the default device or by another route. */
  readonly error: CustomEvent<MicwireError>;
}

/** The figures of `AudioContext.playbackStats` (Web Audio, `AudioPlaybackStats`), under their own names. Seconds. */
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
