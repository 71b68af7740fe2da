/** Returns `navigator.mediaDevices`; undefined where the page is not a secure context (Media Capture §9.1), and outside pages. */
export function mediaDevices(): MediaDevices | undefined {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.mediaDevices;
}

/** An audio device, as described by `MediaDeviceInfo`. `label` is empty until the page may use the device. */
interface AudioDevice {
  readonly deviceId: string;
  readonly groupId: string;
  readonly label: string;
}

/** Lists the system's devices of one kind. @throws what `enumerateDevices` throws */
export async function listDevices(wanted: 'audioinput' | 'audiooutput'): Promise<AudioDevice[]> {
  const devices = (await mediaDevices()?.enumerateDevices()) ?? [];
  return devices
    .filter(({ kind }) => kind === wanted)
    .map(({ deviceId, groupId, label }) => ({ deviceId, groupId, label }));
}
