import type { DeviceId } from './device-choice.ts';
import type { KnownDevices } from './known-devices.ts';
import type { KnownPermission } from './known-permission.ts';
import type { LifeClock } from '../life-clock.ts';
import type { LifeAction, OpenedTrack } from './life-messages.ts';
import { LifeTrack } from './life-track.ts';
import { OpenRequests } from './open-requests.ts';
import type { OpenRequest } from './open-requests.ts';
import { Pursuit } from './pursuit.ts';
import { isFinal, refusalOf } from './refusal.ts';
import { TrackPair } from './track-pair.ts';

/** A connected track that is not heard by then counts as heard: it is silent, or the context is suspended. */
const HEARD_PATIENCE_MS = 3000;
/** An opening that has no answer by then has failed, unless a prompt may be open. */
const OPEN_PATIENCE_MS = 20_000;
/** A track that is heard within this after it was connected gives audio: the audio thread takes a silent one later. */
const AUDIBLE_MS = 900;

/** A track is in use. */
export interface Acquired {
  readonly track: LifeTrack;
  /** What put it into use; null: it was connected again. */
  readonly pursuit: Pursuit | null;
  /** It gave audio at once. */
  readonly isQuick: boolean;
  /** It is another track of the device that was in use before. */
  readonly isSame: boolean;
}

/** What {@link Acquisition} tells. */
export interface AcquisitionListener {
  push(action: LifeAction): void;
  /** Whether a track that is opened too late, of what this device id gives, is welcome all the same. */
  isWanted(deviceId: DeviceId): boolean;
  acquired(acquired: Acquired): void;
  /** No device of the pursuit opens. */
  failed(pursuit: Pursuit): void;
  /** The track in use was let go: perhaps the system opens only one. */
  letGo(): void;
}

/**
 * Puts tracks into use: opens the devices of a pursuit in turn, takes answers when they come, connects a track beside the one
 * in use, and lets that one go when the next is heard. Tracks that nobody needs are stopped.
 */
export class Acquisition {
  readonly pair: TrackPair;
  readonly #clock: LifeClock;
  readonly #devices: KnownDevices;
  readonly #permission: KnownPermission;
  readonly #listener: AcquisitionListener;
  readonly #requests = new OpenRequests();
  #pursuit: Pursuit | null = null;
  #isVisible = true;
  #patientFromMs = 0;
  #opensOne = false;

  constructor(
    clock: LifeClock,
    devices: KnownDevices,
    permission: KnownPermission,
    listener: AcquisitionListener,
  ) {
    this.#clock = clock;
    this.#devices = devices;
    this.#permission = permission;
    this.#listener = listener;
    this.pair = new TrackPair((action) => listener.push(action));
  }

  get pursuit(): Pursuit | null {
    return this.#pursuit;
  }

  set isVisible(isVisible: boolean) {
    this.#isVisible = isVisible;
    this.restartPatience();
  }

  /** An answer may have waited for the user until now. */
  restartPatience(): void {
    this.#patientFromMs = this.#clock.nowMs;
  }

  /** The system has been seen to open one device at a time. */
  get opensOne(): boolean {
    return this.#opensOne;
  }

  /** A track is connected that is not in use yet. */
  get isConnecting(): boolean {
    const { next, isReturning } = this.pair;
    return next !== null && !isReturning;
  }

  get hasTrack(): boolean {
    return this.pair.current !== null || this.pair.next !== null;
  }

  /** When an opening that no call asked for is allowed. */
  get allowedMs(): number {
    return this.#requests.allowedMs(this.#clock.nowMs);
  }

  /** When `runDue` has something to do; Infinity: not by time. */
  get dueMs(): number {
    const { next, connectedAtMs } = this.pair;
    const due = next === null ? Infinity : connectedAtMs + HEARD_PATIENCE_MS;
    return Math.min(due, this.#openDueMs());
  }

  runDue(): void {
    const { nowMs } = this.#clock;
    const { next, connectedAtMs } = this.pair;
    if (next !== null && nowMs >= connectedAtMs + HEARD_PATIENCE_MS) this.heard(next.request);
    const pursuit = this.#pursuit;
    if (pursuit !== null && pursuit.request !== null && nowMs >= this.#openDueMs()) {
      this.#skip(pursuit, 'TimeoutError');
    }
    this.#advance();
  }

  begin(pursuit: Pursuit): void {
    this.supersede('superseded');
    this.#pursuit = pursuit;
    this.#advance();
  }

  /** Ends the pursuit; a track that it has connected is let go. */
  supersede(reason: string): void {
    const pursuit = this.#pursuit;
    if (pursuit === null) return;
    this.#pursuit = null;
    this.pair.dropNext(this.#clock.nowMs);
    if (pursuit.call !== null) {
      this.#listener.push({ type: 'failed', call: pursuit.call, reason });
    }
  }

  opened(track: OpenedTrack): void {
    const { request } = track;
    const opening = this.#requests.answer(request);
    if (opening !== undefined) this.#permission.opened();
    if (opening === undefined || !this.#canUse(opening)) {
      this.#stop(request);
      return this.#advance();
    }
    const pursuit = (this.#pursuit ??= new Pursuit('find', [opening.deviceId], 'ended'));
    pursuit.request = null;
    const { current } = this.pair;
    // Muted by the system, and nobody asked for this very device; or not a microphone.
    const isMuted = track.muted && pursuit.kind !== 'use' && current !== null;
    this.#opensOne ||= pursuit.letGo !== undefined;
    if (isMuted || this.#devices.refuses(track, opening.deviceId)) {
      this.#stop(request);
      pursuit.skip(isMuted ? 'NotReadableError' : 'NotFoundError');
      return this.#advance();
    }
    const next = new LifeTrack(track, opening.deviceId, this.#clock.nowMs);
    if (current !== null && next.isLike(current)) {
      next.acceptedKey = current.acceptedKey;
      if (pursuit.isProof) this.#devices.accept(next);
    }
    this.#devices.look(next);
    this.pair.connect(next, this.#clock.nowMs);
    if (!this.#devices.hasLabelOf(next)) this.#listener.push({ type: 'enumerate' });
  }

  refused(request: number, name: string): void {
    const opening = this.#requests.answer(request);
    if (opening === undefined) return;
    this.#permission.refused(name, opening.wasHidden && !this.#isVisible);
    const pursuit = this.#pursuit;
    if (pursuit === null) return;
    if (pursuit.request === request) return this.#skip(pursuit, name);
    // One that was superseded. If its prompt was refused, the next is not to open another one.
    const isWaiting = pursuit.request === null && !this.isConnecting;
    if (isWaiting && isFinal(name)) pursuit.giveUp(name);
    this.#advance();
  }

  /** The audio thread hears a track. */
  heard(request: number): void {
    const { pair } = this;
    const { next, current, connectedAtMs, isReturning } = pair;
    if (next === null || next.request !== request) return;
    const { nowMs } = this.#clock;
    if (current !== null && !isReturning) this.#giveBack(current);
    pair.promote(nowMs);
    const pursuit = isReturning ? null : this.#pursuit;
    if (pursuit !== null) this.#pursuit = null;
    const isLike = current !== null && next.isLike(current);
    this.#listener.acquired({
      track: next,
      pursuit,
      isQuick: nowMs - connectedAtMs < AUDIBLE_MS,
      isSame: pursuit !== null && (isLike || pursuit.kind === 'refresh'),
    });
  }

  /** The connected track, which is not in use yet, is gone. */
  nextGone(): void {
    this.pair.dropNext(this.#clock.nowMs);
    this.#pursuit?.skip('AbortError');
    this.#advance();
  }

  /** A device that lasted gives its opening back. @returns whether it did */
  #giveBack(track: LifeTrack): boolean {
    const hasLasted = track.hasLasted(this.#clock.nowMs);
    if (hasLasted) this.#requests.giveBack();
    return hasLasted;
  }

  /** The track in use is gone. @returns whether its device had lasted */
  currentGone(track: LifeTrack, cause: Pursuit['cause']): boolean {
    const hasLasted = this.#giveBack(track);
    this.pair.dropCurrent(cause);
    if (this.#pursuit !== null) this.#pursuit.hasLost = true;
    return hasLasted;
  }

  /** Opens the next device of the pursuit, if it is time. */
  #advance(): void {
    const pursuit = this.#pursuit;
    if (pursuit === null || pursuit.request !== null || this.isConnecting) return;
    if (this.#permission.isUnavailable) pursuit.giveUp('unavailable');
    else if (this.#permission.isRefused) pursuit.giveUp('NotAllowedError');
    const [deviceId] = pursuit.devices;
    if (deviceId === undefined) {
      this.#pursuit = null;
      return this.#listener.failed(pursuit);
    }
    const { nowMs } = this.#clock;
    const mayPrompt = this.#permission.now(this.hasTrack) !== 'granted';
    if (!this.#requests.mayOpen(nowMs, mayPrompt)) return;
    const { request } = this.#requests.begin(deviceId, nowMs, !this.#isVisible);
    pursuit.request = request;
    this.#listener.push({ type: 'open', request, deviceId });
  }

  /** Whether an opened track is of use: it was asked for last, or answers late what is still wanted. */
  #canUse({ request, deviceId }: OpenRequest): boolean {
    if (this.isConnecting) return false;
    const pursuit = this.#pursuit;
    if (pursuit !== null && pursuit.request === request) return true;
    if (pursuit !== null && pursuit.kind !== 'refresh' && pursuit.devices[0] === deviceId) {
      return true;
    }
    const isLooking = pursuit === null || pursuit.kind === 'find';
    return isLooking && this.pair.current === null && this.#listener.isWanted(deviceId);
  }

  /** The device that was asked for does not open. */
  #skip(pursuit: Pursuit, name: string): void {
    pursuit.request = null;
    const { current } = this.pair;
    const refusal = refusalOf(name);
    const isTaken = refusal === 'busy' && name !== 'TimeoutError';
    if (isFinal(name) || refusal === 'inactive') pursuit.giveUp(name);
    else if (isTaken && pursuit.mayLetGo && current !== null) {
      // The same again, without the one in use.
      pursuit.hasLost = true;
      pursuit.letGo = this.#devices.idOf(current);
      this.pair.dropCurrent(pursuit.cause);
      this.#listener.letGo();
    } else pursuit.skip(name);
    this.#advance();
  }

  /** When an answer to the pursuit's opening, or a place for it, is due; Infinity: it may take its time. */
  #openDueMs(): number {
    const pursuit = this.#pursuit;
    if (pursuit === null || this.isConnecting || !this.#isVisible) return Infinity;
    // A prompt takes as long as the user does, and some engines wait until the page is seen.
    if (this.#permission.now(this.hasTrack) !== 'granted') return Infinity;
    const { request } = pursuit;
    if (request === null) return this.#requests.forgottenMs(this.#clock.nowMs);
    return Math.max(this.#requests.sinceMs(request), this.#patientFromMs) + OPEN_PATIENCE_MS;
  }

  #stop(request: number): void {
    this.#listener.push({ type: 'stop', request });
  }
}
