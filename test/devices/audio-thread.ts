import type { Browser, Track } from './browser.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A connected track that gives nothing is taken after this. */
const PATIENCE_MS = 1000;
/** From the track's first audio to the audio thread's. */
const FIRST_AUDIO_MS = 20;
/** Slack of the rules about silence: messages, and the step of this model. */
const SLACK_MS = 1500;

/** Another device's audio is noticed by the time of the shell's next look. */
const FOREIGN_MS = 2500;

export interface AudioEvents {
  heard(request: number): void;
  silence(kind: 'zeros' | null): void;
}

/** What the page says at present. */
export interface Told {
  /** A device is in use, and nobody has muted it. */
  readonly live: boolean;
  readonly silent: boolean;
}

/** The audio thread: takes tracks, notices silence, and keeps the account. */
export class AudioThread {
  readonly #browser: Browser;
  readonly #time: VirtualTime;
  readonly #events: AudioEvents;
  readonly #silenceMs: number;
  #input: Track | null = null;
  #take: Track | null = null;
  #takenMs = 0;
  #missing = true;
  #muted = false;
  #zerosMs = 0;
  #toldSilent = false;
  #deafMs = 0;
  #falseMs = 0;
  #gapMs = 0;
  #foreignMs = 0;
  #stoppedMs = 0;
  suspended = 0;
  /** The account. */
  totalMs = 0;
  presentMs = 0;
  mutedMs = 0;
  missingMs = 0;

  constructor(browser: Browser, time: VirtualTime, silenceMs: number, events: AudioEvents) {
    this.#browser = browser;
    this.#time = time;
    this.#silenceMs = silenceMs;
    this.#events = events;
  }

  get missing(): boolean {
    return this.#missing;
  }

  /** The track in use, if its audio counts. */
  get inUse(): Track | null {
    return this.#missing ? null : this.#input;
  }

  connect(track: Track): void {
    this.#take = track;
    this.#takenMs = 0;
  }

  lose(): void {
    this.#take = null;
    this.#missing = true;
  }

  mute(on: boolean): void {
    this.#muted = on;
  }

  /** Lets time pass. @param told what the page says meanwhile */
  step(ms: number, told: Told): void {
    if (this.suspended > 0) return;
    this.#takeInput(ms);
    this.totalMs += ms;
    if (this.#missing) this.missingMs += ms;
    else {
      this.presentMs += ms;
      if (this.#muted) this.mutedMs += ms;
      this.#listen(ms);
    }
    this.#check(ms, told);
  }

  /** The page's thread slept: what it says is old. */
  forgive(): void {
    this.#deafMs = 0;
    this.#falseMs = 0;
    this.#gapMs = 0;
    this.#foreignMs = 0;
    this.#stoppedMs = 0;
  }

  #takeInput(ms: number): void {
    const track = this.#take;
    if (track === null) return;
    this.#takenMs += ms;
    const isAgain = track === this.#input && !this.#missing;
    const isHeard = this.#takenMs >= FIRST_AUDIO_MS && this.#browser.isAudible(track);
    if (!isAgain && !isHeard && this.#takenMs < PATIENCE_MS) return;
    this.#take = null;
    this.#input = track;
    this.#missing = false;
    this.#zerosMs = 0;
    this.#toldSilent = false;
    // Silence is measured of each device.
    this.#deafMs = 0;
    this.#events.heard(track.request);
  }

  #listen(ms: number): void {
    if (this.#input !== null && this.#browser.isAudible(this.#input)) {
      this.#zerosMs = 0;
      if (this.#toldSilent) this.#events.silence(null);
      this.#toldSilent = false;
      return;
    }
    this.#zerosMs += ms;
    if (this.#zerosMs < this.#silenceMs || this.#toldSilent) return;
    this.#toldSilent = true;
    this.#events.silence('zeros');
  }

  /** Compares what the page says with the truth. */
  #check(ms: number, told: Told): void {
    const isAudible =
      !this.#missing && this.#input !== null && this.#browser.isAudible(this.#input);
    const isDeaf = told.live && !told.silent && !isAudible;
    this.#deafMs = isDeaf ? this.#deafMs + ms : 0;
    if (this.#deafMs > this.#silenceMs + PATIENCE_MS + SLACK_MS) {
      this.#time.fail('silence told', `Without audio for ${this.#deafMs} ms, and nothing says so.`);
    }
    // A hidden page's timers are late.
    const isFalse = told.live && told.silent && isAudible && this.#browser.hidden === 0;
    this.#falseMs = isFalse ? this.#falseMs + ms : 0;
    if (this.#falseMs > this.#silenceMs + SLACK_MS + PATIENCE_MS) {
      this.#time.fail('silence taken back', `Audio for ${this.#falseMs} ms is told as silence.`);
    }
    const isForeign =
      told.live &&
      this.#input !== null &&
      !this.#missing &&
      !this.#input.device.isPresent &&
      this.#browser.isForeign(this.#input);
    this.#foreignMs = isForeign && this.#browser.hidden === 0 ? this.#foreignMs + ms : 0;
    if (this.#foreignMs > FOREIGN_MS) {
      this.#time.fail('foreign audio', `Another device's audio for ${this.#foreignMs} ms.`);
    }
    const isStopped = !this.#missing && this.#input !== null && this.#input.stopped;
    this.#stoppedMs = isStopped ? this.#stoppedMs + ms : 0;
    if (this.#stoppedMs > SLACK_MS) {
      this.#time.fail('coherent actions', 'A track that is stopped counts as audio.');
    }
    const isGap = this.#missing && told.live;
    this.#gapMs = isGap ? this.#gapMs + ms : 0;
    if (this.#gapMs > SLACK_MS + PATIENCE_MS) {
      this.#time.fail('gap ends', `Live, and missing for ${this.#gapMs} ms.`);
    }
  }
}
