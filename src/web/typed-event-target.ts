/** An `EventTarget` that knows which event comes under which name. What its map does not name is typed as in the DOM. */
export class TypedEventTarget<Events> extends EventTarget {
  override addEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: ((event: Events[Type]) => void) | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: AnyListener,
    options?: boolean | AddEventListenerOptions,
  ): void {
    this.willListen(type);
    super.addEventListener(type, this.listenerOf(type, listener) as EventListener, options);
  }

  /** What is called in place of a listener: the same each time it is asked for the same one. @internal */
  protected listenerOf(_type: string, listener: AnyListener): AnyListener {
    return listener;
  }

  /** Called before a listener is added; what it throws keeps the listener out. @internal */
  protected willListen(_type: string): void {}

  override removeEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: ((event: Events[Type]) => void) | null,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: AnyListener,
    options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, this.listenerOf(type, listener) as EventListener, options);
  }
}

/** A listener, as `addEventListener` takes it. @internal */
export type AnyListener = ((event: never) => void) | EventListenerObject | null;
