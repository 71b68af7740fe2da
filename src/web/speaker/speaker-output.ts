import { MicwireError } from '../../core/errors.ts';
import type { SpeakerRoute } from '../../core/microphone/echo-plan.ts';
import { DEFAULT_SINK, sinkError } from './speaker-devices.ts';

/** One route to the loudspeaker. */
export interface SpeakerOutput {
  readonly route: SpeakerRoute;
  /** The node to connect to. */
  readonly input: AudioNode;
  /** True if the browser has refused to play; false while it has not answered. */
  readonly refused: boolean;
  /**
   * Switches to another device.
   * @throws MicwireError `'unsupported'`, `'permission'` or `'device'`; the device then stays the same
   */
  setSink(sink: string): Promise<void>;
  /** Plays if the browser allows it; `refused` then says whether it did. Starts synchronously, as a gesture requires. */
  play(): Promise<void>;
  /** Releases everything. */
  close(): Promise<void>;
}

/** Returns true if a context can play on a device other than the default. */
export function canChooseSink(context: AudioContext): boolean {
  return typeof (context as SinkContext).setSinkId === 'function';
}

/**
 * Opens a route to the loudspeaker. @param changed called when `refused` has changed by itself
 * @throws MicwireError `'unsupported'`
 */
export function openOutput(
  context: AudioContext,
  route: SpeakerRoute,
  changed: () => void,
): SpeakerOutput | Promise<SpeakerOutput> {
  if (route === 'context') return new ContextOutput(context);
  if (typeof Audio !== 'function' || !('createMediaStreamDestination' in context)) {
    throw new MicwireError('unsupported', 'This page cannot play a stream by an audio element.');
  }
  const destination = context.createMediaStreamDestination();
  if (route === 'element') {
    return new ElementOutput('element', destination, destination.stream, changed, () => {});
  }
  // Apps whose echo plan needs no call never load it.
  return import('./speaker-call.ts').then(async ({ callThrough }) => {
    const call = await callThrough(destination.stream);
    return new ElementOutput('call', destination, call.stream, changed, () => call.close());
  });
}

type SinkContext = AudioContext & {
  readonly sinkId?: unknown;
  setSinkId?(sink: unknown): Promise<void>;
};

/** Plays through the context's own destination. */
class ContextOutput implements SpeakerOutput {
  readonly route = 'context';
  readonly input: AudioNode;
  readonly refused = false;
  readonly #context: SinkContext;
  /** The sink that the app had set on the context; undefined while it is in use. */
  #before: unknown;

  constructor(context: AudioContext) {
    this.#context = context;
    this.input = context.destination;
  }

  async setSink(sink: string): Promise<void> {
    const context = this.#context;
    const before = context.sinkId ?? DEFAULT_SINK;
    // An app may have chosen a context without an output (`{ type: 'none' }`): that stays in effect until the app chooses a device.
    if (before === sink || (sink === DEFAULT_SINK && typeof before !== 'string')) return;
    if (context.setSinkId === undefined) {
      throw new MicwireError(
        'unsupported',
        "This browser cannot choose the output of an AudioContext. Open the speaker with route: 'element'.",
      );
    }
    try {
      await context.setSinkId(sink);
    } catch (cause) {
      throw sinkError(cause);
    }
    this.#before ??= before;
  }

  async play(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#before === undefined || this.#context.state === 'closed') return;
    // The app's device may be gone by now.
    await this.#context.setSinkId?.(this.#before).catch(() => {});
  }
}

/** Plays through an `<audio>` element. */
class ElementOutput implements SpeakerOutput {
  readonly route: SpeakerRoute;
  readonly input: MediaStreamAudioDestinationNode;
  readonly #element = new Audio();
  readonly #changed: () => void;
  readonly #release: () => void;
  #refused = false;
  #closed = false;

  constructor(
    route: 'element' | 'call',
    input: MediaStreamAudioDestinationNode,
    stream: MediaStream,
    changed: () => void,
    release: () => void,
  ) {
    this.route = route;
    this.input = input;
    this.#changed = changed;
    this.#release = release;
    this.#element.srcObject = stream;
    this.#element.addEventListener('pause', this.#onPause);
  }

  get refused(): boolean {
    return this.#refused;
  }

  async setSink(sink: string): Promise<void> {
    const element: HTMLAudioElement & { setSinkId?(sink: string): Promise<void> } = this.#element;
    if ((element.sinkId ?? DEFAULT_SINK) === sink) return;
    if (element.setSinkId === undefined) {
      throw new MicwireError('unsupported', 'This browser cannot choose an output device.');
    }
    try {
      await element.setSinkId(sink);
    } catch (cause) {
      throw sinkError(cause);
    }
  }

  async play(): Promise<void> {
    if (this.#closed) return;
    const before = this.#refused;
    // Without a gesture (NotAllowedError), or interrupted by the system (AbortError).
    this.#refused = await this.#element.play().then(
      () => false,
      () => !this.#closed,
    );
    if (before !== this.#refused) this.#changed();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#element.removeEventListener('pause', this.#onPause);
    this.#element.pause();
    this.#element.srcObject = null;
    for (const track of this.input.stream.getTracks()) track.stop();
    this.#release();
  }

  /** Handles a pause of the element by a media key or by the system; the app never pauses it. */
  readonly #onPause = (): void => {
    void this.play();
  };
}
