import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Calls `draw` in every animation frame while its host is in the window; with reduced motion twice a second. */
export class FrameLoop implements ReactiveController {
  private readonly draw: () => void;
  private readonly always: () => void;
  private readonly stillness = matchMedia('(prefers-reduced-motion: reduce)');
  private readonly host: ReactiveControllerHost & Element;
  private readonly sight = new IntersectionObserver((entries) => {
    this.inSight = entries.at(-1)!.isIntersecting;
  });
  private inSight = true;
  private request = 0;
  private drawnAt = -Infinity;

  /** @param always called in every frame, in the window or not: for what would have a hole otherwise */
  constructor(
    host: ReactiveControllerHost & Element,
    draw: () => void,
    always: () => void = () => {},
  ) {
    this.host = host;
    this.draw = draw;
    this.always = always;
    host.addController(this);
  }

  hostConnected(): void {
    this.sight.observe(this.host);
    this.request = requestAnimationFrame(this.frame);
  }

  hostDisconnected(): void {
    this.sight.disconnect();
    cancelAnimationFrame(this.request);
  }

  private readonly frame = (now: number): void => {
    this.request = requestAnimationFrame(this.frame);
    this.always();
    if (!this.inSight) return;
    if (this.stillness.matches && now - this.drawnAt < 500) return;
    this.drawnAt = now;
    this.draw();
  };
}
