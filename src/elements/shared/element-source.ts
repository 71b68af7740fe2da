import { describe } from '../../core/arguments.ts';
import type { BankReading, MeterName } from '../../core/metering/meter-table.ts';
import type { LivingSource } from '../../web/capture-source.ts';

/** A source of an element: a node, or a `Microphone`, whose devices may change. */
export type ElementSource = AudioNode | LivingSource;

/** A `Meter` that the app created: an element reads it, and the app closes it. */
export interface RunningMeter {
  readonly node: AudioNode;
  readonly channels: number;
  readonly meters: readonly MeterName[];
  createReading(): BankReading;
  read(out: never): boolean;
  pause(): Promise<void>;
  resume(): Promise<void>;
  reset(): void;
}

/** A source that an element meters: a node, a `Microphone`, or a `Meter` that the app created. */
export type MeterSource = ElementSource | RunningMeter;

/** Returns true if a source is a `Meter`. Checked by shape, not by class: an element's bundle need not contain the class. */
export function isMeter(source: MeterSource): source is RunningMeter {
  return 'createReading' in source;
}

/** Returns the node of a source. */
export function nodeOf(source: MeterSource): AudioNode {
  return 'node' in source ? source.node : source;
}

/**
 * Checks the value that an app sets as `source`. Frameworks set `undefined` when they have no value yet.
 * @param meters the meters that a `Meter` must run; null if a `Meter` is not a valid source
 * @throws TypeError for a value that is not a source, null or undefined
 */
export function checkSource<Source extends MeterSource>(
  owner: string,
  source: Source | null | undefined,
  meters: readonly MeterName[] | null,
): Source | null {
  if (source === null || source === undefined) return null;
  const kinds = `an AudioNode, a Microphone${meters === null ? '' : ', a Meter'} or null`;
  if (typeof source !== 'object' || !isSource(source) || (meters === null && isMeter(source))) {
    throw new TypeError(`${owner}.source must be ${kinds}, got ${describe(source)}.`);
  }
  if (meters === null || !isMeter(source)) return source;
  const missing = meters.filter((name) => !source.meters.includes(name));
  if (missing.length === 0) return source;
  const wanted = meters.map((name) => `'${name}'`).join(', ');
  throw new TypeError(
    `${owner}.source must be a Meter with meters: [${wanted}], got one without '${missing[0]}'.`,
  );
}

function isSource(source: object): boolean {
  if ('node' in source) return 'captureFeed' in source || 'createReading' in source;
  return 'connect' in source && 'context' in source;
}
