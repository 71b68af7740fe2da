import {
  candidates,
  defaultDevice,
  defaultKey,
  isMonitor,
  isOfDefault,
  namesDefault,
  sameDevice,
  sameList,
} from './device-choice.ts';
import type { DeviceId } from './device-choice.ts';
import type { InputDevice, OpenedTrack, ReacquirePolicy } from './life-messages.ts';
import type { LifeTrack } from './life-track.ts';

/** Most devices that are remembered after they are gone. */
const MOST_REMEMBERED = 64;

/** Knows the devices, and which of them is wanted. */
export class KnownDevices {
  readonly #policy: ReacquirePolicy;
  #list: readonly InputDevice[] = [];
  #defaultKey = '';
  /** Devices with their labels, including those that are gone: labels identify a device whose id has changed. */
  readonly #remembered = new Map<string, InputDevice>();
  /** Null: the default. */
  #wanted: InputDevice | null = null;
  /**
   * Whether the engine lists the default first: a track that was opened as the default came from that device. Otherwise, and
   * without an entry for the default, the user may have picked any device in the browser's prompt. Null: not known.
   */
  #firstIsDefault: boolean | null = null;
  /** Whether a device was opened that is not the monitor of an output. */
  #hadMicrophone = false;

  constructor(policy: ReacquirePolicy) {
    this.#policy = policy;
  }

  get list(): readonly InputDevice[] {
    return this.#list;
  }

  /** The requested device; null: the default. */
  get wantedId(): DeviceId {
    return this.#wanted?.deviceId ?? null;
  }

  /** @param device the device as described by its track */
  want(deviceId: DeviceId, device: InputDevice | null = null): void {
    if (deviceId === null) this.#wanted = null;
    else {
      const known = this.#remembered.get(deviceId);
      this.#wanted = known ?? {
        deviceId,
        groupId: device?.groupId ?? '',
        label: device?.label ?? '',
      };
    }
  }

  /** Takes a list. @returns whether it differs from the previous one */
  take(devices: readonly InputDevice[]): boolean {
    if (sameList(devices, this.#list)) return false;
    this.#list = devices;
    this.#defaultKey = defaultKey(devices);
    for (const device of devices) {
      if (device.label !== '') this.#remember(device);
    }
    if (this.#wanted !== null) this.want(this.#wanted.deviceId, this.#wanted);
    return true;
  }

  #remember(device: InputDevice): void {
    const remembered = this.#remembered;
    // Newest last.
    remembered.delete(device.deviceId);
    remembered.set(device.deviceId, device);
    if (remembered.size <= MOST_REMEMBERED) return;
    for (const oldest of remembered.keys()) {
      remembered.delete(oldest);
      return;
    }
  }

  /** Compares a track with the list. @returns whether its device has vanished */
  look(track: LifeTrack): boolean {
    if (track.isDefault(this.#list)) this.#firstIsDefault ??= true;
    const wanted = this.#wanted;
    if (wanted !== null && wanted.label === '' && track.asked === wanted.deviceId) {
      this.#wanted = { ...track.device, deviceId: wanted.deviceId };
    }
    if (track.acceptedKey !== this.#defaultKey) track.acceptedKey = null;
    return track.look(this.#list);
  }

  /** Accepts a track's device as the default: the engine keeps opening it, whatever it lists. */
  accept(track: LifeTrack): void {
    track.acceptedKey = this.#defaultKey;
    this.#firstIsDefault = false;
  }

  /** Returns whether the track is the monitor of an output, which the engine has opened because there is no microphone. */
  refuses({ label }: OpenedTrack, asked: DeviceId): boolean {
    if (!isMonitor(label)) {
      this.#hadMicrophone = true;
      return false;
    }
    return asked === null && (this.#wanted !== null || this.#hadMicrophone);
  }

  /** Returns whether the list has the device, with a label. */
  hasLabelOf({ device }: LifeTrack): boolean {
    const listed = sameDevice(device, this.#list);
    return listed !== null && listed.label !== '';
  }

  /** Returns the devices to try, in order, when nothing is open. */
  candidates(): DeviceId[] {
    return candidates(this.#wanted, this.#list, this.#policy);
  }

  /** Returns the devices that suit better than the track's, in order; empty if its device is right. */
  betterThan(track: LifeTrack): readonly DeviceId[] {
    if (this.#policy === 'never') return [];
    const wanted = this.#wanted;
    const same = wanted === null ? null : sameDevice(wanted, this.#list);
    if (same !== null) {
      if (track.isOf(same.deviceId)) return [];
      // It may not open: until it does, the default is right.
      const isFallback = this.#policy === 'any' && this.#isNoDefault(track);
      return isFallback ? [same.deviceId, null] : [same.deviceId];
    }
    const instead = defaultDevice(this.#list);
    if (instead !== null) return track.isOf(instead) ? [] : [instead];
    // A device that replaces the default: it was put back into use by its id, or chosen because the default is a monitor.
    const isInPlace =
      track.asked === null ||
      wanted === null ||
      (this.#policy === 'any' && !track.isOf(wanted.deviceId));
    return isInPlace && this.#isNoDefault(track) ? [null] : [];
  }

  /** Returns whether the track's device is not the default, as far as is known. */
  #isNoDefault(track: LifeTrack): boolean {
    if (track.asked === null) return this.#hasLostDefault(track);
    return !isOfDefault(track.device, this.#list);
  }

  /** Returns whether the track's device is this one. */
  isOf(track: LifeTrack, deviceId: DeviceId): boolean {
    if (deviceId !== null) return track.isOf(deviceId);
    return track.asked === null && !this.#hasLostDefault(track);
  }

  /** Returns how to open the track's device again: by its id if it is not the default any more. */
  idOf(track: LifeTrack): DeviceId {
    if (!this.#hasLostDefault(track)) return track.asked;
    const { deviceId, groupId, label } = track.device;
    if (deviceId !== 'default') return deviceId;
    const device = this.#list.find(
      (other) =>
        other.deviceId !== 'default' && other.groupId === groupId && label.endsWith(other.label),
    );
    return device?.deviceId ?? null;
  }

  /** Returns whether the track was opened as the default and its device is not the default any more. */
  #hasLostDefault(track: LifeTrack): boolean {
    const canTell = this.#firstIsDefault === true || namesDefault(this.#list);
    return canTell && track.hasLostDefault(this.#list, this.#defaultKey);
  }
}
