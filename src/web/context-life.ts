import { MicwireError } from '../core/errors.ts';
import { checkSignal, onAbort } from './abort.ts';
import { deferred } from './patience.ts';

/** The parts of a context that are read: of a native one, or one that a library wraps. */
export interface LivingContext {
  readonly state?: string;
  addEventListener?(type: 'statechange', listener: () => void): void;
  removeEventListener?(type: 'statechange', listener: () => void): void;
}

/** Creates the error of a call that needs its context to be open. */
export function contextClosed(cause?: unknown): MicwireError {
  const options = cause === undefined ? undefined : { cause };
  return new MicwireError('closed', 'The audio context is closed. Create a new one.', options);
}

/** @throws MicwireError `'closed'` */
export function checkContextOpen(context: LivingContext): void {
  if (context.state === 'closed') throw contextClosed();
}

/** What can end a `create()` early: the closing of its context, and the option `signal`. */
export interface Opening {
  readonly context: LivingContext;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Settles as `work` does while the context is open and the signal is not aborted. When the context closes, `work` may never settle,
 * depending on the engine. Every wait of a `create()` uses this function.
 * @param discard called with the result of `work` if it arrives too late
 * @throws MicwireError `'closed'` as soon as the context is closed, and the signal's reason as soon as it is aborted, whatever the
 *   outcome of `work`
 */
export async function whileOpen<Result>(
  { context, signal }: Opening,
  work: Promise<Result>,
  discard?: (result: Result) => void,
): Promise<Result> {
  const ended = deferred<never>();
  const onChange = (): void => {
    if (context.state === 'closed') ended.reject(contextClosed());
  };
  // `work` rejects values that are not a context.
  context?.addEventListener?.('statechange', onChange);
  const endAbort = onAbort(signal, ended.reject);
  try {
    checkSignal(signal);
    const result = await Promise.race([work, ended.promise]);
    checkContextOpen(context);
    checkSignal(signal);
    return result;
  } catch (error) {
    void work.then(discard, () => {});
    checkSignal(signal);
    throw context?.state === 'closed' ? contextClosed(error) : error;
  } finally {
    endAbort();
    context?.removeEventListener?.('statechange', onChange);
  }
}

/**
 * Creates nodes in a context that has loaded their worklet.
 * @throws MicwireError `'closed'` where the engine refuses because the context is closing; the signal's reason, if it is aborted;
 *   what `make` throws
 */
export function makeInOpenContext<Result>(
  { context, signal }: Opening,
  make: () => Result,
): Result {
  checkContextOpen(context);
  checkSignal(signal);
  try {
    return make();
  } catch (error) {
    // Chromium 156 refuses while the state is still 'running'. The worklet is loaded, so there is no other reason.
    if (error instanceof DOMException && error.name === 'InvalidStateError') {
      throw contextClosed(error);
    }
    throw error;
  }
}

/**
 * Keeps a node rendering even if it is not connected elsewhere: engines render only nodes that lead to the destination. The node is
 * not heard.
 * @returns a function that stops this
 */
export function keepRendering(node: AudioNode): () => void {
  const { context } = node;
  const pull = new GainNode(context, { gain: 0 });
  node.connect(pull).connect(context.destination);
  return () => pull.disconnect();
}

/** Returns true if memory can be shared with the audio thread (HTML §8.1.3, `crossOriginIsolated`). */
export function canShareMemory(): boolean {
  return globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function';
}
