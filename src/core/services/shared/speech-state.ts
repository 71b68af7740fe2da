import type { ServiceEvent } from '../service.ts';

/** Tracks whether a service hears the user speak: it may report that several times, and in several ways. */
export class SpeechState {
  #active = false;

  /** @returns the event of a change; no event if nothing has changed */
  set(active: boolean): readonly ServiceEvent[] {
    if (active === this.#active) return [];
    this.#active = active;
    return [{ type: 'speech', active }];
  }
}
