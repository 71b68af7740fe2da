import { describe } from './arguments.ts';

/**
 * Every option that an interface has. The compiler checks that no name is missing or superfluous:
 * `const NAMES = { sampleRate: 1, channels: 1 } satisfies OptionNames<SomeOptions>`.
 */
export type OptionNames<Options> = Readonly<Record<keyof Options, 1>>;

/**
 * Checks that options are an object with known names only. Left out of worklets: see `scripts/bundle-worklet.mjs`.
 *
 * @param owner what takes the options, for the message: `'Playout'`
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

/** A shorter name than this resembles too many others. */
const LONG_NAME = 5;
/** A shorter name than this resembles too many others if two letters may differ. */
const VERY_LONG_NAME = 8;

/** Removes what plurals and other naming styles add to a name. */
const plainName = (name: string): string =>
  name.toLowerCase().replaceAll('_', '').replace(/s$/, '');

/**
 * Like {@link checkOptions}, for an object that may have other members, such as a packet where a stream is expected. Refuses
 * only names that resemble a known one.
 *
 * @throws TypeError
 */
export function checkSpelling(owner: string, options: object, names: object): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const meant = nearestName(name, names);
    if (meant === undefined || meant.length < LONG_NAME) continue;
    // In an object that also has the right name, `channel` and `sample_rate` are the app's own.
    if (Object.hasOwn(options, meant) && plainName(name) === plainName(meant)) continue;
    if (meant.length < VERY_LONG_NAME && editsBetween(name, meant) > 1) continue;
    throw new TypeError(`${owner} has no option '${name}'. Did you mean '${meant}'?`);
  }
}

/** Returns the known name that a name resembles, if there is one. */
function nearestName(name: string, names: object): string | undefined {
  const nearest = Object.keys(names)
    .map((other) => ({ other, edits: editsBetween(name.toLowerCase(), other.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)[0];
  return nearest !== undefined && nearest.edits <= 2 ? nearest.other : undefined;
}

/**
 * Checks that an argument is a context, and not the source or the options.
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
 * Checks that a value is an object with certain members.
 *
 * @param what for the message: `'buffer must be a JitterBuffer'`
 * @throws TypeError
 */
export function checkObject(what: string, value: unknown, ...members: readonly string[]): void {
  const isObject = typeof value === 'object' && value !== null;
  if (isObject && members.every((member) => member in value)) return;
  throw new TypeError(`${what}, got ${describe(value)}.`);
}

/** Checks that messages can be posted to an argument. @throws TypeError */
export function checkWorker(owner: string, worker: unknown): void {
  checkObject(
    `${owner}: the first argument must be a Worker or a MessagePort`,
    worker,
    'postMessage',
  );
}

/**
 * Checks that a value is bytes. In worklets only the value is left of this call, as with every check here.
 *
 * @returns the bytes
 * @throws TypeError
 */
export function checkBytes(name: string, value: Uint8Array): Uint8Array {
  // By form, not by class: bytes may come from another realm.
  if (typeof value === 'object' && value !== null && 'subarray' in value) return value;
  throw new TypeError(`${name} must be a Uint8Array, got ${describe(value)}.`);
}

/** Checks that a value is text. @throws TypeError */
export function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string') {
    throw new TypeError(`${name} must be a string, got ${describe(value)}.`);
  }
}

/** Counts the insertions, deletions and replacements from one word to another (Levenshtein). */
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
