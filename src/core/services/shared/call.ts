import { describe, describeOutside } from '../../arguments.ts';
import { PacketError } from '../../errors.ts';
import { bytesPerFrame } from '../../format/stream-format.ts';
import type { StreamFormat } from '../../format/stream-format.ts';
import type { JsonFields } from '../../framing/json-object.ts';
import type { ServiceEvent } from '../service.ts';
import { base64Of, need, objectOf, textOf } from './json-fields.ts';
import type { ServiceDefaults } from './service-base.ts';

/*
 * What services for telephone calls have in common. The telephone system connects to the app's server, plays what the session sends
 * into the call, and sends what the caller says.
 */

/**
 * The usual members of such a service. No audio is sent twice, because a person would hear it twice. Silence need not be sent. A call
 * ends when its connection is lost.
 */
export const CALL: Partial<ServiceDefaults> = {
  overlapMs: 0,
  muteAs: 'nothing',
  afterClose: () => 'stop',
};

/** Names the caller's audio. A service has one for all of its connections. */
export class CallerNames {
  #count = 0;

  /** The name for the next connection: `caller-1`, `caller-2` and so on. */
  next(): string {
    return `caller-${++this.#count}`;
  }
}

/** Maximum number of marks that a connection waits for. Beyond it, the oldest is forgotten. */
const MAX_MARKS = 1024;

/**
 * Keeps the marks that a telephone system has not answered yet. Each mark gets a number: some systems send a cleared mark back as if it
 * had been heard, and a later mark may have the same name. A connection has one.
 */
export class SentMarks {
  #count = 0;
  readonly #names = new Map<string, string>();

  /**
   * Registers a mark that is sent.
   * @param label start of the name on the wire, for people who read logs
   * @returns its name on the wire
   */
  add(name: string, label: string = name): string {
    const sent = `${label}#${++this.#count}`;
    this.#names.set(sent, name);
    if (this.#names.size > MAX_MARKS) this.#names.delete(this.#names.keys().next().value!);
    return sent;
  }

  /** Forgets the marks sent so far: they will not be heard. */
  clear(): void {
    this.#names.clear();
  }

  /** Returns the event for a mark that was heard; no event if it was cleared or never sent. */
  heard(sent: string): readonly ServiceEvent[] {
    const name = this.#names.get(sent);
    if (name === undefined) return [];
    this.#names.delete(sent);
    return [{ type: 'marked', name }];
  }
}

/** Returns the caller's audio in a message with media; null for another track of the call. @throws PacketError */
export function callerMedia(
  fields: JsonFields,
  stream: StreamFormat,
): Uint8Array<ArrayBuffer> | null {
  const media = need(objectOf(fields, 'media'), 'media');
  if ((textOf(media, 'track') ?? 'inbound') !== 'inbound') return null;
  return wholeFrames(need(base64Of(media, 'payload'), 'media.payload'), stream);
}

/** Returns the event for audio; no event if there are no bytes. */
export function audioEvents(
  item: string,
  bytes: Uint8Array | null,
  more: { readonly lostFrames?: number; readonly stream?: StreamFormat } = {},
): readonly ServiceEvent[] {
  return bytes === null || bytes.length === 0 ? [] : [{ type: 'audio', item, bytes, ...more }];
}

/** Checks that bytes are whole frames, or a packet. @throws PacketError */
export function wholeFrames<Bytes extends Uint8Array>(bytes: Bytes, stream: StreamFormat): Bytes {
  const frame = bytesPerFrame(stream);
  if (frame > 0 && bytes.length % frame !== 0) {
    const got = `got ${bytes.length} bytes`;
    throw new PacketError('bad-field', `audio must be frames of ${frame} bytes, ${got}.`);
  }
  return bytes;
}

/** Reads an integer in a range, written as a number or as text; undefined if it is missing. @throws PacketError for any other value */
export function wholeNumberOf(
  fields: JsonFields,
  name: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { readonly min?: number; readonly max?: number } = {},
): number | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (Number.isSafeInteger(number) && (number as number) >= min && (number as number) <= max) {
    return number as number;
  }
  throw new PacketError(
    'bad-field',
    `${name} must be a whole number from ${min} to ${max}, got ${describeOutside(value)}.`,
  );
}

/** Creates the error for a call whose format differs from the service's: its audio would be noise. */
export function wrongFormat(cure: string): ServiceEvent {
  return { type: 'error', code: 'format', message: cure, fatal: true, retry: false };
}

/** Checks a sample rate that the app chose. @throws RangeError unless it is one of `rates` */
export function oneRate(rate: number, rates: readonly number[]): number {
  if (rates.includes(rate)) return rate;
  throw new RangeError(`sampleRate must be one of ${rates.join(', ')}, got ${describe(rate)}.`);
}
