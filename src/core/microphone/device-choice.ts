import type { InputDevice, ReacquirePolicy } from './life-messages.ts';

/** Ids of Chromium's entries that represent other devices. */
const ALIASES: ReadonlySet<string> = new Set(['default', 'communications']);

/** A device as named by a call: null is the default. */
export type DeviceId = string | null;

/** Returns the id, or null for `''` and `'default'`, which also name the default. */
export function deviceIdOf(deviceId: DeviceId): DeviceId {
  return deviceId === '' || deviceId === 'default' ? null : deviceId;
}

/** Returns whether the list is reliable: without permission, engines leave ids empty or list one device of several. */
function hasIds(devices: readonly InputDevice[]): boolean {
  return devices.length > 0 && devices.every(({ deviceId }) => deviceId !== '');
}

/** Returns whether no device with this id is present. Without ids that is unknown. */
export function isAbsent(deviceId: string, devices: readonly InputDevice[]): boolean {
  return hasIds(devices) && !devices.some((device) => device.deviceId === deviceId);
}

/**
 * Finds the same device in a list: by id, then by label and group. If a group is unknown, by a label that occurs only once: two
 * devices of the same model have the same label.
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

/** Returns a track's device as in the list, or as in the track if the list's entry may now represent another device. */
export function listedDevice(device: InputDevice, devices: readonly InputDevice[]): InputDevice {
  if (ALIASES.has(device.deviceId)) return device;
  const listed = devices.find(({ deviceId }) => deviceId === device.deviceId);
  return listed === undefined || listed.label === '' ? device : listed;
}

/** Returns whether a label is PulseAudio's name for what an output plays, which Firefox lists as an input. */
export function isMonitor(label: string): boolean {
  return label.startsWith('Monitor of ');
}

/**
 * Returns what to open as the default; null for the default itself. If the system has no default, Firefox takes the monitor of an
 * output for it, and an app would hear itself.
 */
export function defaultDevice(devices: readonly InputDevice[]): DeviceId {
  const first = namesDefault(devices) ? undefined : devices[0];
  if (first === undefined || !isMonitor(first.label)) return null;
  return devices.find(({ label }) => !isMonitor(label))?.deviceId ?? null;
}

/**
 * Returns the devices to try, in order, when nothing is open.
 *
 * @param wanted the requested device, as far as is known; null: the default
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
 * Returns the system's default device. Chromium lists it under the id `'default'`, with the group and the label of the device
 * that it represents. Other engines list the default first (Media Capture and Streams §9.2.1).
 */
function defaultEntry(devices: readonly InputDevice[]): InputDevice | null {
  const entry = devices.find(({ deviceId }) => deviceId === 'default');
  return entry ?? (hasIds(devices) ? devices[0]! : null);
}

/** Returns a key that changes with the default device. */
export function defaultKey(devices: readonly InputDevice[]): string {
  const entry = defaultEntry(devices);
  return entry === null ? '' : JSON.stringify([entry.deviceId, entry.groupId, entry.label]);
}

/** Returns whether a track that was opened as the default is still that of the default device. */
export function isOfDefault(track: InputDevice, devices: readonly InputDevice[]): boolean {
  const entry = defaultEntry(devices);
  if (entry === null) return true;
  if (entry.deviceId !== 'default') return track.deviceId === entry.deviceId;
  if (track.groupId !== '' && entry.groupId !== '' && track.groupId !== entry.groupId) return false;
  // "Default - Label", in the browser's language.
  return track.label === '' || entry.label.endsWith(track.label);
}

/** Returns whether the engine says which device is the default, and opens that one if asked for the default. */
export function namesDefault(devices: readonly InputDevice[]): boolean {
  return devices.some(({ deviceId }) => deviceId === 'default');
}

/** Counts the devices, without the entries that represent other ones. */
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
