import { describe, describeOutside } from '../../arguments.ts';
import { PacketError } from '../../errors.ts';
import { bytesPerFrame } from '../../format/stream-format.ts';
import type { StreamFormat } from '../../format/stream-format.ts';
import type { JsonFields } from '../../framing/json-object.ts';
import type { ServiceConnection, ServiceEvent } from '../service.ts';
import { base64Of, need, objectOf, readJson, textOf } from './json-fields.ts';
import { messageConnection } from './message-connection.ts';
import type { RequestEncoders } from './message-connection.ts';
import type { ServiceDefaults } from './service-base.ts';

/*
 * What services have in common that carry a telephone call. The telephone system connects to the app's server, plays what the
 * session sends into the call, and sends what the caller says.
 */

/**
 * The usual members of such a service. Nothing is sent twice, since a person would hear it twice; silence need not be sent; and a
 * call whose connection is lost is over.
 */
export const CALL: Partial<ServiceDefaults> = {
  overlapMs: 0,
  muteAs: 'nothing',
  afterClose: () => 'stop',
};

/** Names what the caller says. A service has one for all of its connections. */
export class CallerNames {
  #count = 0;

  /** The name for the next connection: `caller-1`, `caller-2` and so forth. */
  next(): string {
    return `caller-${++this.#count}`;
  }
}

/** Most marks that a connection waits for. The oldest gives way. */
const MAX_MARKS = 1024;

/**
 * Marks on their way through a telephone system. Each gets a number, so that a mark that was cleared, which some systems send back
 * as if it had been heard, is not taken for a later one of the same name. A connection has one.
 */
export class SentMarks {
  #count = 0;
  readonly #names = new Map<string, string>();

  /**
   * A mark is being sent.
   * @param label what the name on the wire begins with, for readers of logs
   * @returns its name on the wire
   */
  add(name: string, label: string = name): string {
    const sent = `${label}#${++this.#count}`;
    this.#names.set(sent, name);
    if (this.#names.size > MAX_MARKS) this.#names.delete(this.#names.keys().next().value!);
    return sent;
  }

  /** Marks that were sent so far will not be heard. */
  clear(): void {
    this.#names.clear();
  }

  /** The event of a mark that was heard; none for one that was cleared or never sent. */
  heard(sent: string): readonly ServiceEvent[] {
    const name = this.#names.get(sent);
    if (name === undefined) return [];
    this.#names.delete(sent);
    return [{ type: 'marked', name }];
  }
}

/**
 * Makes a connection whose messages are JSON with an `event`, as those of Twilio are. Messages with media carry nothing else; any
 * other goes to the app as well.
 */
export function mediaStreamConnection(
  requests: RequestEncoders,
  events: (event: string, fields: JsonFields) => readonly ServiceEvent[],
): ServiceConnection {
  const messages = messageConnection({ requests, json: () => [] });
  return {
    encode: (request) => messages.encode(request),
    decode(message) {
      const fields = readJson(message);
      const event = need(textOf(fields, 'event'), 'event');
      const found = events(event, fields);
      return event === 'media' ? found : [...found, { type: 'message', value: fields }];
    },
  };
}

/** Payload of a message with media: what the caller says. Null where it is of another track of the call. @throws PacketError */
export function callerMedia(
  fields: JsonFields,
  stream: StreamFormat,
): Uint8Array<ArrayBuffer> | null {
  const media = need(objectOf(fields, 'media'), 'media');
  if ((textOf(media, 'track') ?? 'inbound') !== 'inbound') return null;
  return wholeFrames(need(base64Of(media, 'payload'), 'media.payload'), stream);
}

/** The event for audio; none for none. */
export function audioEvents(
  item: string,
  bytes: Uint8Array | null,
  more: { readonly lostFrames?: number; readonly stream?: StreamFormat } = {},
): readonly ServiceEvent[] {
  return bytes === null || bytes.length === 0 ? [] : [{ type: 'audio', item, bytes, ...more }];
}

/** Bytes that are whole frames, or a packet. @throws PacketError for others */
export function wholeFrames<Bytes extends Uint8Array>(bytes: Bytes, stream: StreamFormat): Bytes {
  const frame = bytesPerFrame(stream);
  if (frame > 0 && bytes.length % frame !== 0) {
    const got = `got ${bytes.length} bytes`;
    throw new PacketError('bad-field', `audio must be frames of ${frame} bytes, ${got}.`);
  }
  return bytes;
}

/** A whole number in a range, which some systems write as text; undefined where it is missing. @throws PacketError for any other */
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

/** The error of a call with audio that the service was not made for: it would be noise. */
export function wrongFormat(cure: string): ServiceEvent {
  return { type: 'error', code: 'format', message: cure, fatal: true, retry: false };
}

/** Checks a rate that an app has chosen. @throws RangeError unless it is one of `rates` */
export function oneRate(rate: number, rates: readonly number[]): number {
  if (rates.includes(rate)) return rate;
  throw new RangeError(`sampleRate must be one of ${rates.join(', ')}, got ${describe(rate)}.`);
}
