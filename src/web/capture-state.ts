/**
 * What a capture is doing:
 * `'running'`; `'suspended'`: the context is suspended or interrupted, no time passes; `'muted'`: the source delivers silence;
 * `'ended'`: the track is over; `'closed'`: by `close()`, with its context, or by an error.
 */
export type CaptureState = 'running' | 'suspended' | 'muted' | 'ended' | 'closed';

/** Follows the context and the track. */
export class SourceWatch {
  readonly #context: BaseAudioContext;
  readonly #track: MediaStreamTrack | null;
  readonly #changed: () => void;
  #contextState: string;
  /** The system took the context's audio away while it was running (Web Audio §1.2.1, `"interrupted"`). */
  #interrupted = false;
  #ended = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param changed called after every event of either */
  constructor(context: BaseAudioContext, track: MediaStreamTrack | null, changed: () => void) {
    this.#context = context;
    this.#track = track;
    this.#changed = changed;
    this.#contextState = context.state;
    context.addEventListener('statechange', this.#onContext);
    for (const type of TRACK_EVENTS) track?.addEventListener(type, this.#onTrack);
    // A track that the page itself stops fires no event (Media Capture §4.3.1).
    if (track !== null) this.#timer = setInterval(() => this.#lookAtTrack(track), LOOK_MS);
  }

  /** The state of the source, as if the capture were open. */
  get state(): CaptureState {
    const contextState: string = this.#context.state;
    if (contextState === 'closed') return 'closed';
    if (this.#ended || this.#track?.readyState === 'ended') return 'ended';
    if (contextState !== 'running') return 'suspended';
    return this.#track?.muted === true ? 'muted' : 'running';
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#context.removeEventListener('statechange', this.#onContext);
    for (const type of TRACK_EVENTS) this.#track?.removeEventListener(type, this.#onTrack);
  }

  #lookAtTrack({ readyState }: MediaStreamTrack): void {
    if (readyState !== 'ended') return;
    clearInterval(this.#timer);
    this.#changed();
  }

  readonly #onTrack = ({ type }: Event): void => {
    this.#ended ||= type === 'ended';
    this.#changed();
  };

  readonly #onContext = (): void => {
    const before = this.#contextState;
    const now: string = this.#context.state;
    this.#contextState = now;
    if (now === 'interrupted' && before === 'running') this.#interrupted = true;
    if (now === 'running') this.#interrupted = false;
    // After an interruption iOS leaves the context suspended, for the page to resume it.
    if (now === 'suspended' && this.#interrupted) {
      this.#interrupted = false;
      void resumeSuspended(this.#context);
    }
    this.#changed();
  };
}

/** How often a track is looked at, ms. */
const LOOK_MS = 1000;
const TRACK_EVENTS = ['ended', 'mute', 'unmute'] as const;

/**
 * Resumes a suspended context, and no other: `resume()` while it is `"interrupted"` can wedge it for good
 * (https://github.com/GetStream/stream-video-js/pull/2249). Never rejects: without a user's gesture it stays suspended.
 */
export async function resumeSuspended(context: BaseAudioContext): Promise<void> {
  if (context.state !== 'suspended' || !('resume' in context) || 'startRendering' in context)
    return;
  // Pending until a user's gesture, perhaps for ever. The state says what came of it.
  const resumed = (context as AudioContext).resume().catch(() => {});
  await Promise.race([resumed, new Promise((resolve) => setTimeout(resolve, RESUME_MS))]);
}

/** How long `resume()` is waited for, ms. */
const RESUME_MS = 1000;
