import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { LearnPart, LearnVoice } from './learn-voice.ts';

/** A page of Learn that does something with the visitor's audio. */
type VoicePage = ReactiveControllerHost & {
  readonly voice: LearnVoice;
  readonly bench: LearnPart;
};

/** Gives a page's part the visitor's audio while the page is in the document. */
export class VoiceUse implements ReactiveController {
  readonly #page: VoicePage;

  constructor(page: VoicePage) {
    this.#page = page;
    page.addController(this);
  }

  hostConnected(): void {
    this.#page.voice.use(this.#page.bench);
  }

  hostDisconnected(): void {
    this.#page.voice.drop(this.#page.bench);
  }
}
