import { checkObject } from '../core/option-names.ts';

/** The option that aborts a `create()` or an `open()`. */
export interface AbortOptions {
  /**
   * Aborts the call: it rejects with the signal's reason, as `fetch` does, and closes what it has opened. Has no effect once the
   * call has resolved: from then on use `close()`. Pass an `AbortController`'s `signal` or `AbortSignal.timeout(ms)`. @default none
   */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Checks a `signal` at the start of a call.
 * @throws TypeError for a value that is not an AbortSignal; the signal's reason, if it is already aborted
 */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  checkObject('signal must be an AbortSignal', signal, 'aborted', 'addEventListener');
  signal.throwIfAborted();
}

/**
 * Waits for a signal to be aborted.
 * @returns a function that ends the wait
 */
export function onAbort(
  signal: AbortSignal | undefined,
  aborted: (reason: unknown) => void,
): () => void {
  const listener = (): void => aborted(signal?.reason);
  signal?.addEventListener('abort', listener, { once: true });
  return () => signal?.removeEventListener('abort', listener);
}
