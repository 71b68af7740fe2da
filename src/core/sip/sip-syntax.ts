import { PacketError } from '../errors.ts';

/* The syntax that SIP headers have in common (RFC 3261 §25.1). Every function here takes linear time. */

const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;
/** Most values of one header field, and most parameters of one value. */
const MAX_PARTS = 256;

/** Returns whether a text is a token: the form of methods, header names and parameter names. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Replaces each run of white space by one space, and trims. For values without quoted strings. */
export function collapse(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** Creates the error for a wrong field. `what` names the field, never its value. */
export function badField(what: string): PacketError {
  return new PacketError('bad-field', what);
}

/** Returns the index of the quotation mark that ends the quoted string at `at`; -1 if it does not end. */
export function endOfQuoted(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i;
  }
  return -1;
}

/** Returns the content of a quoted string, without its quotation marks and escapes. */
export function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/gs, '$1');
}

/**
 * Splits a value at a separator, except within quoted strings and angle brackets. Trims the parts.
 * @param field names the header, for the message
 * @throws PacketError `bad-field` for a quoted string or a bracket without an end, `oversized` for more than 256 parts
 */
export function splitValue(field: string, text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let from = 0;
  const end = (at: number): void => {
    if (parts.push(text.slice(from, at).trim()) > MAX_PARTS) {
      throw new PacketError('oversized', `${field} may have ${MAX_PARTS} values or parameters.`);
    }
    from = at + 1;
  };
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === separator) end(i);
    else if (character === '"') i = closing(field, endOfQuoted(text, i));
    else if (character === '<') i = closing(field, text.indexOf('>', i));
  }
  end(text.length);
  return parts;
}

function closing(field: string, at: number): number {
  if (at < 0) throw badField(`${field} has a quoted string or a bracket without an end.`);
  return at;
}

/**
 * Reads parameters: `name`, `name=value` or `name="value"`.
 * @param parts each without its semicolon
 * @returns name in lower case → value without quotation marks; the value of a flag is empty
 * @throws PacketError `bad-field`
 */
export function readParameters(
  field: string,
  parts: readonly string[],
): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim();
    const value = equals < 0 ? '' : part.slice(equals + 1).trim();
    if (!isToken(name)) throw badField(`${field} has a parameter without a name.`);
    parameters.set(name.toLowerCase(), parameterValue(field, value));
  }
  return parameters;
}

function parameterValue(field: string, value: string): string {
  if (value.startsWith('"')) {
    if (endOfQuoted(value, 0) === value.length - 1 && value.length > 1) return unquote(value);
  } else if (!/[\s"<>]/.test(value)) {
    return value;
  }
  throw badField(`${field} has a parameter whose value cannot be read.`);
}

/**
 * Reads an unsigned integer; leading zeros are allowed.
 * @returns -1 for anything else, and for a value above `max`
 */
export function readInteger(text: string, max: number): number {
  if (!/^\d{1,32}$/.test(text)) return -1;
  const value = Number(text);
  return value <= max ? value : -1;
}
