import { checkObject } from '../core/option-names.ts';

/** The option with which a `create()` or an `open()` is aborted. */
export interface AbortOptions {
  /**
   * Aborts the call: it rejects with the signal's reason, as `fetch` does, and closes what it has opened. Without effect
   * once the call has resolved: then `close()` ends what it made. An `AbortController`'s `signal`, or
   * `AbortSignal.timeout(ms)`. @default none
   */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Checks a `signal` at the start of a call.
 * @throws TypeError for anything but an AbortSignal; the signal's reason, when it is aborted already
 */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  checkObject('signal must be an AbortSignal', signal, 'aborted', 'addEventListener');
  signal.throwIfAborted();
}

/**
 * Waits for a signal to be aborted.
 * @returns ends the wait
 */
export function onAbort(
  signal: AbortSignal | undefined,
  aborted: (reason: unknown) => void,
): () => void {
  const listener = (): void => aborted(signal?.reason);
  signal?.addEventListener('abort', listener, { once: true });
  return () => signal?.removeEventListener('abort', listener);
}
