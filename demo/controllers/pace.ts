import type { ReactiveController, ReactiveControllerHost } from 'lit';

/**
 * Does something that is asked for again and again at most so often, and always once more after the last time it was asked for. What
 * is asked for when its element goes is forgotten.
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
