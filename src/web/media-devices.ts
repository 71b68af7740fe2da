/** Undefined where the page is not a secure context (Media Capture §9.1), and outside pages. */
export function mediaDevices(): MediaDevices | undefined {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.mediaDevices;
}

/** One audio device, as `MediaDeviceInfo` describes it. `label` is empty until the page may use the device. */
interface AudioDevice {
  readonly deviceId: string;
  readonly groupId: string;
  readonly label: string;
}

/** The system's devices of one kind. @throws what `enumerateDevices` throws */
export async function listDevices(wanted: 'audioinput' | 'audiooutput'): Promise<AudioDevice[]> {
  const devices = (await mediaDevices()?.enumerateDevices()) ?? [];
  return devices
    .filter(({ kind }) => kind === wanted)
    .map(({ deviceId, groupId, label }) => ({ deviceId, groupId, label }));
}
