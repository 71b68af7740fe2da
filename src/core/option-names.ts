import { describe } from './arguments.ts';

/**
 * Every option that an interface has. The compiler checks that none is missing and none too many:
 * `const NAMES = { sampleRate: 1, channels: 1 } satisfies OptionNames<SomeOptions>`.
 */
export type OptionNames<Options> = Readonly<Record<keyof Options, 1>>;

/**
 * Checks that options are an object that has known names only. In worklets it is left out: see `scripts/bundle-worklet.mjs`.
 *
 * @param owner what takes them, for the message: `'Playout'`
 * @throws TypeError that names what is wrong: "Playout has no option 'sampelRate'. Did you mean 'sampleRate'?"
 */
export function checkOptions(owner: string, options: unknown, names: object): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${owner}: options must be an object, got ${describe(options)}.`);
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const meant = nearestName(name, names);
    const cure =
      meant === undefined
        ? `It has: ${Object.keys(names).join(', ')}.`
        : `Did you mean '${meant}'?`;
    throw new TypeError(`${owner} has no option '${name}'. ${cure}`);
  }
}

/** Below this length, a name resembles too many others; below that one, where two letters differ. */
const LONG_NAME = 5;
const VERY_LONG_NAME = 8;

/** A name without what plurals and other styles add. */
const plainName = (name: string): string =>
  name.toLowerCase().replaceAll('_', '').replace(/s$/, '');

/**
 * As {@link checkOptions}, for an object that may have other members: a packet where a stream is expected. Only a name that
 * resembles a known one is refused.
 *
 * @throws TypeError
 */
export function checkSpelling(owner: string, options: object, names: object): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const meant = nearestName(name, names);
    if (meant === undefined || meant.length < LONG_NAME) continue;
    // In an object that has the right one, too, `channel` and `sample_rate` are names of the app's own.
    if (Object.hasOwn(options, meant) && plainName(name) === plainName(meant)) continue;
    if (meant.length < VERY_LONG_NAME && editsBetween(name, meant) > 1) continue;
    throw new TypeError(`${owner} has no option '${name}'. Did you mean '${meant}'?`);
  }
}

/** The known name that a name was meant to be, if it resembles one. */
function nearestName(name: string, names: object): string | undefined {
  const nearest = Object.keys(names)
    .map((other) => ({ other, edits: editsBetween(name.toLowerCase(), other.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)[0];
  return nearest !== undefined && nearest.edits <= 2 ? nearest.other : undefined;
}

/**
 * Checks that a context comes where one is expected, and not the source or the options.
 *
 * @throws TypeError
 */
export function checkContext(owner: string, context: unknown): void {
  // By form, not by class: libraries wrap contexts.
  const form = context as { readonly sampleRate?: unknown; readonly state?: unknown } | null;
  if (typeof form === 'object' && typeof form?.sampleRate === 'number' && 'state' in form) return;
  throw new TypeError(
    `${owner}: the first argument must be an AudioContext or OfflineAudioContext, got ${describe(context)}.`,
  );
}

/**
 * Checks that an object comes where one is expected that has certain members.
 *
 * @param what for the message: `'buffer must be a JitterBuffer'`
 * @throws TypeError
 */
export function checkObject(what: string, value: unknown, ...members: readonly string[]): void {
  const isObject = typeof value === 'object' && value !== null;
  if (isObject && members.every((member) => member in value)) return;
  throw new TypeError(`${what}, got ${describe(value)}.`);
}

/** Checks that what a method sends its messages to can take them. @throws TypeError */
export function checkWorker(owner: string, worker: unknown): void {
  checkObject(
    `${owner}: the first argument must be a Worker or a MessagePort`,
    worker,
    'postMessage',
  );
}

/**
 * Checks that bytes come where bytes are expected. In worklets only the value is left, as of every check here.
 *
 * @returns the bytes
 * @throws TypeError
 */
export function checkBytes(name: string, value: Uint8Array): Uint8Array {
  // By form, not by class: bytes may come from another realm.
  if (typeof value === 'object' && value !== null && 'subarray' in value) return value;
  throw new TypeError(`${name} must be a Uint8Array, got ${describe(value)}.`);
}

/** Checks that text comes where text is expected. @throws TypeError */
export function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string') {
    throw new TypeError(`${name} must be a string, got ${describe(value)}.`);
  }
}

/** Insertions, deletions, replacements (Levenshtein) from one word to another. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same));
    }
    row = next;
  }
  return row[to.length]!;
}
