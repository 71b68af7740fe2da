import { describe, integerIn } from '../../arguments.ts';
import { readUint16, writeUint16 } from '../../bytes.ts';
import { checkText } from '../../option-names.ts';

/** An IP address and a port: one end of a UDP flow (RFC 8489 §4, "transport address"). */
export interface TransportAddress {
  /** IPv4 as `192.0.2.1`, or IPv6 as `2001:db8::1`: without brackets and without a zone. */
  readonly address: string;
  /** 0 to 65535. */
  readonly port: number;
}

/** Returns a key for an address and a port, for maps. */
export function addressKey({ address, port }: TransportAddress): string {
  return `${address} ${port}`;
}

export function sameAddress(a: TransportAddress, b: TransportAddress): boolean {
  return a.port === b.port && a.address === b.address;
}

/** Formats an address and a port, with brackets around IPv6 (RFC 3986 §3.2.2). */
export function addressText({ address, port }: TransportAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Checks an address from an app. @throws TypeError or RangeError */
export function checkAddress(name: string, value: TransportAddress): TransportAddress {
  if (typeof value !== 'object' || value === null || typeof value.address !== 'string') {
    throw new TypeError(`${name} must be an address and a port, got ${describe(value)}.`);
  }
  if (ipBytes(value.address) === null) {
    throw new RangeError(
      `${name}.address must be an IPv4 or IPv6 address, got ${describe(value.address)}.`,
    );
  }
  integerIn(`${name}.port`, value.port, 0, 65_535);
  return value;
}

/**
 * Converts an IP address to bytes.
 * @param text IPv4 with dots; or IPv6 in any form of RFC 4291 §2.2, with or without a zone, which is ignored
 * @returns 4 or 16 bytes; null for anything else
 */
export function ipBytes(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length > MAX_IP_LENGTH) return null;
  if (!text.includes(':')) return ipv4Bytes(text);
  const halves = (text.split('%', 1)[0] ?? '').split('::');
  const words = halves.map((half, i) => wordsOf(half, i === halves.length - 1));
  const [head, tail] = words;
  if (head === undefined || head === null || tail === null || halves.length > 2) return null;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const bytes = new Uint8Array(16);
  for (const [i, word] of head.entries()) writeUint16(word, bytes, 2 * i);
  for (const [i, word] of (tail ?? []).entries()) {
    writeUint16(word, bytes, 2 * (head.length + missing + i));
  }
  return bytes;
}

/**
 * Converts an IP address to text. IPv6 addresses have the form of RFC 5952 §4, so that equal addresses are equal texts.
 * @param bytes 4 or 16 bytes
 */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, i) => readUint16(bytes, 2 * i));
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && words[end] === 0) end++;
    if (end - i <= length) continue;
    start = i;
    length = end - i;
  }
  const text = (list: readonly number[]): string => list.map((word) => word.toString(16)).join(':');
  if (start < 0) return text(words);
  return `${text(words.slice(0, start))}::${text(words.slice(start + length))}`;
}

/**
 * Returns an IP address in the form that parsed messages have, so that equal addresses are equal texts: for IPv6 that of RFC 5952
 * §4, without a zone. Returns any other text unchanged.
 */
export function canonicalIp(text: string): string {
  checkText('text', text);
  const bytes = ipBytes(text);
  return bytes === null ? text : ipText(bytes);
}

/** Enough for eight words with an IPv4 tail and a zone. */
const MAX_IP_LENGTH = 80;

function ipv4Bytes(text: string): Uint8Array<ArrayBuffer> | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part))) return null;
  const numbers = parts.map(Number);
  return numbers.every((number) => number <= 255) ? Uint8Array.from(numbers) : null;
}

/** @param isLast whether the text may end in an IPv4 address */
function wordsOf(text: string, isLast: boolean): number[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  const last = parts.at(-1) ?? '';
  const ipv4 = isLast && last.includes('.') ? ipv4Bytes(last) : null;
  if (ipv4 !== null) parts.splice(-1, 1, ...[0, 2].map((at) => readUint16(ipv4, at).toString(16)));
  if (!parts.every((part) => /^[\da-f]{1,4}$/i.test(part))) return null;
  return parts.map((part) => Number.parseInt(part, 16));
}
