import { oneOf } from '../../core/arguments.ts';
import { MicwireError } from '../../core/errors.ts';
import type {
  GapCause,
  InputDevice,
  LifeAction,
  LifeEvent,
  MicrophonePermission,
  MicrophoneState,
  MuteKeep,
  SilenceCause,
  SilenceKind,
} from '../../core/microphone/life-messages.ts';
import type { EchoPlan } from '../../core/microphone/echo-plan.ts';
import { permissionAdvice, troubleOf } from '../../core/microphone/permission-advice.ts';
import type { AdviceBrowser } from '../../core/microphone/permission-advice.ts';
import type { EchoEstimate } from '../../core/echo/echo-estimate.ts';
import { MicrophoneLife } from '../../core/microphone/microphone-life.ts';
import { checkContext, checkOptions } from '../../core/option-names.ts';
import { Interruption, resumeSuspended } from '../context-resume.ts';
import type { LivingSource, SourceFeed } from '../capture-source.ts';
import { checkSignal } from '../abort.ts';
import { makeInOpenContext, whileOpen } from '../context-life.ts';
import type { Opening } from '../context-life.ts';
import { deviceIdOrNull, microphoneSettings } from './microphone-options.ts';
import type {
  MicrophoneEventMap,
  MicrophoneGap,
  MicrophoneOptions,
  MicrophoneSettings,
  MicrophoneSilence,
  MicrophoneStats,
} from './microphone-options.ts';
import type { MeasureEchoOptions } from './echo-measure.ts';
import { engineFamily } from '../engine-family.ts';
import { MicrophoneEcho, openTrack } from './microphone-echo.ts';
import {
  microphoneClosed,
  microphoneFailure,
  PROCESSOR_ERROR,
  REFUSED,
  STALLED,
  unrouted,
} from './microphone-failure.ts';
import { MicrophoneNode } from './microphone-node.ts';
import { PermissionWatch } from './microphone-permission.ts';
import { listDevices } from '../media-devices.ts';
import { MicrophoneTracks, trackStats } from './microphone-tracks.ts';
import { PageLife } from './page-life.ts';
import { deferred, Watchdog } from '../patience.ts';
import type { Deferred } from '../patience.ts';
import { TypedEventTarget } from '../typed-event-target.ts';
import { MICROPHONE_WORKLET } from '../microphone-worklet.ts';
import { loadWorklet } from '../worklet-loader.ts';

/** The call of `open()` among the calls that `MicrophoneLife` settles. */
const START = 0;
/** A device that `mute()` lets go fades out until then, ms. */
const FADED_MS = 30;

/**
 * A microphone for as long as the app runs: one node for life, whatever becomes of the device. Pass it to `Capture`,
 * `Recorder` and `Meter` as their source. When the device is lost, another is opened; captures count the frames that were
 * missing as dropped.
 *
 * @example
 * const microphone = await Microphone.open(context);
 * const capture = await Capture.create(context, microphone, { sampleRate: 16000 });
 * picker.onchange = () => microphone.use(picker.value);
 */
export class Microphone extends TypedEventTarget<MicrophoneEventMap> implements LivingSource {
  /** The audio. Connect it once: it remains the same when the device changes. */
  readonly node: AudioWorkletNode;
  /** How captures are connected. */
  readonly captureFeed: SourceFeed;
  readonly #settings: MicrophoneSettings;
  readonly #life: MicrophoneLife;
  readonly #tracks: MicrophoneTracks;
  readonly #page: PageLife;
  readonly #permissions: PermissionWatch;
  readonly #echo: MicrophoneEcho;
  readonly #watchdog: Watchdog;
  readonly #interruption: Interruption;
  readonly #processor: MicrophoneNode;
  readonly #calls = new Map<number, Deferred<void>>();
  #call = START;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Events that the deciding part has not dealt with yet; the first one is being dealt with. */
  readonly #events: LifeEvent[] = [];
  #gaps = 0;
  #lastGap: MicrophoneGap | null = null;
  /** Of the loss that the next `heard` ends. */
  #cause: GapCause = 'blocked';
  #silence: { readonly kind: SilenceKind | null; readonly contextTime: number };
  /** Until `open()` resolves. */
  #isStarting = true;
  #closed = false;

  /**
   * Loads the worklet and opens a microphone; asks the user for permission if need be. Call it in a user's gesture, so that
   * the context can run.
   * @throws TypeError or RangeError for a wrong argument; MicwireError `'permission'` when the microphone is not allowed,
   *   `'device'` when there is none or another program has it, `'unsupported'` where the page cannot use microphones at all
   *   (those three not with `ifBlocked: 'wait'`), `'worklet-load'`, `'closed'` when the context is closed
   */
  static async open(context: AudioContext, options: MicrophoneOptions = {}): Promise<Microphone> {
    checkContext('Microphone.open', context);
    const settings = microphoneSettings(options);
    if ('startRendering' in context) {
      throw new TypeError('Microphone.open takes an AudioContext, got an OfflineAudioContext.');
    }
    const opening = { context, signal: options.signal };
    checkSignal(options.signal);
    void resumeSuspended(context);
    await whileOpen(
      opening,
      loadWorklet(context, MICROPHONE_WORKLET, { url: settings.workletUrl }),
    );
    const microphone = makeInOpenContext(opening, () => new Microphone(context, settings));
    await microphone.#start(opening);
    try {
      // Aborted since the device was heard.
      checkSignal(options.signal);
    } catch (error) {
      void microphone.close();
      throw error;
    }
    microphone.#isStarting = false;
    return microphone;
  }

  /** The microphones that the system has. Labels are empty until permission is granted. */
  static async devices(): Promise<readonly InputDevice[]> {
    return listDevices('audioinput');
  }

  private constructor(context: AudioContext, settings: MicrophoneSettings) {
    super();
    this.#settings = settings;
    const { reacquire, silenceMs } = settings;
    this.#silence = { kind: null, contextTime: context.currentTime };
    this.#processor = new MicrophoneNode(context, settings, {
      heard: (request, gap) => this.#heard(request, gap),
      silent: (kind, contextTime) => {
        this.#silence = { kind, contextTime };
        this.#tell({ type: 'silence', kind });
      },
      answered: () => this.#watchdog.answered(),
      failed: (cause) => this.#fail(cause),
    });
    this.node = this.#processor.node;
    this.captureFeed = this.#processor.feed;
    this.#life = new MicrophoneLife({ reacquire, silenceMs });
    this.#tracks = new MicrophoneTracks({
      opened: (track) => this.#tell({ type: 'opened', track }),
      refused: (request, name) => this.#tell({ type: 'refused', request, name }),
      ended: (request) => this.#tell({ type: 'ended', request }),
      muted: (request, muted) => this.#tell({ type: 'trackmute', request, muted }),
      changed: (request) => this.#tell({ type: 'changed', request }),
    });
    this.#permissions = new PermissionWatch({
      permission: (permission) => this.#tell({ type: 'permission', permission }),
      devices: (devices) => this.#tell({ type: 'devices', devices }),
    });
    this.#echo = new MicrophoneEcho(settings.echo, settings.speaker, context.sampleRate);
    this.#page = new PageLife(context, settings, {
      visible: (visible) => this.#tell({ type: 'visible', visible }),
      woke: (ms) => this.#tell({ type: 'woke', ms }),
      look: () => {
        this.#tracks.look();
        // Chromium 156 on Linux tells of a device that is gone only to those who list devices, and meanwhile gives another's
        // audio under the same track.
        void this.#permissions.look();
      },
    });
    this.#watchdog = new Watchdog({
      ask: () => this.#processor.ask(),
      stalled: () => this.#report(new MicwireError('stalled', STALLED)),
    });
    this.#interruption = new Interruption(context);
    context.addEventListener('statechange', this.#onContext);
    this.#guard();
  }

  /** State of the microphone. `'statechange'` follows each change. */
  get state(): MicrophoneState {
    return this.#closed ? 'closed' : this.#life.state;
  }

  /** Whether the page may use microphones. `'permissionchange'` follows each change. */
  get permission(): MicrophonePermission {
    return this.#life.permission;
  }

  /** The device in use; null while no device is in use. `'devicechange'` follows each change. */
  get device(): InputDevice | null {
    return this.#life.device;
  }

  /** The microphones that the system has, as of the last `'devicechange'`. */
  get devices(): readonly InputDevice[] {
    return this.#life.devices;
  }

  /** What `mute()` keeps; null while the microphone is not muted. */
  get muted(): MuteKeep | null {
    return this.#life.muted;
  }

  /** Why the device is likely to be silent; null while it is not. A `'silent'` event follows each change. */
  get silent(): SilenceCause | null {
    return this.#life.silent;
  }

  /** Push-to-talk: true between `hold()` and `release()`, otherwise false; null without push-to-talk. */
  get held(): boolean | null {
    return this.#processor.held;
  }

  /** What the track's settings are; null while there is no track. */
  get settings(): MediaTrackSettings | null {
    return this.#tracks.settings;
  }

  /** What is done about echo, and whether the canceller should hear the speaker; null while there is no track. */
  get echo(): EchoPlan | null {
    return this.#echo.plan;
  }

  /** What the user can do so that the microphone is heard, in a sentence or two for this browser; null: nothing. */
  get advice(): string | null {
    const trouble = troubleOf(this.#life);
    return trouble && permissionAdvice(trouble, thisBrowser());
  }

  /**
   * The track of the device of now, as `getUserMedia` gave it: for its settings and its constraints. It is replaced when the device is,
   * and ends with the microphone; leave stopping it to `close()`. null while there is none.
   */
  get track(): MediaStreamTrack | null {
    return this.#tracks.track;
  }

  /** Figures so far, at most a second old. */
  get stats(): MicrophoneStats {
    const track = this.#tracks.track;
    return {
      ...this.#processor.account,
      gaps: this.#gaps,
      lostFrames: this.#tracks.lostFrames,
      track: track && trackStats(track),
    };
  }

  /**
   * Uses another device from now on. It is opened before the present one is let go where the system allows two at once.
   * Resolves when the new one is heard.
   * @param deviceId null: the system's default
   * @returns the gap: 0 frames where none was missing
   * @throws TypeError for a wrong argument; MicwireError `'device'` or `'permission'` when it cannot be had (the device
   *   before continues), `'closed'`
   */
  async use(deviceId: string | null): Promise<MicrophoneGap> {
    deviceIdOrNull(deviceId);
    this.#lastGap = null;
    await this.#ask((call) => ({ type: 'use', call, deviceId }));
    return (
      this.#lastGap ?? {
        cause: 'switched',
        frames: 0,
        durationMs: 0,
        silentFrames: 0,
        contextTime: this.node.context.currentTime,
      }
    );
  }

  /**
   * Sends silence. With `keep: 'time'` the frames are numbered on and the device stays open; with `keep: 'light'` the track
   * is stopped, so that the browser's light goes out, and the frames count as missing until `unmute()` has opened it again.
   * @throws TypeError for a wrong option; MicwireError `'closed'`
   */
  async mute(options: { readonly keep?: MuteKeep } = {}): Promise<void> {
    checkOptions('mute', options, { keep: 1 });
    const keep = oneOf('keep', options.keep ?? 'time', ['time', 'light']);
    await this.#ask((call) => ({ type: 'mute', call, keep }));
  }

  /**
   * Ends `mute()`. Resolves when the device is heard again.
   * @throws MicwireError `'device'` or `'permission'` when it cannot be had: it is looked for; `'closed'`
   */
  async unmute(): Promise<void> {
    await this.#ask((call) => ({ type: 'unmute', call }));
  }

  /** Push-to-talk: captures deliver from now on, and `preRollMs` from before. @throws TypeError without `pushToTalk` */
  hold(): void {
    this.#hold(true);
  }

  /** Push-to-talk: nothing is captured any more. @throws TypeError without `pushToTalk` */
  release(): void {
    this.#hold(false);
  }

  /**
   * Plays a quiet probe by the speaker and tells how late and how loud it comes back to the microphone, after the browser's
   * own echo cancellation. Takes some three seconds, in which nobody should talk.
   * @throws TypeError or RangeError for a wrong option; MicwireError `'no-audio'` when the context is not running or the
   *   microphone delivers too little, `'closed'`, `'worklet-load'`
   */
  async measureEcho(options: MeasureEchoOptions = {}): Promise<EchoEstimate> {
    if (this.#closed) throw microphoneClosed();
    // Few apps measure.
    const { measureEcho } = await import('./echo-measure.ts');
    const context = this.node.context as AudioContext;
    const output = this.#settings.speaker?.node ?? context.destination;
    return measureEcho(context, this, output, options);
  }

  /**
   * Stops the track and ends the node. The microphone closes by itself with its context. Resolves when the processor has
   * ended; a second call returns the same promise.
   */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#tell({ type: 'close' });
      this.#tracks.close();
      this.#permissions.close();
      this.#page.close();
      this.#echo.close().catch(() => {});
      this.#watchdog.stop();
      clearTimeout(this.#timer);
      this.node.context.removeEventListener('statechange', this.#onContext);
      for (const call of this.#calls.values()) call.reject(microphoneClosed());
      this.#calls.clear();
    }
    return this.#processor.close();
  }

  async #start(opening: Opening): Promise<void> {
    const started = deferred<void>();
    this.#calls.set(START, started);
    void this.#permissions.start();
    if (document.visibilityState === 'hidden') this.#tell({ type: 'visible', visible: false });
    this.#tell({ type: 'start', deviceId: this.#settings.deviceId });
    try {
      await whileOpen(opening, started.promise);
    } catch (error) {
      const waits = this.#settings.ifBlocked === 'wait' && !this.#closed;
      const aborted = opening.signal?.aborted === true;
      if (waits && !aborted && error instanceof MicwireError && error.code !== 'closed') return;
      void this.close();
      throw error;
    }
  }

  #ask(event: (call: number) => LifeEvent): Promise<void> {
    if (this.#closed) return Promise.reject(microphoneClosed());
    const call = ++this.#call;
    const answer = deferred<void>();
    this.#calls.set(call, answer);
    this.#tell(event(call));
    return answer.promise;
  }

  #hold(held: boolean): void {
    if (this.held === null) {
      throw new TypeError('hold() and release() take a microphone opened with pushToTalk: true.');
    }
    this.#processor.hold(held);
  }

  /**
   * Tells the deciding part, and does what it says. An event that comes meanwhile, from a listener of the app, waits until
   * everything is told in order.
   */
  #tell(event: LifeEvent): void {
    this.#events.push(event);
    if (this.#events.length > 1) return;
    for (let next: LifeEvent | undefined = event; next !== undefined; next = this.#events[0]) {
      try {
        for (const action of this.#life.handle(next, Date.now())) {
          // Once a listener has closed the microphone, nothing counts but the end.
          if (!this.#closed || next.type === 'close' || action.type === 'stop') this.#do(action);
        }
      } finally {
        this.#events.shift();
      }
    }
    clearTimeout(this.#timer);
    const { dueMs } = this.#life;
    if (dueMs === Infinity || this.#closed) return;
    // Longer ones are cut short by engines (2³¹ ms).
    const ms = Math.min(Math.max(0, dueMs - Date.now()), 60_000);
    this.#timer = setTimeout(() => this.#tell({ type: 'tick' }), ms);
  }

  #do(action: LifeAction): void {
    switch (action.type) {
      case 'open':
        void this.#tracks.open(action.request, () =>
          openTrack(this.#settings.echo, this.#constraints(action.deviceId)),
        );
        break;
      case 'connect':
        this.#connect(action.request);
        break;
      case 'stop':
        this.#tracks.stop(action.request, this.#cause === 'muted' ? FADED_MS : 0);
        break;
      case 'lose':
        this.#cause = action.cause;
        this.#processor.lose();
        break;
      case 'silence':
        this.#processor.mute(action.on);
        break;
      case 'enumerate':
        void this.#permissions.enumerate();
        break;
      case 'state':
        this.#page.awake = action.state === 'live' || action.state === 'lost';
        this.dispatchEvent(new Event('statechange'));
        break;
      case 'device':
        // The route of the speaker is not worth the microphone.
        this.#echo
          .take(this.#tracks.track)
          .catch((error: unknown) => this.#report(unrouted(error)));
        this.dispatchEvent(new Event('devicechange'));
        break;
      case 'devices':
        this.dispatchEvent(new Event('devicechange'));
        break;
      case 'permission':
        this.dispatchEvent(new Event('permissionchange'));
        break;
      case 'silent':
        this.#tellSilent(action.cause);
        break;
      case 'done': {
        const answer = this.#settle(action.call);
        // The light is out when the track has stopped.
        if (answer !== undefined) void this.#tracks.stopped().then(answer.resolve);
        break;
      }
      case 'failed':
        this.#settle(action.call)?.reject(microphoneFailure(action.reason));
        break;
    }
  }

  #tellSilent(cause: SilenceCause | null): void {
    const { kind, contextTime } = this.#silence;
    // What ends it may be something else than audio: the device is gone, or muted.
    const detail: MicrophoneSilence =
      cause === null && kind !== null
        ? { cause, kind: null, contextTime: this.node.context.currentTime }
        : { cause, kind, contextTime };
    this.dispatchEvent(new CustomEvent('silent', { detail }));
  }

  #settle(call: number): Deferred<void> | undefined {
    const answer = this.#calls.get(call);
    this.#calls.delete(call);
    return answer;
  }

  #connect(request: number): void {
    let input: 0 | 1 | undefined;
    try {
      input = this.#tracks.connect(request, this.node);
    } catch (cause) {
      // Older Firefoxes take a microphone only into a context of its own rate.
      this.#report(new MicwireError('unsupported', REFUSED, { cause }));
      queueMicrotask(() => this.#tell({ type: 'ended', request }));
      return;
    }
    if (input === undefined) return;
    this.#processor.take(request, input);
    // Nobody hears anything in a context that does not run: calls do not wait for it.
    if (this.node.context.state !== 'running') {
      queueMicrotask(() => {
        this.#tracks.heard(request);
        this.#tell({ type: 'heard', request });
      });
    }
  }

  #constraints(deviceId: string | null): MediaTrackConstraints {
    const { channels, noiseSuppression, autoGainControl } = this.#settings;
    return {
      ...(deviceId === null ? {} : { deviceId: { exact: deviceId } }),
      channelCount: channels,
      noiseSuppression,
      autoGainControl,
    };
  }

  #heard(request: number, found: Omit<MicrophoneGap, 'cause'>): void {
    const gap: MicrophoneGap = { cause: this.#cause, ...found };
    this.#cause = 'switched';
    this.#lastGap = gap;
    // What is missing until the first device is heard is missing to nobody.
    const isGap = gap.frames > 0 && !this.#isStarting;
    if (isGap) this.#gaps++;
    this.#tracks.heard(request);
    this.#tell({ type: 'heard', request });
    if (isGap && !this.#closed) {
      this.dispatchEvent(new CustomEvent('gap', { detail: gap }));
    }
  }

  readonly #onContext = (): void => {
    const state: string = this.node.context.state;
    if (state === 'closed') void this.close();
    void this.#interruption.changed();
    this.#guard();
  };

  #guard(): void {
    if (this.node.context.state === 'running' && !this.#closed) this.#watchdog.start();
    else this.#watchdog.stop();
  }

  #fail(cause: Event): void {
    void this.close();
    this.#report(new MicwireError('processor-error', PROCESSOR_ERROR, { cause }));
  }

  #report(error: MicwireError): void {
    this.dispatchEvent(new CustomEvent('error', { detail: error }));
  }
}

function thisBrowser(): AdviceBrowser {
  const family = engineFamily();
  const engine = family === 'gecko' ? 'firefox' : family === 'webkit' ? 'webkit' : 'chromium';
  // A phone or a tablet, as far as a page needs to know: it is used by fingers only.
  return {
    engine,
    mobile: matchMedia('(any-pointer: coarse) and (not (any-pointer: fine))').matches,
  };
}
