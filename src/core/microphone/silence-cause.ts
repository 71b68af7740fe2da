import type { SilenceCause, SilenceKind } from './life-messages.ts';

/** Names of inputs that are not microphones: what the machine plays, or what a program supplies. */
const NO_MICROPHONE =
  /\bmonitor of\b|\.monitor\b|stereo mix|what u hear|loopback|virtual|vb-audio|voicemeeter|blackhole|soundflower|\bcable\b/i;

/** What is known about a silent device. */
export interface SilentDevice {
  readonly kind: SilenceKind;
  /** The device's label, or empty. */
  readonly label: string;
  /** Whether the system has muted the track. */
  readonly muted: boolean;
  /** Whether this device was heard before. */
  readonly wasAudible: boolean;
  /** Number of devices that could be chosen instead. */
  readonly others: number;
}

/** Returns the likely cause of a silent device: a guess from what a browser reports. */
export function silenceCause(device: SilentDevice): SilenceCause {
  const { kind, label, muted, wasAudible, others } = device;
  if (muted) return 'system';
  if (NO_MICROPHONE.test(label)) return 'wrong-device';
  // A device that was heard before and is silent now has been switched off, on the device or in the system's settings.
  if (wasAudible) return 'hardware-mute';
  // Never heard: nobody speaks into it, if there is another one.
  if (others > 0) return 'wrong-device';
  // Without the system's permission (macOS, Windows, Flatpak), browsers get exact zeros.
  return kind === 'zeros' ? 'system' : 'hardware-mute';
}
