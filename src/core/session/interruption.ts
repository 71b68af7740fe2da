import type { PushAction } from './session-link.ts';

/** Asks the player to be silent: once until it answers, and again when there was more to silence meanwhile. */
export class Interruption {
  readonly #push: PushAction;
  #isAsking = false;
  /** Audio has come since the player was asked. */
  #hasNewAudio = false;
  #asksAgain = false;

  constructor(push: PushAction) {
    this.#push = push;
  }

  /** The user or the service interrupts. */
  ask(): void {
    if (this.#isAsking) {
      this.#asksAgain ||= this.#hasNewAudio;
      return;
    }
    this.#isAsking = true;
    this.#hasNewAudio = false;
    this.#push({ type: 'interrupt' });
  }

  /** Audio for the player has come. */
  audioComes(): void {
    this.#hasNewAudio = true;
  }

  /** The player has answered. @returns false when it was not asked */
  answered(): boolean {
    const wasAsked = this.#isAsking;
    this.#isAsking = false;
    return wasAsked;
  }

  /** What came while the player was asked is silenced as well. */
  proceed(): void {
    if (!this.#asksAgain) return;
    this.#asksAgain = false;
    this.ask();
  }
}
