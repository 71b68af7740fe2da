import type { Clause } from './clauses.ts';
import { MEDIA_CAPTURE } from './clauses.ts';

/** What a track says of itself, as the browser's own dictionaries. */
export interface TrackWords {
  /** `getSettings()` */
  readonly settings: object;
  /** `getCapabilities()`; null where the browser has no such method. */
  readonly capabilities: object | null;
  /** `getConstraints()` */
  readonly constraints: object;
}

/** A member of these dictionaries. */
export interface TrackMember {
  readonly name: string;
  /** Empty where the track does not have it. */
  readonly setting: string;
  readonly capability: string;
  readonly constraint: string;
  readonly meaning: string;
  /** null: no standard has the member. */
  readonly clause: Clause | null;
}

const EXTENSIONS = 'https://w3c.github.io/mediacapture-extensions/';

const MEANINGS: Readonly<Record<string, string>> = {
  deviceId:
    'Which device it is. Another site gets another id for the same device, so that it cannot be used to track anyone.',
  groupId: 'The same for the microphone and the loudspeaker of one headset or one screen.',
  echoCancellation:
    'Whether the browser removes the loudspeaker’s audio from the microphone’s. “all” and “remote-only” say how much of it.',
  autoGainControl: 'Whether quiet voices are made louder, and loud ones quieter.',
  noiseSuppression: 'Whether noise is removed. Music counts as noise, too.',
  sampleRate: 'Samples per second and channel, in Hz.',
  sampleSize: 'Bits of a sample.',
  latency: 'Seconds from the audio in the world to the consumer: a target, not a measurement.',
  channelCount: 'Samples per frame: 1 is mono, 2 is stereo.',
};
const ORDER = Object.keys(MEANINGS);
/** Ids are longer, and their ends carry no meaning. */
const LONGEST_TEXT = 24;
/** In an extension of the standard. */
const VOICE_ISOLATION = 'Whether everything but the voice nearest to the device is removed.';

/** Lists every member that one of the three has: those of the standard first, each explained. */
export function trackMembers({
  settings,
  capabilities,
  constraints,
}: TrackWords): readonly TrackMember[] {
  const all = [settings, capabilities ?? {}, constraints];
  const names = [...new Set(all.flatMap((words) => Object.keys(words)))];
  const placeOf = (name: string): number => {
    const place = ORDER.indexOf(name);
    return place < 0 ? ORDER.length : place;
  };
  return names
    .toSorted((a, b) => placeOf(a) - placeOf(b) || (a < b ? -1 : 1))
    .map((name) => ({
      name,
      setting: valueOf(settings, name),
      capability: valueOf(capabilities ?? {}, name),
      constraint: valueOf(constraints, name),
      ...explained(name),
    }));
}

function explained(name: string): Pick<TrackMember, 'meaning' | 'clause'> {
  const meaning = MEANINGS[name];
  if (meaning !== undefined) {
    const url = `${MEDIA_CAPTURE}#def-constraint-${name}`;
    return { meaning, clause: { label: `Media Capture: ${name}`, url } };
  }
  if (name === 'voiceIsolation') {
    const url = `${EXTENSIONS}#voiceisolation-constraint`;
    return { meaning: VOICE_ISOLATION, clause: { label: 'Media Capture Extensions', url } };
  }
  return { meaning: 'Not in the standard: this browser’s own.', clause: null };
}

function valueOf(words: object, name: string): string {
  return textOf((words as Readonly<Record<string, unknown>>)[name]);
}

/** A value as people read it: a list by commas, a range from its least to its greatest. */
function textOf(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string' && value.length > LONGEST_TEXT) {
    return `${value.slice(0, LONGEST_TEXT / 2)}…`;
  }
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  if (typeof value !== 'object' || value === null) return `${value as string | number | boolean}`;
  const { min, max, ...rest } = value as Readonly<Record<string, unknown>>;
  const words = Object.entries(rest).map(([key, one]) => `${key}: ${textOf(one)}`);
  if (min !== undefined && max !== undefined) {
    words.unshift(min === max ? textOf(min) : `${textOf(min)} to ${textOf(max)}`);
  } else if (min !== undefined) words.unshift(`from ${textOf(min)}`);
  else if (max !== undefined) words.unshift(`up to ${textOf(max)}`);
  return words.join(', ');
}

/** What a track says of itself before there is one: a headset, as Chromium has it. */
export const EXAMPLE_TRACK: TrackWords = {
  settings: {
    deviceId: '7a3f…',
    groupId: 'c41d…',
    echoCancellation: true,
    autoGainControl: true,
    noiseSuppression: true,
    sampleRate: 48_000,
    sampleSize: 16,
    latency: 0.01,
    channelCount: 1,
  },
  capabilities: {
    deviceId: '7a3f…',
    groupId: 'c41d…',
    echoCancellation: [true, false],
    autoGainControl: [true, false],
    noiseSuppression: [true, false],
    sampleRate: { min: 44_100, max: 48_000 },
    sampleSize: { min: 16, max: 16 },
    latency: { min: 0.01, max: 0.02 },
    channelCount: { min: 1, max: 2 },
  },
  constraints: { deviceId: { exact: '7a3f…' }, echoCancellation: true },
};
