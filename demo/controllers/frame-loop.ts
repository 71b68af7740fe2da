import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Calls `draw` in every animation frame while its host is in the document; with reduced motion twice a second. */
export class FrameLoop implements ReactiveController {
  private readonly draw: () => void;
  private readonly stillness = matchMedia('(prefers-reduced-motion: reduce)');
  private request = 0;
  private drawnAt = -Infinity;

  constructor(host: ReactiveControllerHost, draw: () => void) {
    this.draw = draw;
    host.addController(this);
  }

  hostConnected(): void {
    this.request = requestAnimationFrame(this.frame);
  }

  hostDisconnected(): void {
    cancelAnimationFrame(this.request);
  }

  private readonly frame = (now: number): void => {
    this.request = requestAnimationFrame(this.frame);
    if (this.stillness.matches && now - this.drawnAt < 500) return;
    this.drawnAt = now;
    this.draw();
  };
}
