import type { SilenceCause, SilenceKind } from './life-messages.ts';
import type { LifeTrack } from './life-track.ts';
import { silenceCause } from './silence-cause.ts';

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
