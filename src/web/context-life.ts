import { MicwireError } from '../core/errors.ts';
import { checkSignal, onAbort } from './abort.ts';
import { deferred } from './patience.ts';

/** What is looked at of a context: a native one, or one that a library wraps. */
export interface LivingContext {
  readonly state?: string;
  addEventListener?(type: 'statechange', listener: () => void): void;
  removeEventListener?(type: 'statechange', listener: () => void): void;
}

/** The error of everything that needs a context which is closed. */
export function contextClosed(cause?: unknown): MicwireError {
  const options = cause === undefined ? undefined : { cause };
  return new MicwireError('closed', 'The audio context is closed. Create a new one.', options);
}

/** @throws MicwireError `'closed'` */
export function checkContextOpen(context: LivingContext): void {
  if (context.state === 'closed') throw contextClosed();
}

/** What ends a `create()` early: its context, when it is closed, and the option `signal`. */
export interface Opening {
  readonly context: LivingContext;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Settles as `work` does while the context is open and the signal is not aborted. `work` may never settle when the context
 * closes: engines differ. Every wait of a `create()` goes through here.
 * @param discard takes what `work` resolves to when that comes too late
 * @throws MicwireError `'closed'` as soon as the context is closed, and the signal's reason as soon as it is aborted,
 *   whatever becomes of `work`
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
  // `work` refuses anything but a context.
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
 * Makes nodes in a context that has its worklet.
 * @throws MicwireError `'closed'` where the engine refuses because the context is closing; the signal's reason, when it is
 *   aborted; what `make` throws
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
    // Chromium 156 refuses while the state still says 'running'. The worklet is there: nothing else is invalid.
    if (error instanceof DOMException && error.name === 'InvalidStateError') {
      throw contextClosed(error);
    }
    throw error;
  }
}

/**
 * Keeps a node rendering that nothing else may be connected to: engines render only what leads to the destination. Nothing of
 * it is heard.
 * @returns ends it
 */
export function keepRendering(node: AudioNode): () => void {
  const { context } = node;
  const pull = new GainNode(context, { gain: 0 });
  node.connect(pull).connect(context.destination);
  return () => pull.disconnect();
}

/** Whether memory can be shared with the audio thread (HTML §8.1.3, `crossOriginIsolated`). */
export function canShareMemory(): boolean {
  return globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function';
}
