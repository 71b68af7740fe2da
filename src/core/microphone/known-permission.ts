import type { MicrophonePermission } from './life-messages.ts';
import { refusalOf } from './refusal.ts';

/** Knows the permission, from the browser's reports, if there are any, and from its answers. */
export class KnownPermission {
  /** The reported permission; null if the engine does not report it. */
  #told: MicrophonePermission | null = null;
  /** The permission that an answer to a request has shown since. */
  #shown: MicrophonePermission | null = null;
  #isRevoked = false;
  #isRefused = false;
  #wasRefusedHidden = false;

  /** Whether the permission was granted and is not any more. */
  get isRevoked(): boolean {
    return this.#isRevoked;
  }

  /** Whether the user has refused: no device is opened any more unless a call asks for it. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Whether the page cannot even ask. */
  get isUnavailable(): boolean {
    return this.#told === 'unavailable';
  }

  /** Whether asking again opens no prompt. */
  get isAskedQuietly(): boolean {
    return this.#told === 'granted' || this.#shown === 'unavailable';
  }

  /** Whether the user's return to the page is not a reason to ask again. */
  get isHopeless(): boolean {
    return !this.#wasRefusedHidden && this.#told !== 'granted';
  }

  /** @param hasTrack whether there is a track, which is the best proof */
  now(hasTrack: boolean): MicrophonePermission {
    if (hasTrack) return 'granted';
    const told = this.#told;
    const shown = this.#shown;
    if (shown === 'unavailable') return shown;
    if (told === null) return shown ?? 'prompt';
    // Firefox and Safari ask each time unless told otherwise, but a grant to this page remains valid.
    return told === 'prompt' && shown === 'granted' ? shown : told;
  }

  /** Takes the browser's report. @returns whether it is news */
  tell(permission: MicrophonePermission): boolean {
    const before = this.#told;
    if (permission === before) return false;
    this.#told = permission;
    this.#wasRefusedHidden = false;
    if (permission === 'granted') this.#isRefused = false;
    if (permission !== 'prompt' || before === 'granted') this.#shown = null;
    this.#isRevoked =
      permission === 'denied' ||
      permission === 'unavailable' ||
      (permission === 'prompt' && before === 'granted');
    return true;
  }

  /** Called when a request has been answered with a track. */
  opened(): void {
    this.#shown = 'granted';
    if (this.#told === 'prompt') this.#isRevoked = false;
  }

  /** @param wasHidden whether nobody has seen the prompt, if there was one */
  refused(name: string, wasHidden: boolean): void {
    this.#wasRefusedHidden = wasHidden;
    const isUsers = refusalOf(name) === 'permission' && this.#told !== 'granted' && !wasHidden;
    if (isUsers) this.#isRefused = true;
  }

  /** Called when only the user can help. */
  blocked(reason: string): void {
    this.#shown = refusalOf(reason) === 'unavailable' ? 'unavailable' : 'denied';
  }

  /** Called when a call asks for the microphone. */
  wish(): void {
    this.#isRefused = false;
  }
}
