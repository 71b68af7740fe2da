import type { ReactiveController, ReactiveControllerHost } from 'lit';

/**
 * Limits how often a repeated request runs an action, and always runs it once more after the last request. A request that is pending when
 * its element goes is dropped.
 */
export class Pace implements ReactiveController {
  readonly #intervalMs: number;
  readonly #act: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    host: Pick<ReactiveControllerHost, 'addController'>,
    intervalMs: number,
    act: () => void,
  ) {
    this.#intervalMs = intervalMs;
    this.#act = act;
    host.addController(this);
  }

  ask(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#act();
    }, this.#intervalMs);
  }

  hostDisconnected(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
