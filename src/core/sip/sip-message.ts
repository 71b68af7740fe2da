import { utf8Bytes, utf8Text } from '../bytes.ts';
import { describe } from '../arguments.ts';
import { PacketError } from '../errors.ts';
import { checkObject, checkText } from '../option-names.ts';
import { parseSdp } from '../webrtc/sdp.ts';
import type { Sdp } from '../webrtc/sdp.ts';
import { canonicalName, isKnownOnce } from './sip-header-table.ts';
import {
  badField,
  collapse,
  isToken,
  readInteger,
  readParameters,
  splitValue,
} from './sip-syntax.ts';
import { readHostPort, readSipAddress, readSipUri } from './sip-uri.ts';
import type { SipAddress, SipUri } from './sip-uri.ts';

/** One header field of a message (RFC 3261 §7.3). */
export interface SipHeader {
  /** The name in its full form and usual spelling: `'Call-ID'` also for `i` and `CALL-ID`. An unknown name is as written. */
  readonly name: string;
  /** The field as written, without its line end; a folded field has several lines. */
  readonly text: string;
  /** The value after the colon, on one line and trimmed. */
  readonly value: string;
  /** What is wrong with the field, in a sentence; empty if nothing is. */
  readonly fault: string;
}

/** One hop that a request took (RFC 3261 §20.42). */
export interface SipVia {
  /** The transport, such as `'UDP'`, `'TCP'`, `'TLS'`, `'WS'` or `'WSS'`, as written. */
  readonly transport: string;
  readonly host: string;
  /** The port; 0 if it is not given. */
  readonly port: number;
  /** Identifies the transaction on this hop; empty if absent. */
  readonly branch: string;
  /** Name in lower case → value: `branch`, `received`, `rport` … */
  readonly parameters: ReadonlyMap<string, string>;
}

/** The fields that requests and responses have in common. */
export interface SipMessageFields {
  /** The message as it came, at most {@link MAX_SIP_BYTES} bytes, without bytes after `Content-Length`. */
  readonly text: string;
  /** Header fields in order. */
  readonly headers: readonly SipHeader[];
  /** The hops, at least one, the latest first. A response goes back along them. */
  readonly via: readonly SipVia[];
  /** The side that sent the request. */
  readonly from: SipAddress;
  /** The side to which the request was first addressed. */
  readonly to: SipAddress;
  /** Identifies the call, or all registrations of one client. */
  readonly callId: string;
  /** Number of the request within its dialog, 0 to 2³¹ − 1. */
  readonly cseq: number;
  /** Addresses at which the sender can be reached directly. Values that cannot be read are left out. */
  readonly contacts: readonly SipAddress[];
  /** The body, decoded as UTF-8; empty if there is no body. */
  readonly body: string;
  /** The body, if it is a session description that can be read. For explanations: `explainSdp(message.body)`. */
  readonly sdp: Sdp | null;
}

/** A request (RFC 3261 §7.1). */
export interface SipRequest extends SipMessageFields {
  readonly kind: 'request';
  /** The method, such as `'INVITE'`. */
  readonly method: string;
  /** The current addressee of the request. */
  readonly uri: SipUri;
}

/** A response (RFC 3261 §7.2). */
export interface SipResponse extends SipMessageFields {
  readonly kind: 'response';
  /** The method of the request that it answers. */
  readonly method: string;
  /** Status code, 100 to 699. */
  readonly status: number;
  /** The sender's words for the status; may be empty. */
  readonly reason: string;
}

/** A SIP message. */
export type SipMessage = SipRequest | SipResponse;

/** Bytes of the longest message that is read: servers take 65,536, and the session description in it may be long. */
export const MAX_SIP_BYTES = 262_144;
/** Most header fields: a message with 70 hops (`Max-Forwards`) has fewer than 200. */
const MAX_HEADERS = 256;
/** Most hops: Max-Forwards is a byte. */
const MAX_VIAS = 256;
/** RFC 3261 §8.1.1.5. */
const MAX_CSEQ = 2 ** 31 - 1;
const MAX_SECONDS = 2 ** 32 - 1;

type OpenHeader = { -readonly [Field in keyof SipHeader]: SipHeader[Field] };

/** Returns whether data is a keep-alive: only line ends (RFC 5626 §3.5.1, RFC 7118 §6). */
export function isSipKeepAlive(data: string | Uint8Array): boolean {
  if (typeof data === 'string') return data.length <= 4 && /^[\r\n]*$/.test(data);
  return data.length <= 4 && data.every((byte) => byte === 0x0d || byte === 0x0a);
}

/**
 * Reads one SIP message (RFC 3261), as carried in a datagram or in a WebSocket message (RFC 7118): its end is known, so
 * `Content-Length` may be missing. Bytes after `Content-Length` are dropped (RFC 3261 §18.3). Accepts compact forms, folded
 * fields, any case, and line feeds without carriage returns. Takes linear time.
 * @param data text, or its bytes in UTF-8; at most {@link MAX_SIP_BYTES} bytes
 * @throws PacketError `truncated` for a message that ends early, `oversized`, `unknown-type` for anything but SIP 2.0, and
 *   `bad-field` for a start line, Via, From, To, Call-ID, CSeq or Content-Length that is missing or cannot be read
 */
export function parseSipMessage(data: string | Uint8Array): SipMessage {
  const whole = wholeText(data);
  // Line ends before a message are ignored (RFC 3261 §7.5).
  const start = /^[\r\n]*/.exec(whole)![0].length;
  const blank = /\r?\n\r?\n/g;
  blank.lastIndex = start;
  const end = blank.exec(whole);
  if (end === null) {
    const isSip = /^(SIP\/|[^\n]* SIP\/\d)/.test(whole.slice(start, start + 1024));
    if (!isSip) throw notSip();
    throw new PacketError('truncated', 'A message of SIP must have an empty line after its head.');
  }
  const [first = '', ...lines] = whole.slice(start, end.index).split(/\r?\n/);
  const head = readStartLine(first);
  const headers = readHeaders(lines);
  const fields = new Map<string, OpenHeader[]>();
  for (const header of headers) {
    const same = fields.get(header.name);
    if (same === undefined) fields.set(header.name, [header]);
    else same.push(header);
  }
  const [cseq, method] = readCSeq(only(fields, 'CSeq'));
  if (head.kind === 'request' && head.method !== method) {
    throw badField('CSeq must name the method of the request.');
  }
  const bodyAt = end.index + end[0].length;
  const body = readBody(whole.slice(bodyAt), fields.get('Content-Length'));
  const contacts = readContacts(fields.get('Contact') ?? []);
  for (const header of headers) header.fault ||= faultOf(header, fields);
  const common: SipMessageFields = {
    text: whole.slice(start, bodyAt) + body,
    headers,
    via: readVias(fields.get('Via') ?? []),
    from: readSipAddress('From', only(fields, 'From')),
    to: readSipAddress('To', only(fields, 'To')),
    callId: readCallId(only(fields, 'Call-ID')),
    cseq,
    contacts,
    body,
    sdp: readSdp(fields.get('Content-Type')?.[0], body),
  };
  return head.kind === 'request' ? { ...head, ...common } : { ...head, method, ...common };
}

/** Returns the value of the first header with this name, in any form and case; empty if the message has no such header. */
export function sipHeader(message: SipMessage, name: string): string {
  checkObject('message must be a SipMessage', message, 'headers');
  checkText('name', name);
  const wanted = canonicalName(name);
  return message.headers.find((header) => header.name === wanted)?.value ?? '';
}

function wholeText(data: string | Uint8Array): string {
  const isText = typeof data === 'string';
  if (!isText && !ArrayBuffer.isView(data)) {
    throw new TypeError(`data must be a string or a Uint8Array, got ${describe(data)}.`);
  }
  if (data.length > MAX_SIP_BYTES) {
    const limit = `A message of SIP may have ${MAX_SIP_BYTES} bytes`;
    throw new PacketError('oversized', `${limit}, got ${data.length}.`);
  }
  return isText ? data : utf8Text(data);
}

function notSip(): PacketError {
  return new PacketError('unknown-type', 'A message of SIP must name SIP/2.0 in its first line.');
}

type StartLine =
  | Pick<SipRequest, 'kind' | 'method' | 'uri'>
  | Pick<SipResponse, 'kind' | 'status' | 'reason'>;

/** RFC 3261 §7.1 and §7.2: single spaces only. */
function readStartLine(line: string): StartLine {
  if (/^SIP\/2\.0 /i.test(line)) {
    const [, code = '', ...words] = line.split(' ');
    const status = /^\d{3}$/.test(code) ? Number(code) : 0;
    if (status < 100 || status > 699) throw badField('The status must lie between 100 and 699.');
    return { kind: 'response', status, reason: words.join(' ') };
  }
  const words = line.trimEnd().split(' ');
  const version = words.at(-1) ?? '';
  if (!/^SIP\/2\.0$/i.test(version)) throw notSip();
  const [method = '', uri = ''] = words;
  if (words.length !== 3 || line.endsWith(' ')) {
    throw badField('A request line must have a method, a URI and SIP/2.0, with a space between.');
  }
  if (!isToken(method)) throw badField('The method must be a token.');
  return { kind: 'request', method, uri: readSipUri('The request line', uri) };
}

function readHeaders(lines: readonly string[]): OpenHeader[] {
  const headers: OpenHeader[] = [];
  let folded: string[] = [];
  const end = (): void => {
    const last = headers.at(-1);
    if (last === undefined || folded.length === 0) return;
    last.text = [last.text, ...folded].join('\r\n');
    last.value = [last.value, ...folded.map((line) => line.trim())].join(' ').trim();
    folded = [];
  };
  for (const text of lines) {
    if (text.startsWith(' ') || text.startsWith('\t')) {
      if (headers.length === 0) throw badField('The first header must not begin with a blank.');
      folded.push(text);
      continue;
    }
    end();
    const colon = text.indexOf(':');
    const written = text.slice(0, Math.max(0, colon)).trimEnd();
    if (!isToken(written)) throw badField('A header must have a name and a colon.');
    const value = text.slice(colon + 1).trim();
    if (headers.push({ name: canonicalName(written), text, value, fault: '' }) > MAX_HEADERS) {
      throw new PacketError('oversized', `A message of SIP may have ${MAX_HEADERS} headers.`);
    }
  }
  end();
  return headers;
}

type Fields = ReadonlyMap<string, readonly OpenHeader[]>;

/** Returns the value of a header that must be present exactly once. */
function only(fields: Fields, name: string): string {
  const found = fields.get(name) ?? [];
  if (found.length !== 1) throw badField(`${name} must be there once, got ${found.length}.`);
  return found[0]!.value;
}

function readCSeq(value: string): [number: number, method: string] {
  const [digits = '', method = '', ...rest] = collapse(value).split(' ');
  const number = readInteger(digits, MAX_CSEQ);
  if (number < 0) throw badField('CSeq must have a number from 0 to 2147483647.');
  if (!isToken(method) || rest.length > 0) throw badField('CSeq must have one method.');
  return [number, method];
}

function readCallId(value: string): string {
  if (value === '' || /\s/.test(value)) throw badField('Call-ID must be one word.');
  return value;
}

function readVias(fields: readonly OpenHeader[]): SipVia[] {
  const vias: SipVia[] = [];
  for (const { value } of fields) {
    for (const one of splitValue('Via', value, ',')) {
      if (vias.push(readVia(one)) > MAX_VIAS) {
        throw new PacketError('oversized', `A message of SIP may have ${MAX_VIAS} hops.`);
      }
    }
  }
  if (vias.length === 0) throw badField('Via must be there.');
  return vias;
}

/** Reads `SIP/2.0/UDP host:port;branch=…`, with white space wherever it is allowed. */
function readVia(value: string): SipVia {
  const [sent = '', ...parts] = splitValue('Via', value, ';');
  const words = collapse(sent)
    .replace(/ ?\/ ?/g, '/')
    .split(' ');
  const [protocol = '', ...place] = words;
  const [name = '', version = '', transport = '', ...rest] = protocol.split('/');
  if (!/^SIP$/i.test(name) || version !== '2.0' || !isToken(transport) || rest.length > 0) {
    throw badField('Via must name SIP/2.0 and a transport.');
  }
  const { host, port } = readHostPort('Via', place.join(''));
  const parameters = readParameters('Via', parts);
  return { transport, host, port, branch: parameters.get('branch') ?? '', parameters };
}

function readContacts(fields: readonly OpenHeader[]): SipAddress[] {
  const contacts: SipAddress[] = [];
  for (const header of fields) {
    // `*` means all registered addresses, and is the only value (RFC 3261 §10.2.2).
    if (header.value === '*') continue;
    try {
      const values = splitValue('Contact', header.value, ',');
      contacts.push(...values.map((value) => readSipAddress('Contact', value)));
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      header.fault = `${error.message} Strict receivers refuse the message.`;
    }
  }
  return contacts;
}

function readBody(text: string, fields: readonly OpenHeader[] = []): string {
  if (fields.length === 0) return text;
  const lengths = fields.map(({ value }) => readInteger(value, Number.MAX_SAFE_INTEGER));
  const length = lengths[0]!;
  if (length < 0 || lengths.some((other) => other !== length)) {
    throw badField('Content-Length must be there once, as a number of bytes.');
  }
  // oxlint-disable-next-line no-control-regex
  const isAscii = /^[\u0000-\u007f]*$/.test(text);
  const bytes = isAscii ? null : utf8Bytes(text);
  const has = bytes?.length ?? text.length;
  if (has < length) {
    throw new PacketError('truncated', `The body must have ${length} bytes, got ${has}.`);
  }
  if (has === length) return text;
  return bytes === null ? text.slice(0, length) : utf8Text(bytes.subarray(0, length));
}

function readSdp(type: OpenHeader | undefined, body: string): Sdp | null {
  if (type === undefined || body === '') return null;
  if (!/^application\/sdp($|[\s;])/i.test(type.value)) return null;
  try {
    return parseSdp(body);
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    type.fault = `The body is not a session description: ${error.message}`;
    return null;
  }
}

/** Returns what is wrong with a header that does not affect how the message is read. */
function faultOf({ name, value }: OpenHeader, fields: Fields): string {
  if (isKnownOnce(name) && fields.get(name)!.length > 1) return `${name} may be there only once.`;
  switch (name) {
    case 'Max-Forwards':
      return readInteger(value, 255) < 0 ? 'It must be a number from 0 to 255.' : '';
    case 'Expires':
    case 'Min-Expires':
      return readInteger(value, MAX_SECONDS) < 0 ? 'It must be a number of seconds, 32 bits.' : '';
    case 'Date':
      return / GMT$/.test(value) ? '' : 'The time must be told in GMT (RFC 3261 §20.17).';
    default:
      return '';
  }
}
