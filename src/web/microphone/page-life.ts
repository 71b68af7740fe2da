/** What {@link PageLife} tells. */
export interface PageLifeListener {
  /** The page became visible or hidden. */
  visible(visible: boolean): void;
  /** The page was frozen, or the machine slept, for so long, and runs again. */
  woke(ms: number): void;
  /** Twice a second while the page runs. */
  look(): void;
}

/** Options of a {@link PageLife}. */
export interface PageLifeOptions {
  /** Whether the screen is to stay on while `awake` is true. */
  readonly wakeLock: boolean;
  /** Whether `navigator.audioSession.type` is to be `'play-and-record'` meanwhile. */
  readonly audioSession: boolean;
}

/** How often it looks, ms. */
const LOOK_MS = 500;
/** The wall's clock may run ahead of the context's by so much in one look, ms, before that counts as sleep. */
const SLEPT_MS = 2000;

interface AudioSession {
  type: string;
}

/** Navigator of Safari 16.4 and later (Audio Session API). */
interface SessionNavigator {
  readonly audioSession?: AudioSession;
}

/** How many microphones use a session, and its type before the first. */
const sessions = new WeakMap<AudioSession, { users: number; readonly before: string }>();

/** Sets a session for playing and recording. @returns gives it back, if nobody else uses it and the app has not set it */
function useSession(session: AudioSession): () => void {
  const use = sessions.get(session) ?? { users: 0, before: session.type };
  sessions.set(session, use);
  use.users++;
  session.type = 'play-and-record';
  return () => {
    if (--use.users > 0) return;
    sessions.delete(session);
    if (session.type === 'play-and-record') session.type = use.before;
  };
}

/**
 * Follows the page of a context: hidden and visible, frozen and resumed, a machine that sleeps; keeps the screen on, and the
 * audio session of the system set for playing and recording.
 */
export class PageLife {
  readonly #context: BaseAudioContext;
  readonly #options: PageLifeOptions;
  readonly #listener: PageLifeListener;
  readonly #timer: ReturnType<typeof setInterval>;
  #awake = false;
  #lock: WakeLockSentinel | null = null;
  #asked = false;
  #frozenAt: number | null = null;
  /** Both clocks at the last look, ms. */
  #wall = Date.now();
  #audio = NaN;
  /** Gives the audio session back. */
  #endSession = (): void => {};

  constructor(context: BaseAudioContext, options: PageLifeOptions, listener: PageLifeListener) {
    this.#context = context;
    this.#options = options;
    this.#listener = listener;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    document.addEventListener('visibilitychange', this.#onVisibility);
    // Page Lifecycle; `pageshow` of a page that comes out of the back/forward cache.
    document.addEventListener('freeze', this.#onFreeze);
    document.addEventListener('resume', this.#onResume);
    window.addEventListener('pagehide', this.#onFreeze);
    window.addEventListener('pageshow', this.#onResume);
    const session = (navigator as SessionNavigator).audioSession;
    if (options.audioSession && session !== undefined) this.#endSession = useSession(session);
  }

  /** Whether the screen is to stay on from now on. */
  set awake(awake: boolean) {
    this.#awake = awake;
    void this.#updateLock();
  }

  close(): void {
    clearInterval(this.#timer);
    document.removeEventListener('visibilitychange', this.#onVisibility);
    document.removeEventListener('freeze', this.#onFreeze);
    document.removeEventListener('resume', this.#onResume);
    window.removeEventListener('pagehide', this.#onFreeze);
    window.removeEventListener('pageshow', this.#onResume);
    this.awake = false;
    this.#endSession();
  }

  readonly #onVisibility = (): void => {
    const visible = document.visibilityState === 'visible';
    // The system takes the lock away with the page, and does not give it back (Screen Wake Lock §6).
    if (visible) void this.#updateLock();
    this.#listener.visible(visible);
  };

  readonly #onFreeze = (): void => {
    this.#frozenAt ??= Date.now();
  };

  readonly #onResume = (): void => {
    if (this.#frozenAt === null) return;
    const ms = Date.now() - this.#frozenAt;
    this.#frozenAt = null;
    this.#forgetClocks();
    this.#listener.woke(ms);
  };

  #look(): void {
    const wall = Date.now();
    // A context that is suspended has no clock to compare with.
    const audio = this.#context.state === 'running' ? this.#context.currentTime * 1000 : Number.NaN;
    const slept = wall - this.#wall - (audio - this.#audio);
    this.#wall = wall;
    this.#audio = audio;
    this.#listener.look();
    if (slept > SLEPT_MS) this.#listener.woke(slept);
  }

  #forgetClocks(): void {
    this.#wall = Date.now();
    this.#audio = Number.NaN;
  }

  get #lockWanted(): boolean {
    return this.#awake && document.visibilityState === 'visible';
  }

  async #updateLock(): Promise<void> {
    if (this.#asked || !this.#options.wakeLock || !('wakeLock' in navigator)) return;
    const wanted = this.#lockWanted;
    if (wanted === (this.#lock !== null && !this.#lock.released)) return;
    this.#asked = true;
    try {
      if (wanted) this.#lock = await navigator.wakeLock.request('screen');
      else await this.#lock?.release();
    } catch {
      // The system refuses, perhaps to save power. The next time the page becomes visible asks again.
    }
    this.#asked = false;
    if (this.#lockWanted !== wanted) await this.#updateLock();
  }
}
