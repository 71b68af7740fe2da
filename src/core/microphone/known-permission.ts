import type { MicrophonePermission } from './life-messages.ts';
import { refusalOf } from './refusal.ts';

/** What is known about the permission: from the browser, where it tells, and from its answers. */
export class KnownPermission {
  /** Null where the engine does not tell. */
  #told: MicrophonePermission | null = null;
  /** What an answer to an opening has shown since. */
  #shown: MicrophonePermission | null = null;
  #isRevoked = false;
  #isRefused = false;
  #wasRefusedHidden = false;

  /** It was granted, and is not any more. */
  get isRevoked(): boolean {
    return this.#isRevoked;
  }

  /** The user has refused: nothing is opened any more unless somebody asks for it. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** The page cannot even ask. */
  get isUnavailable(): boolean {
    return this.#told === 'unavailable';
  }

  /** Asking again opens no prompt. */
  get isAskedQuietly(): boolean {
    return this.#told === 'granted' || this.#shown === 'unavailable';
  }

  /** Whether the return to the page is no reason to ask again. */
  get isHopeless(): boolean {
    return !this.#wasRefusedHidden && this.#told !== 'granted';
  }

  /** @param hasTrack whether there is a track: the best proof */
  now(hasTrack: boolean): MicrophonePermission {
    if (hasTrack) return 'granted';
    const told = this.#told;
    const shown = this.#shown;
    if (shown === 'unavailable') return shown;
    if (told === null) return shown ?? 'prompt';
    // Firefox and Safari ask each time unless told otherwise; what was granted to this page holds.
    return told === 'prompt' && shown === 'granted' ? shown : told;
  }

  /** The browser tells. @returns whether that is news */
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

  /** An opening was answered by a track. */
  opened(): void {
    this.#shown = 'granted';
    if (this.#told === 'prompt') this.#isRevoked = false;
  }

  /** @param wasHidden nobody has seen the prompt, if there was one */
  refused(name: string, wasHidden: boolean): void {
    this.#wasRefusedHidden = wasHidden;
    const isUsers = refusalOf(name) === 'permission' && this.#told !== 'granted' && !wasHidden;
    if (isUsers) this.#isRefused = true;
  }

  /** Only the user can help. */
  blocked(reason: string): void {
    this.#shown = refusalOf(reason) === 'unavailable' ? 'unavailable' : 'denied';
  }

  /** Somebody asks for the microphone. */
  wish(): void {
    this.#isRefused = false;
  }
}
