import { PacketError } from '../errors.ts';
import { appMessage } from '../framing/app-message.ts';
import { parseJsonObject } from '../framing/json-object.ts';
import type { JsonFields } from '../framing/json-object.ts';
import type { WireMessage } from '../services/service.ts';
import { MAX_MESSAGE_BYTES, encodeProtocol } from './protocol.ts';

/** Limits of JSON messages: transcripts with a time for each word may be long. */
const LIMITS = { maxLength: MAX_MESSAGE_BYTES, maxDepth: 32, maxValues: 2 ** 16 };

/**
 * Encodes an app's message for a connection of `micwire.1`: text unchanged, an object as JSON, bytes as `data`.
 * @throws TypeError for a value that JSON cannot carry; RangeError for one that is too long
 */
export function encodeAppMessage(value: unknown): WireMessage {
  const message = appMessage(value);
  if (typeof message !== 'string') return encodeProtocol({ type: 'data', bytes: message });
  if (message.length <= MAX_MESSAGE_BYTES) return message;
  throw new RangeError(
    `a message must have at most ${MAX_MESSAGE_BYTES} characters, got ${message.length}.`,
  );
}

/**
 * Reads a text message: an object if it starts with a brace, otherwise the text.
 * @throws PacketError, and no other error
 */
export function readAppText(text: string): string | JsonFields {
  if (text.startsWith('{')) return parseJsonObject('a text', text, LIMITS);
  if (text.length <= MAX_MESSAGE_BYTES) return text;
  throw new PacketError('oversized', `a text may have ${MAX_MESSAGE_BYTES} characters.`);
}
