import { isOfDefault } from './device-choice.ts';
import type { DeviceId } from './device-choice.ts';
import type { InputDevice, OpenedTrack } from './life-messages.ts';

/** A device that was in use for so long works. */
const STABLE_MS = 2000;

/** A track that is in use, or about to be. */
export class LifeTrack {
  readonly request: number;
  /** What was asked for; null: the default. */
  readonly asked: DeviceId;
  /** By the track's settings. */
  readonly device: InputDevice;
  /** Since when the system has muted the track; null: it has not. */
  mutedAtMs: number | null;
  /** The system has muted it for too long: its audio counts as missing. */
  givenUp = false;
  /** Since when it is in use. */
  heardAtMs = 0;
  /** It was in a list of devices: from then on its absence means something. */
  #wasListed = false;
  /** The default that this track does not seem to be of, though opening the default gave it twice. */
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

  /** Whether its device has proved to work: failures before it do not count any more. */
  hasLasted(nowMs: number): boolean {
    return nowMs - this.heardAtMs >= STABLE_MS;
  }

  /** Whether it is of the device of this id. */
  isOf(deviceId: string): boolean {
    return this.asked === deviceId || this.device.deviceId === deviceId;
  }

  /** Whether both are of the same device. */
  isLike({ device, asked }: LifeTrack): boolean {
    const { deviceId, groupId, label } = this.device;
    return (
      asked === this.asked &&
      deviceId === device.deviceId &&
      groupId === device.groupId &&
      label === device.label
    );
  }

  /** Takes note of a list. @returns whether the device has vanished from it */
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
    // Engines that withhold the devices list one of them, without an id.
    const withheld = devices.length > 0 && devices.every((device) => device.deviceId === '');
    if (withheld || !this.#wasListed) return false;
    return deviceId !== 'default' || groupId !== '' || devices.length === 0;
  }

  /** Whether it was opened as the default, and is of the default. */
  isDefault(devices: readonly InputDevice[]): boolean {
    return this.asked === null && devices.length > 0 && isOfDefault(this.device, devices);
  }

  /** Whether the default was asked for and, by the list, is another device. */
  hasLostDefault(devices: readonly InputDevice[], key: string): boolean {
    return this.asked === null && !isOfDefault(this.device, devices) && key !== this.acceptedKey;
  }
}
