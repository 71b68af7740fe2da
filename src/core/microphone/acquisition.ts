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

/** After this time a connected track that is not heard counts as heard: it is silent, or the context is suspended. */
const HEARD_PATIENCE_MS = 3000;
/** After this time, an unanswered request to open a device has failed, unless a prompt may be open. */
const OPEN_PATIENCE_MS = 20_000;
/** A track that is heard within this time of its connection gives audio: the audio thread takes a silent one later. */
const AUDIBLE_MS = 900;

/** A track that has come into use. */
export interface Acquired {
  readonly track: LifeTrack;
  /** The pursuit that put it into use; null: it was connected again. */
  readonly pursuit: Pursuit | null;
  /** Whether it gave audio at once. */
  readonly isQuick: boolean;
  /** Whether it is another track of the device that was in use before. */
  readonly isSame: boolean;
}

/** Listens to an {@link Acquisition}. */
export interface AcquisitionListener {
  push(action: LifeAction): void;
  /** Returns whether a track of this device id is still useful if it opens too late. */
  isWanted(deviceId: DeviceId): boolean;
  acquired(acquired: Acquired): void;
  /** No device of the pursuit opens. */
  failed(pursuit: Pursuit): void;
  /** The track in use was released: perhaps the system opens only one. */
  letGo(): void;
}

/**
 * Puts tracks into use: opens the devices of a pursuit one after the other, takes answers when they come, connects a track beside
 * the one in use, and releases that one when the next is heard. Stops tracks that nobody needs.
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

  /** Restarts the wait for an answer, which may have waited for the user until now. */
  restartPatience(): void {
    this.#patientFromMs = this.#clock.nowMs;
  }

  /** Whether the system has turned out to open only one device at a time. */
  get opensOne(): boolean {
    return this.#opensOne;
  }

  /** Whether a track is connected that is not in use yet. */
  get isConnecting(): boolean {
    const { next, isReturning } = this.pair;
    return next !== null && !isReturning;
  }

  get hasTrack(): boolean {
    return this.pair.current !== null || this.pair.next !== null;
  }

  /** When a device may be opened that no call asked for. */
  get allowedMs(): number {
    return this.#requests.allowedMs(this.#clock.nowMs);
  }

  /** When `runDue` has something to do; Infinity: at no time. */
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

  /** Ends the pursuit and releases the track that it has connected. */
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
    // Muted by the system, and no call asked for this very device; or not a microphone.
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
    // A superseded request. If its prompt was refused, the next request must not open another prompt.
    const isWaiting = pursuit.request === null && !this.isConnecting;
    if (isWaiting && isFinal(name)) pursuit.giveUp(name);
    this.#advance();
  }

  /** Called when the audio thread hears a track. */
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

  /** Called when the connected track, which is not in use yet, is gone. */
  nextGone(): void {
    this.pair.dropNext(this.#clock.nowMs);
    this.#pursuit?.skip('AbortError');
    this.#advance();
  }

  /** Takes back the count of the request for a track whose device lasted. @returns whether it lasted */
  #giveBack(track: LifeTrack): boolean {
    const hasLasted = track.hasLasted(this.#clock.nowMs);
    if (hasLasted) this.#requests.giveBack();
    return hasLasted;
  }

  /** Called when the track in use is gone. @returns whether its device had lasted */
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

  /** Returns whether an opened track is useful: it was requested last, or its late request is still wanted. */
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

  /** Called when the requested device does not open. */
  #skip(pursuit: Pursuit, name: string): void {
    pursuit.request = null;
    const { current } = this.pair;
    const refusal = refusalOf(name);
    const isTaken = refusal === 'busy' && name !== 'TimeoutError';
    if (isFinal(name) || refusal === 'inactive') pursuit.giveUp(name);
    else if (isTaken && pursuit.mayLetGo && current !== null) {
      // Try the same device again, without the track in use.
      pursuit.hasLost = true;
      pursuit.letGo = this.#devices.idOf(current);
      this.pair.dropCurrent(pursuit.cause);
      this.#listener.letGo();
    } else pursuit.skip(name);
    this.#advance();
  }

  /** Returns when an answer to the pursuit's request, or room for the request, is due; Infinity: there is no limit. */
  #openDueMs(): number {
    const pursuit = this.#pursuit;
    if (pursuit === null || this.isConnecting || !this.#isVisible) return Infinity;
    // A prompt takes as long as the user does, and some engines wait until the page is visible.
    if (this.#permission.now(this.hasTrack) !== 'granted') return Infinity;
    const { request } = pursuit;
    if (request === null) return this.#requests.forgottenMs(this.#clock.nowMs);
    return Math.max(this.#requests.sinceMs(request), this.#patientFromMs) + OPEN_PATIENCE_MS;
  }

  #stop(request: number): void {
    this.#listener.push({ type: 'stop', request });
  }
}
