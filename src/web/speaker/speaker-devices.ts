import { MicwireError } from '../../core/errors.ts';
import { listDevices, mediaDevices } from '../media-devices.ts';

/** An audio output, as described by `MediaDeviceInfo`. `label` is empty until the page may use the device. */
export interface OutputDevice {
  readonly deviceId: string;
  readonly groupId: string;
  readonly label: string;
}

/** The id of the system's default output, for `setSinkId`. */
export const DEFAULT_SINK = '';

/**
 * Returns the sink id of a device. Chromium's id `'default'` names the same device, but turns its echo canceller off for the
 * context (https://github.com/ricky0123/vad/issues/159), which the empty id does not.
 */
export function sinkOf(deviceId: string | null): string {
  return deviceId === null || deviceId === 'default' ? DEFAULT_SINK : deviceId;
}

/** Lists the outputs that the engine reports; empty where it reports no outputs. */
export async function listOutputs(): Promise<OutputDevice[]> {
  const devices = await listDevices('audiooutput').catch(() => []);
  return devices.filter(({ deviceId }) => deviceId !== '');
}

/**
 * Lets the user choose an output in the browser's own dialog (Audio Output Devices API, `selectAudioOutput`).
 * @throws MicwireError `'unsupported'`, `'permission'`, `'device'`
 */
export async function chooseOutput(deviceId: string | undefined): Promise<OutputDevice> {
  const media = mediaDevices() as (MediaDevices & Partial<SelectsOutput>) | undefined;
  if (media?.selectAudioOutput === undefined) {
    throw new MicwireError(
      'unsupported',
      'This browser has no dialog for outputs. List them with Speaker.devices() after the microphone is allowed.',
    );
  }
  try {
    const chosen = await media.selectAudioOutput(deviceId === undefined ? {} : { deviceId });
    return { deviceId: chosen.deviceId, groupId: chosen.groupId, label: chosen.label };
  } catch (cause) {
    throw sinkError(cause);
  }
}

/** Explains why an output cannot be used. */
export function sinkError(cause: unknown): MicwireError {
  const name = cause instanceof DOMException ? cause.name : '';
  if (name === 'NotFoundError') {
    return new MicwireError(
      'device',
      'The output device is not there. List the devices again with Speaker.devices().',
      { cause },
    );
  }
  if (name === 'NotAllowedError' || name === 'SecurityError' || name === 'InvalidStateError') {
    return new MicwireError(
      'permission',
      'The page may not use this output device. Allow the microphone first, or call Speaker.choose() in a click; an embedded page needs allow="speaker-selection".',
      { cause },
    );
  }
  return new MicwireError('device', 'The output device cannot be used. Choose another one.', {
    cause,
  });
}

/** Calls `changed` when the list of devices may have changed. @returns a function that stops watching */
export function watchOutputs(changed: () => void): () => void {
  const media = mediaDevices();
  media?.addEventListener('devicechange', changed);
  return () => media?.removeEventListener('devicechange', changed);
}

interface SelectsOutput {
  selectAudioOutput(options: { readonly deviceId?: string }): Promise<MediaDeviceInfo>;
}
