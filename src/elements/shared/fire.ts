/**
 * Fires an event of an element. The event reaches listeners on the element itself, and on elements whose shadow tree contains it.
 * It does not bubble: an `error` event that reached the window would look like an uncaught exception.
 */
export function fire(host: EventTarget, type: string, detail: unknown): void {
  host.dispatchEvent(new CustomEvent(type, { detail, composed: true }));
}
