import type { InputDevice } from '../../core/microphone/life-messages.ts';

/** Names that Chromium gives devices that are in the list under their own as well; unnamed ones are nothing to choose. */
const ALIASES: readonly string[] = ['', 'default', 'communications'];

/**
 * The devices that a user can choose, and which of them is in use.
 * @param wanted the device that was chosen; empty: the system's default, whichever it is
 */
export function deviceChoice(
  microphone: { readonly device: InputDevice | null; readonly devices: readonly InputDevice[] },
  wanted: string,
): { readonly devices: readonly InputDevice[]; readonly chosen: string } {
  const devices = microphone.devices.filter(({ deviceId }) => !ALIASES.includes(deviceId));
  // Where the device that was chosen is lost, another is in use.
  const used = wanted === '' ? '' : (microphone.device?.deviceId ?? wanted);
  return { devices, chosen: devices.some(({ deviceId }) => deviceId === used) ? used : '' };
}
