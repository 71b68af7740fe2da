import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Calls `draw` in every animation frame while its host is in the window; with reduced motion twice a second. */
export class FrameLoop implements ReactiveController {
  readonly #draw: () => void;
  readonly #always: () => void;
  readonly #stillness = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #host: ReactiveControllerHost & Element;
  readonly #sight = new IntersectionObserver((entries) => {
    this.#inSight = entries.at(-1)!.isIntersecting;
  });
  #inSight = true;
  #request = 0;
  #drawnAt = -Infinity;

  /** @param always called in every frame, in the window or not: for anything that would otherwise have a hole */
  constructor(
    host: ReactiveControllerHost & Element,
    draw: () => void,
    always: () => void = () => {},
  ) {
    this.#host = host;
    this.#draw = draw;
    this.#always = always;
    host.addController(this);
  }

  hostConnected(): void {
    this.#sight.observe(this.#host);
    this.#request = requestAnimationFrame(this.#frame);
  }

  hostDisconnected(): void {
    this.#sight.disconnect();
    cancelAnimationFrame(this.#request);
  }

  readonly #frame = (now: number): void => {
    this.#request = requestAnimationFrame(this.#frame);
    this.#always();
    if (!this.#inSight) return;
    if (this.#stillness.matches && now - this.#drawnAt < 500) return;
    this.#drawnAt = now;
    this.#draw();
  };
}
