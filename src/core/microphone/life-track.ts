import { isOfDefault } from './device-choice.ts';
import type { DeviceId } from './device-choice.ts';
import type { InputDevice, OpenedTrack } from './life-messages.ts';

/** A device that was in use for this long works. */
const STABLE_MS = 2000;

/** A track that is in use, or about to be. */
export class LifeTrack {
  readonly request: number;
  /** The requested device; null: the default. */
  readonly asked: DeviceId;
  /** The device according to the track's settings. */
  readonly device: InputDevice;
  /** When the system muted the track; null: it is not muted. */
  mutedAtMs: number | null;
  /** Whether the system has muted it for too long: its audio counts as missing. */
  givenUp = false;
  /** When it came into use. */
  heardAtMs = 0;
  /** Whether it was in a list of devices: from then on its absence is meaningful. */
  #wasListed = false;
  /** Key of the default that was accepted for this track, although the list names another device. */
  acceptedKey: string | null = null;

  constructor(
    { request, deviceId, groupId, label, muted }: OpenedTrack,
    asked: DeviceId,
    nowMs: number,
  ) {
    this.request = request;
    this.asked = asked;
    this.device = { deviceId: deviceId || (asked ?? ''), groupId, label };
    this.mutedAtMs = muted ? nowMs : null;
  }

  /** Returns whether its device has proved to work: earlier failures do not count any more. */
  hasLasted(nowMs: number): boolean {
    return nowMs - this.heardAtMs >= STABLE_MS;
  }

  /** Returns whether it comes from the device with this id. */
  isOf(deviceId: string): boolean {
    return this.asked === deviceId || this.device.deviceId === deviceId;
  }

  /** Returns whether both tracks come from the same device. */
  isLike({ device, asked }: LifeTrack): boolean {
    const { deviceId, groupId, label } = this.device;
    return (
      asked === this.asked &&
      deviceId === device.deviceId &&
      groupId === device.groupId &&
      label === device.label
    );
  }

  /** Takes a list. @returns whether the device has vanished from it */
  look(devices: readonly InputDevice[]): boolean {
    const { deviceId, groupId } = this.device;
    if (deviceId === '') return false;
    const listed = devices.some(
      (device) =>
        device.deviceId === deviceId &&
        (deviceId !== 'default' || groupId === '' || device.groupId === groupId),
    );
    const grouped = groupId !== '' && devices.some((device) => device.groupId === groupId);
    if (listed || (deviceId === 'default' && grouped)) {
      this.#wasListed = true;
      return false;
    }
    // Engines that withhold the devices list a single one, without an id.
    const withheld = devices.length > 0 && devices.every((device) => device.deviceId === '');
    if (withheld || !this.#wasListed) return false;
    return deviceId !== 'default' || groupId !== '' || devices.length === 0;
  }

  /** Returns whether it was opened as the default and comes from the default device. */
  isDefault(devices: readonly InputDevice[]): boolean {
    return this.asked === null && devices.length > 0 && isOfDefault(this.device, devices);
  }

  /** Returns whether the default was requested but, according to the list, is another device. */
  hasLostDefault(devices: readonly InputDevice[], key: string): boolean {
    return this.asked === null && !isOfDefault(this.device, devices) && key !== this.acceptedKey;
  }
}
