import {
  booleanOf,
  describe,
  integerIn,
  numberIn,
  oneOf,
  MAX_CHANNELS,
} from '../../core/arguments.ts';
import type { MicwireError } from '../../core/errors.ts';
import type {
  GapCause,
  ReacquirePolicy,
  SilenceCause,
  SilenceKind,
} from '../../core/microphone/life-messages.ts';
import { ECHO_MODES } from '../../core/microphone/echo-plan.ts';
import type { EchoMode } from '../../core/microphone/echo-plan.ts';
import { checkObject, checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import type { AbortOptions } from '../abort.ts';
import type { Speaker } from '../speaker/speaker.ts';
import type { WorkletUrl } from '../worklet-loader.ts';

/** Options of a `Microphone`. */
export interface MicrophoneOptions extends AbortOptions {
  /** `deviceId` of the device to use. @default null, the system's default device */
  readonly deviceId?: string | null;
  /**
   * Number of channels of `microphone.node`, 1–32. Devices with a different number are mixed by Web Audio's speaker rules.
   * @default 1
   */
  readonly channels?: number;
  /**
   * How echo is cancelled. `'auto'` asks the engine to cancel everything that the system plays, and if it cannot, makes `speaker`
   * play by a route that the canceller hears; `'browser'` uses the browser's default cancellation; `'all'` asks the engine to
   * cancel everything and never changes the speaker's route; `'route'` always makes the speaker play by such a route; `'none'` asks
   * for no echo cancellation. `microphone.echo` reports the result. @default 'auto'
   */
  readonly echo?: EchoMode;
  /** The speaker that plays the app's audio, for `echo`. @default none */
  readonly speaker?: Speaker;
  /** Asks the browser to remove noise. @default true */
  readonly noiseSuppression?: boolean;
  /** Asks the browser to adjust the level automatically. @default true */
  readonly autoGainControl?: boolean;
  /**
   * What happens when the device is lost: `'any'` opens the same device again, or else the default one; `'same'` waits for the same
   * device; `'never'` waits for `use()`. @default 'any'
   */
  readonly reacquire?: ReacquirePolicy;
  /**
   * What `open()` does when the microphone cannot be used: `'reject'` rejects; `'wait'` resolves with a microphone that is
   * `'blocked'`, and that becomes live by itself as soon as the user allows the microphone or plugs one in. @default 'reject'
   */
  readonly ifBlocked?: 'reject' | 'wait';
  /** How long the device must be silent before a `'silent'` event is dispatched, in milliseconds, 100–600000. @default 3000 */
  readonly silenceMs?: number;
  /** Push-to-talk: audio is captured only between `hold()` and `release()`. @default false */
  readonly pushToTalk?: boolean;
  /** How much audio from before each `hold()` captures deliver too, in milliseconds, 0–5000. @default 300 with push-to-talk */
  readonly preRollMs?: number;
  /** Keeps the screen on while the microphone is live. @default true */
  readonly wakeLock?: boolean;
  /**
   * Sets `navigator.audioSession.type` to `'play-and-record'` where it exists (Safari), and restores it when the microphone is
   * closed. @default true
   */
  readonly audioSession?: boolean;
  /** Your own copy of the worklet file: see `loadWorklet`. */
  readonly workletUrl?: WorkletUrl;
}
const NAMES: OptionNames<MicrophoneOptions> = {
  deviceId: 1,
  channels: 1,
  echo: 1,
  speaker: 1,
  noiseSuppression: 1,
  autoGainControl: 1,
  reacquire: 1,
  ifBlocked: 1,
  silenceMs: 1,
  pushToTalk: 1,
  preRollMs: 1,
  wakeLock: 1,
  audioSession: 1,
  workletUrl: 1,
  signal: 1,
};

/** {@link MicrophoneOptions} after validation, with the defaults filled in. */
export interface MicrophoneSettings extends Required<
  Omit<MicrophoneOptions, 'workletUrl' | 'speaker' | 'signal'>
> {
  readonly speaker: Speaker | null;
  readonly workletUrl: WorkletUrl | undefined;
}

/** @throws TypeError or RangeError for an invalid option */
export function microphoneSettings(options: MicrophoneOptions): MicrophoneSettings {
  checkOptions('Microphone', options, NAMES);
  const pushToTalk = booleanOf('pushToTalk', options.pushToTalk ?? false);
  return {
    deviceId: deviceIdOrNull(options.deviceId ?? null),
    channels: integerIn('channels', options.channels ?? 1, 1, MAX_CHANNELS),
    echo: oneOf('echo', options.echo ?? 'auto', ECHO_MODES),
    speaker: speakerOrNull(options.speaker),
    noiseSuppression: booleanOf('noiseSuppression', options.noiseSuppression ?? true),
    autoGainControl: booleanOf('autoGainControl', options.autoGainControl ?? true),
    reacquire: oneOf('reacquire', options.reacquire ?? 'any', ['any', 'same', 'never']),
    ifBlocked: oneOf('ifBlocked', options.ifBlocked ?? 'reject', ['reject', 'wait']),
    silenceMs: numberIn('silenceMs', options.silenceMs ?? 3000, 100, 600_000),
    pushToTalk,
    preRollMs: numberIn('preRollMs', options.preRollMs ?? (pushToTalk ? 300 : 0), 0, 5000),
    wakeLock: booleanOf('wakeLock', options.wakeLock ?? true),
    audioSession: booleanOf('audioSession', options.audioSession ?? true),
    workletUrl: options.workletUrl,
  };
}

/** @throws TypeError unless it is a device's id or null */
export function deviceIdOrNull(deviceId: unknown): string | null {
  if (deviceId === null || typeof deviceId === 'string') return deviceId;
  throw new TypeError(`deviceId must be a string or null, got ${describe(deviceId)}.`);
}

function speakerOrNull(speaker: Speaker | undefined): Speaker | null {
  if (speaker === undefined) return null;
  checkObject('speaker must be a Speaker', speaker, 'setRoutePlanner');
  return speaker;
}

/** A gap in the audio: the `detail` of a `gap` event. */
export interface MicrophoneGap {
  /** Why audio was missing. */
  readonly cause: GapCause;
  /** Number of missing frames, at the context's rate. Captures count them as dropped, at their own rate. */
  readonly frames: number;
  /** The same in milliseconds. */
  readonly durationMs: number;
  /**
   * Number of frames of exact zeros directly before the gap, which were delivered as silence. The system does not say when the
   * device stopped, so these frames may have been missing as well.
   */
  readonly silentFrames: number;
  /** When audio continued, in seconds on the clock of `context.currentTime`. */
  readonly contextTime: number;
}

/** A device that delivers silence: the `detail` of a `silent` event. */
export interface MicrophoneSilence {
  /** The likely cause; null when the device is no longer silent. */
  readonly cause: SilenceCause | null;
  /** `'zeros'`: exact zeros; `'floor'`: below the noise of any microphone; null when the device is no longer silent. */
  readonly kind: SilenceKind | null;
  /** When the silence began or ended, in seconds on the clock of `context.currentTime`. */
  readonly contextTime: number;
}

/** Statistics of a `Microphone`, in frames of the context. The frames since it was opened are present + missing + paused. */
export interface MicrophoneStats {
  /** Frames of the device's audio, or of silence in place of it while muted. */
  readonly presentFrames: number;
  /** Frames for which there was no device. Captures count them as dropped. */
  readonly missingFrames: number;
  /** Frames outside `hold()` and `release()`, with push-to-talk. */
  readonly pausedFrames: number;
  /** Present frames that `mute()` silenced. */
  readonly mutedFrames: number;
  /** Number of gaps so far. */
  readonly gaps: number;
  /**
   * Frames that the system lost between the device and the page, at the device's rate, over all tracks so far; null where the
   * engine has no `MediaStreamTrack.stats`.
   */
  readonly lostFrames: number | null;
  /** `MediaStreamTrack.stats` of the track in use, as the engine reports it; null where the engine does not support it. */
  readonly track: Readonly<Record<string, number>> | null;
}

/** Events of a `Microphone`. */
export interface MicrophoneEventMap {
  /** `microphone.state` has changed. */
  readonly statechange: Event;
  /** `microphone.permission` has changed. */
  readonly permissionchange: Event;
  /** `microphone.device` or the list of devices has changed. */
  readonly devicechange: Event;
  /** Audio continues after a gap, described in `detail`. */
  readonly gap: CustomEvent<MicrophoneGap>;
  /** The device fell silent, or is no longer silent; `detail` says which. */
  readonly silent: CustomEvent<MicrophoneSilence>;
  /** A failure, in `detail`. After `'processor-error'` the microphone is closed. */
  readonly error: CustomEvent<MicwireError>;
}
