import { Acquisition } from './acquisition.ts';
import type { Acquired } from './acquisition.ts';
import { countDevices, deviceIdOf, isAbsent, listedDevice } from './device-choice.ts';
import type { DeviceId } from './device-choice.ts';
import { KnownDevices } from './known-devices.ts';
import { KnownPermission } from './known-permission.ts';
import { LifeClock } from '../life-clock.ts';
import type {
  GapCause,
  InputDevice,
  LifeAction,
  LifeEvent,
  MicrophonePermission,
  MicrophoneState,
  MuteKeep,
  ReacquirePolicy,
  SilenceCause,
  SilenceKind,
} from './life-messages.ts';
import { LifeReport } from './life-report.ts';
import { Plans } from './plans.ts';
import { Pursuit } from './pursuit.ts';
import { isFinal, refusalOf } from './refusal.ts';
import { SilenceWatch } from './silence-watch.ts';

export interface MicrophoneLifeOptions {
  readonly reacquire: ReacquirePolicy;
  /** How long a device must be silent before the audio thread reports it. */
  readonly silenceMs: number;
}

/** How long the system may mute a track before the device is opened again. */
const SYSTEM_MUTE_MS = 5000;
/** The same after the page has returned to the foreground: systems unmute shortly after that. */
const MUTE_AFTER_RETURN_MS = 500;
/** After a sleep of this length a track is opened again, even if it seems to be alive. */
const SLEEP_MS = 5000;
/** Interval of requests if the page may use the microphone but the browser may not. No prompt opens. */
const SYSTEM_DENIED_MS = 30_000;

/**
 * Decides what a microphone does when devices, permissions and calls change: which device to open, when to release it, what to
 * report. Takes events with their time, and answers with actions; has no clock, no timer and no browser.
 *
 * At most two tracks are open; each one is in use, is about to be, or is stopped. Every call is settled once. While a microphone
 * is open, it looks for its device, at a bounded rate.
 */
export class MicrophoneLife {
  readonly #policy: ReacquirePolicy;
  readonly #report = new LifeReport();
  readonly #clock = new LifeClock();
  readonly #permission = new KnownPermission();
  readonly #plans = new Plans();
  readonly #devices: KnownDevices;
  readonly #silence: SilenceWatch;
  readonly #acquisition: Acquisition;
  #actions: LifeAction[] = [];

  #isStarted = false;
  #isClosed = false;
  #muted: MuteKeep | null = null;
  /** Calls that are done as soon as a device is in use: the start, and `unmute` after the light went out. */
  #waiters: number[] = [];
  /** Whether the microphone looks for a lost device. */
  #isSeeking = false;
  /** Whether a device is being opened because the user wants it, not because one was lost. */
  #isOpening = true;
  #blockedBy: string | null = null;
  #failedBy: string | null = null;
  /** The device that was released for another one, which did not open: it is opened again. */
  #letGo: DeviceId | undefined;

  constructor({ reacquire, silenceMs }: MicrophoneLifeOptions) {
    this.#policy = reacquire;
    this.#devices = new KnownDevices(reacquire);
    this.#silence = new SilenceWatch(silenceMs);
    this.#acquisition = new Acquisition(this.#clock, this.#devices, this.#permission, {
      push: (action) => this.#push(action),
      isWanted: (deviceId) => this.#isSeeking && this.#devices.candidates().includes(deviceId),
      acquired: (acquired) => this.#acquired(acquired),
      failed: (pursuit) => this.#failed(pursuit),
      letGo: () => {
        this.#isSeeking = true;
        this.#isOpening = true;
        this.#plans.muteDueMs = Infinity;
      },
    });
  }

  get state(): MicrophoneState {
    return this.#report.told.state;
  }

  get permission(): MicrophonePermission {
    return this.#report.told.permission;
  }

  /** The device in use; null: no device is. */
  get device(): InputDevice | null {
    return this.#report.told.device;
  }

  get devices(): readonly InputDevice[] {
    return this.#devices.list;
  }

  get silent(): SilenceCause | null {
    return this.#report.told.silent;
  }

  /** The requested device; null: the default. */
  get wantedDeviceId(): string | null {
    return this.#devices.wantedId;
  }

  /** What `mute` keeps; null: not muted. */
  get muted(): MuteKeep | null {
    return this.#muted;
  }

  /** Why the state is `'blocked'`: the name of a DOMException, null in other states. */
  get blockedBy(): string | null {
    return this.#blockedBy;
  }

  /** Why the last attempt to open a device failed: the name of a DOMException. Null once a device is in use. */
  get failedBy(): string | null {
    return this.#failedBy;
  }

  /** When `tick` is due; Infinity: never. Late and superfluous ticks do no harm. */
  get dueMs(): number {
    if (this.#isClosed || this.#muted === 'light') return Infinity;
    const { pair, pursuit, dueMs } = this.#acquisition;
    const { retryAtMs, moveAtMs, refreshAtMs, muteDueMs } = this.#plans;
    let due = Math.min(dueMs, muteDueMs, this.#silence.dueMs);
    if (pursuit === null && !pair.isReturning) {
      due = Math.min(due, pair.isLive ? Math.min(moveAtMs, refreshAtMs) : retryAtMs);
    }
    return this.#clock.toShell(due);
  }

  /** Takes an event. @returns the actions to carry out, in order */
  handle(event: LifeEvent, nowMs: number): readonly LifeAction[] {
    const actions: LifeAction[] = [];
    this.#actions = actions;
    this.#clock.follow(nowMs);
    if (this.#isClosed) this.#takeLate(event);
    else {
      this.#take(event);
      if (!this.#isClosed) this.#runDue();
      this.#report.tell(this.#facts(), actions);
    }
    return actions;
  }

  #take(event: LifeEvent): void {
    switch (event.type) {
      case 'start':
        return this.#start(deviceIdOf(event.deviceId));
      case 'permission':
        return this.#takePermission(event.permission);
      case 'devices':
        return this.#takeDevices(event.devices);
      case 'opened':
        return this.#acquisition.opened(event.track);
      case 'refused':
        return this.#acquisition.refused(event.request, event.name);
      case 'heard':
        return this.#acquisition.heard(event.request);
      case 'ended':
        return this.#ended(event.request);
      case 'trackmute':
        return this.#trackMuted(event.request, event.muted);
      case 'changed':
        if (event.request === this.#acquisition.pair.current?.request) this.#refreshSoon('changed');
        return;
      case 'silence':
        return this.#takeSilence(event.kind);
      case 'use':
        return this.#use(event.call, deviceIdOf(event.deviceId));
      case 'mute':
        return this.#mute(event.call, event.keep);
      case 'unmute':
        return this.#unmute(event.call);
      case 'visible':
        this.#acquisition.isVisible = event.visible;
        if (event.visible) this.#return();
        return;
      case 'woke':
        this.#plans.forgive();
        this.#return();
        if (event.ms >= SLEEP_MS) this.#refreshSoon('slept');
        return;
      case 'tick':
        return;
      case 'close':
        return this.#close();
    }
  }

  /** Takes an event after `close`: stops a track that opens late, and fails calls. */
  #takeLate(event: LifeEvent): void {
    if (event.type === 'opened') this.#push({ type: 'stop', request: event.track.request });
    if (event.type === 'use' || event.type === 'mute' || event.type === 'unmute') {
      this.#push({ type: 'failed', call: event.call, reason: 'closed' });
    }
  }

  // --- calls ---------------------------------------------------------------------------------------------------------

  #start(deviceId: DeviceId): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#isSeeking = true;
    this.#devices.want(deviceId);
    this.#waiters.push(0);
    this.#push({ type: 'enumerate' });
    this.#find();
  }

  #use(call: number, deviceId: DeviceId): void {
    this.#permission.wish();
    if (this.#muted === 'light') return this.#useLater(call, deviceId);
    const { pair, pursuit } = this.#acquisition;
    const isInUse =
      pair.isLive && pair.current !== null && this.#devices.isOf(pair.current, deviceId);
    // A silent device is opened again: that may help.
    if (isInUse && this.#silence.kind === null) {
      const isSame = pursuit?.kind === 'refresh' && pursuit.devices[0] === deviceId;
      if (!isSame) this.#acquisition.supersede('superseded');
      this.#devices.want(deviceId);
      this.#push({ type: 'done', call });
      return this.#planMove();
    }
    if (this.#blockedBy !== null) {
      this.#blockedBy = null;
      this.#isOpening = true;
    }
    const options = { mayLetGo: true, call };
    this.#acquisition.begin(new Pursuit('use', [deviceId], 'switched', options));
  }

  /** Takes `use()` while the light is out: no device is opened to test whether it can be. */
  #useLater(call: number, deviceId: DeviceId): void {
    if (deviceId !== null && isAbsent(deviceId, this.#devices.list)) {
      this.#push({ type: 'failed', call, reason: 'NotFoundError' });
      return;
    }
    this.#devices.want(deviceId);
    this.#push({ type: 'done', call });
  }

  #mute(call: number, keep: MuteKeep): void {
    const before = this.#muted;
    this.#muted = keep;
    if (before === null) this.#push({ type: 'silence', on: true });
    if (keep === 'light' && before !== 'light') this.#lightOff();
    if (keep === 'time' && before === 'light') this.#lightOn();
    this.#push({ type: 'done', call });
  }

  #unmute(call: number): void {
    const before = this.#muted;
    this.#muted = null;
    if (before !== null) this.#push({ type: 'silence', on: false });
    if (before === 'light') {
      this.#waiters.push(call);
      this.#lightOn();
    } else this.#push({ type: 'done', call });
  }

  #lightOff(): void {
    this.#acquisition.supersede('superseded');
    this.#settleWaiters('superseded');
    this.#acquisition.pair.dropCurrent('muted');
    this.#isSeeking = false;
    this.#plans.forget();
    this.#silence.end();
    this.#blockedBy = null;
  }

  #lightOn(): void {
    this.#permission.wish();
    this.#isSeeking = true;
    this.#isOpening = true;
    this.#plans.forgive();
    this.#find();
  }

  #close(): void {
    this.#acquisition.supersede('closed');
    this.#settleWaiters('closed');
    this.#acquisition.pair.dropCurrent('ended');
    this.#isClosed = true;
  }

  /** @param reason why the calls failed; null: they are done */
  #settleWaiters(reason: string | null): void {
    for (const call of this.#waiters) {
      this.#push(reason === null ? { type: 'done', call } : { type: 'failed', call, reason });
    }
    this.#waiters = [];
  }

  // --- opening -------------------------------------------------------------------------------------------------------

  /** Opens a device if no device is in use, or if the system has muted it for too long. */
  #find(): void {
    this.#plans.retryAtMs = Infinity;
    const { current } = this.#acquisition.pair;
    const letGo = this.#letGo;
    this.#letGo = undefined;
    let list: readonly DeviceId[];
    if (current !== null) {
      // The system mutes a device for a reason: another one in its place might hear what it must not.
      const same = this.#devices.idOf(current);
      const better = this.#devices.betterThan(current).filter((deviceId) => deviceId !== same);
      list = [...better, same];
    } else {
      list = this.#devices.candidates();
      if (letGo !== undefined && !list.includes(letGo)) list = [letGo, ...list];
    }
    this.#acquisition.begin(new Pursuit('find', list, 'muted-by-system', { mayLetGo: true }));
  }

  #acquired({ track, pursuit, isQuick, isSame }: Acquired): void {
    const { nowMs } = this.#clock;
    const plans = this.#plans;
    if (pursuit?.kind === 'use') this.#devices.want(track.asked, track.device);
    if (pursuit !== null && pursuit.call !== null) {
      this.#push({ type: 'done', call: pursuit.call });
    }
    this.#settleWaiters(null);
    this.#letGo = undefined;
    this.#blockedBy = null;
    this.#failedBy = null;
    this.#isOpening = false;
    this.#silence.heard(track, isQuick, isSame, nowMs);
    plans.retryAtMs = Infinity;
    plans.refreshed(nowMs);
    plans.muteDueMs = track.mutedAtMs === null ? Infinity : nowMs + SYSTEM_MUTE_MS;
    this.#planMove();
  }

  #failed({ kind, reason, call, hasLost, letGo, triedDefault }: Pursuit): void {
    if (call !== null) this.#push({ type: 'failed', call, reason });
    const { nowMs } = this.#clock;
    if (this.#acquisition.pair.isLive) {
      if (kind === 'move') this.#planMove();
      const isStillSilent = kind === 'refresh' && this.#silence.kind === 'zeros';
      if (isStillSilent) this.#plans.refreshLater(nowMs);
      return;
    }
    this.#failedBy = reason;
    if (isFinal(reason)) return this.#block(reason);
    if (kind !== 'find') {
      // Look for the device that was in use before.
      this.#isOpening &&= hasLost || this.#waiters.length > 0;
      this.#plans.retryAtMs = this.#isSeeking ? nowMs : Infinity;
      if (hasLost) this.#plans.forgive();
      this.#letGo = letGo;
      return;
    }
    this.#isOpening = false;
    this.#settleWaiters(reason);
    const isMissing = refusalOf(reason) === 'missing';
    this.#blockedBy = isMissing && triedDefault ? reason : null;
    if (isMissing) this.#push({ type: 'enumerate' });
    this.#plans.retryLater(nowMs);
  }

  /** Blocks the microphone: only the user can help. */
  #block(reason: string): void {
    this.#blockedBy = reason;
    this.#failedBy = reason;
    this.#isOpening = false;
    this.#permission.blocked(reason);
    this.#settleWaiters(reason);
    this.#plans.retryAtMs = this.#permission.isAskedQuietly
      ? this.#clock.nowMs + SYSTEM_DENIED_MS
      : Infinity;
  }

  // --- what happens to tracks, devices and the page ------------------------------------------------------------------

  #ended(request: number): void {
    const { pair, pursuit, isConnecting } = this.#acquisition;
    if (isConnecting && pair.next?.request === request) this.#acquisition.nextGone();
    else if (pair.current?.request === request) {
      this.#currentGone(pursuit?.kind === 'refresh' ? pursuit.cause : 'ended');
    }
  }

  #currentGone(cause: GapCause): void {
    const { current } = this.#acquisition.pair;
    if (current === null) return;
    const hasLasted = this.#acquisition.currentGone(current, cause);
    const { nowMs } = this.#clock;
    const plans = this.#plans;
    plans.muteDueMs = Infinity;
    this.#isSeeking = this.#policy !== 'never';
    if (this.#acquisition.pursuit !== null) return;
    if (this.#permission.isRevoked) this.#block('NotAllowedError');
    else if (!this.#isSeeking) plans.retryAtMs = Infinity;
    else if (hasLasted) plans.retryNow(nowMs);
    else plans.retryLater(nowMs);
  }

  #trackMuted(request: number, muted: boolean): void {
    const { pair } = this.#acquisition;
    const track = pair.find(request);
    if (track === null) return;
    const { nowMs } = this.#clock;
    const plans = this.#plans;
    track.mutedAtMs = muted ? nowMs : null;
    if (track !== pair.current) return;
    plans.muteDueMs = muted && !track.givenUp ? nowMs + SYSTEM_MUTE_MS : Infinity;
    if (pair.isLive && this.#silence.isToTryAgain(track)) this.#refreshSoon('changed');
    if (muted || !track.givenUp) return;
    plans.retryAtMs = Infinity;
    if (this.#acquisition.pursuit?.kind === 'find') this.#acquisition.supersede('superseded');
    if (!this.#acquisition.isConnecting) pair.connect(track, nowMs);
  }

  /** Gives up a track that the system has muted for too long. */
  #giveUp(): void {
    this.#plans.muteDueMs = Infinity;
    const { current } = this.#acquisition.pair;
    if (current === null) return;
    current.givenUp = true;
    this.#acquisition.pair.lose('muted-by-system');
    this.#isSeeking = this.#policy !== 'never';
    if (this.#isSeeking) this.#plans.retryNow(this.#clock.nowMs);
    else this.#plans.retryAtMs = Infinity;
  }

  #takeDevices(devices: readonly InputDevice[]): void {
    const plans = this.#plans;
    const betterBefore = this.#better();
    if (!this.#devices.take(devices)) {
      if (plans.moveAtMs === Infinity && betterBefore.length > 0) this.#planMove();
      return;
    }
    const { pair, isConnecting } = this.#acquisition;
    const { next, current } = pair;
    if (next !== null && isConnecting && this.#devices.look(next)) this.#acquisition.nextGone();
    if (current !== null && this.#devices.look(current)) this.#currentGone('ended');
    if (pair.isLive) {
      const better = this.#better();
      if (better.length === 0) plans.moveNever();
      else if (!isSameOrder(better, betterBefore)) plans.moveNow(this.#clock.nowMs);
    } else if (this.#isSeeking && !this.#needsUser()) plans.retryNow(this.#clock.nowMs);
  }

  #takePermission(permission: MicrophonePermission): void {
    const isNews = this.#permission.tell(permission);
    if (isNews) this.#acquisition.restartPatience();
    if (isNews && permission === 'granted' && this.#silence.kind === 'zeros') {
      this.#refreshSoon('changed');
    }
    if (!isNews || !this.#isSeeking || this.#acquisition.pair.isLive) return;
    // The track may have ended before this event.
    const isRevoked = this.#permission.isRevoked && this.#acquisition.pursuit === null;
    if (isRevoked) this.#block('NotAllowedError');
    if (permission !== 'granted') return;
    if (this.#needsUser()) {
      this.#blockedBy = null;
      this.#isOpening = true;
    }
    const { list } = this.#devices;
    if (list.every(({ label }) => label === '')) this.#push({ type: 'enumerate' });
    this.#plans.retryNow(this.#clock.nowMs);
  }

  /** Called when the page has returned to the foreground, or the machine has woken. */
  #return(): void {
    this.#push({ type: 'enumerate' });
    const { current, isLive } = this.#acquisition.pair;
    const { nowMs } = this.#clock;
    const plans = this.#plans;
    if (isLive && current !== null && current.mutedAtMs !== null) {
      plans.muteDueMs = Math.min(plans.muteDueMs, nowMs + MUTE_AFTER_RETURN_MS);
    }
    if (isLive && this.#silence.kind !== null) this.#refreshSoon('changed');
    if (isLive || !this.#isSeeking) return;
    if (!this.#needsUser() || !this.#permission.isHopeless) plans.retryAtMs = nowMs;
  }

  #takeSilence(kind: SilenceKind | null): void {
    const { current } = this.#acquisition.pair;
    if (current === null) return;
    this.#silence.take(kind, current, this.#clock.nowMs);
    // A track that is heard is not muted: engines report that later.
    if (kind === null) this.#trackMuted(current.request, false);
    // Silence may be the only sign that a device has vanished.
    else this.#push({ type: 'enumerate' });
    if (this.#silence.isToTryAgain(current)) this.#refreshSoon('changed');
  }

  #refreshSoon(cause: GapCause): void {
    if (!this.#acquisition.pair.isLive || this.#policy === 'never') return;
    this.#plans.refresh(cause, this.#clock.nowMs);
  }

  // --- time ----------------------------------------------------------------------------------------------------------

  /** Does what is due. */
  #runDue(): void {
    const { nowMs } = this.#clock;
    if (nowMs >= this.#plans.muteDueMs) this.#giveUp();
    if (nowMs >= this.#silence.dueMs) this.#silence.end();
    this.#acquisition.runDue();
    const { pair, pursuit, allowedMs } = this.#acquisition;
    if (pursuit !== null || this.#muted === 'light') return;
    const plans = this.#plans;
    if (!pair.isLive) {
      if (plans.retryAtMs > nowMs || pair.isReturning) return;
      if (this.#permission.isRefused) this.#block('NotAllowedError');
      else if (allowedMs > nowMs) plans.retryAtMs = allowedMs;
      else this.#find();
    } else if (plans.moveAtMs <= nowMs) {
      const better = this.#better();
      if (allowedMs > nowMs) plans.moveAtMs = allowedMs;
      else if (better.length === 0) plans.moveNever();
      else this.#move(better);
    } else if (plans.refreshAtMs <= nowMs) {
      if (allowedMs > nowMs) plans.refreshAtMs = allowedMs;
      else this.#refresh();
    }
  }

  #move(better: readonly DeviceId[]): void {
    const cause = better[0] === null ? 'default-changed' : 'switched';
    this.#acquisition.begin(new Pursuit('move', better, cause, this.#plans.moving()));
  }

  #refresh(): void {
    const cause = this.#plans.refreshed(this.#clock.nowMs);
    const { current } = this.#acquisition.pair;
    if (current === null || this.#permission.isRefused) return;
    // Releasing a track that gives only zeros loses nothing.
    const mayLetGo = this.#silence.kind === 'zeros';
    this.#silence.tryAgain();
    const deviceId = this.#devices.idOf(current);
    this.#acquisition.begin(new Pursuit('refresh', [deviceId], cause, { mayLetGo }));
  }

  /** Plans the next move to a device that suits better than the one in use, if there is such a device. */
  #planMove(): void {
    if (this.#better().length === 0) this.#plans.moveNever();
    else this.#plans.moveLater(this.#clock.nowMs, this.#acquisition.opensOne);
  }

  /** Returns the devices to move to, in order; empty if the one in use is right. */
  #better(): readonly DeviceId[] {
    const { current, isLive } = this.#acquisition.pair;
    if (!isLive || current === null || this.#permission.isRefused) return [];
    return this.#devices.betterThan(current);
  }

  /** Returns whether another attempt that no call asked for would only annoy the user. */
  #needsUser(): boolean {
    return this.#blockedBy !== null && isFinal(this.#blockedBy);
  }

  // --- what is told --------------------------------------------------------------------------------------------------

  #facts() {
    const { pair, hasTrack } = this.#acquisition;
    const { current, isLive } = pair;
    const { list } = this.#devices;
    const isAudible = current !== null && isLive && this.#muted === null;
    return {
      state: this.#stateNow(),
      permission: this.#permission.now(hasTrack),
      device: current === null ? null : listedDevice(current.device, list),
      devices: list,
      silent: isAudible ? this.#silence.cause(current, countDevices(list) - 1) : null,
    };
  }

  #stateNow(): MicrophoneState {
    if (this.#isClosed) return 'closed';
    if (this.#muted !== null) return 'muted';
    if (this.#acquisition.pair.isLive) return 'live';
    if (this.#blockedBy !== null) return 'blocked';
    return this.#isOpening ? 'opening' : 'lost';
  }

  #push(action: LifeAction): void {
    this.#actions.push(action);
  }
}

function isSameOrder(a: readonly DeviceId[], b: readonly DeviceId[]): boolean {
  return a.length === b.length && a.every((deviceId, i) => deviceId === b[i]);
}
