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

/** Number of the `open()` call among the calls that `MicrophoneLife` settles. */
const START = 0;
/** Time in which a device that `mute()` releases fades out, in ms. */
const FADED_MS = 30;

/**
 * A microphone that lasts as long as the app: its node stays the same, whatever happens to the device. Pass it to `Capture`,
 * `Recorder` and `Meter` as their source. When the device is lost, another one is opened; captures count the missing frames as
 * dropped.
 *
 * @example
 * const microphone = await Microphone.open(context);
 * const capture = await Capture.create(context, microphone, { sampleRate: 16000 });
 * picker.onchange = () => microphone.use(picker.value);
 */
export class Microphone extends TypedEventTarget<MicrophoneEventMap> implements LivingSource {
  /** The node that delivers the audio. Connect it once: it remains the same when the device changes. */
  readonly node: AudioWorkletNode;
  /** How captures connect to the microphone. */
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
  /** Events that `MicrophoneLife` has not handled yet; the first one is being handled. */
  readonly #events: LifeEvent[] = [];
  #gaps = 0;
  #lastGap: MicrophoneGap | null = null;
  /** Cause of the gap that the next `heard` ends. */
  #cause: GapCause = 'blocked';
  #silence: { readonly kind: SilenceKind | null; readonly contextTime: number };
  /** True until `open()` resolves. */
  #isStarting = true;
  #closed = false;

  /**
   * Loads the worklet and opens a microphone; asks the user for permission if needed. Call it in a user gesture, so that the
   * context can run.
   * @throws TypeError or RangeError for an invalid argument; MicwireError `'permission'` when the microphone is not allowed,
   *   `'device'` when there is no microphone or another program uses it, `'unsupported'` where the page cannot use microphones at
   *   all (none of these three with `ifBlocked: 'wait'`), `'worklet-load'`, `'closed'` when the context is closed
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
      // Aborted after the device was heard.
      checkSignal(options.signal);
    } catch (error) {
      void microphone.close();
      throw error;
    }
    microphone.#isStarting = false;
    return microphone;
  }

  /** Lists the microphones of the system. Labels are empty until permission is granted. */
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
        // Chromium 156 on Linux reports a removed device only to pages that list devices, and until then delivers another device's
        // audio through the same track.
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

  /** State of the microphone. Each change fires `'statechange'`. */
  get state(): MicrophoneState {
    return this.#closed ? 'closed' : this.#life.state;
  }

  /** Whether the page may use microphones. Each change fires `'permissionchange'`. */
  get permission(): MicrophonePermission {
    return this.#life.permission;
  }

  /** The device in use; null while no device is in use. Each change fires `'devicechange'`. */
  get device(): InputDevice | null {
    return this.#life.device;
  }

  /** The microphones of the system, as of the last `'devicechange'`. */
  get devices(): readonly InputDevice[] {
    return this.#life.devices;
  }

  /** The option `keep` of the current `mute()`; null while the microphone is not muted. */
  get muted(): MuteKeep | null {
    return this.#life.muted;
  }

  /** The likely reason why the device is silent; null while it is not silent. Each change fires `'silent'`. */
  get silent(): SilenceCause | null {
    return this.#life.silent;
  }

  /** Push-to-talk: true between `hold()` and `release()`, otherwise false; null without push-to-talk. */
  get held(): boolean | null {
    return this.#processor.held;
  }

  /** Settings of the track; null while there is no track. */
  get settings(): MediaTrackSettings | null {
    return this.#tracks.settings;
  }

  /** How echo is cancelled, and whether the canceller should hear the speaker; null while there is no track. */
  get echo(): EchoPlan | null {
    return this.#echo.plan;
  }

  /** What the user can do to make the microphone work, in a sentence or two for this browser; null if there is nothing to do. */
  get advice(): string | null {
    const trouble = troubleOf(this.#life);
    return trouble && permissionAdvice(trouble, thisBrowser());
  }

  /**
   * The track of the current device, from `getUserMedia`: use it to read settings and apply constraints. It is replaced when the
   * device is, and ends with the microphone; do not stop it yourself, call `close()`. null while there is no track.
   */
  get track(): MediaStreamTrack | null {
    return this.#tracks.track;
  }

  /** Statistics so far, at most a second old. */
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
   * Switches to another device. Where the system allows two devices at once, the new one is opened before the old one is released.
   * Resolves when the new device is heard.
   * @param deviceId the id of the device; null for the system's default
   * @returns the gap, of 0 frames if no audio was missing
   * @throws TypeError for an invalid argument; MicwireError `'device'` or `'permission'` when the device cannot be used (the old
   *   device continues), `'closed'`
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
   * Replaces the audio with silence. With `keep: 'time'` frame numbers continue and the device stays open; with `keep: 'light'` the
   * track is stopped, so that the browser's recording indicator goes out, and frames count as missing until `unmute()` has opened a
   * track again.
   * @throws TypeError for an invalid option; MicwireError `'closed'`
   */
  async mute(options: { readonly keep?: MuteKeep } = {}): Promise<void> {
    checkOptions('mute', options, { keep: 1 });
    const keep = oneOf('keep', options.keep ?? 'time', ['time', 'light']);
    await this.#ask((call) => ({ type: 'mute', call, keep }));
  }

  /**
   * Ends `mute()`. Resolves when the device is heard again.
   * @throws MicwireError `'device'` or `'permission'` when the device cannot be used; the microphone keeps looking for it;
   * `'closed'`
   */
  async unmute(): Promise<void> {
    await this.#ask((call) => ({ type: 'unmute', call }));
  }

  /** Push-to-talk: captures deliver audio from now on, preceded by the last `preRollMs`. @throws TypeError without `pushToTalk` */
  hold(): void {
    this.#hold(true);
  }

  /** Push-to-talk: stops capturing audio until the next `hold()`. @throws TypeError without `pushToTalk` */
  release(): void {
    this.#hold(false);
  }

  /**
   * Plays a quiet probe through the speaker and reports the delay and the level of its echo in the microphone, after the browser's
   * own echo cancellation. Takes about three seconds, during which nobody should talk.
   * @throws TypeError or RangeError for an invalid option; MicwireError `'no-audio'` when the context is not running or the
   *   microphone delivers too little, `'closed'`, `'worklet-load'`
   */
  async measureEcho(options: MeasureEchoOptions = {}): Promise<EchoEstimate> {
    if (this.#closed) throw microphoneClosed();
    // Loaded on demand: few apps measure the echo.
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
   * Passes an event to `MicrophoneLife`, and carries out its commands. Events that a listener of the app causes in the meantime
   * wait, so that all are handled in order.
   */
  #tell(event: LifeEvent): void {
    this.#events.push(event);
    if (this.#events.length > 1) return;
    for (let next: LifeEvent | undefined = event; next !== undefined; next = this.#events[0]) {
      try {
        for (const action of this.#life.handle(next, Date.now())) {
          // Once a listener has closed the microphone, only the end matters.
          if (!this.#closed || next.type === 'close' || action.type === 'stop') this.#do(action);
        }
      } finally {
        this.#events.shift();
      }
    }
    clearTimeout(this.#timer);
    const { dueMs } = this.#life;
    if (dueMs === Infinity || this.#closed) return;
    // Engines truncate longer delays (2³¹ ms).
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
        // A failure of the speaker's route must not cost the microphone.
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
        // The recording indicator is out when the track has stopped.
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
    // Something other than audio may end the silence: the device is gone, or muted.
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
      // Older versions of Firefox accept a microphone only in a context with the microphone's rate.
      this.#report(new MicwireError('unsupported', REFUSED, { cause }));
      queueMicrotask(() => this.#tell({ type: 'ended', request }));
      return;
    }
    if (input === undefined) return;
    this.#processor.take(request, input);
    // In a context that does not run, no audio is ever heard: calls do not wait for it.
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
    // Frames before the first device is heard do not count as missing.
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
  // Returns true on a phone or a tablet: here, any device that is operated by touch only.
  return {
    engine,
    mobile: matchMedia('(any-pointer: coarse) and (not (any-pointer: fine))').matches,
  };
}
