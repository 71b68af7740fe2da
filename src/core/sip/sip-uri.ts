import { checkText } from '../option-names.ts';
import {
  badField,
  endOfQuoted,
  isToken,
  readInteger,
  readParameters,
  splitValue,
  unquote,
} from './sip-syntax.ts';

/** A SIP address (RFC 3261 §19.1): `sip:user@host:port;parameters?headers`. */
export interface SipUri {
  /** The address as written. */
  readonly text: string;
  /** The scheme in lower case: `'sip'`, `'sips'`, or another, such as `'tel'`, whose address is not parsed further. */
  readonly scheme: string;
  /** The user with password and escapes (`%40`); empty if absent. */
  readonly user: string;
  /** A name, an IPv4 address or an IPv6 address in brackets; empty for other schemes. */
  readonly host: string;
  /** The port; 0 if it is not given. */
  readonly port: number;
  /** Name in lower case → value; the value of a flag such as `lr` is empty. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The part after `?`: headers for a request to this address; empty if absent. */
  readonly headers: string;
}

/** The value of From, To, Contact and similar headers (RFC 3261 §20.10): a display name, a URI and parameters. */
export interface SipAddress {
  /** The display name without quotation marks; empty if absent. */
  readonly displayName: string;
  readonly uri: SipUri;
  /** Parameters of the header, not of the URI: name in lower case → value. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The parameter `tag`, which identifies one end of a dialog; empty if absent. */
  readonly tag: string;
}

const MAX_PORT = 65_535;
const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

/**
 * Reads a SIP address. Takes linear time.
 * @throws PacketError `bad-field` for anything else, `oversized` for more than 256 parameters
 */
export function parseSipUri(text: string): SipUri {
  checkText('text', text);
  return readSipUri('The URI', text);
}

/** @param field names the header, for the message */
export function readSipUri(field: string, text: string): SipUri {
  const colon = text.indexOf(':');
  const scheme = text.slice(0, Math.max(0, colon)).toLowerCase();
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) throw badField(`${field} has no scheme.`);
  // Control characters, white space, quotation marks and brackets are never part of a URI (RFC 3986 §2).
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020"<>]/.test(text)) throw badField(`${field} has a URI with other characters.`);
  const rest = text.slice(colon + 1);
  if (scheme !== 'sip' && scheme !== 'sips') {
    if (rest === '') throw badField(`${field} has a URI that says nothing.`);
    const none = { user: '', host: '', port: 0, parameters: NO_PARAMETERS, headers: '' };
    return { text, scheme, ...none };
  }
  const at = rest.indexOf('@');
  if (at === 0) throw badField(`${field} has an @ without a user.`);
  const user = rest.slice(0, Math.max(0, at));
  const place = rest.slice(at + 1);
  const query = place.indexOf('?');
  const [hostPort = '', ...parts] = splitValue(
    field,
    query < 0 ? place : place.slice(0, query),
    ';',
  );
  return {
    text,
    scheme,
    user,
    ...readHostPort(field, hostPort),
    parameters: readUriParameters(field, parts),
    headers: query < 0 ? '' : place.slice(query + 1),
  };
}

/** Reads the parameters of a URI, which may have more characters than those of headers, escaped or not (`paramchar`). */
function readUriParameters(field: string, parts: readonly string[]): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    if (name === '') throw badField(`${field} has a parameter without a name.`);
    parameters.set(name.toLowerCase(), equals < 0 ? '' : part.slice(equals + 1));
  }
  return parameters;
}

/** Reads `host`, `host:port`, `[IPv6]` or `[IPv6]:port` (RFC 3261 §25.1, `hostport`). */
export function readHostPort(
  field: string,
  text: string,
): { readonly host: string; readonly port: number } {
  const end = text.startsWith('[') ? text.indexOf(']') + 1 : text.indexOf(':');
  const host = end < 0 ? text : text.slice(0, end);
  const rest = end < 0 ? '' : text.slice(end).trim();
  const isHost = /^[A-Za-z0-9._-]+$/.test(host.trim()) || /^\[[0-9A-Fa-f:.]+\]$/.test(host);
  if (!isHost) throw badField(`${field} names no host.`);
  if (rest === '') return { host: host.trim(), port: 0 };
  const port = rest.startsWith(':') ? readInteger(rest.slice(1).trim(), MAX_PORT) : -1;
  if (port < 1) throw badField(`${field} has a port that is not one.`);
  return { host: host.trim(), port };
}

/** Reads one value of From, To or Contact. */
export function readSipAddress(field: string, value: string): SipAddress {
  let displayName = '';
  let rest = value.trim();
  if (rest.startsWith('"')) {
    const end = endOfQuoted(rest, 0);
    if (end < 0) throw badField(`${field} has a name without its closing quotation mark.`);
    displayName = unquote(rest.slice(0, end + 1));
    rest = rest.slice(end + 1).trimStart();
    if (!rest.startsWith('<')) throw badField(`${field} has a name and no address in brackets.`);
  }
  const open = rest.indexOf('<');
  if (open > 0) {
    displayName = rest.slice(0, open).trim();
    if (!displayName.split(/\s/).every((word) => word === '' || isToken(word))) {
      throw badField(`${field} has a name that needs quotation marks.`);
    }
  }
  const close = rest.indexOf('>', open);
  if (open >= 0 && close < 0) throw badField(`${field} has a bracket without an end.`);
  // Without brackets, the URI can have no parameters: they belong to the header (RFC 3261 §20.10).
  const [before = '', ...parts] = splitValue(field, open < 0 ? rest : rest.slice(close + 1), ';');
  if (open >= 0 && before !== '') throw badField(`${field} has text after the address.`);
  const text = open < 0 ? before : rest.slice(open + 1, close);
  if (open < 0 && text.includes('?')) {
    throw badField(`${field} has a URI with headers, which needs brackets.`);
  }
  const parameters = readParameters(field, parts);
  const tag = parameters.get('tag') ?? '';
  return { displayName, uri: readSipUri(field, text), parameters, tag };
}
