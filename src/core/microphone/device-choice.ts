import type { InputDevice, ReacquirePolicy } from './life-messages.ts';

/** Chromium's entries that stand for other ones. */
const ALIASES: ReadonlySet<string> = new Set(['default', 'communications']);

/** A device as a call names it: null is the default. */
export type DeviceId = string | null;

/** `''` and `'default'` name the default, like null. */
export function deviceIdOf(deviceId: DeviceId): DeviceId {
  return deviceId === '' || deviceId === 'default' ? null : deviceId;
}

/** Whether the list can be relied on: before the permission is granted, engines leave ids empty or list one of several. */
function hasIds(devices: readonly InputDevice[]): boolean {
  return devices.length > 0 && devices.every(({ deviceId }) => deviceId !== '');
}

/** Whether a device of this id cannot be there. Without ids nobody knows. */
export function isAbsent(deviceId: string, devices: readonly InputDevice[]): boolean {
  return hasIds(devices) && !devices.some((device) => device.deviceId === deviceId);
}

/** The same device in a list: by id, then by label and group, then by a label that occurs once. */
export function sameDevice(
  { deviceId, groupId, label }: InputDevice,
  devices: readonly InputDevice[],
): InputDevice | null {
  const byId = devices.find((device) => device.deviceId === deviceId);
  if (byId !== undefined) return byId;
  if (label === '') return null;
  const alike = devices.filter(
    (device) => device.label === label && !ALIASES.has(device.deviceId) && device.deviceId !== '',
  );
  const grouped = alike.find((device) => groupId !== '' && device.groupId === groupId);
  if (grouped !== undefined) return grouped;
  return alike.length === 1 ? alike[0]! : null;
}

/** A track's device as the list has it; as the track has it, where the list's entry may stand for another one by now. */
export function listedDevice(device: InputDevice, devices: readonly InputDevice[]): InputDevice {
  if (ALIASES.has(device.deviceId)) return device;
  const listed = devices.find(({ deviceId }) => deviceId === device.deviceId);
  return listed === undefined || listed.label === '' ? device : listed;
}

/**
 * What to open, in order, when nothing is open.
 *
 * @param wanted the device that was asked for, as far as it is known; null: the default
 */
export function candidates(
  wanted: InputDevice | null,
  devices: readonly InputDevice[],
  policy: ReacquirePolicy,
): DeviceId[] {
  if (wanted === null) return [null];
  const same = sameDevice(wanted, devices);
  const first = same?.deviceId ?? (isAbsent(wanted.deviceId, devices) ? null : wanted.deviceId);
  const list: DeviceId[] = first === null ? [] : [first];
  if (policy === 'any') list.push(null);
  return list;
}

/**
 * The system's default device: Chromium lists it under the id `'default'`, with the group and the label of the device it
 * stands for. Other engines list the default first (Media Capture and Streams §9.2.1).
 */
export function defaultEntry(devices: readonly InputDevice[]): InputDevice | null {
  const entry = devices.find(({ deviceId }) => deviceId === 'default');
  return entry ?? (hasIds(devices) ? devices[0]! : null);
}

/** Tells defaults apart. */
export function defaultKey(devices: readonly InputDevice[]): string {
  const entry = defaultEntry(devices);
  return entry === null ? '' : JSON.stringify([entry.deviceId, entry.groupId, entry.label]);
}

/** Whether a track that was opened as the default is of the default. */
export function isOfDefault(track: InputDevice, devices: readonly InputDevice[]): boolean {
  const entry = defaultEntry(devices);
  if (entry === null) return true;
  if (entry.deviceId !== 'default') return track.deviceId === entry.deviceId;
  if (track.groupId !== '' && entry.groupId !== '' && track.groupId !== entry.groupId) return false;
  return track.label === '' || entry.label === '' || track.label === entry.label;
}

/** Whether the engine says which device is the default, and opens that one when asked for the default. */
export function namesDefault(devices: readonly InputDevice[]): boolean {
  return devices.some(({ deviceId }) => deviceId === 'default');
}

/** How many devices there are, without the entries that stand for other ones. */
export function countDevices(devices: readonly InputDevice[]): number {
  return devices.filter(({ deviceId }) => !ALIASES.has(deviceId)).length;
}

export function sameList(a: readonly InputDevice[], b: readonly InputDevice[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ deviceId, groupId, label }, i) => {
      const other = b[i]!;
      return deviceId === other.deviceId && groupId === other.groupId && label === other.label;
    })
  );
}
