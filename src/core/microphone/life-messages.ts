/**
 * The events of a microphone's decision logic (`MicrophoneLife`), and the actions that it requests. It has no clock and no browser:
 * the shell in `src/web`, or the simulation, passes events with their time and carries out actions.
 */

/** Whether the page may use microphones. `'unavailable'`: the page cannot even ask (no secure context, a policy, no API). */
export type MicrophonePermission = 'prompt' | 'granted' | 'denied' | 'unavailable';

/** An audio input, as described by `MediaDeviceInfo`. `label` is empty until permission is granted. */
export interface InputDevice {
  readonly deviceId: string;
  readonly groupId: string;
  readonly label: string;
}

/**
 * State of a microphone: `'opening'`: a device is being opened because the user wants it; `'live'`: audio of the device arrives;
 * `'muted'`: muted by `mute()`; `'lost'`: the device is gone or was taken away, and the microphone looks for it; `'blocked'`: the
 * user must act (permission, a device, a gesture); `'closed'`: closed by `close()` or with its context.
 */
export type MicrophoneState = 'opening' | 'live' | 'muted' | 'lost' | 'blocked' | 'closed';

/**
 * What micwire does by itself when the device is lost: `'any'` opens the same device again, by id, then by label and group, or else
 * the default device; `'same'` waits for the same device; `'never'` waits for `use()`.
 */
export type ReacquirePolicy = 'any' | 'same' | 'never';

/** Why audio was missing. */
export type GapCause =
  /** There was no device yet: the microphone was not allowed, or did not exist. */
  | 'blocked'
  /** `use()` has chosen another device. */
  | 'switched'
  /** The track ended: the device was unplugged, or the system took it away. */
  | 'ended'
  /** The system muted the track for too long. */
  | 'muted-by-system'
  /** The system's default device changed, and the default was in use. */
  | 'default-changed'
  /** The device's own format or profile changed (Bluetooth). */
  | 'changed'
  /** `mute()` with `keep: 'light'` released the device. */
  | 'muted'
  /** The page was frozen, or the machine was asleep. */
  | 'slept';

/** The option `keep` of `mute()`: what muting keeps. */
export type MuteKeep = 'time' | 'light';

/** Kind of a device's silence: exact zeros, or a level below the noise of any microphone. */
export type SilenceKind = 'zeros' | 'floor';

/** Likely cause of a silent device. */
export type SilenceCause =
  /** A switch on the device, or in the system's settings for it. */
  | 'hardware-mute'
  /** The user speaks into another device. */
  | 'wrong-device'
  /** The system withholds audio from the browser, or another program uses the device. */
  | 'system';

/** A track that the shell has opened. `request` names the `open` action that opened it, and the track from then on. */
export interface OpenedTrack {
  readonly request: number;
  /** Of the track's settings; empty where the engine does not tell. */
  readonly deviceId: string;
  readonly groupId: string;
  readonly label: string;
  readonly muted: boolean;
}

/** What happens. Times are ms of any monotonic clock that also runs while the machine sleeps, where there is one. */
export type LifeEvent =
  /** `Microphone.open`: once, first. `deviceId` null: the default. */
  | { readonly type: 'start'; readonly deviceId: string | null }
  /** The permission's state is known, or has changed. */
  | { readonly type: 'permission'; readonly permission: MicrophonePermission }
  /** The answer to `enumerate`, or a `devicechange`. */
  | { readonly type: 'devices'; readonly devices: readonly InputDevice[] }
  /** The answer to `open`: a live track. */
  | { readonly type: 'opened'; readonly track: OpenedTrack }
  /** The answer to `open`: none. `name` is the DOMException's. */
  | { readonly type: 'refused'; readonly request: number; readonly name: string }
  /** The track ended, by an event or found so. */
  | { readonly type: 'ended'; readonly request: number }
  /** The track's `muted` changed. */
  | { readonly type: 'trackmute'; readonly request: number; readonly muted: boolean }
  /** The device's format changed under the track (rate, channels, profile). */
  | { readonly type: 'changed'; readonly request: number }
  /** The audio thread hears the track that was connected last. */
  | { readonly type: 'heard'; readonly request: number }
  /** The audio thread finds the track in use silent; null: not any more. Each `heard` begins without silence. */
  | { readonly type: 'silence'; readonly kind: SilenceKind | null }
  /** `use()`. `call` names the promise: from 1 on, 0 is the start. */
  | { readonly type: 'use'; readonly call: number; readonly deviceId: string | null }
  | { readonly type: 'mute'; readonly call: number; readonly keep: MuteKeep }
  | { readonly type: 'unmute'; readonly call: number }
  | { readonly type: 'visible'; readonly visible: boolean }
  /** The page was frozen or the machine slept, for so long, and now runs again. */
  | { readonly type: 'woke'; readonly ms: number }
  /** `dueMs` has come. */
  | { readonly type: 'tick' }
  /** `close()`, or the context is closed. */
  | { readonly type: 'close' };

/** What the shell does, in order. */
export type LifeAction =
  /** Calls `getUserMedia`, for this device exactly; null: for the default. Answered by `opened` or `refused`. */
  | { readonly type: 'open'; readonly request: number; readonly deviceId: string | null }
  /**
   * Connects the track; the audio thread takes it as soon as audio comes from it. Answered by `heard`. The one connected last
   * counts: where that is the track in use, the audio thread stays with it, and answers at once.
   */
  | { readonly type: 'connect'; readonly request: number }
  /** Stops the track and forgets it. Whatever it still tells is ignored. */
  | { readonly type: 'stop'; readonly request: number }
  /**
   * From now on audio is missing, until a track is heard that is connected from now on. While audio is missing already: only
   * takes back the track that was connected last.
   */
  | { readonly type: 'lose'; readonly cause: GapCause }
  /** Sends silence in place of the device, or no longer. */
  | { readonly type: 'silence'; readonly on: boolean }
  /** Asks for the devices. Answered by `devices`. */
  | { readonly type: 'enumerate' }
  /** `state` has changed. */
  | { readonly type: 'state'; readonly state: MicrophoneState }
  /** `device` has changed: the track that is connected is of this device; null: none. */
  | { readonly type: 'device'; readonly device: InputDevice | null }
  /** The list of devices has changed. */
  | { readonly type: 'devices'; readonly devices: readonly InputDevice[] }
  /** The permission has changed. */
  | { readonly type: 'permission'; readonly permission: MicrophonePermission }
  /** The device has become silent, or (null) is not any more. */
  | { readonly type: 'silent'; readonly cause: SilenceCause | null }
  /** A call of `use`, `mute` or `unmute` is done; or the start is (call 0). */
  | { readonly type: 'done'; readonly call: number }
  /**
   * It failed: why, as a DOMException's name, or `'closed'`, `'superseded'` (by a later call) or `'unavailable'` (no permission
   * to ask).
   */
  | { readonly type: 'failed'; readonly call: number; readonly reason: string };
