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
 * State of a microphone: `'opening'`: a device is being opened because the user wants it; `'live'`: audio arrives from the device;
 * `'muted'`: muted by `mute()`; `'lost'`: the device is gone or was taken away, and the microphone looks for it; `'blocked'`: the
 * user must act (permission, a device, a gesture); `'closed'`: closed by `close()` or with its context.
 */
export type MicrophoneState = 'opening' | 'live' | 'muted' | 'lost' | 'blocked' | 'closed';

/**
 * What micwire does when the device is lost: `'any'` opens the same device again, found by id, then by label and group, or else the
 * default device; `'same'` waits for the same device; `'never'` waits for `use()`.
 */
export type ReacquirePolicy = 'any' | 'same' | 'never';

/** Why audio was missing. */
export type GapCause =
  /** There was no device yet: the microphone was not allowed, or did not exist. */
  | 'blocked'
  /** `use()` chose another device. */
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
  /** A switch on the device, or its setting in the system. */
  | 'hardware-mute'
  /** The user speaks into another device. */
  | 'wrong-device'
  /** The system withholds audio from the browser, or another program uses the device. */
  | 'system';

/** A track that the shell has opened. `request` identifies the `open` action that opened it, and the track from then on. */
export interface OpenedTrack {
  readonly request: number;
  /** From the track's settings; empty if the engine does not report it. */
  readonly deviceId: string;
  readonly groupId: string;
  readonly label: string;
  readonly muted: boolean;
}

/** An event. Times are ms of any monotonic clock, preferably one that also runs while the machine sleeps. */
export type LifeEvent =
  /** `Microphone.open`: once, first. `deviceId` null: the default. */
  | { readonly type: 'start'; readonly deviceId: string | null }
  /** The permission has become known, or has changed. */
  | { readonly type: 'permission'; readonly permission: MicrophonePermission }
  /** The answer to `enumerate`, or a `devicechange`. */
  | { readonly type: 'devices'; readonly devices: readonly InputDevice[] }
  /** The answer to `open`: a live track. */
  | { readonly type: 'opened'; readonly track: OpenedTrack }
  /** The answer to `open`: no track. `name` is that of the DOMException. */
  | { readonly type: 'refused'; readonly request: number; readonly name: string }
  /** The track ended: an event said so, or the shell found it ended. */
  | { readonly type: 'ended'; readonly request: number }
  /** The track's `muted` changed. */
  | { readonly type: 'trackmute'; readonly request: number; readonly muted: boolean }
  /** The device's format changed under the track (rate, channels, profile). */
  | { readonly type: 'changed'; readonly request: number }
  /** The audio thread hears the track that was connected last. */
  | { readonly type: 'heard'; readonly request: number }
  /** The audio thread finds the track in use silent; null: it is no longer silent. A track that is `heard` is not silent at first. */
  | { readonly type: 'silence'; readonly kind: SilenceKind | null }
  /** `use()`. `call` identifies the promise: from 1 on; 0 is the start. */
  | { readonly type: 'use'; readonly call: number; readonly deviceId: string | null }
  | { readonly type: 'mute'; readonly call: number; readonly keep: MuteKeep }
  | { readonly type: 'unmute'; readonly call: number }
  | { readonly type: 'visible'; readonly visible: boolean }
  /** The page was frozen, or the machine slept, for `ms`, and now runs again. */
  | { readonly type: 'woke'; readonly ms: number }
  /** The time `dueMs` has come. */
  | { readonly type: 'tick' }
  /** `close()`, or the context is closed. */
  | { readonly type: 'close' };

/** An action of the shell. Actions are carried out in order. */
export type LifeAction =
  /** Calls `getUserMedia`, for this device exactly; null: for the default. Answered by `opened` or `refused`. */
  | { readonly type: 'open'; readonly request: number; readonly deviceId: string | null }
  /**
   * Connects the track; the audio thread takes it as soon as audio comes from it. Answered by `heard`. The track connected last
   * counts: if that is the track in use, the audio thread stays with it and answers at once.
   */
  | { readonly type: 'connect'; readonly request: number }
  /** Stops the track and forgets it. Its later events are ignored. */
  | { readonly type: 'stop'; readonly request: number }
  /**
   * From now on audio is missing, until a track that is connected after this is heard. If audio is already missing, this only
   * cancels the track that was connected last.
   */
  | { readonly type: 'lose'; readonly cause: GapCause }
  /** Replaces the device by silence, or ends that. */
  | { readonly type: 'silence'; readonly on: boolean }
  /** Lists the devices. Answered by `devices`. */
  | { readonly type: 'enumerate' }
  /** `state` has changed. */
  | { readonly type: 'state'; readonly state: MicrophoneState }
  /** `device` has changed: the connected track comes from this device; null: no track is connected. */
  | { readonly type: 'device'; readonly device: InputDevice | null }
  /** The list of devices has changed. */
  | { readonly type: 'devices'; readonly devices: readonly InputDevice[] }
  /** The permission has changed. */
  | { readonly type: 'permission'; readonly permission: MicrophonePermission }
  /** The device has become silent; null: it is no longer silent. */
  | { readonly type: 'silent'; readonly cause: SilenceCause | null }
  /** A call of `use`, `mute` or `unmute` is done, or the start is (call 0). */
  | { readonly type: 'done'; readonly call: number }
  /**
   * The call failed. `reason` is the name of a DOMException, or `'closed'`, `'superseded'` (by a later call) or `'unavailable'`
   * (no permission to ask).
   */
  | { readonly type: 'failed'; readonly call: number; readonly reason: string };
