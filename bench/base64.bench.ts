import { fromUint8Array } from 'js-base64';
import { base64Length, Base64Writer, encodeBase64 } from '../src/core/base64/base64.ts';
import { type Row, timeInTurns } from './measure.ts';

/** Chunks as they go over the wire, and one as large as `btoa`'s spread can take. */
const CASES: Readonly<Record<string, number>> = {
  '20 ms of 16 kHz s16, 640 bytes': 640,
  '100 ms of 48 kHz s16, 9600 bytes': 9600,
  '64 KiB': 65_536,
};

export function run(): Row[] {
  return Object.entries(CASES).flatMap(([name, byteCount]) => {
    const bytes = Uint8Array.from({ length: byteCount }, (_, i) => (i * 167 + (i >> 3)) & 255);
    const ascii = new Uint8Array(base64Length(byteCount));
    const writer = new Base64Writer();
    const native = bytes as Uint8Array & { toBase64?(): string };
    const subjects: Record<string, () => unknown> = {
      'micwire, to a string': () => encodeBase64(bytes),
      'micwire, to ASCII bytes (in the worklet)': () => {
        const written = writer.write(bytes, 0, byteCount, ascii, 0);
        return written + writer.finish(ascii, written);
      },
      'btoa(String.fromCharCode(...bytes))': () => btoa(String.fromCharCode(...bytes)),
      'js-base64': () => fromUint8Array(bytes),
      ...(typeof Buffer === 'undefined'
        ? {}
        : { 'Buffer (native, Node)': () => Buffer.from(bytes.buffer).toString('base64') }),
      ...(native.toBase64 ? { 'Uint8Array.toBase64 (native)': () => native.toBase64?.() } : {}),
    };
    return Object.entries(timeInTurns(read(subjects))).map(([subject, { medianNs }]) => ({
      case: name,
      subject,
      metric: 'encode',
      value: (byteCount / medianNs) * 1000,
      unit: 'MB/s',
    }));
  });
}

/** Looks into each string: an engine may put one off, as a rope of its parts, until somebody does, as `send()` would. */
function read(subjects: Readonly<Record<string, () => unknown>>): Record<string, () => unknown> {
  const entries = Object.entries(subjects).map(([name, subject]) => {
    const reader = (): unknown => {
      const result = subject();
      return typeof result === 'string' ? result.charCodeAt(result.length >> 1) : result;
    };
    return [name, reader] as const;
  });
  return Object.fromEntries(entries);
}
