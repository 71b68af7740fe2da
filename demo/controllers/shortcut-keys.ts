import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Where the visitor's choice is kept. */
const KEPT_AS = 'micwire-lab-shortcuts';

/**
 * Takes keys that are pressed anywhere on the page, except while typing or with a modifier. They can be turned off (WCAG 2.1.4),
 * because speech input and stray key presses trigger them.
 */
export class ShortcutKeys implements ReactiveController {
  readonly #take: (key: string) => boolean;
  #enabled = wasEnabled();

  /** @param take called with a key; returns whether it handles the key */
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

  /** Whether keys do anything. Kept for the next visit, where the browser allows storage. */
  get enabled(): boolean {
    return this.#enabled;
  }

  set enabled(enabled: boolean) {
    this.#enabled = enabled;
    try {
      localStorage.setItem(KEPT_AS, enabled ? 'on' : 'off');
    } catch {
      // For this visit only.
    }
  }

  readonly #pressed = (event: KeyboardEvent): void => {
    if (!this.enabled) return;
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

function wasEnabled(): boolean {
  try {
    return localStorage.getItem(KEPT_AS) !== 'off';
  } catch {
    return true;
  }
}
