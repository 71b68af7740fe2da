/**
 * Fires an event of an element. It reaches listeners on the element itself, and on elements in whose shadow tree it is. It
 * does not bubble: an `error` that reached the window would be taken for an uncaught exception.
 */
export function fire(host: EventTarget, type: string, detail: unknown): void {
  host.dispatchEvent(new CustomEvent(type, { detail, composed: true }));
}
