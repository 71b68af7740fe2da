import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Takes keys that are pressed anywhere on the page but where something is typed, or with a modifier. */
export class ShortcutKeys implements ReactiveController {
  readonly #take: (key: string) => boolean;

  /** @param take called with a key; says whether it was one of its */
  constructor(host: ReactiveControllerHost, take: (key: string) => boolean) {
    this.#take = take;
    host.addController(this);
  }

  hostConnected(): void {
    addEventListener('keydown', this.#pressed);
  }

  hostDisconnected(): void {
    removeEventListener('keydown', this.#pressed);
  }

  readonly #pressed = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const target = event.composedPath()[0];
    if (target instanceof HTMLElement && target.matches('input, select, textarea')) {
      // Radio buttons, switches and sliders take no letters or digits.
      const typed = !target.matches('input[type=radio], input[type=checkbox], input[type=range]');
      if (typed) return;
    }
    if (this.#take(event.key.toLowerCase())) event.preventDefault();
  };
}
