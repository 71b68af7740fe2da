import { checkText } from '../option-names.ts';
import { PacketError } from '../errors.ts';

/** What a text may hold before it is handed to `JSON.parse`. */
export interface JsonLimits {
  /** Characters (UTF-16 code units). */
  readonly maxLength: number;
  /** Objects and arrays inside each other. @default 16 */
  readonly maxDepth?: number;
  /** Members of objects and elements of arrays, of all levels together. @default 1024 */
  readonly maxValues?: number;
}

/** The fields of an object whose form is not known yet. */
export type JsonFields = Readonly<Record<string, unknown>>;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Reads a JSON object (RFC 8259) from outside. Length, depth and number of values are checked first, in one pass over the text,
 * so that time and memory are bounded and grow linearly with it: a text of deeply nested arrays takes `JSON.parse` seconds.
 * @param what the text, for the message of the error: 'a request'
 * @throws PacketError `oversized` or `bad-json`, and nothing else
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

/** Looks at brackets and commas outside of strings. What is wrong otherwise is for `JSON.parse` to find. */
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

/** Where the quote is that ends a string; the text's end without one. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at;
    while (before > from && text.charCodeAt(before - 1) === BACKSLASH) before--;
    // An even number of backslashes escape each other.
    if ((at - before) % 2 === 0) return at;
  }
  return text.length;
}
