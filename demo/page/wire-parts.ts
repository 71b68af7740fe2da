import { isSampleFormat } from 'micwire/codec';
import { FRAMINGS } from 'micwire';
import type { FramingName, MessageField, PacketHeader } from 'micwire';
import type { WireMessage } from '../lanes/close-up-lane.ts';
import { FORMAT_LABELS } from '../lanes/close-up-settings.ts';
import type { LaneMessage } from '../lanes/lane.ts';
import { LANE_SAMPLE_RATE } from '../lanes/lane-settings.ts';
import { bytes, count, hex } from './format.ts';
import { rtpRows } from './rtp-rows.ts';

/** One field of a message: where it lies, what is there, and what that means. */
interface WireRow {
  readonly where: string;
  readonly wire: string;
  readonly meaning: string;
}

/** A message taken apart. */
export interface WireParts {
  readonly rows: readonly WireRow[];
  /** The beginning of the payload as sent; hexadecimal in groups that are not broken across lines. */
  readonly payload: readonly string[];
  readonly payloadNote: string;
  /** Whether that is not all of it. */
  readonly payloadCut: boolean;
  /** What the payload is. */
  readonly payloadKind: 'samples' | 'Opus';
  readonly messageBytes: number;
  readonly payloadBytes: number;
}

const SHOWN_DIGITS = 192;
const SHOWN_BYTES = 80;
/** Of a field that is long, such as a copy. */
const SHOWN_FIELD_BYTES = 8;
const GROUP_BYTES = 4;
const NO_BREAK_SPACE = '\u00a0';

/** Takes a message apart for display. */
export function takeApart(sent: WireMessage): WireParts {
  return typeof sent.message === 'string'
    ? takeTextApart(sent.message, sent)
    : takeBytesApart(sent.message, sent);
}

function takeTextApart(message: string, { packet }: WireMessage): WireParts {
  const fields = JSON.parse(message) as Readonly<Record<string, unknown>>;
  const text = String(fields['payload']);
  const rows = Object.keys(fields)
    .filter((key) => key !== 'payload')
    .map((key) => ({
      where: key,
      wire: JSON.stringify(fields[key]),
      meaning: meaningOf(key, packet),
    }));
  const shown = Math.min(text.length, SHOWN_DIGITS);
  return {
    rows,
    payload: [text.slice(0, shown)],
    payloadNote: `${part(shown, text.length)} Base64 digits; four digits are three bytes.`,
    payloadCut: shown < text.length,
    payloadKind: kindOf(packet),
    messageBytes: message.length,
    payloadBytes: base64Bytes(text),
  };
}

function base64Bytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return (text.length / 4) * 3 - padding;
}

function takeBytesApart(message: Uint8Array, { packet, layout }: WireMessage): WireParts {
  const payload: string[] = [];
  const { byteOffset: from, byteLength } = layout.find(({ name }) => name === 'payload')!;
  const end = from + Math.min(byteLength, SHOWN_BYTES);
  for (let at = from; at < end; at += GROUP_BYTES) {
    payload.push(hex(message.subarray(at, Math.min(at + GROUP_BYTES, end))));
  }
  return {
    rows: isRtp(layout) ? rtpParts(message, layout, packet) : fieldParts(message, layout, packet),
    payload,
    payloadNote: `${part(end - from, byteLength)} bytes of ${kindOf(packet)}, in hexadecimal.`,
    payloadCut: end < from + byteLength,
    payloadKind: kindOf(packet),
    messageBytes: message.length,
    payloadBytes: byteLength,
  };
}

/** Only RTP names its fields so. */
function isRtp(layout: readonly MessageField[]): boolean {
  return layout.some(({ name }) => name === 'SSRC');
}

function fieldParts(
  message: Uint8Array,
  layout: readonly MessageField[],
  packet: PacketHeader,
): WireRow[] {
  return layout
    .filter(({ name }) => name !== 'payload')
    .map(({ name, byteOffset, byteLength }) => ({
      where: place(byteOffset, name),
      wire: shortHex(message, byteOffset, byteLength),
      meaning: meaningOf(name, packet),
    }));
}

function rtpParts(
  message: Uint8Array,
  layout: readonly MessageField[],
  packet: PacketHeader,
): WireRow[] {
  return rtpRows(message, layout, packet).map(
    ({ name, byteOffset, byteLength, bits, meaning }) => ({
      where: place(byteOffset, name),
      wire: bits ?? shortHex(message, byteOffset, byteLength),
      meaning,
    }),
  );
}

function place(byteOffset: number, name: string): string {
  return `${String(byteOffset).padStart(2, NO_BREAK_SPACE)} ${name}`;
}

function shortHex(message: Uint8Array, byteOffset: number, byteLength: number): string {
  const cut = byteLength > SHOWN_FIELD_BYTES;
  return `${hex(message.subarray(byteOffset, byteOffset + Math.min(byteLength, SHOWN_FIELD_BYTES)))}${cut ? ' …' : ''}`;
}

function kindOf({ format }: PacketHeader): WireParts['payloadKind'] {
  return isSampleFormat(format) ? 'samples' : 'Opus';
}

function part(shown: number, all: number): string {
  return shown === all ? `All ${count(all)}` : `The first ${count(shown)} of ${count(all)}`;
}

function meaningOf(field: string, packet: PacketHeader): string {
  const seconds = (frames: number) => `${(frames / packet.sampleRate).toFixed(3)} s`;
  switch (field) {
    case 'type':
      return 'An audio packet.';
    case 'version':
      return 'The layout of this message.';
    case 'version, format':
      return `The layout of this message, and ${meaningOf('format', packet)}`;
    case 'flags, channels':
      return `Which fields follow; ${packet.channels === 1 ? 'mono' : `${packet.channels} channels`}.`;
    case 'rate code':
      return `Stands for ${meaningOf('sampleRate', packet)}`;
    case 'sequence':
      return `Chunk number ${count(packet.sequence)}. A gap here is a loss.`;
    case 'frame':
      return `Its first frame is number ${count(packet.frame)}.`;
    case 'frames':
      return `It holds ${count(packet.frames)} frames: ${((packet.frames * 1000) / packet.sampleRate).toFixed(1)} ms.`;
    case 'timestamp':
      return `In µs: it began ${seconds(packet.frame)} after the start.`;
    case 'dropped':
      return packet.dropped === 0 ? 'No frame was lost before it.' : 'Frames lost before it.';
    case 'format':
      return isSampleFormat(packet.format)
        ? `${FORMAT_LABELS[packet.format]}, little-endian.`
        : 'One packet of Opus.';
    case 'sampleRate':
      return `${count(packet.sampleRate)} frames a second.`;
    case 'channels':
      return packet.channels === 1 ? 'Mono.' : `${packet.channels} channels, interleaved.`;
    default:
      return '';
  }
}

/** What the message costs, in a sentence. */
export function costOf({ messageBytes, payloadBytes, payloadKind }: WireParts): string {
  const extra = messageBytes - payloadBytes;
  return `${bytes(messageBytes)} on the wire: ${bytes(payloadBytes)} of ${payloadKind} and ${bytes(extra)} around them (${Math.round((extra / messageBytes) * 100)} %).`;
}

/** A message of a lane, ready for display. */
export interface SentMessage {
  /** The message to take apart; null where its format is not ours. */
  readonly parts: WireMessage | null;
  /** What it is, in words. */
  readonly summary: string;
}

/** Makes a lane's message ready. */
export function sentMessage({ message, framing }: LaneMessage): SentMessage {
  const summary =
    typeof message === 'string'
      ? `${bytes(message.length)} of text, ${count(message.length)} characters: ${message.slice(0, 96)}…`
      : bytes(message.length);
  return { parts: framing === null ? null : takenApart(message, framing as FramingName), summary };
}

function takenApart(message: string | Uint8Array, name: FramingName): WireMessage | null {
  const framing = FRAMINGS[name];
  for (const format of ['opus', 's16'] as const) {
    try {
      const decoder = framing.createDecoder({ format, sampleRate: LANE_SAMPLE_RATE, channels: 1 });
      const packet = decoder.decode(message).at(-1);
      if (packet !== undefined) return { message, packet, layout: framing.layout(message) };
    } catch {
      // Not in that format.
    }
  }
  return null;
}
