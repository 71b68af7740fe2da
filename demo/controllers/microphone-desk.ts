import { Microphone } from 'micwire';
import type { EchoEstimate, InputDevice, MicrophoneGap, MuteKeep, Speaker } from 'micwire';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { problemOf } from '../audio/problem.ts';

/** How often the microphone's own figures change, ms. */
const FIGURES_MS = 1000;

/** What the desk is doing. */
export type DeskTask = 'switching' | 'muting' | 'measuring';

/**
 * Owns what a page does with its microphone besides opening it: the choice of the device, mute, and the results of both. The
 * choice remains when the session ends. Elements draw it.
 */
export class MicrophoneDesk implements ReactiveController {
  /** The device that was chosen; null: the system's default. */
  deviceId: string | null = null;
  /** null while none is open. */
  microphone: Microphone | null = null;
  /** What plays the page's audio beside the microphone; null while nothing runs, or where there is no speaker. */
  speaker: Speaker | null = null;
  /** The gap at the last change or loss of the device; null before the first. */
  lastGap: MicrophoneGap | null = null;
  /** The last measurement of the echo; null before the first. */
  echo: EchoEstimate | null = null;
  /** Why the last request failed, in a sentence or two; else empty. */
  problem = '';
  task: DeskTask | null = null;
  readonly #host: Pick<ReactiveControllerHost, 'requestUpdate'>;
  /** The list from before a microphone is open. */
  #listed: readonly InputDevice[] = [];
  #wishes = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(host: Pick<ReactiveControllerHost, 'requestUpdate' | 'addController'>) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    mediaDevices()?.addEventListener('devicechange', this.#list);
    this.#list();
  }

  hostDisconnected(): void {
    mediaDevices()?.removeEventListener('devicechange', this.#list);
    this.follow(null, null);
  }

  /** The microphones to choose from. Their labels are empty until one has been allowed. */
  get devices(): readonly InputDevice[] {
    const open = this.microphone?.devices ?? [];
    return open.length > 0 ? open : this.#listed;
  }

  /** Takes another microphone, and the speaker beside it; null: none. */
  follow(microphone: Microphone | null, speaker: Speaker | null): void {
    const before = this.microphone;
    if (microphone === before) return;
    this.#wishes++;
    clearInterval(this.#timer);
    for (const type of CHANGES) before?.removeEventListener(type, this.#update);
    before?.removeEventListener('statechange', this.#heardState);
    before?.removeEventListener('gap', this.#heardGap);
    before?.removeEventListener('error', this.#heardError);
    this.microphone = microphone;
    this.speaker = speaker;
    this.task = null;
    this.problem = '';
    if (microphone !== null) {
      this.lastGap = null;
      this.echo = null;
      for (const type of CHANGES) microphone.addEventListener(type, this.#update);
      microphone.addEventListener('statechange', this.#heardState);
      microphone.addEventListener('gap', this.#heardGap);
      microphone.addEventListener('error', this.#heardError);
      this.#timer = setInterval(this.#update, FIGURES_MS);
    } else {
      // Devices that have been allowed meanwhile now have names.
      this.#list();
    }
    this.#update();
  }

  /** Uses another device from now on: at once where a microphone is open, and without opening anything again. */
  async use(deviceId: string | null): Promise<void> {
    const before = this.deviceId;
    this.deviceId = deviceId;
    await this.#wish('switching', async (microphone, isLast) => {
      try {
        const gap = await microphone.use(deviceId);
        if (isLast()) this.lastGap = gap;
      } catch (error) {
        if (isLast()) this.deviceId = before;
        throw error;
      }
    });
  }

  /** Mutes the microphone, in one way or the other; null: unmutes it. */
  async mute(keep: MuteKeep | null): Promise<void> {
    await this.#wish('muting', (microphone) =>
      keep === null ? microphone.unmute() : microphone.mute({ keep }),
    );
  }

  /** Plays a quiet probe, and listens for its echo. */
  async measureEcho(): Promise<void> {
    await this.#wish('measuring', async (microphone, isLast) => {
      const echo = await microphone.measureEcho();
      if (isLast()) this.echo = echo;
    });
  }

  async #wish(
    task: DeskTask,
    grant: (microphone: Microphone, isLast: () => boolean) => Promise<void>,
  ): Promise<void> {
    const { microphone } = this;
    const wish = ++this.#wishes;
    const isLast = (): boolean => wish === this.#wishes;
    this.problem = '';
    this.task = microphone === null ? null : task;
    this.#update();
    if (microphone === null) return;
    try {
      await grant(microphone, isLast);
    } catch (error) {
      // The newest request wins; and a microphone that was closed meanwhile reports nothing.
      if (isLast()) this.problem = wordsOf(error);
    }
    if (!isLast()) return;
    this.task = null;
    this.#update();
  }

  readonly #list = (): void => {
    Microphone.devices().then(
      (devices) => {
        this.#listed = devices;
        this.#update();
      },
      // The page is going away: there is no list.
      () => {},
    );
  };

  readonly #heardState = (): void => {
    // The request that failed has succeeded by itself.
    if (this.microphone?.state === 'live') this.problem = '';
    this.#update();
  };

  readonly #heardGap = ({ detail }: CustomEvent<MicrophoneGap>): void => {
    this.lastGap = detail;
    this.#update();
  };

  readonly #heardError = ({ detail }: CustomEvent<Error>): void => {
    this.problem = wordsOf(detail);
    this.#update();
  };

  readonly #update = (): void => this.#host.requestUpdate();
}

const CHANGES = ['permissionchange', 'devicechange', 'silent'] as const;

function wordsOf(error: unknown): string {
  const { title, cure } = problemOf(error);
  return `${title} ${cure}`.trim();
}

/** Absent where the page is neither on localhost nor https. */
function mediaDevices(): MediaDevices | undefined {
  return (navigator as { readonly mediaDevices?: MediaDevices }).mediaDevices;
}
