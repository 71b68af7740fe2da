import type { MessageField, PacketHeader } from 'micwire';
import { isSampleFormat } from 'micwire/codec';
import { RedBlocks, RtpPacket, rtpClockRate } from 'micwire/rtp';
import { count } from './format.ts';

/*
 * The headers of RTP and RED in words, with their values. RFC 3550 §5.1 and RFC 2198 §3 have the drawings; `src/core/rtp` reads them.
 */

/** Static payload types of audio that we send (RFC 3551 §6, table 4). */
const STATIC: Readonly<Record<number, string>> = {
  0: 'PCMU',
  8: 'PCMA',
  10: 'L16, stereo, 44.1 kHz',
  11: 'L16, mono, 44.1 kHz',
};

/** A part of a field: some of its bits, and what they mean. */
export interface RtpRow {
  /** Of the byte that its first bit is in. */
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly name: string;
  /** The bits, where the part is less than whole bytes; null: shown in hexadecimal. */
  readonly bits: string | null;
  /** The value first, the clause last. */
  readonly meaning: string;
}

/** Some bits of a field. */
interface BitPart {
  readonly name: string;
  readonly bits: number;
  readonly meaning: (value: number, scene: Scene) => string;
}

/** What a meaning may depend on besides its own bits. */
interface Scene {
  readonly packet: PacketHeader;
  readonly rtp: RtpPacket;
  /** Whether it carries copies. */
  readonly isRed: boolean;
  /** Hz of the payload's clock. */
  readonly clockRate: number;
}

const BIT_PARTS: Readonly<Record<string, readonly BitPart[]>> = {
  'V, P, X, CC': [
    { name: 'V', bits: 2, meaning: (value) => `Version ${value} of RTP (RFC 3550 §5.1).` },
    {
      name: 'P',
      bits: 1,
      meaning: (value, { rtp }) =>
        value === 0
          ? '0: no padding behind the payload (RFC 3550 §5.1).'
          : `1: ${amount(rtp.paddingBytes, 'byte')} of padding behind the payload (RFC 3550 §5.1).`,
    },
    {
      name: 'X',
      bits: 1,
      meaning: (value, { rtp }) =>
        value === 0
          ? '0: no header extension (RFC 3550 §5.3.1).'
          : `1: a header extension with ${amount(rtp.extensionBytes, 'byte')} of data (RFC 3550 §5.3.1).`,
    },
    {
      name: 'CC',
      bits: 4,
      meaning: (value) =>
        `${value === 0 ? '0: no contributing sources' : `${amount(value, 'contributing source')}`} (RFC 3550 §5.1).`,
    },
  ],
  'M, PT': [
    {
      name: 'M',
      bits: 1,
      meaning: (value) =>
        value === 0
          ? '0: it continues the previous packet (RFC 3551 §4.1).'
          : '1: the first packet, or the first after a gap (RFC 3551 §4.1).',
    },
    {
      name: 'PT',
      bits: 7,
      meaning: (value, scene) =>
        scene.isRed
          ? `${value}: RED, redundant audio (RFC 2198). The block headers say what the audio is.`
          : payloadTypeMeaning(value, scene),
    },
  ],
  'copy: header': [
    { name: 'copy: F', bits: 1, meaning: followedMeaning },
    { name: 'copy: block PT', bits: 7, meaning: payloadTypeMeaning },
    {
      name: 'copy: timestamp offset',
      bits: 14,
      meaning: (value, { clockRate }) =>
        `${amount(value, 'tick')}: the copy is of the audio ${ms(value, clockRate)} earlier (RFC 2198 §3).`,
    },
    {
      name: 'copy: block length',
      bits: 10,
      meaning: (value) => `The copy has ${amount(value, 'byte')} (RFC 2198 §3).`,
    },
  ],
  'payload: header': [
    { name: 'payload: F', bits: 1, meaning: followedMeaning },
    { name: 'payload: block PT', bits: 7, meaning: payloadTypeMeaning },
  ],
};

/** What follows the headers, and the fields of whole bytes. `block`: the number of a copy. */
const BYTE_FIELDS: Readonly<Record<string, (scene: Scene, block: number) => string>> = {
  'sequence number': ({ rtp }) =>
    `${count(rtp.sequenceNumber)}: one more with each packet. A gap here is a loss (RFC 3550 §5.1).`,
  'RTP timestamp': ({ rtp, clockRate }) =>
    `${amount(rtp.timestamp, 'tick')} of ${count(clockRate)} Hz: its first frame, at ${(rtp.timestamp / clockRate).toFixed(3)} s (RFC 3550 §5.1).`,
  SSRC: ({ rtp }) => `0x${rtp.ssrc.toString(16).padStart(8, '0')}: the sender (RFC 3550 §5.1, §8).`,
  CSRC: () => 'Sources that a mixer has combined (RFC 3550 §5.1).',
  'header extension': () => 'Its kind, its length in 32-bit words, and its data (RFC 3550 §5.3.1).',
  copy: ({ rtp, clockRate }, block) => {
    const blocks = new RedBlocks();
    blocks.parse(rtp.source, rtp.payloadOffset, rtp.payloadBytes);
    const offset = blocks.timestampOffset(block);
    return `The audio from ${ms(offset, clockRate)} earlier, ${amount(blocks.byteLength(block), 'byte')}, again (RFC 2198 §3).`;
  },
  padding: () => 'To be ignored; the last byte says how many there are (RFC 3550 §5.1).',
};

/**
 * Takes the headers of an RTP packet apart, bit fields too.
 * @param layout of the packet, by the framing; the payload is left out
 */
export function rtpRows(
  message: Uint8Array,
  layout: readonly MessageField[],
  packet: PacketHeader,
): RtpRow[] {
  const scene: Scene = {
    packet,
    rtp: new RtpPacket().parse(message),
    isRed: layout.some(({ name }) => name === 'payload: header'),
    clockRate: rtpClockRate(packet),
  };
  const rows: RtpRow[] = [];
  let copies = 0;
  for (const { name, byteOffset, byteLength } of layout) {
    if (name === 'payload') continue;
    const parts = BIT_PARTS[name];
    if (parts === undefined) {
      const meaning = BYTE_FIELDS[name]?.(scene, copies) ?? '';
      if (name === 'copy') copies++;
      rows.push({ name, byteOffset, byteLength, bits: null, meaning });
      continue;
    }
    const bits = bitsOf(message, byteOffset, byteLength);
    let at = 0;
    for (const part of parts) {
      const own = bits.slice(at, at + part.bits);
      rows.push({
        name: part.name,
        byteOffset: byteOffset + Math.floor(at / 8),
        byteLength: Math.ceil(part.bits / 8),
        bits: own,
        meaning: part.meaning(parseInt(own, 2), scene),
      });
      at += part.bits;
    }
  }
  return rows;
}

function payloadTypeMeaning(type: number, { packet }: Scene): string {
  const fixed = STATIC[type];
  if (fixed !== undefined) return `${type}: ${fixed} (RFC 3551 §6, table 4).`;
  const format = isSampleFormat(packet.format) ? `${packet.format} samples` : 'Opus (RFC 7587)';
  return `${type}: ${format}, by a number that both ends agreed on (RFC 3551 §3).`;
}

function followedMeaning(value: number): string {
  return value === 1
    ? '1: another block header follows (RFC 2198 §3).'
    : '0: the last block header; its block is the rest of the packet (RFC 2198 §3).';
}

function bitsOf(message: Uint8Array, byteOffset: number, byteLength: number): string {
  return Array.from(message.subarray(byteOffset, byteOffset + byteLength), (byte) =>
    byte.toString(2).padStart(8, '0'),
  ).join('');
}

function ms(ticks: number, clockRate: number): string {
  return `${((ticks * 1000) / clockRate).toFixed(1)} ms`;
}

function amount(value: number, unit: string): string {
  return `${count(value)} ${unit}${value === 1 ? '' : 's'}`;
}
