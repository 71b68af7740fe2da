/**
 * Events that a browser may count as a gesture: a touch counts only when it ends, a mouse button when it is pressed (HTML §6.4.1,
 * activation triggering input event). Clicks are for older browsers.
 */
const GESTURES = ['pointerdown', 'pointerup', 'touchend', 'click', 'keydown'] as const;

/** Listens in the capture phase, so that the page's own handlers cannot hide the events. */
const LISTENING = { capture: true, passive: true } as const;

/**
 * Calls `call` within each user gesture that can start audio, until it is stopped.
 * @returns a function that stops listening
 */
export function onGesture(call: () => void): () => void {
  if (typeof globalThis.addEventListener !== 'function') return () => {};
  const listener = (): void => {
    // A resume() without user activation stays pending in WebKit, as do later ones.
    const activation = (globalThis.navigator as Partial<Navigator> | undefined)?.userActivation;
    if (activation === undefined || activation.isActive) call();
  };
  for (const type of GESTURES) globalThis.addEventListener(type, listener, LISTENING);
  return () => {
    for (const type of GESTURES) globalThis.removeEventListener(type, listener, LISTENING);
  };
}

/**
 * Starts the audio hardware within a gesture: iOS starts it only when audio is played during the gesture, even if it is one frame
 * of silence.
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
