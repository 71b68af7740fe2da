/**
 * The globals that the stand-in scope needs from its host beyond ECMAScript; Node, Deno, Bun and browsers have all of them. Looked up
 * on use, so that importing `micwire/testing` touches no globals.
 */

/** The part of a `MessageEvent` that the stand-in's ports deliver. */
export interface PortMessageEvent {
  readonly type: string;
  readonly data: unknown;
  readonly ports: readonly unknown[];
}

interface HostPort {
  onmessage: (() => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

interface Host {
  readonly structuredClone: <T>(
    value: T,
    options?: { readonly transfer?: readonly unknown[] },
  ) => T;
  readonly MessageChannel: new () => { readonly port1: HostPort; readonly port2: HostPort };
  readonly MessageEvent: new (
    type: string,
    init: { readonly data: unknown; readonly ports?: readonly unknown[] },
  ) => PortMessageEvent;
  readonly DOMException: new (message: string, name: string) => Error;
}

const NEEDED = ['structuredClone', 'MessageChannel', 'MessageEvent', 'DOMException'] as const;

/**
 * Returns the host's own globals.
 *
 * @throws TypeError with the names of the missing ones if the runtime lacks any of them.
 */
export function host(): Host {
  const globals = globalThis as unknown as Partial<Host>;
  const missing = NEEDED.filter((name) => typeof globals[name] !== 'function');
  if (missing.length > 0) {
    throw new TypeError(
      `micwire/testing needs ${missing.join(', ')}, which this runtime lacks. Run it in Node 20.19 or later, or in a browser.`,
    );
  }
  return globals as Host;
}

/** Creates a `DOMException` with the given name, as the Web Audio methods throw. */
export function domException(name: string, message: string): Error {
  return new (host().DOMException)(message, name);
}

/** Resolves after one turn of the event loop: by then, pending messages of real message ports have been delivered. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new (host().MessageChannel)();
    port2.onmessage = (): void => {
      port1.close();
      resolve();
    };
    port1.postMessage(null);
  });
}
