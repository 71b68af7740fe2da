import type { DeviceId } from './device-choice.ts';
import type { GapCause } from './life-messages.ts';

/** Each false or null by default. */
interface PursuitOptions {
  readonly mayLetGo?: boolean;
  readonly isProof?: boolean;
  readonly call?: number | null;
}

/**
 * `'find'`: no device is in use; `'use'`: by a call; `'move'`: to a device that suits better than the one in use; `'refresh'`:
 * the same device again.
 */
export type PursuitKind = 'find' | 'use' | 'move' | 'refresh';

/** An attempt to put another track into use: devices to open, one after the other. */
export class Pursuit {
  readonly kind: PursuitKind;
  /** The call that asked for it. */
  readonly call: number | null;
  /** Of the gap, if the track in use has to be let go for it. */
  readonly cause: GapCause;
  /** Whether the track in use may be let go where the system opens only one. */
  readonly mayLetGo: boolean;
  /** If it ends at the same device, that is what the engine opens as the default, whatever it lists. */
  readonly isProof: boolean;
  /** What is to be opened, in order. */
  readonly devices: DeviceId[];
  /** A track was in use when it began, and is gone. */
  hasLost = false;
  /** The device that was let go for it; undefined: none was. */
  letGo: DeviceId | undefined;
  /** The opening that waits for an answer. */
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

  /** Why it failed: what was said of the first device. */
  get reason(): string {
    return this.#reason ?? 'NotFoundError';
  }

  /** Whether the default was tried: after that there is nothing else to try. */
  get triedDefault(): boolean {
    return this.#triedDefault;
  }

  /** The device does not open: the next one is tried. */
  skip(reason: string): void {
    this.#reason ??= reason;
    if (this.devices.shift() === null) this.#triedDefault = true;
  }

  /** No other device is tried. */
  giveUp(reason: string): void {
    this.#reason = reason;
    this.devices.length = 0;
  }
}
