import { sleep } from './patience.ts';

/** How long to wait for `resume()`, in ms. */
const RESUME_MS = 1000;

/**
 * Resumes a suspended context, and no other: `resume()` while it is `"interrupted"` can leave it stuck permanently
 * (https://github.com/GetStream/stream-video-js/pull/2249). Never rejects: without a user gesture it stays suspended.
 */
export async function resumeSuspended(context: BaseAudioContext): Promise<void> {
  if (context.state !== 'suspended' || !('resume' in context) || 'startRendering' in context)
    return;
  // Pending until a user gesture, perhaps forever. The state shows the result.
  const resumed = (context as AudioContext).resume().catch(() => {});
  await Promise.race([resumed, sleep(RESUME_MS)]);
}

/** Resumes a context whose audio the system interrupted while it was running (Web Audio §1.2.1, `"interrupted"`). */
export class Interruption {
  readonly #context: BaseAudioContext;
  #state: string;
  #interrupted = false;

  constructor(context: BaseAudioContext) {
    this.#context = context;
    this.#state = context.state;
  }

  /**
   * Must be called at every change of the context's state. After an interruption iOS leaves the context suspended, and the page
   * must resume it.
   * @returns a promise that resolves when the context was resumed; null if it need not be resumed
   */
  changed(): Promise<void> | null {
    const before = this.#state;
    const now: string = this.#context.state;
    this.#state = now;
    if (now === 'interrupted' && before === 'running') this.#interrupted = true;
    if (now === 'running') this.#interrupted = false;
    if (now !== 'suspended' || !this.#interrupted) return null;
    this.#interrupted = false;
    return resumeSuspended(this.#context);
  }
}
