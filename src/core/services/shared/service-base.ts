import { describe, numberIn } from '../../arguments.ts';
import { checkText } from '../../option-names.ts';
import type { OptionNames } from '../../option-names.ts';
import type { StreamFormat } from '../../format/stream-format.ts';
import type { AfterClose, Service, ServiceAddress } from '../service.ts';
import { jsonText } from '../../framing/app-message.ts';
import { isFinalClose } from '../../close-codes.ts';

/** Options that every service has. */
export interface ServiceOptions {
  /** Length of the chunks in ms, from 1 to 1000. @default the service's preferred length */
  readonly chunkDurationMs?: number;
  /**
   * How much of the audio that was handed to a lost connection is sent again, in ms, from 0 to 60000: larger values repeat words,
   * smaller ones lose some.
   * @default 500 for most services; 10000 to 30000 for recognizers, which need less as their text becomes final; 0 if the next
   * connection continues the session
   */
  readonly overlapMs?: number;
  /** Maximum speed of a replay, as a multiple of real time, from 1.1 to 100. @default 2 for most services */
  readonly replaySpeed?: number;
}

/** The names of {@link ServiceOptions}, for `checkOptions`: `{ ...SERVICE_OPTION_NAMES, model: 1 }`. */
export const SERVICE_OPTION_NAMES: OptionNames<ServiceOptions> = {
  chunkDurationMs: 1,
  overlapMs: 1,
  replaySpeed: 1,
};

/** The members of a service that have a usual value. */
export type ServiceDefaults = Omit<Service, 'id' | 'input' | 'output' | 'connect' | 'encoding'>;

const DEFAULTS: ServiceDefaults = {
  transport: 'websocket',
  chunkDurationMs: 20,
  acknowledges: false,
  overlapMs: 500,
  replaySpeed: 2,
  muteAs: 'silence',
  keepAliveMs: 0,
  readyOnOpen: false,
  answersEnd: false,
  address: (url, token) => {
    return serviceAddress(url, token === undefined ? {} : { query: { token } });
  },
  afterClose: (code) => afterClose(code),
};

/**
 * Merges the usual members of a service, its own and the app's options; later ones take precedence.
 * @throws TypeError or RangeError for an option out of its range
 */
export function serviceBase(
  options: ServiceOptions,
  own: Partial<ServiceDefaults> = {},
): ServiceDefaults {
  const base = { ...DEFAULTS, ...(own.acknowledges === true ? { overlapMs: 0 } : {}), ...own };
  const { chunkDurationMs, overlapMs, replaySpeed } = { ...base, ...given(options) };
  return {
    ...base,
    chunkDurationMs: numberIn('chunkDurationMs', chunkDurationMs, 1, 1000),
    overlapMs: numberIn('overlapMs', overlapMs, 0, 60_000),
    replaySpeed: numberIn('replaySpeed', replaySpeed, 1.1, 100),
  };
}

/**
 * Whether to reconnect after a close code: not if the service has refused something, nor after 1000, which means that the session has
 * fulfilled its purpose.
 * @param own codes that this service uses differently
 */
export function afterClose(
  code: number,
  own: Readonly<Record<number, AfterClose>> = {},
): AfterClose {
  return own[code] ?? (isFinalClose(code) ? 'stop' : 'retry');
}

/** Values of a query by name. An array repeats its name; undefined is left out. */
export type QueryValues = Readonly<Record<string, QueryValue | readonly QueryValue[] | undefined>>;
/** A value of a query. */
export type QueryValue = string | number | boolean;

/**
 * Returns the address of a service.
 * @param url `ws:` or `wss:`, with or without a query
 * @param query what to add to the query. Names that are already in the URL keep the URL's value
 * @param protocols subprotocols to offer
 * @throws TypeError for any other URL
 */
export function serviceAddress(
  url: string,
  {
    query = {},
    protocols = [],
  }: {
    readonly query?: QueryValues;
    readonly protocols?: readonly string[];
  },
): ServiceAddress {
  checkText('url', url);
  if (!/^wss?:\/\//i.test(url)) {
    throw new TypeError(`url must begin with wss:// or ws://, got ${describe(url)}.`);
  }
  // A WebSocket's URL must not have a fragment (RFC 6455 §3).
  const bare = url.replace(/#.*$/s, '');
  const start = bare.indexOf('?');
  const present = start < 0 ? '' : bare.slice(start + 1);
  const names = present.split('&').map((pair) => pair.replace(/=.*$/s, ''));
  const added = Object.entries(query)
    .filter(([name]) => !names.includes(encodeURIComponent(name)))
    .flatMap(([name, value]) => {
      const values: readonly QueryValue[] = value === undefined ? [] : [value].flat();
      return values.map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`);
    });
  const path = start < 0 ? bare : bare.slice(0, start);
  const whole = [...(present === '' ? [] : [present]), ...added].join('&');
  return { url: whole === '' ? path : `${path}?${whole}`, protocols };
}

/** Returns a mono stream of 16-bit samples, which most services accept. */
export function mono16(sampleRate: number): StreamFormat<'s16'> {
  return { format: 's16', sampleRate, channels: 1 };
}

/** Checks that options are strings or undefined. @throws TypeError */
export function checkTexts(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) checkText(name, value);
  }
}

/** Settings of a service that an app passes through unchanged; they are merged into the message that configures the service. */
export type ServiceSettings = Readonly<Record<string, unknown>>;

/**
 * Checks settings that an app passes through.
 * @throws TypeError unless they are an object that JSON can represent
 */
export function checkSettings(name: string, value: unknown): ServiceSettings {
  if (value === undefined) return {};
  if (!isPlain(value)) throw new TypeError(`${name} must be an object, got ${describe(value)}.`);
  jsonText(name, value);
  return value;
}

/**
 * Checks settings that an app adds to the query of the address.
 * @throws TypeError unless they are an object of strings, numbers, booleans and arrays of these
 */
export function checkQuery(name: string, value: unknown): QueryValues {
  if (value === undefined) return {};
  if (!isPlain(value)) throw new TypeError(`${name} must be an object, got ${describe(value)}.`);
  for (const [key, given] of Object.entries(value)) {
    for (const one of [given].flat()) {
      if (['string', 'number', 'boolean', 'undefined'].includes(typeof one)) continue;
      const expected = 'a string, a number, a boolean or a list of these';
      throw new TypeError(`${name}.${key} must be ${expected}, got ${describe(one)}.`);
    }
  }
  return value as QueryValues;
}

/** Returns a copy of `settings` with `more` merged into it, object by object; any other value in `more` replaces the one in `settings`. */
export function merged(settings: ServiceSettings, more: ServiceSettings): ServiceSettings {
  const result: Record<string, unknown> = { ...settings };
  for (const [name, value] of Object.entries(more)) {
    const before = result[name];
    result[name] = isPlain(before) && isPlain(value) ? merged(before, value) : value;
  }
  return result;
}

function isPlain(value: unknown): value is ServiceSettings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the options without those that are undefined. */
function given(options: ServiceOptions): ServiceOptions {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}
