import type { PushAction } from './session-link.ts';

/** Asks the player to be silent: once until it answers, and again if more audio arrived meanwhile. */
export class Interruption {
  readonly #push: PushAction;
  #isAsking = false;
  /** Whether audio has arrived since the player was asked. */
  #hasNewAudio = false;
  #asksAgain = false;

  constructor(push: PushAction) {
    this.#push = push;
  }

  /** Asks for silence, because the user or the service interrupts. */
  ask(): void {
    if (this.#isAsking) {
      this.#asksAgain ||= this.#hasNewAudio;
      return;
    }
    this.#isAsking = true;
    this.#hasNewAudio = false;
    this.#push({ type: 'interrupt' });
  }

  /** Notes that audio for the player has arrived. */
  audioComes(): void {
    this.#hasNewAudio = true;
  }

  /** Takes the player's answer. @returns false if it was not asked */
  answered(): boolean {
    const wasAsked = this.#isAsking;
    this.#isAsking = false;
    return wasAsked;
  }

  /** Asks again if audio arrived while the player was asked. */
  proceed(): void {
    if (!this.#asksAgain) return;
    this.#asksAgain = false;
    this.ask();
  }
}
