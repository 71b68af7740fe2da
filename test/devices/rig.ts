import type {
  InputDevice,
  LifeAction,
  LifeEvent,
  MuteKeep,
} from '../../src/core/microphone/life-messages.ts';
import { MicrophoneLife } from '../../src/core/microphone/microphone-life.ts';
import { refusalOf } from '../../src/core/microphone/refusal.ts';
import { AudioThread } from './audio-thread.ts';
import { Browser } from './browser.ts';
import type { Track } from './browser.ts';
import type { World } from './schedule.ts';
import { MONITOR } from './system.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Openings within a minute that no call explains. */
const MOST_OPENINGS = 45;
/** What a call may explain: each device may be tried twice, and the old one opened again. */
const OPENINGS_OF_CALL = 5;
const MINUTE_MS = 60_000;

/** A call that waits. */
interface Call {
  readonly type: 'start' | 'use' | 'mute' | 'unmute';
  /** Of `use`: index of the device; null: the default. */
  readonly device: number | null;
  readonly id: string | null;
}

/** A microphone in its surroundings: the deciding part, a shell as thin as the real one, a browser, and an audio thread. */
export class Rig {
  readonly life: MicrophoneLife;
  readonly browser: Browser;
  readonly audio: AudioThread;
  readonly #world: World;
  readonly #time: VirtualTime;
  /** What happened, for the report of a failure. */
  readonly log: string[] = [];
  readonly pending = new Map<number, Call>();
  readonly #settled = new Set<number>();
  #lastCall = 0;
  /** Tracks that the page has got and not stopped, by request. */
  readonly open = new Map<number, Track>();
  /** Of those, the ones whose device was in a list since. */
  readonly #listed = new Set<number>();
  readonly #stopped = new Set<number>();
  readonly #openings: number[] = [];
  readonly #calls: number[] = [];
  /** Connected last, and ever. */
  #connected: number | null = null;
  readonly #used = new Set<number>();
  /** What was asked for last, and opened: an index; null: the default. */
  wanted: number | null;
  /** Its id. */
  wantedId: string | null = null;
  /** Ids of devices whose label the page has seen. */
  readonly seen = new Set<string>();
  muted: MuteKeep | null = null;
  closed = false;
  /** A device was opened that is not a monitor. */
  hadMicrophone = false;
  /** Nobody has asked for the microphone since an opening was refused. */
  wasRefused = false;
  /** A gap that no call made. */
  hasLost = false;
  /** As the page has it. */
  #isMissing = true;
  #isSilenced = false;
  /** Somebody wants the microphone since the last prompt was refused. */
  #isWished = true;
  #stoppedDepth = 0;
  #stoppedAt = 0;
  readonly #backlog: (() => void)[] = [];
  /** The shell's clock against the machine's. */
  #asleepMs = 0;
  #timer = 0;
  #isTimerLate = false;
  #ticks = 0;
  #tickedAt = -1;

  constructor(world: World, time: VirtualTime) {
    this.#world = world;
    this.#time = time;
    this.wanted = world.wanted;
    this.life = new MicrophoneLife({ reacquire: world.policy, silenceMs: world.silenceMs });
    this.browser = new Browser(world, time, {
      post: (run) => this.#post(run),
      tell: (event) => this.#tellOf(event),
    });
    this.browser.onPrompt = () => {
      if (!this.#isWished) time.fail('no unasked prompt', 'A prompt opened after a refusal.');
    };
    this.audio = new AudioThread(this.browser, time, world.silenceMs, {
      heard: (request) => this.#post(() => this.dispatch({ type: 'heard', request })),
      silence: (kind) => this.#post(() => this.dispatch({ type: 'silence', kind })),
    });
  }

  get lastOpeningMs(): number {
    return this.#openings.at(-1) ?? 0;
  }

  // --- calls ---------------------------------------------------------------------------------------------------------

  start(): void {
    const { wanted } = this.#world;
    this.#calls.push(this.#time.now);
    this.pending.set(0, { type: 'start', device: wanted, id: null });
    this.browser.queryPermission();
    this.wantedId = this.#idOf(wanted);
    this.dispatch({ type: 'start', deviceId: this.wantedId });
  }

  use(device: number | null): void {
    if (this.#stoppedDepth > 0) return;
    this.#wish();
    const id = this.#idOf(device);
    const call = this.#call({ type: 'use', device, id });
    this.dispatch({ type: 'use', call, deviceId: id });
  }

  mute(keep: MuteKeep): void {
    if (this.#stoppedDepth > 0) return;
    if (this.muted === 'light' && keep === 'time') this.#wish();
    if (!this.closed) this.muted = keep;
    this.dispatch({
      type: 'mute',
      call: this.#call({ type: 'mute', device: null, id: null }),
      keep,
    });
  }

  unmute(): void {
    if (this.#stoppedDepth > 0) return;
    if (this.muted === 'light') this.#wish();
    this.muted = null;
    this.dispatch({ type: 'unmute', call: this.#call({ type: 'unmute', device: null, id: null }) });
  }

  close(): void {
    if (this.#stoppedDepth > 0 || this.closed) return;
    this.closed = true;
    this.dispatch({ type: 'close' });
  }

  #wish(): void {
    this.wasRefused = false;
    this.#isWished = true;
  }

  #call(call: Call): number {
    this.#calls.push(this.#time.now);
    this.pending.set(++this.#lastCall, call);
    return this.#lastCall;
  }

  #idOf(device: number | null): string | null {
    if (device === null) return null;
    return device < 0 ? 'device-that-is-not-there' : this.browser.system.at(device).id;
  }

  // --- the main thread -----------------------------------------------------------------------------------------------

  /** The page is frozen, or the machine sleeps. */
  stopRunning(isSleep: boolean): void {
    if (this.#stoppedDepth++ === 0) this.#stoppedAt = this.#time.now;
    if (isSleep) this.audio.suspended++;
  }

  continueRunning(isSleep: boolean, ms: number): void {
    if (isSleep) this.audio.suspended--;
    if (--this.#stoppedDepth > 0) return;
    const stoppedMs = this.#time.now - this.#stoppedAt;
    if (isSleep && this.#world.clockSleeps) this.#asleepMs += Math.min(ms, stoppedMs);
    this.audio.forgive();
    const woke = (): void => this.dispatch({ type: 'woke', ms: stoppedMs });
    if (this.#world.wokeFirst) woke();
    for (const run of this.#backlog.splice(0)) run();
    if (!this.#world.wokeFirst) woke();
    if (this.#isTimerLate) {
      this.#isTimerLate = false;
      this.dispatch({ type: 'tick' });
    }
  }

  /** The wall's clock is set. */
  setClock(byMs: number): void {
    this.#asleepMs -= byMs;
  }

  /** The shell looks after the tracks and the devices once a second. */
  look(): void {
    if (!this.closed) this.browser.enumerate();
  }

  get isRunning(): boolean {
    return this.#stoppedDepth === 0;
  }

  #post(run: () => void): void {
    if (this.isRunning) {
      this.#time.after(1, () => {
        if (this.isRunning) run();
        else this.#backlog.push(run);
      });
    } else this.#backlog.push(run);
  }

  #tellOf(event: LifeEvent): void {
    if (event.type === 'opened') {
      this.seen.add(event.track.deviceId);
      this.hadMicrophone ||= event.track.label !== MONITOR;
      if (this.browser.lastAnswer === 'allow') this.#isWished = true;
      this.open.set(event.track.request, this.browser.tracks.get(event.track.request)!);
    }
    const seen = event.type === 'devices' ? event.devices : [];
    for (const { deviceId, label } of seen) if (label !== '') this.seen.add(deviceId);
    if (event.type === 'permission' && event.permission === 'granted') this.#wish();
    const { lastAnswer } = this.browser;
    this.wasRefused ||= event.type === 'refused' && refusalOf(event.name) === 'permission';
    if (event.type === 'refused' && refusalOf(event.name) === 'permission' && lastAnswer !== null) {
      this.#isWished &&= lastAnswer === 'allow';
    }
    // The shell hears no more of a track that it has stopped.
    if ('request' in event && event.type !== 'refused' && this.#stopped.has(event.request)) return;
    this.dispatch(event);
  }

  #arm(): void {
    const timer = ++this.#timer;
    const { dueMs } = this.life;
    if (dueMs === Infinity) return;
    let at = Math.max(this.#time.now + 1, dueMs + this.#asleepMs);
    if (this.browser.hidden > 0) {
      const { throttleMs } = this.#world;
      at = Math.ceil(at / throttleMs) * throttleMs;
    }
    this.#time.at(at, () => {
      if (timer !== this.#timer) return;
      if (this.isRunning) this.dispatch({ type: 'tick' });
      else this.#isTimerLate = true;
    });
  }

  #countTick(): void {
    this.#ticks = this.#time.now - this.#tickedAt < 1000 ? this.#ticks + 1 : 0;
    if (this.#ticks === 0) this.#tickedAt = this.#time.now;
    if (this.#ticks > 50) this.#time.fail('quiet', 'More than 50 ticks within a second.');
  }

  // --- the shell -----------------------------------------------------------------------------------------------------

  dispatch(event: LifeEvent): void {
    if (event.type === 'tick') this.#countTick();
    const nowMs = this.#time.now - this.#asleepMs;
    const actions = this.life.handle(event, nowMs);
    this.#note(event, actions);
    for (const action of actions) this.#do(action, event);
    this.#check();
    if (event.type === 'devices') this.#checkListed(event.devices);
    this.#arm();
  }

  #note(event: LifeEvent, actions: readonly LifeAction[]): void {
    const isDull = (event.type === 'tick' || event.type === 'devices') && actions.length === 0;
    if (isDull || this.log.length > 2000) return;
    const list = actions.map((action) => `\n        ${JSON.stringify(action)}`).join('');
    this.log.push(`  ${(this.#time.now / 1000).toFixed(3)} ${JSON.stringify(event)}${list}`);
  }

  #do(action: LifeAction, event: LifeEvent): void {
    const time = this.#time;
    switch (action.type) {
      case 'open': {
        this.#openings.push(time.now);
        this.#checkRate();
        if (this.muted === 'light') time.fail('light is out', 'Opened while the light is out.');
        this.browser.getUserMedia(action.request, action.deviceId);
        return;
      }
      case 'connect':
        this.audio.connect(this.#openTrack(action));
        this.#connected = action.request;
        this.#used.add(action.request);
        return;
      case 'stop':
        this.#openTrack(action);
        this.open.delete(action.request);
        this.#stopped.add(action.request);
        this.browser.stop(action.request);
        return;
      case 'lose':
        this.audio.lose();
        this.#checkLoss(action.cause, event);
        this.#isMissing = true;
        return;
      case 'silence':
        if (action.on === this.#isSilenced) time.fail('coherent actions', 'Silenced twice.');
        this.#isSilenced = action.on;
        this.audio.mute(action.on);
        return;
      case 'enumerate':
        this.browser.enumerate();
        return;
      case 'done':
        return this.#settle(action.call, true);
      case 'failed':
        return this.#settle(action.call, false);
      case 'state':
        if (action.state === 'live') this.#isMissing = false;
        return;
      case 'device':
      case 'devices':
      case 'permission':
      case 'silent':
        return;
    }
  }

  #openTrack({ type, request }: { readonly type: string; readonly request: number }): Track {
    const track = this.open.get(request);
    if (track !== undefined) return track;
    this.#time.fail('coherent actions', `${type} of track ${request}, which is not open.`);
  }

  #checkRate(): void {
    const { now } = this.#time;
    const count = this.#openings.filter((at) => at > now - MINUTE_MS).length;
    const calls = this.#calls.filter((at) => at > now - 2 * MINUTE_MS).length;
    const most = MOST_OPENINGS + OPENINGS_OF_CALL * calls;
    if (count > most) {
      this.#time.fail('bounded rate', `${count} openings within a minute, with ${calls} calls.`);
    }
  }

  /** The device in use is let go for another one only if the system gives no second one. */
  #checkLoss(cause: string, event: LifeEvent): void {
    if (cause === 'muted') return;
    this.hasLost = true;
    if (this.#isMissing || event.type === 'close') return;
    if (cause !== 'switched' && cause !== 'default-changed' && cause !== 'changed') return;
    const isRefused = event.type === 'refused' && refusalOf(event.name) === 'busy';
    if (!isRefused && event.type !== 'ended') {
      this.#time.fail('switch without gap', `A gap (${cause}) at ${event.type}.`);
    }
  }

  #settle(number: number, isDone: boolean): void {
    const call = this.pending.get(number);
    if (call === undefined || this.#settled.has(number)) {
      this.#time.fail('calls settle once', `Call ${number} is settled again.`);
    }
    this.pending.delete(number);
    this.#settled.add(number);
    if (!isDone || call.type !== 'use') return;
    this.wanted = call.device;
    this.wantedId = call.id;
    if (this.muted === 'light') return;
    const track = this.#connected === null ? undefined : this.open.get(this.#connected);
    const isRight =
      track !== undefined &&
      (call.device === null
        ? track.asked === null || track.device === this.browser.system.default
        : call.device >= 0 && track.device === this.browser.system.at(call.device));
    if (!isRight) {
      this.#time.fail('done truly', `use(${call.device}) is done, and another device is in use.`);
    }
  }

  /** A device that was in the list and is not any more is not in use. */
  #checkListed(devices: readonly InputDevice[]): void {
    for (const [request, { id }] of this.open) {
      if (devices.some(({ deviceId }) => deviceId === id)) this.#listed.add(request);
      else if (
        request === this.#connected &&
        id !== 'default' &&
        this.#listed.has(request) &&
        this.life.device?.deviceId === id &&
        !devices.some(({ deviceId }) => deviceId === '')
      ) {
        this.#time.fail('coherent state', `${id} is in use, and not in the list any more.`);
      }
    }
  }

  /** What holds after each event. */
  #check(): void {
    const { life, open } = this;
    const time = this.#time;
    if (open.size > 2) time.fail('two tracks at most', `${open.size} tracks are open.`);
    if ((this.closed || this.muted === 'light') && open.size > 0) {
      time.fail('light is out', `${open.size} tracks are open.`);
    }
    for (const request of open.keys()) {
      if (!this.#used.has(request))
        time.fail('no leaked track', `Track ${request} is open and not in use.`);
    }
    const { state } = life;
    const wrong = (detail: string): never => time.fail('coherent state', `${state}: ${detail}`);
    if ((state === 'closed') !== this.closed) wrong('close() says otherwise.');
    if (!this.closed && (state === 'muted') !== (this.muted !== null)) wrong('mute() does not.');
    if (state === 'live' && (open.size === 0 || life.device === null)) wrong('no track is open.');
    if (state === 'blocked' && life.blockedBy === null) wrong('and by nothing.');
    if (life.silent !== null && state !== 'live') wrong('and silent.');
    if (this.closed && this.pending.size > 0) {
      time.fail('calls settle', `After close, ${this.pending.size} calls are not settled.`);
    }
  }
}
