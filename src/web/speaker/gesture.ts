/**
 * What a browser may count as a gesture: a touch counts only when it ends, a mouse when it goes down (HTML §6.4.1, activation
 * triggering input event). Clicks are for older ones.
 */
const GESTURES = ['pointerdown', 'pointerup', 'touchend', 'click', 'keydown'] as const;

/** In the capture phase: what the page does with its events does not hide them. */
const LISTENING = { capture: true, passive: true } as const;

/**
 * Calls at every gesture of the user that can start audio, within the event, until it is ended.
 * @returns ends it
 */
export function onGesture(call: () => void): () => void {
  if (typeof globalThis.addEventListener !== 'function') return () => {};
  const listener = (): void => {
    // A resume() without activation stays pending in WebKit, and later ones with it.
    const activation = (globalThis.navigator as Partial<Navigator> | undefined)?.userActivation;
    if (activation === undefined || activation.isActive) call();
  };
  for (const type of GESTURES) globalThis.addEventListener(type, listener, LISTENING);
  return () => {
    for (const type of GESTURES) globalThis.removeEventListener(type, listener, LISTENING);
  };
}

/**
 * Starts the audio hardware within a gesture: iOS begins only when something is played in it, if only one frame of silence.
 */
export function prime(context: AudioContext): void {
  try {
    const source = context.createBufferSource();
    source.buffer = context.createBuffer(1, 1, context.sampleRate);
    source.connect(context.destination);
    source.onended = (): void => source.disconnect();
    source.start();
  } catch {
    // The context is closing.
  }
}
