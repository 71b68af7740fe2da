import { utf8Bytes } from '../../../src/core/bytes.ts';
import { PacketError } from '../../../src/core/errors.ts';
import { decodeHuffman } from './huffman.ts';

/** A header field: its name, in lower case, and its value. */
export type Field = readonly [name: string, value: string];

/** Longest field section that is read, and how much it may decode to. */
const MAX_FIELD_SECTION_BYTES = 2 ** 13;
const MAX_FIELDS = 64;

/** RFC 9204 appendix A: one entry a line, value after the first space. */
const STATIC: readonly Field[] = `:authority
:path /
age 0
content-disposition
content-length 0
cookie
date
etag
if-modified-since
if-none-match
last-modified
link
location
referer
set-cookie
:method CONNECT
:method DELETE
:method GET
:method HEAD
:method OPTIONS
:method POST
:method PUT
:scheme http
:scheme https
:status 103
:status 200
:status 304
:status 404
:status 503
accept */*
accept application/dns-message
accept-encoding gzip, deflate, br
accept-ranges bytes
access-control-allow-headers cache-control
access-control-allow-headers content-type
access-control-allow-origin *
cache-control max-age=0
cache-control max-age=2592000
cache-control max-age=604800
cache-control no-cache
cache-control no-store
cache-control public, max-age=31536000
content-encoding br
content-encoding gzip
content-type application/dns-message
content-type application/javascript
content-type application/json
content-type application/x-www-form-urlencoded
content-type image/gif
content-type image/jpeg
content-type image/png
content-type text/css
content-type text/html; charset=utf-8
content-type text/plain
content-type text/plain;charset=utf-8
range bytes=0-
strict-transport-security max-age=31536000
strict-transport-security max-age=31536000; includesubdomains
strict-transport-security max-age=31536000; includesubdomains; preload
vary accept-encoding
vary origin
x-content-type-options nosniff
x-xss-protection 1; mode=block
:status 100
:status 204
:status 206
:status 302
:status 400
:status 403
:status 421
:status 425
:status 500
accept-language
access-control-allow-credentials FALSE
access-control-allow-credentials TRUE
access-control-allow-headers *
access-control-allow-methods get
access-control-allow-methods get, post, options
access-control-allow-methods options
access-control-expose-headers content-length
access-control-request-headers content-type
access-control-request-method get
access-control-request-method post
alt-svc clear
authorization
content-security-policy script-src 'none'; object-src 'none'; base-uri 'none'
early-data 1
expect-ct
forwarded
if-range
origin
purpose prefetch
server
timing-allow-origin *
upgrade-insecure-requests 1
user-agent
x-forwarded-for
x-frame-options deny
x-frame-options sameorigin`
  .split('\n')
  .map((line) => {
    const space = line.indexOf(' ');
    return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
  });

/**
 * Reads a field section (RFC 9204 §4.5) of a peer that was allowed no dynamic table: static entries and literals.
 * @throws PacketError and nothing else
 */
export function decodeFields(bytes: Uint8Array): Field[] {
  if (bytes.length > MAX_FIELD_SECTION_BYTES) {
    throw new PacketError(
      'oversized',
      `A field section has at most ${MAX_FIELD_SECTION_BYTES} bytes, got ${bytes.length}.`,
    );
  }
  const reader = new Reader(bytes);
  const requiredInserts = reader.integer(8);
  reader.integer(7);
  if (requiredInserts !== 0) throw dynamic();
  const fields: Field[] = [];
  while (!reader.isAtEnd) {
    if (fields.length === MAX_FIELDS) {
      throw new PacketError('oversized', `A field section has at most ${MAX_FIELDS} fields.`);
    }
    fields.push(readField(reader));
  }
  return fields;
}

/** Writes a field section: entries of the static table where they are equal, literals otherwise. */
export function encodeFields(fields: readonly Field[]): Uint8Array {
  const bytes: number[] = [0, 0];
  for (const [name, value] of fields) {
    const index = STATIC.findIndex((entry) => entry[0] === name && entry[1] === value);
    if (index >= 0) {
      writeInteger(bytes, 0xc0, 6, index);
      continue;
    }
    writeString(bytes, 0x20, 3, name);
    writeString(bytes, 0, 7, value);
  }
  return Uint8Array.from(bytes);
}

function readField(reader: Reader): Field {
  const first = reader.peek();
  if ((first & 0x80) !== 0) {
    if ((first & 0x40) === 0) throw dynamic();
    return staticEntry(reader.integer(6));
  }
  if ((first & 0x40) !== 0) {
    if ((first & 0x10) === 0) throw dynamic();
    const [name] = staticEntry(reader.integer(4));
    return [name, reader.string(7)];
  }
  if ((first & 0x20) === 0) throw dynamic();
  const name = reader.string(3);
  return [name, reader.string(7)];
}

function staticEntry(index: number): Field {
  const entry = STATIC[index];
  if (entry === undefined) {
    throw new PacketError(
      'bad-field',
      `The static table has ${STATIC.length} entries, got ${index}.`,
    );
  }
  return entry;
}

function dynamic(): PacketError {
  return new PacketError('bad-field', 'A field refers to a dynamic table, which has no room.');
}

/** Reads integers with prefixes and texts (RFC 9204 §4.1). */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next byte, without consuming it. */
  peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new PacketError('truncated', 'A field section ends in a field.');
    return byte;
  }

  /** @param prefixBits of the first byte that belong to the number */
  integer(prefixBits: number): number {
    const most = 2 ** prefixBits - 1;
    let value = this.#next() & most;
    if (value < most) return value;
    for (let shift = 1; ; shift *= 128) {
      if (shift > 2 ** 21) throw new PacketError('oversized', 'A number is longer than 4 bytes.');
      const byte = this.#next();
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  }

  /** @param prefixBits of the first byte that belong to the length; the bit before them says whether the text is coded */
  string(prefixBits: number): string {
    const isCoded = (this.peek() & (2 ** prefixBits)) !== 0;
    const length = this.integer(prefixBits);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new PacketError('truncated', 'A text ends too early.');
    const octets = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return String.fromCharCode(...(isCoded ? decodeHuffman(octets) : octets));
  }

  #next(): number {
    const byte = this.peek();
    this.#at++;
    return byte;
  }
}

function writeInteger(bytes: number[], flags: number, prefixBits: number, value: number): void {
  const most = 2 ** prefixBits - 1;
  if (value < most) return void bytes.push(flags | value);
  bytes.push(flags | most);
  let rest = value - most;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
}

function writeString(bytes: number[], flags: number, prefixBits: number, text: string): void {
  const octets = utf8Bytes(text);
  writeInteger(bytes, flags, prefixBits, octets.length);
  bytes.push(...octets);
}
