/** Events of a {@link PageLife}. */
export interface PageLifeListener {
  /** Called when the page became visible or hidden. */
  visible(visible: boolean): void;
  /** Called when the page was frozen, or the machine was asleep, and runs again. @param ms for how long it did not run */
  woke(ms: number): void;
  /** Called twice a second while the page runs. */
  look(): void;
}

/** Options of a {@link PageLife}. */
export interface PageLifeOptions {
  /** Whether to keep the screen on while `awake` is true. */
  readonly wakeLock: boolean;
  /** Whether to set `navigator.audioSession.type` to `'play-and-record'` in the meantime. */
  readonly audioSession: boolean;
}

/** Interval of the checks, in ms. */
const LOOK_MS = 500;
/** How far the wall clock may run ahead of the context's clock between two checks before that counts as sleep, in ms. */
const SLEPT_MS = 2000;

interface AudioSession {
  type: string;
}

/** Navigator of Safari 16.4 and later (Audio Session API). */
interface SessionNavigator {
  readonly audioSession?: AudioSession;
}

/** How many microphones use a session, and its type before the first one did. */
const sessions = new WeakMap<AudioSession, { users: number; readonly before: string }>();

/**
 * Sets a session for playing and recording.
 * @returns a function that restores the session, if it has no other user and the app has not set it
 */
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
 * Follows the life of a context's page: hidden and visible, frozen and resumed, and sleep of the machine. Keeps the screen on, and
 * the system's audio session set for playing and recording.
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
  /** Both clocks at the last check, in ms. */
  #wall = Date.now();
  #audio = NaN;
  /** Restores the audio session. */
  #endSession = (): void => {};

  constructor(context: BaseAudioContext, options: PageLifeOptions, listener: PageLifeListener) {
    this.#context = context;
    this.#options = options;
    this.#listener = listener;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    document.addEventListener('visibilitychange', this.#onVisibility);
    // Page Lifecycle; `pageshow` fires when a page leaves the back/forward cache.
    document.addEventListener('freeze', this.#onFreeze);
    document.addEventListener('resume', this.#onResume);
    window.addEventListener('pagehide', this.#onFreeze);
    window.addEventListener('pageshow', this.#onResume);
    const session = (navigator as SessionNavigator).audioSession;
    if (options.audioSession && session !== undefined) this.#endSession = useSession(session);
  }

  /** Turns keeping the screen on, on or off. */
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
    // The system releases the lock when the page is hidden, and does not restore it (Screen Wake Lock §6).
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
    // A suspended context has no running clock to compare with.
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
      // The system refuses, perhaps to save power. The lock is requested again the next time the page becomes visible.
    }
    this.#asked = false;
    if (this.#lockWanted !== wanted) await this.#updateLock();
  }
}
