import type { DeviceId } from './device-choice.ts';
import type { GapCause } from './life-messages.ts';

/** Each is false or null by default. */
interface PursuitOptions {
  readonly mayLetGo?: boolean;
  readonly isProof?: boolean;
  readonly call?: number | null;
}

/**
 * Why a device is opened: `'find'`: no device is in use; `'use'`: a call asked for it; `'move'`: it suits better than the one in
 * use; `'refresh'`: the one in use must be opened again.
 */
export type PursuitKind = 'find' | 'use' | 'move' | 'refresh';

/** An attempt to put another track into use: devices to open, one after the other. */
export class Pursuit {
  readonly kind: PursuitKind;
  /** The call that asked for it, if there was one. */
  readonly call: number | null;
  /** Cause of the gap if the track in use must be released for it. */
  readonly cause: GapCause;
  /** Whether the track in use may be released if the system opens only one. */
  readonly mayLetGo: boolean;
  /** Whether the same device as a result proves that the engine opens it as the default, whatever it lists. */
  readonly isProof: boolean;
  /** The devices to try, in order. */
  readonly devices: DeviceId[];
  /** Whether a track was in use when it began, and is gone. */
  hasLost = false;
  /** The device that was released for it; undefined: no device was. */
  letGo: DeviceId | undefined;
  /** The request that waits for an answer. */
  request: number | null = null;
  #reason: string | null = null;
  #triedDefault = false;

  constructor(
    kind: PursuitKind,
    devices: readonly DeviceId[],
    cause: GapCause,
    { mayLetGo = false, isProof = false, call = null }: PursuitOptions = {},
  ) {
    this.kind = kind;
    this.devices = [...devices];
    this.cause = cause;
    this.mayLetGo = mayLetGo;
    this.isProof = isProof;
    this.call = call;
  }

  /** Why it failed: the reason for the first device. */
  get reason(): string {
    return this.#reason ?? 'NotFoundError';
  }

  /** Whether the default was tried: after that there is nothing else to try. */
  get triedDefault(): boolean {
    return this.#triedDefault;
  }

  /** Skips a device that does not open: the next one follows. */
  skip(reason: string): void {
    this.#reason ??= reason;
    if (this.devices.shift() === null) this.#triedDefault = true;
  }

  /** Ends the attempt: no other device is tried. */
  giveUp(reason: string): void {
    this.#reason = reason;
    this.devices.length = 0;
  }
}
