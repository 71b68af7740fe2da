import { backOffMs } from './back-off.ts';
import {
  candidates,
  countDevices,
  defaultDevice,
  defaultKey,
  deviceIdOf,
  isAbsent,
  isMonitor,
  isOfDefault,
  namesDefault,
  sameDevice,
  listedDevice,
  sameList,
} from './device-choice.ts';
import type { DeviceId } from './device-choice.ts';
import type {
  GapCause,
  InputDevice,
  LifeAction,
  LifeEvent,
  MicrophonePermission,
  MicrophoneState,
  MuteKeep,
  OpenedTrack,
  ReacquirePolicy,
  SilenceCause,
  SilenceKind,
} from './life-messages.ts';
import { LifeReport } from './life-report.ts';
import { LifeTrack } from './life-track.ts';
import { OpenRequests } from './open-requests.ts';
import type { OpenRequest } from './open-requests.ts';
import { Pursuit } from './pursuit.ts';
import type { PursuitKind } from './pursuit.ts';
import { refusalOf } from './refusal.ts';
import { silenceCause } from './silence-cause.ts';
import { TrackPair } from './track-pair.ts';

export interface MicrophoneLifeOptions {
  readonly reacquire: ReacquirePolicy;
  /** For how long a device has to be silent before the audio thread says so. */
  readonly silenceMs: number;
}

/** For so long the system may mute a track before the device is opened again. */
const SYSTEM_MUTE_MS = 5000;
/** The same once the page has returned to the foreground: systems take the mute back shortly after. */
const MUTE_AFTER_RETURN_MS = 500;
/** A connected track that is not heard by then counts as heard: it is silent, or the context is suspended. */
const HEARD_PATIENCE_MS = 3000;
/** An opening that has no answer by then has failed, unless a prompt may be open. */
const OPEN_PATIENCE_MS = 20_000;
/** A device that was in use for so long has proved to work: failures before it do not count any more. */
const STABLE_MS = 2000;
/** So many moves to the default that end at the same device prove that it is the engine's default, whatever it lists. */
const ACCEPTED_AFTER = 4;
/** Where the system opens one device at a time, so many moves fail before the one in use is let go for a last try. */
const LAST_TRY = 5;
/** Refreshes of a device whose format has changed are no more frequent. */
const REFRESH_MS = 10_000;
/** After a sleep of this length a track is opened again, even if it seems to be alive. */
const SLEEP_MS = 5000;
/** Where the page may have the microphone and the browser may not: asks again so often. No prompt opens. */
const SYSTEM_DENIED_MS = 30_000;
/** A track that is heard within this after it was connected gives audio: the audio thread takes a silent one later. */
const AUDIBLE_MS = 900;
/** Silence that begins later than this after `silenceMs` follows audio. */
const SILENCE_SLACK_MS = 1000;

/**
 * Decides what a microphone does when devices, permissions and calls come and go: which device to open, when to let go, what
 * to tell. It is told events and their time, and answers with actions; it has no clock, no timer and no browser.
 *
 * At most two tracks are open; each one is in use, is about to be, or is stopped. Every call is settled once. As long as a
 * microphone is open it looks for its device, at a bounded rate.
 */
export class MicrophoneLife {
  readonly #policy: ReacquirePolicy;
  readonly #silenceMs: number;
  readonly #report = new LifeReport();
  readonly #requests = new OpenRequests();
  readonly #pair = new TrackPair((action) => this.#push(action));
  #actions: LifeAction[] = [];
  /** Time that has passed, and the shell's clock: it may be the wall's, which can be set back. */
  #nowMs = 0;
  #shellMs: number | null = null;

  /** As the shell was told; null where the engine does not tell. */
  #toldPermission: MicrophonePermission | null = null;
  /** What an answer to an opening has shown since. */
  #shownPermission: MicrophonePermission | null = null;
  /** It was granted, and is not any more. */
  #isRevoked = false;
  #isVisible = true;
  #devices: readonly InputDevice[] = [];
  #defaultKey = '';

  /** The device that was asked for; null: the default. */
  #wanted: InputDevice | null = null;
  #pursuit: Pursuit | null = null;
  /** The calls that are done as soon as a device is in use: the start, and `unmute` after the light went out. */
  #waiters: number[] = [];
  /**
   * The engine lists the default first: a track that was opened as the default was of that device. Without this and without an
   * entry for the default, the user may have picked any device in the browser's prompt.
   */
  #firstIsDefault: boolean | null = null;
  /** A device was opened that is no monitor of an output. */
  #hadMicrophone = false;
  #isStarted = false;
  #isClosed = false;
  #muted: MuteKeep | null = null;
  /** A device is being opened because the user wants it, not because one was lost. */
  #isOpening = true;
  /** Why only the user can help: the name of a DOMException. */
  #blockedBy: string | null = null;
  #wasRefusedHidden = false;
  #failedBy: string | null = null;

  /** Whether a lost device is looked for; failed rounds in a row; when the next one is due. */
  #isSeeking = false;
  #failures = 0;
  #retryAtMs = Infinity;
  /** Failed moves in a row; when the next one is due; whether the device in use may be let go for it. */
  #moveFailures = 0;
  #moveAtMs = Infinity;
  #moveMayLetGo = false;
  /** The system has been seen to open one device at a time. */
  #opensOne = false;
  /** The user has refused: nothing is opened any more unless somebody asks for it. */
  #isRefused = false;
  /** The device that was let go for another one, which did not open: it is opened again. */
  #letGo: DeviceId | undefined;
  /** When the device in use is opened again. */
  #refreshAtMs = Infinity;
  #refreshCause: GapCause = 'changed';
  #refreshedAtMs = 0;
  /** When the system has muted the track for too long. */
  #muteDueMs = Infinity;

  #silence: SilenceKind | null = null;
  /** The silent device was opened again, in case only its track was dead. */
  #hasTriedAgain = false;
  /** When the silence of the track before is not taken to be that of the present one any more. */
  #silenceDueMs = Infinity;
  /** Devices that were heard. */
  readonly #audible = new Set<string>();

  constructor({ reacquire, silenceMs }: MicrophoneLifeOptions) {
    this.#policy = reacquire;
    this.#silenceMs = silenceMs;
  }

  get state(): MicrophoneState {
    return this.#report.told.state;
  }

  get permission(): MicrophonePermission {
    return this.#report.told.permission;
  }

  /** The device in use; null: none. */
  get device(): InputDevice | null {
    return this.#report.told.device;
  }

  get devices(): readonly InputDevice[] {
    return this.#devices;
  }

  get silent(): SilenceCause | null {
    return this.#report.told.silent;
  }

  /** The device that was asked for; null: the default. */
  get wantedDeviceId(): string | null {
    return this.#wanted?.deviceId ?? null;
  }

  /** What `mute` keeps; null: not muted. */
  get muted(): MuteKeep | null {
    return this.#muted;
  }

  /** Why the state is `'blocked'`: the name of a DOMException, null in other states. */
  get blockedBy(): string | null {
    return this.#blockedBy;
  }

  /** Why the last opening failed: the name of a DOMException. Null once a device is in use. */
  get failedBy(): string | null {
    return this.#failedBy;
  }

  /** When `tick` is due; Infinity: never. A later one does no harm, nor does one too many. */
  get dueMs(): number {
    return this.#dueMs() - this.#nowMs + (this.#shellMs ?? 0);
  }

  #dueMs(): number {
    if (this.#isClosed || this.#muted === 'light') return Infinity;
    const { next, connectedAtMs, isLive } = this.#pair;
    let due = Math.min(this.#muteDueMs, this.#silenceDueMs);
    if (next !== null) due = Math.min(due, connectedAtMs + HEARD_PATIENCE_MS);
    if (this.#pursuit !== null) return Math.min(due, this.#openDueMs(this.#pursuit));
    if (this.#pair.isReturning) return due;
    return Math.min(due, isLive ? Math.min(this.#moveAtMs, this.#refreshAtMs) : this.#retryAtMs);
  }

  /** Takes an event. @returns what to do, in order */
  handle(event: LifeEvent, nowMs: number): readonly LifeAction[] {
    const actions: LifeAction[] = [];
    this.#actions = actions;
    this.#nowMs += Math.max(0, nowMs - (this.#shellMs ?? nowMs));
    this.#shellMs = nowMs;
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
        return this.#opened(event.track);
      case 'refused':
        return this.#refused(event.request, event.name);
      case 'ended':
        return this.#ended(event.request);
      case 'trackmute':
        return this.#trackMuted(event.request, event.muted);
      case 'changed':
        if (event.request === this.#pair.current?.request) this.#refreshSoon('changed');
        return;
      case 'heard':
        if (event.request === this.#pair.next?.request) this.#heard();
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
        this.#isVisible = event.visible;
        if (event.visible) this.#return();
        return;
      case 'woke':
        this.#failures = 0;
        this.#return();
        if (event.ms >= SLEEP_MS) this.#refreshSoon('slept');
        return;
      case 'tick':
        return;
      case 'close':
        return this.#close();
    }
  }

  /** After `close`, a track that opens late is stopped, and calls fail. */
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
    this.#wanted = this.#describe(deviceId);
    this.#waiters.push(0);
    this.#push({ type: 'enumerate' });
    this.#find();
  }

  #use(call: number, deviceId: DeviceId): void {
    this.#isRefused = false;
    if (this.#muted === 'light') return this.#useLater(call, deviceId);
    if (this.#isOf(deviceId)) {
      this.#supersede('superseded');
      this.#wanted = this.#describe(deviceId);
      this.#push({ type: 'done', call });
      return this.#planMove();
    }
    if (this.#blockedBy !== null) {
      this.#blockedBy = null;
      this.#isOpening = true;
    }
    this.#begin('use', [deviceId], 'switched', { mayLetGo: true, call });
  }

  /** While the light is out, nothing is opened to see whether it can be. */
  #useLater(call: number, deviceId: DeviceId): void {
    if (deviceId !== null && isAbsent(deviceId, this.#devices)) {
      this.#push({ type: 'failed', call, reason: 'NotFoundError' });
      return;
    }
    this.#wanted = this.#describe(deviceId);
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
    this.#supersede('superseded');
    this.#failWaiters('superseded');
    this.#pair.drop('muted');
    this.#isSeeking = false;
    this.#forgetPlans();
    this.#blockedBy = null;
  }

  #lightOn(): void {
    this.#isRefused = false;
    this.#isSeeking = true;
    this.#isOpening = true;
    this.#failures = 0;
    this.#find();
  }

  #close(): void {
    this.#supersede('closed');
    this.#failWaiters('closed');
    this.#pair.drop('ended');
    this.#isClosed = true;
  }

  // --- opening -------------------------------------------------------------------------------------------------------

  #begin(
    kind: PursuitKind,
    devices: readonly DeviceId[],
    cause: GapCause,
    options: { mayLetGo?: boolean; call?: number } = {},
  ): void {
    this.#supersede('superseded');
    this.#pursuit = new Pursuit(kind, devices, cause, options);
    this.#advance();
  }

  /** Opens a device where none is in use, or one that the system has muted for too long. */
  #find(): void {
    this.#retryAtMs = Infinity;
    const { current } = this.#pair;
    // The system mutes a device for a reason: another one in its place might hear what it should not.
    const list =
      current === null
        ? candidates(this.#wanted, this.#devices, this.#policy)
        : [this.#betterThan(current), this.#idOf(current)].filter((id) => id !== undefined);
    const letGo = this.#letGo;
    this.#letGo = undefined;
    if (current === null && letGo !== undefined && !list.includes(letGo)) list.unshift(letGo);
    this.#begin('find', list, 'muted-by-system', { mayLetGo: true });
  }

  /** Opens the next device of the pursuit, if it is time. */
  #advance(): void {
    const pursuit = this.#pursuit;
    if (pursuit === null || pursuit.request !== null || this.#isConnecting) return;
    if (this.#toldPermission === 'unavailable') pursuit.giveUp('unavailable');
    const [deviceId] = pursuit.devices;
    if (deviceId === undefined) return this.#fail(pursuit);
    const now = this.#nowMs;
    if (!this.#requests.mayOpen(now, this.#permission === 'prompt')) return;
    const { request } = this.#requests.begin(deviceId, now, !this.#isVisible);
    pursuit.request = request;
    this.#push({ type: 'open', request, deviceId });
  }

  #opened(track: OpenedTrack): void {
    const { request } = track;
    const opening = this.#requests.answer(request);
    if (opening !== undefined) {
      this.#shownPermission = 'granted';
      this.#isRefused = false;
    }
    if (opening === undefined || !this.#canUse(opening)) {
      this.#push({ type: 'stop', request });
      return this.#advance();
    }
    const pursuit = (this.#pursuit ??= new Pursuit('find', [opening.deviceId], 'ended'));
    pursuit.request = null;
    const { current } = this.#pair;
    if (track.muted && pursuit.kind === 'find' && current !== null) {
      // As muted as the one that there is.
      this.#push({ type: 'stop', request });
      pursuit.skip('NotReadableError');
      return this.#advance();
    }
    const isOutput = isMonitor(track.label);
    this.#hadMicrophone ||= !isOutput;
    this.#opensOne ||= pursuit.letGo !== undefined;
    if (isOutput && opening.deviceId === null && (this.#wanted !== null || this.#hadMicrophone)) {
      this.#push({ type: 'stop', request });
      pursuit.skip('NotFoundError');
      return this.#advance();
    }
    const next = new LifeTrack(track, opening.deviceId, this.#nowMs);
    // Time and again, the engine opens another default than it lists.
    const isLike = current !== null && next.isLike(current);
    if (isLike) next.acceptedKey = current.acceptedKey;
    if (isLike && pursuit.kind === 'move' && this.#moveFailures >= ACCEPTED_AFTER) {
      next.acceptedKey = this.#defaultKey;
      this.#firstIsDefault = false;
    }
    next.look(this.#devices);
    this.#learnFirst(next);
    this.#pair.connect(next, this.#nowMs);
    if (sameDevice(next.device, this.#devices)?.label === undefined) {
      this.#push({ type: 'enumerate' });
    }
  }

  /** Whether an opened track is of use: it was asked for last, or answers late what is still wanted. */
  #canUse({ request, deviceId }: OpenRequest): boolean {
    const pursuit = this.#pursuit;
    if (this.#muted === 'light' || this.#isConnecting) return false;
    if (pursuit !== null && pursuit.request === request) return true;
    if (pursuit !== null && pursuit.kind !== 'refresh' && pursuit.devices[0] === deviceId) {
      return true;
    }
    if ((pursuit !== null && pursuit.kind !== 'find') || this.#pair.current !== null) return false;
    return (
      this.#isSeeking && candidates(this.#wanted, this.#devices, this.#policy).includes(deviceId)
    );
  }

  #refused(request: number, name: string): void {
    const opening = this.#requests.answer(request);
    if (opening === undefined) return;
    // No user has seen that prompt, if there was one.
    this.#wasRefusedHidden = opening.wasHidden && !this.#isVisible;
    this.#isRefused ||=
      refusalOf(name) === 'permission' &&
      this.#toldPermission !== 'granted' &&
      !this.#wasRefusedHidden;
    const pursuit = this.#pursuit;
    if (pursuit === null) return;
    if (pursuit.request === request) return this.#skip(pursuit, name);
    // One that was superseded. If its prompt was refused, the next is not to open another one.
    const isWaiting = pursuit.request === null && !this.#isConnecting;
    if (isWaiting && isFinal(name)) pursuit.giveUp(name);
    this.#advance();
  }

  /** The device that was asked for is not available. */
  #skip(pursuit: Pursuit, name: string): void {
    pursuit.request = null;
    const refusal = refusalOf(name);
    if (isFinal(name) || refusal === 'inactive') pursuit.giveUp(name);
    else if (
      refusal === 'busy' &&
      name !== 'TimeoutError' &&
      pursuit.mayLetGo &&
      this.#pair.current !== null
    ) {
      // Perhaps the system opens only one at a time.
      pursuit.hasLost = true;
      pursuit.letGo = this.#idOf(this.#pair.current);
      this.#isSeeking = true;
      this.#isOpening = true;
      this.#pair.dropCurrent(pursuit.cause);
      this.#muteDueMs = Infinity;
    } else pursuit.skip(name);
    this.#advance();
  }

  /** The connected track is in use. */
  #heard(): void {
    const pair = this.#pair;
    const { next, connectedAtMs } = pair;
    if (next === null) return;
    const isQuick = this.#nowMs - connectedAtMs < AUDIBLE_MS;
    if (isQuick) this.#audible.add(next.device.deviceId);
    const isAgain = next === pair.current;
    const isSameDevice = pair.current !== null && next.isLike(pair.current);
    pair.promote(this.#nowMs);
    const pursuit = this.#pursuit;
    if (pursuit !== null && !isAgain) {
      this.#pursuit = null;
      if (pursuit.kind === 'use') this.#wanted = this.#describe(next.asked, next.device);
      if (pursuit.call !== null) this.#push({ type: 'done', call: pursuit.call });
    }
    for (const call of this.#waiters) this.#push({ type: 'done', call });
    this.#waiters = [];
    this.#letGo = undefined;
    this.#blockedBy = null;
    this.#failedBy = null;
    this.#isOpening = false;
    // A silent device that was opened again is silent until there is proof of the contrary.
    const isSilent =
      this.#hasTriedAgain && !isQuick && (isSameDevice || pursuit?.kind === 'refresh');
    if (!isSilent) this.#endSilence();
    else this.#silenceDueMs = this.#nowMs + this.#silenceMs + SILENCE_SLACK_MS;
    this.#retryAtMs = Infinity;
    this.#refreshAtMs = Infinity;
    this.#refreshedAtMs = this.#nowMs;
    this.#muteDueMs = next.mutedAtMs === null ? Infinity : this.#nowMs + SYSTEM_MUTE_MS;
    this.#planMove();
  }

  /** None of the devices opens. */
  #fail(pursuit: Pursuit): void {
    this.#pursuit = null;
    const { kind, reason, call, hasLost } = pursuit;
    if (call !== null) this.#push({ type: 'failed', call, reason });
    if (this.#pair.isLive) {
      if (kind === 'move') this.#planMove();
      return;
    }
    this.#failedBy = reason;
    if (isFinal(reason)) return this.#block(reason);
    if (kind !== 'find') {
      // What was in use before is looked for.
      this.#isOpening &&= hasLost || this.#waiters.length > 0;
      this.#retryAtMs = this.#isSeeking ? this.#nowMs : Infinity;
      if (hasLost) this.#failures = 0;
      this.#letGo = pursuit.letGo;
      return;
    }
    this.#failures++;
    this.#isOpening = false;
    this.#failWaiters(reason);
    const isMissing = refusalOf(reason) === 'missing';
    this.#blockedBy = isMissing && pursuit.triedDefault ? reason : null;
    if (isMissing) this.#push({ type: 'enumerate' });
    this.#retryAtMs = this.#nowMs + backOffMs(this.#failures);
  }

  /** Only the user can help. */
  #block(reason: string): void {
    this.#blockedBy = reason;
    this.#failedBy = reason;
    this.#isOpening = false;
    this.#shownPermission = refusalOf(reason) === 'unavailable' ? 'unavailable' : 'denied';
    this.#failWaiters(reason);
    // Where no prompt can open, asking again costs nothing.
    const isSilent = this.#toldPermission === 'granted' || this.#shownPermission === 'unavailable';
    this.#retryAtMs = isSilent ? this.#nowMs + SYSTEM_DENIED_MS : Infinity;
  }

  /** Ends the pursuit; a track that it has connected is let go. */
  #supersede(reason: string): void {
    const pursuit = this.#pursuit;
    if (pursuit === null) return;
    this.#pursuit = null;
    this.#pair.dropNext(this.#nowMs);
    if (pursuit.call !== null) this.#push({ type: 'failed', call: pursuit.call, reason });
  }

  // --- what happens to tracks and devices ----------------------------------------------------------------------------

  #ended(request: number): void {
    const { next, current } = this.#pair;
    if (next !== null && next !== current && next.request === request) this.#nextGone();
    else if (current?.request === request) {
      const pursuit = this.#pursuit;
      this.#currentGone(pursuit?.kind === 'refresh' ? pursuit.cause : 'ended');
    }
  }

  #nextGone(): void {
    this.#pair.dropNext(this.#nowMs);
    this.#pursuit?.skip('AbortError');
    this.#advance();
  }

  #currentGone(cause: GapCause): void {
    const { current } = this.#pair;
    if (current === null) return;
    const isUnstable = this.#nowMs - current.heardAtMs < STABLE_MS;
    if (!isUnstable) this.#requests.giveBack();
    this.#pair.dropCurrent(cause);
    this.#muteDueMs = Infinity;
    this.#isSeeking = this.#policy !== 'never';
    if (this.#pursuit !== null) {
      this.#pursuit.hasLost = true;
      return;
    }
    if (this.#isRevoked) this.#block('NotAllowedError');
    else if (!this.#isSeeking) this.#retryAtMs = Infinity;
    else {
      this.#failures = isUnstable ? this.#failures + 1 : 0;
      this.#retryAtMs = this.#nowMs + (isUnstable ? backOffMs(this.#failures) : 0);
    }
  }

  #trackMuted(request: number, muted: boolean): void {
    const track = this.#pair.find(request);
    if (track === null) return;
    track.mutedAtMs = muted ? this.#nowMs : null;
    if (track !== this.#pair.current) return;
    this.#muteDueMs = muted && !track.givenUp ? this.#nowMs + SYSTEM_MUTE_MS : Infinity;
    if (muted || !track.givenUp) return;
    this.#retryAtMs = Infinity;
    if (this.#pursuit?.kind === 'find') this.#supersede('superseded');
    if (!this.#isConnecting) this.#pair.connect(track, this.#nowMs);
  }

  /** The system has muted the track for too long. */
  #giveUp(): void {
    this.#muteDueMs = Infinity;
    const { current } = this.#pair;
    if (current === null) return;
    current.givenUp = true;
    this.#pair.lose('muted-by-system');
    this.#isSeeking = this.#policy !== 'never';
    this.#failures = 0;
    this.#retryAtMs = this.#isSeeking ? this.#nowMs : Infinity;
  }

  #takeDevices(devices: readonly InputDevice[]): void {
    if (sameList(devices, this.#devices)) {
      if (this.#moveAtMs === Infinity && this.#better() !== undefined) this.#planMove();
      return;
    }
    const betterBefore = this.#better();
    this.#devices = devices;
    this.#defaultKey = defaultKey(devices);
    const listed = devices.find(({ deviceId }) => deviceId === this.#wanted?.deviceId);
    if (listed !== undefined && listed.label !== '') this.#wanted = listed;
    const { next, current } = this.#pair;
    this.#learnFirst(current);
    this.#learnFirst(next);
    if (current !== null && current.acceptedKey !== this.#defaultKey) current.acceptedKey = null;
    if (next !== null && next !== current && next.look(devices)) this.#nextGone();
    if (current !== null && current.look(devices)) this.#currentGone('ended');
    if (this.#pair.isLive) {
      const better = this.#better();
      if (better === undefined) this.#planMove();
      else if (better !== betterBefore) {
        this.#moveFailures = 0;
        this.#moveMayLetGo = true;
        this.#moveAtMs = this.#nowMs;
      }
    } else if (this.#isSeeking && !this.#needsUser()) {
      this.#failures = 0;
      this.#retryAtMs = this.#nowMs;
    }
  }

  #takePermission(permission: MicrophonePermission): void {
    const before = this.#toldPermission;
    if (permission === before) return;
    this.#toldPermission = permission;
    if (permission === 'granted') this.#isRefused = false;
    if (permission !== 'prompt' || before === 'granted') this.#shownPermission = null;
    this.#isRevoked =
      permission === 'denied' ||
      permission === 'unavailable' ||
      (permission === 'prompt' && before === 'granted');
    if (!this.#isSeeking || this.#pair.isLive) return;
    // The track may have ended before this was told.
    if (this.#isRevoked && this.#pursuit === null) this.#block('NotAllowedError');
    if (permission !== 'granted') return;
    if (this.#needsUser()) {
      this.#blockedBy = null;
      this.#isOpening = true;
    }
    if (this.#devices.every(({ label }) => label === '')) this.#push({ type: 'enumerate' });
    this.#failures = 0;
    this.#retryAtMs = this.#nowMs;
  }

  /** The page has returned to the foreground, or the machine has woken. */
  #return(): void {
    this.#push({ type: 'enumerate' });
    const { current, isLive } = this.#pair;
    if (isLive && current!.mutedAtMs !== null) {
      this.#muteDueMs = Math.min(this.#muteDueMs, this.#nowMs + MUTE_AFTER_RETURN_MS);
    }
    if (isLive || !this.#isSeeking) return;
    const isHopeless =
      this.#needsUser() && !this.#wasRefusedHidden && this.#toldPermission !== 'granted';
    if (!isHopeless) this.#retryAtMs = this.#nowMs;
  }

  #refreshSoon(cause: GapCause): void {
    if (!this.#pair.isLive || this.#policy === 'never') return;
    this.#refreshCause = cause;
    this.#refreshAtMs = Math.max(this.#nowMs, this.#refreshedAtMs + REFRESH_MS);
  }

  #takeSilence(kind: SilenceKind | null): void {
    const { current } = this.#pair;
    if (current === null) return;
    const playedMs = this.#nowMs - current.heardAtMs - this.#silenceMs;
    if (kind === null || playedMs > SILENCE_SLACK_MS) this.#audible.add(current.device.deviceId);
    if (kind === null) {
      this.#endSilence();
      // What can be heard is not muted: engines tell it later.
      this.#trackMuted(current.request, false);
      return;
    }
    this.#silence = kind;
    this.#silenceDueMs = Infinity;
    // Devices vanish without any other sign.
    this.#push({ type: 'enumerate' });
    if (this.#hasTriedAgain || current.mutedAtMs !== null) return;
    // So do tracks, though their devices are there: after a sleep, or a short loss of contact.
    this.#hasTriedAgain = true;
    this.#refreshSoon('changed');
  }

  #endSilence(): void {
    this.#silence = null;
    this.#silenceDueMs = Infinity;
    this.#hasTriedAgain = false;
  }

  // --- time ----------------------------------------------------------------------------------------------------------

  /** Does what is due. */
  #runDue(): void {
    const now = this.#nowMs;
    const pair = this.#pair;
    if (pair.next !== null && now >= pair.connectedAtMs + HEARD_PATIENCE_MS) this.#heard();
    if (now >= this.#muteDueMs) this.#giveUp();
    if (now >= this.#silenceDueMs) this.#endSilence();
    const pursuit = this.#pursuit;
    if (pursuit !== null && pursuit.request !== null && now >= this.#openDueMs(pursuit)) {
      this.#skip(pursuit, 'TimeoutError');
    }
    this.#advance();
    if (this.#pursuit !== null || this.#muted === 'light') return;
    const allowedMs = this.#requests.allowedMs(now);
    if (!pair.isLive) {
      if (this.#retryAtMs > now || pair.isReturning) return;
      if (this.#isRefused) this.#block('NotAllowedError');
      else if (allowedMs > now) this.#retryAtMs = allowedMs;
      else this.#find();
    } else if (this.#moveAtMs <= now) {
      const better = this.#better();
      if (allowedMs > now) this.#moveAtMs = allowedMs;
      else if (better === undefined) this.#planMove();
      else this.#move(better);
    } else if (this.#refreshAtMs <= now) {
      if (allowedMs > now) this.#refreshAtMs = allowedMs;
      else this.#refresh();
    }
  }

  /** When an answer to the pursuit's opening, or a place for it, is due; Infinity: it may take its time. */
  #openDueMs({ request }: Pursuit): number {
    // A prompt takes as long as the user does, and some engines wait until the page is seen.
    const isPatient = this.#permission !== 'granted' || !this.#isVisible;
    if (this.#isConnecting || isPatient) return Infinity;
    if (request === null) return this.#requests.forgottenMs(this.#nowMs);
    return this.#requests.sinceMs(request) + OPEN_PATIENCE_MS;
  }

  #move(deviceId: DeviceId): void {
    this.#moveAtMs = Infinity;
    const cause = deviceId === null ? 'default-changed' : 'switched';
    const mayLetGo = this.#moveMayLetGo;
    this.#moveMayLetGo = false;
    this.#begin('move', [deviceId], cause, { mayLetGo });
  }

  #refresh(): void {
    this.#refreshAtMs = Infinity;
    this.#refreshedAtMs = this.#nowMs;
    const { current } = this.#pair;
    if (current === null || this.#isRefused) return;
    // A track that gives only zeros is no loss.
    const mayLetGo = this.#silence === 'zeros';
    this.#begin('refresh', [this.#idOf(current)], this.#refreshCause, { mayLetGo });
  }

  /** Plans the next move to a device that suits better than the one in use, if there is one. */
  #planMove(): void {
    this.#moveMayLetGo = false;
    if (this.#better() === undefined) {
      this.#moveFailures = 0;
      this.#moveAtMs = Infinity;
    } else {
      this.#moveFailures++;
      this.#moveMayLetGo = this.#opensOne && this.#moveFailures === LAST_TRY;
      this.#moveAtMs = this.#nowMs + backOffMs(this.#moveFailures);
    }
  }

  #forgetPlans(): void {
    this.#retryAtMs = Infinity;
    this.#moveAtMs = Infinity;
    this.#refreshAtMs = Infinity;
    this.#muteDueMs = Infinity;
    this.#silenceDueMs = Infinity;
  }

  // --- what is known -------------------------------------------------------------------------------------------------

  /** The device to move to; undefined: the one in use is right. */
  #better(): DeviceId | undefined {
    const { current, isLive } = this.#pair;
    return isLive && current !== null ? this.#betterThan(current) : undefined;
  }

  /** The device that is right in place of this one; undefined: this one is. */
  #betterThan(track: LifeTrack): DeviceId | undefined {
    if (this.#isRefused || this.#policy === 'never') return undefined;
    const wanted = this.#wanted;
    const same = wanted === null ? null : sameDevice(wanted, this.#devices);
    const right = same === null ? defaultDevice(this.#devices) : same.deviceId;
    if (right !== null) return track.isOf(right) ? undefined : right;
    if (track.asked === null) {
      return this.#hasLostDefault(track) ? null : undefined;
    }
    // A device in place of the default: put back into use by its id, or taken because of a monitor.
    const isInPlace = wanted === null || (this.#policy === 'any' && !track.isOf(wanted.deviceId));
    return isInPlace && !isOfDefault(track.device, this.#devices) ? null : undefined;
  }

  /** Whether the device in use is this one. */
  #isOf(deviceId: DeviceId): boolean {
    const { current, isLive } = this.#pair;
    if (!isLive || current === null) return false;
    if (deviceId !== null) return current.isOf(deviceId);
    return current.asked === null && !this.#hasLostDefault(current);
  }

  /** Whether the track was opened as the default and is not of the default any more. */
  #hasLostDefault(track: LifeTrack): boolean {
    const canTell = this.#firstIsDefault === true || namesDefault(this.#devices);
    return canTell && track.hasLostDefault(this.#devices, this.#defaultKey);
  }

  #learnFirst(track: LifeTrack | null): void {
    if (track?.isDefault(this.#devices) === true) this.#firstIsDefault ??= true;
  }

  /** How to open a track's device again: by its id, if it is the default no more. */
  #idOf(track: LifeTrack): DeviceId {
    if (!this.#hasLostDefault(track)) return track.asked;
    const { deviceId, groupId, label } = track.device;
    if (deviceId !== 'default') return deviceId;
    const device = this.#devices.find(
      (other) =>
        other.deviceId !== 'default' && other.groupId === groupId && label.endsWith(other.label),
    );
    return device?.deviceId ?? null;
  }

  /** A track is connected that is not in use yet. */
  get #isConnecting(): boolean {
    const { next, current } = this.#pair;
    return next !== null && next !== current;
  }

  /** Whether opening again, unasked, would only annoy. */
  #needsUser(): boolean {
    return this.#blockedBy !== null && isFinal(this.#blockedBy);
  }

  get #permission(): MicrophonePermission {
    const told = this.#toldPermission;
    const shown = this.#shownPermission;
    // A track is the best proof.
    if (this.#pair.current !== null || this.#pair.next !== null) return 'granted';
    if (shown === 'unavailable') return shown;
    if (told === null) return shown ?? 'prompt';
    // Firefox and Safari ask each time unless told otherwise; what was granted to this page holds.
    return told === 'prompt' && shown === 'granted' ? shown : told;
  }

  #describe(deviceId: DeviceId, device: InputDevice | null = null): InputDevice | null {
    if (deviceId === null) return null;
    const listed = this.#devices.find((other) => other.deviceId === deviceId);
    if (listed !== undefined && listed.label !== '') return listed;
    return { deviceId, groupId: device?.groupId ?? '', label: device?.label ?? '' };
  }

  #facts() {
    const { current } = this.#pair;
    return {
      state: this.#stateNow(),
      permission: this.#permission,
      device: current === null ? null : listedDevice(current.device, this.#devices),
      devices: this.#devices,
      silent: this.#silentNow(current),
    };
  }

  #stateNow(): MicrophoneState {
    if (this.#isClosed) return 'closed';
    if (this.#muted !== null) return 'muted';
    if (this.#pair.isLive) return 'live';
    if (this.#blockedBy !== null) return 'blocked';
    return this.#isOpening ? 'opening' : 'lost';
  }

  #silentNow(current: LifeTrack | null): SilenceCause | null {
    const kind = this.#silence;
    if (kind === null || current === null || current.givenUp || this.#muted !== null) return null;
    const { deviceId, label } = current.device;
    return silenceCause({
      kind,
      label,
      muted: current.mutedAtMs !== null,
      wasAudible: this.#audible.has(deviceId),
      others: countDevices(this.#devices) - 1,
    });
  }

  #failWaiters(reason: string): void {
    for (const call of this.#waiters) this.#push({ type: 'failed', call, reason });
    this.#waiters = [];
  }

  #push(action: LifeAction): void {
    this.#actions.push(action);
  }
}

/** Whether no other device has better prospects. */
function isFinal(name: string): boolean {
  const refusal = refusalOf(name);
  return refusal === 'permission' || refusal === 'unavailable';
}
