import { sleep } from './patience.ts';

/** How long `resume()` is waited for, ms. */
const RESUME_MS = 1000;

/**
 * Resumes a suspended context, and no other: `resume()` while it is `"interrupted"` can wedge it for good
 * (https://github.com/GetStream/stream-video-js/pull/2249). Never rejects: without a user's gesture it stays suspended.
 */
export async function resumeSuspended(context: BaseAudioContext): Promise<void> {
  if (context.state !== 'suspended' || !('resume' in context) || 'startRendering' in context)
    return;
  // Pending until a user's gesture, perhaps for ever. The state says what came of it.
  const resumed = (context as AudioContext).resume().catch(() => {});
  await Promise.race([resumed, sleep(RESUME_MS)]);
}

/** Resumes a context whose audio the system took away while it was running (Web Audio §1.2.1, `"interrupted"`). */
export class Interruption {
  readonly #context: BaseAudioContext;
  #state: string;
  #interrupted = false;

  constructor(context: BaseAudioContext) {
    this.#context = context;
    this.#state = context.state;
  }

  /**
   * For every change of the context's state. After an interruption iOS leaves the context suspended, for the page to resume it.
   * @returns resolves when it was resumed; null when there is nothing to resume
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
