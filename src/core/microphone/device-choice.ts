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

/**
 * The same device in a list: by id, then by label and group. Where a group is not known, by a label that occurs once: two
 * devices of the same make have the same label.
 */
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
  const [first] = alike;
  if (first === undefined) return null;
  if (groupId !== '' && first.groupId !== '') {
    return alike.find((device) => device.groupId === groupId) ?? null;
  }
  return alike.length === 1 ? first : null;
}

/** A track's device as the list has it; as the track has it, where the list's entry may stand for another one by now. */
export function listedDevice(device: InputDevice, devices: readonly InputDevice[]): InputDevice {
  if (ALIASES.has(device.deviceId)) return device;
  const listed = devices.find(({ deviceId }) => deviceId === device.deviceId);
  return listed === undefined || listed.label === '' ? device : listed;
}

/** PulseAudio's name for what an output plays: Firefox lists that as an input. */
export function isMonitor(label: string): boolean {
  return label.startsWith('Monitor of ');
}

/**
 * What to open in place of the default: null, for the default itself. Firefox takes the monitor of an output for the default
 * when the system has no other: an app would hear itself.
 */
export function defaultDevice(devices: readonly InputDevice[]): DeviceId {
  const first = namesDefault(devices) ? undefined : devices[0];
  if (first === undefined || !isMonitor(first.label)) return null;
  return devices.find(({ label }) => !isMonitor(label))?.deviceId ?? null;
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
  const list: DeviceId[] = [];
  if (wanted !== null) {
    const same = sameDevice(wanted, devices);
    if (same !== null) list.push(same.deviceId);
    else if (!isAbsent(wanted.deviceId, devices)) list.push(wanted.deviceId);
  }
  if (wanted === null || policy === 'any') list.push(defaultDevice(devices));
  return list;
}

/**
 * The system's default device: Chromium lists it under the id `'default'`, with the group and the label of the device it
 * stands for. Other engines list the default first (Media Capture and Streams §9.2.1).
 */
function defaultEntry(devices: readonly InputDevice[]): InputDevice | null {
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
  // "Default - Label", in the browser's language.
  return track.label === '' || entry.label.endsWith(track.label);
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
