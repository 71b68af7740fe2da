import { checkText } from '../option-names.ts';
import { PacketError } from '../errors.ts';

/** Limits of a text that is passed to `JSON.parse`. */
export interface JsonLimits {
  /** Maximum number of characters (UTF-16 code units). */
  readonly maxLength: number;
  /** Maximum nesting depth of objects and arrays. @default 16 */
  readonly maxDepth?: number;
  /** Maximum number of members of objects and elements of arrays, on all levels together. @default 1024 */
  readonly maxValues?: number;
}

/** The fields of an object that is not validated yet. */
export type JsonFields = Readonly<Record<string, unknown>>;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Reads a JSON object (RFC 8259) from an untrusted source. Length, depth and number of values are checked first, in one pass over
 * the text, so that time and memory are bounded and grow linearly: `JSON.parse` takes seconds for a text of deeply nested arrays.
 * @param what name of the text in the error message: 'a request'
 * @throws PacketError `oversized` or `bad-json`, and no other error
 */
export function parseJsonObject(what: string, text: string, limits: JsonLimits): JsonFields {
  checkText('text', text);
  const { maxLength, maxDepth = 16, maxValues = 1024 } = limits;
  if (text.length > maxLength) {
    const got = `got ${text.length}`;
    throw new PacketError('oversized', `${what} may have ${maxLength} characters, ${got}.`);
  }
  checkStructure(what, text, maxDepth, maxValues);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PacketError('bad-json', `${what} must be JSON.`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PacketError('bad-json', `${what} must be a JSON object.`);
  }
  return value as JsonFields;
}

/** Counts brackets and commas outside strings. `JSON.parse` finds all other errors. */
function checkStructure(what: string, text: string, maxDepth: number, maxValues: number): void {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at + 1);
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > maxDepth) {
          throw new PacketError('bad-json', `${what} may nest ${maxDepth} levels.`);
        }
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case 0x2c: // ,
        if (++values > maxValues) {
          throw new PacketError('oversized', `${what} may have ${maxValues} values.`);
        }
        break;
    }
  }
}

/** Returns the position of the quote that ends a string; the end of the text if there is no such quote. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at;
    while (before > from && text.charCodeAt(before - 1) === BACKSLASH) before--;
    // The quote ends the string if the number of backslashes before it is even.
    if ((at - before) % 2 === 0) return at;
  }
  return text.length;
}
