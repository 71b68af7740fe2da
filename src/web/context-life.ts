import { MicwireError } from '../core/errors.ts';
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

/**
 * Settles as `work` does while the context is open. `work` may never settle when the context closes: engines differ.
 * @param discard takes what `work` resolves to when that comes too late
 * @throws MicwireError `'closed'` as soon as the context is closed, whatever becomes of `work`
 */
export async function whileOpen<Result>(
  context: LivingContext,
  work: Promise<Result>,
  discard?: (result: Result) => void,
): Promise<Result> {
  const closed = deferred<never>();
  const onChange = (): void => {
    if (context.state === 'closed') closed.reject(contextClosed());
  };
  // `work` refuses anything but a context.
  context?.addEventListener?.('statechange', onChange);
  try {
    const result = await Promise.race([work, closed.promise]);
    checkContextOpen(context);
    return result;
  } catch (error) {
    void work.then(discard, () => {});
    throw context?.state === 'closed' ? contextClosed(error) : error;
  } finally {
    context?.removeEventListener?.('statechange', onChange);
  }
}

/**
 * Makes nodes in a context that has its worklet.
 * @throws MicwireError `'closed'` where the engine refuses because the context is closing; what `make` throws
 */
export function makeInOpenContext<Result>(context: LivingContext, make: () => Result): Result {
  checkContextOpen(context);
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
