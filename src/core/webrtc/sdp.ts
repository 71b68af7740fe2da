import { PacketError } from '../errors.ts';
import type { IceCandidate } from './ice-candidate.ts';
import { parseIceCandidate } from './ice-candidate.ts';
import { MAX_SDP_LENGTH } from './signal-message.ts';

/** One line of a session description (RFC 8866 §5): `type=value`. */
export interface SdpLine {
  /** As it stands, without its end. */
  readonly text: string;
  /** A single letter: `'v'`, `'m'`, `'a'` … */
  readonly type: string;
  /** The name of an attribute (`a=name:value`); empty for other lines. */
  readonly name: string;
  /** What follows `=`, or `:` in an attribute; empty for an attribute that is a flag. */
  readonly value: string;
  /** Index of the media section that it belongs to; −1 in front of the first. */
  readonly section: number;
}

/** A way of coding that a section offers. */
export interface SdpCodec {
  /** The number that packets carry (RFC 3550 §5.1), 0 to 127. */
  readonly payloadType: number;
  /** Such as `'opus'`; as in RFC 3551 where the number alone says it; empty when nothing does. */
  readonly name: string;
  /** Hz; 0 when it is not told. */
  readonly clockRate: number;
  readonly channels: number;
  /** Of `a=fmtp`: name → value. A value without a name has an empty one (as of RED). */
  readonly parameters: ReadonlyMap<string, string>;
  /** Of `a=rtcp-fb`: such as `'transport-cc'`. */
  readonly feedback: readonly string[];
}

/** A media section: sound, picture or data channels. */
export interface SdpMedia {
  /** `'audio'`, `'video'` or `'application'`. */
  readonly kind: string;
  /** 0: refused; 9: a placeholder, for ICE decides. */
  readonly port: number;
  /** Such as `'UDP/TLS/RTP/SAVPF'`. */
  readonly protocol: string;
  /** Of `a=mid`; empty without. */
  readonly mid: string;
  readonly direction: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  /** In order of preference. */
  readonly codecs: readonly SdpCodec[];
  /** Those that can be read. */
  readonly candidates: readonly IceCandidate[];
  /** Of `a=ssrc`: the streams that will come, 32 bits each. */
  readonly ssrcs: readonly number[];
}

/** A session description, taken apart. */
export interface Sdp {
  readonly lines: readonly SdpLine[];
  readonly media: readonly SdpMedia[];
  /** The `mid`s of the sections that share one connection (`a=group:BUNDLE`). */
  readonly bundle: readonly string[];
}

const MAX_LINES = 2000;
const MAX_SECTIONS = 64;
/** Types without an `a=rtpmap` (RFC 3551 §6). */
const STATIC_TYPES: ReadonlyMap<number, readonly [name: string, clockRate: number]> = new Map([
  [0, ['PCMU', 8000]],
  [8, ['PCMA', 8000]],
  [9, ['G722', 8000]],
  [13, ['CN', 8000]],
]);

/**
 * Takes a session description apart. What it does not know it keeps as lines.
 * @throws PacketError `oversized`, `truncated`, `unknown-type` or `bad-field`, and nothing else
 */
export function parseSdp(text: string): Sdp {
  const lines = linesOf(text);
  const media: SdpMedia[] = [];
  for (const line of lines) {
    if (line.type === 'm') media.push(mediaOf(line, lines));
  }
  const group = lines.find((line) => line.name === 'group' && line.value.startsWith('BUNDLE'));
  return { lines, media, bundle: group?.value.split(' ').slice(1) ?? [] };
}

function linesOf(text: string): readonly SdpLine[] {
  if (text.length > MAX_SDP_LENGTH) {
    throw new PacketError(
      'oversized',
      `A session description may have ${MAX_SDP_LENGTH} characters, got ${text.length}.`,
    );
  }
  const texts = text.split(/\r?\n/);
  while (texts.at(-1) === '') texts.pop();
  if (texts.length === 0) throw new PacketError('truncated', 'The session description is empty.');
  if (texts.length > MAX_LINES) {
    throw new PacketError('oversized', `A session description may have ${MAX_LINES} lines.`);
  }
  let section = -1;
  const lines = texts.map((line, i) => {
    if (!/^[a-z]=/.test(line)) {
      throw new PacketError(
        'bad-field',
        `Line ${i + 1} of the session description is no letter with '='.`,
      );
    }
    const type = line.charAt(0);
    if (type === 'm') section++;
    const rest = line.slice(2);
    const colon = rest.indexOf(':');
    const isFlag = type === 'a' && colon < 0;
    const name = type !== 'a' ? '' : isFlag ? rest : rest.slice(0, colon);
    const value = type !== 'a' ? rest : isFlag ? '' : rest.slice(colon + 1);
    return { text: line, type, name, value, section };
  });
  if (lines[0]?.text !== 'v=0') {
    throw new PacketError('unknown-type', 'A session description begins with v=0.');
  }
  if (section >= MAX_SECTIONS) {
    throw new PacketError('oversized', `A session description may have ${MAX_SECTIONS} sections.`);
  }
  return lines;
}

function mediaOf(header: SdpLine, all: readonly SdpLine[]): SdpMedia {
  const [kind = '', port = '', protocol = '', ...formats] = header.value.split(' ');
  if (!/^\d{1,5}(\/\d{1,5})?$/.test(port) || formats.length === 0) {
    throw new PacketError('bad-field', 'A media line has a kind, a port, a protocol and formats.');
  }
  const lines = all.filter((line) => line.section === header.section);
  const isRtp = protocol.includes('RTP');
  const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const;
  const own = directions.find((name) => lines.some((line) => line.name === name));
  const common = directions.find((name) =>
    all.some((line) => line.section === -1 && line.name === name),
  );
  return {
    kind,
    port: Number.parseInt(port, 10),
    protocol,
    mid: lines.find((line) => line.name === 'mid')?.value ?? '',
    direction: own ?? common ?? 'sendrecv',
    codecs: isRtp ? formats.map((format) => codecOf(format, lines)) : [],
    candidates: lines.filter((line) => line.name === 'candidate').flatMap(candidateOf),
    ssrcs: ssrcsOf(lines),
  };
}

function codecOf(format: string, lines: readonly SdpLine[]): SdpCodec {
  if (!/^\d{1,3}$/.test(format) || Number(format) > 127) {
    throw new PacketError('bad-field', 'A payload type must be a number from 0 to 127.');
  }
  const payloadType = Number(format);
  const of = (name: string): readonly string[] =>
    lines
      .filter((line) => line.name === name && line.value.startsWith(`${format} `))
      .map((line) => line.value.slice(format.length + 1));
  const known = STATIC_TYPES.get(payloadType);
  const [name = known?.[0] ?? '', rate = String(known?.[1] ?? 0), channels = '1'] =
    of('rtpmap')[0]?.split('/') ?? [];
  const parameters = new Map<string, string>();
  for (const part of of('fmtp')[0]?.split(';') ?? []) {
    const equals = part.indexOf('=');
    const key = equals < 0 ? '' : part.slice(0, equals).trim();
    parameters.set(key, part.slice(equals + 1).trim());
  }
  return {
    payloadType,
    name,
    clockRate: numberOr(rate, 0),
    channels: numberOr(channels, 1),
    parameters,
    feedback: of('rtcp-fb'),
  };
}

/** One that cannot be read is passed over, as browsers do. */
function candidateOf(line: SdpLine): readonly IceCandidate[] {
  try {
    return [parseIceCandidate(line.value)];
  } catch (error) {
    if (error instanceof PacketError) return [];
    throw error;
  }
}

function ssrcsOf(lines: readonly SdpLine[]): readonly number[] {
  const ssrcs = new Set<number>();
  for (const { name, value } of lines) {
    const match = name === 'ssrc' ? /^(\d{1,10}) /.exec(value) : null;
    if (match !== null) ssrcs.add(Number(match[1]) >>> 0);
  }
  return [...ssrcs];
}

function numberOr(text: string, fallback: number): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : fallback;
}
