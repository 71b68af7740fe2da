import type { TransportMessage } from './transport.ts';

/** Bytes of a message on the wire: text travels as UTF-8 (RFC 6455 §5.6). A lone surrogate counts as its substitute. */
export function messageBytes(message: TransportMessage): number {
  if (typeof message !== 'string') return message.byteLength;
  let bytes = message.length;
  for (let i = 0; i < message.length; i++) {
    const code = message.charCodeAt(i);
    if (code < 0x80) continue;
    bytes += code < 0x800 ? 1 : 2;
    if (isHighSurrogate(code) && isLowSurrogate(message.charCodeAt(i + 1))) i++;
  }
  return bytes;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code < 0xe000;
}
