/** An `EventTarget` that knows the type of each event by its name. Events that its map does not contain are typed as in the DOM. */
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

  /** Returns the function to call instead of a listener: always the same one for the same listener. @internal */
  protected listenerOf(_type: string, listener: AnyListener): AnyListener {
    return listener;
  }

  /** Called before a listener is added; an exception prevents that. @internal */
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

/** A listener, as `addEventListener` accepts it. @internal */
export type AnyListener = ((event: never) => void) | EventListenerObject | null;
