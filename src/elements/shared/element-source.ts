import { describe } from '../../core/arguments.ts';
import type { BankReading, MeterName } from '../../core/metering/meter-table.ts';
import type { LivingSource } from '../../web/capture-source.ts';

/** What an element listens to: a node, or a `Microphone`, whose devices may change. */
export type ElementSource = AudioNode | LivingSource;

/** A `Meter` that the app made: an element reads it, and leaves closing to the app. */
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

/** What an element meters: a node, a `Microphone`, or a `Meter` that the app made. */
export type MeterSource = ElementSource | RunningMeter;

/** Whether a source is a `Meter`. By form, not by class: an element's bundle need not contain it. */
export function isMeter(source: MeterSource): source is RunningMeter {
  return 'createReading' in source;
}

/** The node of a source. */
export function nodeOf(source: MeterSource): AudioNode {
  return 'node' in source ? source.node : source;
}

/**
 * Checks what an app sets as `source`. Frameworks set `undefined` where they have nothing yet.
 * @param meters those that a `Meter` must run; null: a `Meter` is no source
 * @throws TypeError for anything but a source, null or undefined
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
