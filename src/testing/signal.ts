import { describe } from '../core/arguments.ts';
import { typedArrayName } from '../core/playout/playout-data.ts';

/** The part of an `AudioBuffer` that a test reads. */
export interface AudioBufferLike {
  readonly numberOfChannels: number;
  getChannelData(channel: number): Float32Array;
}

/**
 * Audio that a matcher accepts: one channel, several channels, an object with `channels` (such as the result of `renderOffline`),
 * or an `AudioBuffer`.
 */
export type Signal =
  | Float32Array
  | readonly Float32Array[]
  | { readonly channels: readonly Float32Array[] }
  | AudioBufferLike;

/**
 * Returns the channels of a signal.
 *
 * @throws TypeError for anything else, or channels of different lengths
 */
export function channelsOf(name: string, signal: unknown): readonly Float32Array[] {
  const channels = listChannels(signal);
  if (!channels?.every((channel) => isFloats(channel))) {
    throw new TypeError(
      `${name} must be a Float32Array, an array of them, an object with channels or an AudioBuffer, got ${describe(signal)}.`,
    );
  }
  const lengths = new Set(channels.map(({ length }) => length));
  if (lengths.size > 1) {
    throw new TypeError(
      `${name} has channels of different lengths: ${channels.map(({ length }) => length).join(', ')}.`,
    );
  }
  return channels as readonly Float32Array[];
}

/** Does not use `instanceof`: test runners run files in separate realms. */
function isFloats(value: unknown): value is Float32Array {
  return typedArrayName(value) === 'Float32Array';
}

function listChannels(signal: unknown): readonly unknown[] | undefined {
  if (isFloats(signal)) return [signal];
  if (Array.isArray(signal)) return signal as readonly unknown[];
  if (typeof signal !== 'object' || signal === null) return undefined;
  const { channels } = signal as { readonly channels?: unknown };
  if (Array.isArray(channels)) return channels as readonly unknown[];
  const buffer = signal as Partial<AudioBufferLike>;
  if (typeof buffer.getChannelData !== 'function') return undefined;
  return Array.from({ length: buffer.numberOfChannels ?? 0 }, (_, channel) =>
    buffer.getChannelData!(channel),
  );
}

/** Formats an amplitude as a level, for a message: `-12.3 dBFS`. */
export function dbfs(amplitude: number): string {
  if (!Number.isFinite(amplitude)) return String(amplitude);
  return amplitude === 0 ? '-Infinity dBFS' : `${(20 * Math.log10(amplitude)).toFixed(1)} dBFS`;
}

/** Returns the amplitude of a level in dB. */
export function amplitudeOf(db: number): number {
  return 10 ** (db / 20);
}
