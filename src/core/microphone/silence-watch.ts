import type { SilenceCause, SilenceKind } from './life-messages.ts';
import type { LifeTrack } from './life-track.ts';
import { silenceCause } from './silence-cause.ts';

/** Silence that is reported later than `silenceMs` and this much follows audio. */
const SLACK_MS = 1000;

/** Knows whether the device in use is silent, and the likely cause. */
export class SilenceWatch {
  readonly #silenceMs: number;
  /** Devices that were heard. */
  readonly #audible = new Set<string>();
  #kind: SilenceKind | null = null;
  #hasTriedAgain = false;
  #dueMs = Infinity;

  /** @param silenceMs how long a device must be silent before the audio thread reports it */
  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
  }

  get kind(): SilenceKind | null {
    return this.#kind;
  }

  /** When the silence of the previous track no longer counts for the current one. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Called when the audio thread finds the track silent, or no longer silent. */
  take(kind: SilenceKind | null, { device, heardAtMs }: LifeTrack, nowMs: number): void {
    const hasPlayed = nowMs - heardAtMs - this.#silenceMs > SLACK_MS;
    if (kind === null || hasPlayed) this.#audible.add(device.deviceId);
    if (kind === null) return this.end();
    this.#kind = kind;
    this.#dueMs = Infinity;
  }

  /**
   * Returns whether to open a device that gives zeros again, once: its track may be dead after a sleep or a short loss of contact.
   */
  isToTryAgain({ mutedAtMs }: LifeTrack): boolean {
    return this.#kind === 'zeros' && !this.#hasTriedAgain && mutedAtMs === null;
  }

  /** Called when the device is opened again. */
  tryAgain(): void {
    this.#hasTriedAgain = this.#kind !== null;
  }

  /**
   * Called when a track has come into use.
   * @param isQuick whether it gave audio at once
   * @param isSame whether it comes from the device that was in use before
   */
  heard({ device }: LifeTrack, isQuick: boolean, isSame: boolean, nowMs: number): void {
    if (isQuick) this.#audible.add(device.deviceId);
    // A silent device that was opened again counts as silent until it is heard.
    if (this.#hasTriedAgain && isSame && !isQuick) {
      this.#dueMs = nowMs + this.#silenceMs + SLACK_MS;
    } else this.end();
  }

  end(): void {
    this.#kind = null;
    this.#dueMs = Infinity;
    this.#hasTriedAgain = false;
  }

  /** @param others number of devices that could be chosen instead */
  cause({ device, mutedAtMs }: LifeTrack, others: number): SilenceCause | null {
    const kind = this.#kind;
    if (kind === null) return null;
    const { deviceId, label } = device;
    const wasAudible = this.#audible.has(deviceId);
    return silenceCause({ kind, label, muted: mutedAtMs !== null, wasAudible, others });
  }
}
