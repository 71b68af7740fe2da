import type { SilenceCause, SilenceKind } from './life-messages.ts';

/** Names of inputs other than microphones: what plays on the machine, or what a program puts in. */
const NO_MICROPHONE =
  /\bmonitor of\b|\.monitor\b|stereo mix|what u hear|loopback|virtual|vb-audio|voicemeeter|blackhole|soundflower|\bcable\b/i;

/** What is known about a silent device. */
export interface SilentDevice {
  readonly kind: SilenceKind;
  /** Of the device, or empty. */
  readonly label: string;
  /** Whether the system has muted the track. */
  readonly muted: boolean;
  /** Whether this device was heard before. */
  readonly wasAudible: boolean;
  /** Devices that could be chosen instead. */
  readonly others: number;
}

/** The likely cause of a silent device: a guess from what a browser tells. */
export function silenceCause(device: SilentDevice): SilenceCause {
  const { kind, label, muted, wasAudible, others } = device;
  if (muted) return 'system';
  if (NO_MICROPHONE.test(label)) return 'wrong-device';
  // A device that was heard and is silent now has been switched off, by its own switch or in the system's settings.
  if (wasAudible) return 'hardware-mute';
  // Never heard: nobody speaks into it, if there is another one.
  if (others > 0) return 'wrong-device';
  // Without a permission of the system's (macOS, Windows, Flatpak), browsers get exact zeros, and only zeros.
  return kind === 'zeros' ? 'system' : 'hardware-mute';
}
