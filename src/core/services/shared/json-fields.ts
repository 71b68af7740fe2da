import { decodeBase64 } from '../../base64/base64.ts';
import { describeOutside } from '../../arguments.ts';
import { utf8Text } from '../../bytes.ts';
import { PacketError } from '../../errors.ts';
import { parseJsonObject } from '../../framing/json-object.ts';
import type { JsonFields } from '../../framing/json-object.ts';

/*
 * Reads the messages of speech services field by field. Some services leave out a field where others write null, so both count as
 * missing here; any other value has the expected type or causes a PacketError.
 */

/** Longest message of a service, in characters or bytes: OpenAI's limit for an event, the largest that any service documents. */
export const MAX_SERVICE_MESSAGE: number = 15 * 2 ** 20;

/** Transcripts with times for each word or character have tens of values per second. */
const LIMITS = { maxLength: MAX_SERVICE_MESSAGE, maxDepth: 32, maxValues: 2 ** 16 };

/**
 * Reads a message that is a JSON object, as text or as bytes in UTF-8.
 * @throws PacketError
 */
export function readJson(message: string | Uint8Array): JsonFields {
  if (typeof message === 'string') return parseJsonObject('a message', message, LIMITS);
  if (message.length > MAX_SERVICE_MESSAGE) {
    throw new PacketError('oversized', `a message may have ${MAX_SERVICE_MESSAGE} bytes.`);
  }
  return parseJsonObject('a message', utf8Text(message), LIMITS);
}

/** Reads a string; undefined if it is missing. @throws PacketError for any other value */
export function textOf(fields: JsonFields, name: string): string | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw badField(name, 'a string', value);
}

/** Longest name that is stored and sent back. */
const MAX_NAME_LENGTH = 256;

/** Reads a short string that is stored, such as an identifier; undefined if it is missing. @throws PacketError for any other value */
export function nameOf(fields: JsonFields, name: string): string | undefined {
  const value = textOf(fields, name);
  if (value === undefined || value.length <= MAX_NAME_LENGTH) return value;
  throw new PacketError(
    'oversized',
    `${name} may have ${MAX_NAME_LENGTH} characters, got ${value.length}.`,
  );
}

/** Reads a finite number; undefined if it is missing. @throws PacketError for any other value */
export function numberOf(fields: JsonFields, name: string): number | undefined {
  const value = fields[name] ?? undefined;
  // JSON.parse turns 1e999 into Infinity.
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  throw badField(name, 'a finite number', value);
}

/** Reads a boolean; false if it is missing. @throws PacketError for any other value */
export function flagOf(fields: JsonFields, name: string): boolean {
  const value = fields[name] ?? false;
  if (typeof value === 'boolean') return value;
  throw badField(name, 'a boolean', value);
}

/** Reads an object; undefined if it is missing. @throws PacketError for any other value */
export function objectOf(fields: JsonFields, name: string): JsonFields | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined || isObject(value)) return value;
  throw badField(name, 'an object', value);
}

/** Reads an array; empty if it is missing. @throws PacketError for any other value */
export function listOf(fields: JsonFields, name: string): readonly unknown[] {
  const value = fields[name] ?? [];
  if (Array.isArray(value)) return value;
  throw badField(name, 'an array', value);
}

/** Reads an array of objects; empty if it is missing. @throws PacketError for any other value */
export function objectsOf(fields: JsonFields, name: string): readonly JsonFields[] {
  return listOf(fields, name).map((value, i) => {
    if (isObject(value)) return value;
    throw badField(`${name}[${i}]`, 'an object', value);
  });
}

/** Decodes a Base64 string; undefined if it is missing. @throws PacketError for any other value */
export function base64Of(fields: JsonFields, name: string): Uint8Array<ArrayBuffer> | undefined {
  const text = textOf(fields, name);
  return text === undefined ? undefined : decodeBase64(text);
}

/**
 * Returns a value that must be present: `need(textOf(fields, 'type'), 'type')`.
 * @throws PacketError
 */
export function need<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value;
  throw new PacketError('bad-field', `${name} is missing.`);
}

function isObject(value: unknown): value is JsonFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function badField(name: string, expected: string, value: unknown): PacketError {
  return new PacketError(
    'bad-field',
    `${name} must be ${expected}, got ${describeOutside(value)}.`,
  );
}
