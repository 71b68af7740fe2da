import type { SilenceCause, SilenceKind } from './life-messages.ts';
import type { LifeTrack } from './life-track.ts';

/** Names of inputs other than microphones: what plays on the machine, or what a program puts in. */
const NO_MICROPHONE =
  /\bmonitor of\b|\.monitor\b|stereo mix|what u hear|loopback|virtual|vb-audio|voicemeeter|blackhole|soundflower|\bcable\b/i;
/** Silence that begins later than this after `silenceMs` follows audio. */
const SLACK_MS = 1000;

/** Whether the device in use is silent, and why that may be. */
export class SilenceWatch {
  readonly #silenceMs: number;
  /** Devices that were heard. */
  readonly #audible = new Set<string>();
  #kind: SilenceKind | null = null;
  #hasTriedAgain = false;
  #dueMs = Infinity;

  /** @param silenceMs for how long a device has to be silent before the audio thread says so */
  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
  }

  get kind(): SilenceKind | null {
    return this.#kind;
  }

  /** When the silence of the track before is not taken to be that of the present one any more. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** The audio thread finds the track silent, or not any more. */
  take(kind: SilenceKind | null, { device, heardAtMs }: LifeTrack, nowMs: number): void {
    const hasPlayed = nowMs - heardAtMs - this.#silenceMs > SLACK_MS;
    if (kind === null || hasPlayed) this.#audible.add(device.deviceId);
    if (kind === null) return this.end();
    this.#kind = kind;
    this.#dueMs = Infinity;
  }

  /**
   * Whether to open a device that gives zeros again, once: its track may be dead, after a sleep or a short loss of contact.
   */
  isToTryAgain({ mutedAtMs }: LifeTrack): boolean {
    return this.#kind === 'zeros' && !this.#hasTriedAgain && mutedAtMs === null;
  }

  /** The device is opened again. */
  tryAgain(): void {
    this.#hasTriedAgain = this.#kind !== null;
  }

  /**
   * A track is in use.
   * @param isQuick it gave audio at once
   * @param isSame it is of the device that was in use before
   */
  heard({ device }: LifeTrack, isQuick: boolean, isSame: boolean, nowMs: number): void {
    if (isQuick) this.#audible.add(device.deviceId);
    // A silent device that was opened again is silent until there is proof of the contrary.
    if (this.#hasTriedAgain && isSame && !isQuick) {
      this.#dueMs = nowMs + this.#silenceMs + SLACK_MS;
    } else this.end();
  }

  end(): void {
    this.#kind = null;
    this.#dueMs = Infinity;
    this.#hasTriedAgain = false;
  }

  /** @param others devices that could be chosen instead */
  cause({ device, mutedAtMs }: LifeTrack, others: number): SilenceCause | null {
    const kind = this.#kind;
    if (kind === null) return null;
    const { deviceId, label } = device;
    const wasAudible = this.#audible.has(deviceId);
    return silenceCause({ kind, label, muted: mutedAtMs !== null, wasAudible, others });
  }
}

/** What is known about a silent device. */
export interface SilentDevice {
  readonly kind: SilenceKind;
  /** Of the device, or empty. */
  readonly label: string;
  /** Whether the system has muted the track. */
  readonly muted: boolean;
  /** Whether this device was heard before. */
  readonly wasAudible: boolean;
  /** Devices that could be chosen instead. */
  readonly others: number;
}

/** The likely cause of a silent device: a guess from what a browser tells. */
export function silenceCause(device: SilentDevice): SilenceCause {
  const { kind, label, muted, wasAudible, others } = device;
  if (muted) return 'system';
  if (NO_MICROPHONE.test(label)) return 'wrong-device';
  // A device that was heard and is silent now has been switched off, by its own switch or in the system's settings.
  if (wasAudible) return 'hardware-mute';
  // Never heard: nobody speaks into it, if there is another one.
  if (others > 0) return 'wrong-device';
  // Without a permission of the system's (macOS, Windows, Flatpak), browsers get exact zeros, and only zeros.
  return kind === 'zeros' ? 'system' : 'hardware-mute';
}
