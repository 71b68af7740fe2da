import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Interval of text changes, in ms: faster ones cannot be read. With reduced motion, pictures change no faster either. */
const TEXT_INTERVAL_MS = 500;

/** Callbacks of an element's frames. */
export interface Frames {
  /** Called in every animation frame, even with reduced motion, to collect data that would be missed. Must not allocate. */
  take?(): void;
  /** Called in every animation frame, or twice a second with reduced motion. Must not allocate. */
  draw(): void;
  /** Called twice a second, after `draw`. */
  tell(): void;
}

/** Draws while its host is in the document, visible, and `active`; otherwise it requests no frames. */
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

  /** Set to true while there is content to draw. */
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
