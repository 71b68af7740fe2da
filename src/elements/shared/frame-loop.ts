import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Text that changes faster cannot be read, ms. With reduced motion, pictures change no faster either. */
const TEXT_INTERVAL_MS = 500;

/** What an element does over time. */
export interface Frames {
  /** Called in every animation frame, also with reduced motion: takes in what would be missed. Allocates nothing. */
  take?(): void;
  /** Called in every animation frame, with reduced motion twice a second. Allocates nothing. */
  draw(): void;
  /** Called twice a second, after `draw`. */
  tell(): void;
}

/** Draws while its host is in the document, in sight, and `active`; otherwise no frame is requested. */
export class FrameLoop implements ReactiveController {
  readonly #host: ReactiveControllerHost & Element;
  readonly #frames: Frames;
  #sight: IntersectionObserver | null = null;
  #calm: MediaQueryList | null = null;
  #inSight = false;
  #active = false;
  #request = 0;
  #toldAt = -Infinity;

  constructor(host: ReactiveControllerHost & Element, frames: Frames) {
    this.#host = host;
    this.#frames = frames;
    host.addController(this);
  }

  /** Whether there is something to draw. */
  set active(active: boolean) {
    this.#active = active;
    this.#update();
  }

  hostConnected(): void {
    this.#calm = matchMedia('(prefers-reduced-motion: reduce)');
    this.#sight = new IntersectionObserver((entries) => {
      this.#inSight = entries.at(-1)!.isIntersecting;
      this.#update();
    });
    this.#sight.observe(this.#host);
  }

  hostDisconnected(): void {
    this.#sight?.disconnect();
    this.#sight = null;
    this.#inSight = false;
    this.#update();
  }

  #update(): void {
    const wanted = this.#active && this.#inSight;
    if (wanted && this.#request === 0) this.#request = requestAnimationFrame(this.#frame);
    if (wanted || this.#request === 0) return;
    cancelAnimationFrame(this.#request);
    this.#request = 0;
  }

  readonly #frame = (now: number): void => {
    this.#request = requestAnimationFrame(this.#frame);
    this.#frames.take?.();
    const telling = now - this.#toldAt >= TEXT_INTERVAL_MS;
    if (telling || this.#calm?.matches !== true) this.#frames.draw();
    if (!telling) return;
    this.#toldAt = now;
    this.#frames.tell();
  };
}
