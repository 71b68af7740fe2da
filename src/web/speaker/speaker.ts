import { checkContext, checkOptions } from '../../core/option-names.ts';
import { describe, numberIn, oneOf } from '../../core/arguments.ts';
import { MicwireError } from '../../core/errors.ts';
import { SPEAKER_ROUTES } from '../../core/microphone/echo-plan.ts';
import type { SpeakerRoute } from '../../core/microphone/echo-plan.ts';
import { contextClosed, makeInOpenContext, whileOpen } from '../context-life.ts';
import { Interruption, resumeSuspended } from '../context-resume.ts';
import { onGesture, prime } from './gesture.ts';
import {
  DEFAULT_SINK,
  chooseOutput,
  listOutputs,
  sinkOf,
  watchOutputs,
} from './speaker-devices.ts';
import type { OutputDevice } from './speaker-devices.ts';
import { canChooseSink, openOutput } from './speaker-output.ts';
import type { SpeakerOutput } from './speaker-output.ts';
import { MAX_VOLUME, PLAYBACK_STATS, SPEAKER_OPTION_NAMES } from './speaker-options.ts';
import type {
  PlaybackStats,
  SpeakerDeviceChange,
  SpeakerEventMap,
  SpeakerOptions,
  SpeakerState,
} from './speaker-options.ts';
import { outputLatencySeconds } from '../output-latency.ts';
import { deferred, sleep } from '../patience.ts';
import { TypedEventTarget } from '../typed-event-target.ts';

/** Time constant of a volume change, in seconds: short, but free of clicks. */
const VOLUME_SECONDS = 0.005;
/** How long an engine that allows audio may take to start it, in ms. */
const START_MS = 250;
/** How long `close()` waits for a device change in progress, and then for the device, in ms. */
const END_MS = 1000;

/** Says how a speaker should play, depending on whether it plays on the system's default output. */
export type RoutePlanner = (defaultOutput: boolean) => SpeakerRoute;

/**
 * The loudspeaker of an app: a node to connect to, with a choice of device, a volume, and a route that echo cancellers hear.
 *
 * @example
 * const speaker = await Speaker.open(context);
 * playout.connect(speaker.node);
 * speaker.addEventListener('statechange', () => (hint.hidden = speaker.state !== 'locked'));
 */
export class Speaker extends TypedEventTarget<SpeakerEventMap> {
  /** The node to connect audio to. It stays the same when the device or the route changes. */
  readonly node: AudioNode;
  readonly #gain: GainNode;
  readonly #context: AudioContext;
  readonly #wanted: 'auto' | SpeakerRoute;
  readonly #unlocks: boolean;
  #output: SpeakerOutput | null = null;
  #sink: string = DEFAULT_SINK;
  #device: OutputDevice | null = null;
  #volume: number;
  #state: SpeakerState = 'suspended';
  readonly #interruption: Interruption;
  /** True once the context has run: if it is suspended after that, the app did it, not the autoplay policy. */
  #ran = false;
  /** True if the browser has refused to start audio. */
  #refused = false;
  /** Number of device changes in progress: engines suspend the context while they last. */
  #changing = 0;
  #disarm: (() => void) | null = null;
  #planner: RoutePlanner | null = null;
  readonly #endWatch: () => void;
  /** Tail of the queue of changes, which run one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Rejects when the speaker closes, for calls that wait for a device. */
  readonly #gone = deferred<never>();
  #ending: Promise<void> | undefined;

  /** Lists the outputs that the page may see. Browsers list few or none before the microphone is allowed. */
  static devices(): Promise<OutputDevice[]> {
    return listOutputs();
  }

  /**
   * Opens the browser's dialog for choosing an output, where it exists (Firefox). Call it in a click handler.
   * @param deviceId id of an earlier choice, which the browser may allow without asking again
   * @throws MicwireError `'unsupported'` where there is no dialog, `'permission'` when the user declines, `'device'`
   */
  static choose(deviceId?: string): Promise<OutputDevice> {
    return chooseOutput(deviceId);
  }

  /**
   * Opens the speaker and starts the context: `state` is `'locked'` afterwards if the browser refuses to play.
   * @throws TypeError or RangeError for an invalid option; MicwireError `'device'` or `'permission'` when the device cannot be
   *   used, `'unsupported'` where the engine lacks a required feature, `'closed'` when the context is closed
   */
  static async open(context: AudioContext, options: SpeakerOptions = {}): Promise<Speaker> {
    checkContext('Speaker.open', context);
    checkOptions('Speaker', options, SPEAKER_OPTION_NAMES);
    oneOf('route', options.route ?? 'auto', ['auto', ...SPEAKER_ROUTES]);
    oneOf('unlock', options.unlock ?? 'gesture', ['gesture', 'manual']);
    numberIn('volume', options.volume ?? 1, 0, MAX_VOLUME);
    const sink = sinkOf(
      checkDeviceId(options.deviceId === undefined ? sinkIdOf(context) : options.deviceId),
    );
    if ('startRendering' in context) {
      throw new MicwireError('unsupported', 'An OfflineAudioContext has no loudspeaker.');
    }
    const opening = { context, signal: options.signal };
    const speaker = makeInOpenContext(opening, () => new Speaker(context, options));
    try {
      await whileOpen(opening, speaker.#begin(sink));
      return makeInOpenContext(opening, () => speaker);
    } catch (error) {
      await speaker.close();
      throw error;
    }
  }

  private constructor(context: AudioContext, options: SpeakerOptions) {
    super();
    this.#context = context;
    this.#wanted = options.route ?? 'auto';
    this.#unlocks = (options.unlock ?? 'gesture') === 'gesture';
    this.#volume = options.volume ?? 1;
    this.#gain = context.createGain();
    this.#gain.gain.value = this.#volume;
    this.node = this.#gain;
    this.#interruption = new Interruption(context);
    this.#ran = context.state === 'running';
    context.addEventListener('statechange', this.#onContext);
    context.addEventListener('error', this.#onContextError);
    this.#endWatch = watchOutputs(() => this.#outputsChanged(false));
  }

  /** State of the speaker. Each change fires `'statechange'`. */
  get state(): SpeakerState {
    return this.#state;
  }

  /** The device in use; null for the system's default. */
  get device(): OutputDevice | null {
    return this.#device;
  }

  /** How audio reaches the loudspeaker. */
  get route(): SpeakerRoute {
    return this.#output?.route ?? 'context';
  }

  /**
   * Linear gain, 0–16: 1 changes nothing, 0.5 is −6 dB. A change takes about 20 ms and does not click.
   * @throws TypeError or RangeError for another value
   */
  get volume(): number {
    return this.#volume;
  }
  set volume(volume: number) {
    this.#volume = numberIn('volume', volume, 0, MAX_VOLUME);
    this.#gain.gain.setTargetAtTime(volume, this.#context.currentTime, VOLUME_SECONDS);
  }

  /**
   * Time from the context's destination to the loudspeaker, ms, as estimated by the engine: `baseLatency` plus `outputLatency`.
   * Null where the engine has no estimate; in Firefox, where reading it may hang the page; and for routes other than `'context'`,
   * whose additional delay no engine reports.
   */
  get outputLatencyMs(): number | null {
    const seconds = this.route === 'context' ? outputLatencySeconds(this.#context) : undefined;
    return seconds === undefined ? null : 1000 * (this.#context.baseLatency + seconds);
  }

  /** Statistics of audio that the system lost: `AudioContext.playbackStats`, where it exists (Chromium). */
  get stats(): PlaybackStats | null {
    const { playbackStats } = this.#context as AudioContext & { playbackStats?: PlaybackStats };
    if (playbackStats === undefined) return null;
    const stats: Partial<Record<keyof PlaybackStats, number>> = {};
    for (const name of PLAYBACK_STATS) stats[name] = playbackStats[name];
    return stats as PlaybackStats;
  }

  /**
   * Switches to another device. If the device cannot be used, the current one stays in use.
   * @param deviceId an id from `Speaker.devices()` or `Speaker.choose()`; null for the system's default
   * @throws MicwireError `'device'`, `'permission'`, `'unsupported'`, `'closed'`
   */
  async use(deviceId: string | null): Promise<void> {
    const sink = sinkOf(checkDeviceId(deviceId));
    await this.#inTurn(async () => {
      await this.#play(sink);
      await this.#took(sink, 'chosen');
    });
  }

  /**
   * Starts audio that the browser has refused to play. Call it in a click handler, or let the first gesture do it
   * (`unlock: 'gesture'`).
   * @returns whether the speaker is running
   * @throws MicwireError `'closed'`
   */
  async unlock(): Promise<boolean> {
    this.#checkOpen();
    await this.#wake();
    return this.#state === 'running';
  }

  /**
   * Lets an echo plan choose the route, unless the app has chosen one. A `Microphone` that is opened with this speaker calls it.
   * @param planner called now, and before each change of the device; null removes the plan
   * @throws MicwireError `'closed'`; as `use()` if no route to the device is available
   */
  async setRoutePlanner(planner: RoutePlanner | null): Promise<void> {
    await this.#inTurn(async () => {
      this.#planner = planner;
      await this.#play(this.#sink);
    });
  }

  /**
   * Disconnects the node, ends the route and restores the device that the context had. The speaker closes by itself when its
   * context is closed. A second call returns the same promise.
   */
  close(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#become('closed');
    this.#context.removeEventListener('statechange', this.#onContext);
    this.#context.removeEventListener('error', this.#onContextError);
    this.#endWatch();
    this.node.disconnect();
    this.#gone.reject(speakerClosed());
    // A device that hangs may never answer; if it answers later, the result is released.
    await Promise.race([this.#turn, sleep(END_MS)]);
    await Promise.race([this.#output?.close(), sleep(END_MS)]);
  }

  /** Plays on a device, by the route that suits it. */
  async #play(sink: string): Promise<void> {
    const route = this.#routeFor(sink);
    if (this.#wanted !== 'auto') return this.#take(route, sink);
    // If a route is not available, the simpler ones after it may be.
    for (const simpler of SPEAKER_ROUTES.slice(0, SPEAKER_ROUTES.indexOf(route) + 1).reverse()) {
      try {
        return await this.#take(simpler, sink);
      } catch (error) {
        const tryOn = error instanceof MicwireError && error.code === 'unsupported';
        if (!tryOn || simpler === 'context') throw error;
        this.dispatchEvent(new CustomEvent('error', { detail: error }));
      }
    }
  }

  #routeFor(sink: string): SpeakerRoute {
    if (this.#wanted !== 'auto') return this.#wanted;
    const planned = this.#planner?.(sink === DEFAULT_SINK) ?? 'context';
    if (planned !== 'context' || sink === DEFAULT_SINK) return planned;
    return canChooseSink(this.#context) ? 'context' : 'element';
  }

  /** Plays on a device by a route. On failure nothing changes. */
  async #take(route: SpeakerRoute, sink: string): Promise<void> {
    const before = this.#output;
    if (before?.route === route) return this.#whileChanging(() => before.setSink(sink));
    const output = await openOutput(this.#context, route, () => this.#look());
    try {
      await this.#whileChanging(() => output.setSink(sink));
      await Promise.race([output.play(), sleep(START_MS)]);
      this.#checkOpen();
    } catch (error) {
      await output.close();
      throw error;
    }
    if (before !== null) this.node.disconnect(before.input);
    this.node.connect(output.input);
    this.#output = output;
    await this.#whileChanging(async () => before?.close());
    this.#look();
  }

  /** Runs a device change without a change of state, although engines suspend the context for a moment. */
  async #whileChanging(change: () => Promise<void>): Promise<void> {
    const { state } = this.#context;
    this.#changing++;
    try {
      await change();
      if (state === 'running') await resumeSuspended(this.#context);
    } finally {
      this.#changing--;
      this.#look();
    }
  }

  /** Records that another device is in use. */
  async #took(sink: string, cause: SpeakerDeviceChange['cause']): Promise<void> {
    const previous = this.#device;
    if (sink === this.#sink) return;
    this.#sink = sink;
    this.#device = await deviceOf(sink);
    const detail: SpeakerDeviceChange = { device: this.#device, previous, cause };
    this.dispatchEvent(new CustomEvent('devicechange', { detail }));
  }

  /** Falls back to the default when the device is gone. @param failed whether the context has lost its device */
  async #lookAtDevice(failed: boolean): Promise<void> {
    if (this.#state === 'closed' || this.#sink === DEFAULT_SINK) return;
    const outputs = await listOutputs();
    const isListed = outputs.some(({ deviceId }) => deviceId === this.#sink);
    // An empty list means that the page may not see devices, not that there are no devices.
    if (!failed && (isListed || outputs.length === 0)) return;
    await this.#play(DEFAULT_SINK);
    await this.#took(DEFAULT_SINK, 'gone');
    // The loss of its device has suspended the context.
    if (failed && this.#ran) await resumeSuspended(this.#context);
    this.#look();
  }

  /** Handles the loss of the device that the app has chosen for its context (Web Audio §1.2, `onerror`). */
  readonly #onContextError = (): void => this.#outputsChanged(true);

  #outputsChanged(failed: boolean): void {
    this.#inTurn(() => this.#lookAtDevice(failed)).catch((error: unknown) => {
      if (this.#state === 'closed') return;
      this.dispatchEvent(new CustomEvent('error', { detail: error as MicwireError }));
    });
  }

  readonly #onContext = (): void => {
    void this.#interruption.changed()?.then(() => {
      this.#refused = this.#context.state === 'suspended';
      this.#look();
    });
    this.#look();
  };

  /** Plays on the first device, and starts. */
  async #begin(sink: string): Promise<void> {
    await this.#inTurn(() => this.#play(sink));
    this.#sink = sink;
    this.#device = await deviceOf(sink);
    this.#checkOpen();
    await this.#start();
    this.#checkOpen();
  }

  /** Asks for audio to start. */
  async #start(): Promise<void> {
    const { state } = this.#context;
    if (state === 'suspended') await this.#settle(this.#context.resume());
    this.#refused = this.#context.state === 'suspended';
    this.#look();
  }

  /** Starts audio within a gesture: there must be no await before the calls to the context and the element. */
  async #wake(): Promise<void> {
    prime(this.#context);
    const resumed = this.#context.state === 'suspended' ? this.#context.resume() : undefined;
    const played = this.#output?.play();
    await this.#settle(Promise.all([resumed, played]));
    this.#look();
  }

  /** Waits for a promise that engines leave pending while they refuse to play. */
  async #settle(asked: Promise<unknown>): Promise<void> {
    await Promise.race([asked.catch(() => {}), sleep(START_MS)]);
  }

  #look(): void {
    if (this.#state === 'closed') return;
    const context: string = this.#context.state;
    if (context === 'closed') {
      void this.close();
      return;
    }
    if (this.#changing > 0 || this.#output === null) return;
    const plays = context === 'running' && !this.#output.refused;
    if (context === 'running') this.#ran = true;
    if (plays) this.#refused = false;
    const isLocked =
      context === 'running' || (context === 'suspended' && (this.#refused || !this.#ran));
    this.#become(plays ? 'running' : isLocked ? 'locked' : 'suspended');
  }

  #become(state: SpeakerState): void {
    if (state !== 'locked') {
      this.#disarm?.();
      this.#disarm = null;
    } else if (this.#unlocks) {
      this.#disarm ??= onGesture(() => void this.#wake());
    }
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new Event('statechange'));
  }

  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(() => {
      this.#checkOpen();
      return change();
    });
    this.#turn = result.catch(() => {});
    return Promise.race([result, this.#gone.promise]);
  }

  #checkOpen(): void {
    if (this.#context.state === 'closed') throw contextClosed();
    if (this.#state !== 'closed') return;
    throw speakerClosed();
  }
}

function speakerClosed(): MicwireError {
  return new MicwireError('closed', 'The speaker is closed. Open another one.');
}

/** @throws TypeError */
function checkDeviceId(deviceId: unknown): string | null {
  if (deviceId === null || typeof deviceId === 'string') return deviceId;
  throw new TypeError(`deviceId must be a string or null, got ${describe(deviceId)}.`);
}

/** Returns the entry of the device list for a sink. */
async function deviceOf(sink: string): Promise<OutputDevice | null> {
  if (sink === DEFAULT_SINK) return null;
  const outputs = await listOutputs();
  const listed = outputs.find(({ deviceId }) => deviceId === sink);
  return listed ?? { deviceId: sink, groupId: '', label: '' };
}

/** Returns the device that the app has set on the context; null if it has set no device. */
function sinkIdOf(context: AudioContext): string | null {
  const { sinkId } = context as AudioContext & { readonly sinkId?: unknown };
  return typeof sinkId === 'string' && sinkId !== DEFAULT_SINK ? sinkId : null;
}
