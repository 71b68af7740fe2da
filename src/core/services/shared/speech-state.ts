import type { ServiceEvent } from '../service.ts';

/** Whether a service hears the user speak. It may say so several times, and in more than one way. */
export class SpeechState {
  #active = false;

  /** @returns the event of a change; none where nothing has changed */
  set(active: boolean): readonly ServiceEvent[] {
    if (active === this.#active) return [];
    this.#active = active;
    return [{ type: 'speech', active }];
  }
}
