import { checkText } from '../option-names.ts';
import { PacketError } from '../errors.ts';
import { short } from '../short-text.ts';
import type { IceCandidate } from './ice-candidate.ts';
import { readIceCandidate } from './ice-candidate.ts';
import { MAX_SDP_LENGTH } from './signal-message.ts';
import { STATIC_PAYLOAD_TYPES } from './static-payload-types.ts';

/** One line of a session description (RFC 8866 §5): `type=value`. */
export interface SdpLine {
  /** The line as written, without its line break. */
  readonly text: string;
  /** A single letter: `'v'`, `'m'`, `'a'` …; empty for a line that does not begin with a letter and `=`. */
  readonly type: string;
  /** The name of an attribute (`a=name:value`); empty for other lines. */
  readonly name: string;
  /** The text after `=`, or after `:` in an attribute, without blanks at its end; empty for an attribute that is a flag. */
  readonly value: string;
  /** Index of its media section; −1 before the first. */
  readonly section: number;
  /** What is wrong with the line, in one or two sentences; empty if nothing is. A faulty line never spoils the others. */
  readonly fault: string;
}

/** A codec that a section offers. */
export interface SdpCodec {
  /** The number that packets carry (RFC 3550 §5.1), 0 to 127. */
  readonly payloadType: number;
  /** The codec, such as `'opus'`; as in RFC 3551 if only the number says it; empty if nothing does. */
  readonly name: string;
  /** Hz; 0 if unknown. */
  readonly clockRate: number;
  readonly channels: number;
  /**
   * Parameters of all its `a=fmtp` lines: name → value. A flag has an empty value. A value without a name, which does not begin
   * with a letter, has an empty name, as for RED and telephone-event; several are joined by `;`.
   */
  readonly parameters: ReadonlyMap<string, string>;
  /** Values of `a=rtcp-fb`, such as `'transport-cc'`, including those for every codec (`*`). */
  readonly feedback: readonly string[];
}

/** A media section: audio, video, data channels or something else. */
export interface SdpMedia {
  /** Kind of media, such as `'audio'`, `'video'` or `'application'`. */
  readonly kind: string;
  /** 0: off (RFC 3264 §6), or `a=bundle-only`; 9 with ICE: a placeholder; −1: cannot be read. */
  readonly port: number;
  /** Protocol, such as `'UDP/TLS/RTP/SAVPF'`. */
  readonly protocol: string;
  /** Formats as listed in the media line: for RTP, payload types, including those out of range. */
  readonly formats: readonly string[];
  /** Value of `a=mid`; empty if absent. */
  readonly mid: string;
  readonly direction: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  /** Address of the section's `c=`, or else of the session's; empty if absent. */
  readonly address: string;
  /** Whether ICE finds the addresses: the section, the session or the BUNDLE group has `a=ice-ufrag` or candidates. */
  readonly usesIce: boolean;
  /** Codecs in order of preference, each payload type from 0 to 127 once. */
  readonly codecs: readonly SdpCodec[];
  /** Candidates that can be read. */
  readonly candidates: readonly IceCandidate[];
  /** Values of `a=ssrc`: the sources that will send, 32 bits each. */
  readonly ssrcs: readonly number[];
}

/** A parsed session description. */
export interface Sdp {
  readonly lines: readonly SdpLine[];
  readonly media: readonly SdpMedia[];
  /** The `mid`s of the sections that share one connection (`a=group:BUNDLE`). */
  readonly bundle: readonly string[];
}

/** Most lines in a description of {@link MAX_SDP_LENGTH}: meaningful lines have at least eight characters on average. */
const MAX_LINES = MAX_SDP_LENGTH / 8;
/** Enough for a call of 500 people, each with audio and video. */
const MAX_SECTIONS = 1024;
/** Most lines of feedback for every codec, each of which reaches up to 128 codecs: browsers write about ten. */
const MAX_COMMON_FEEDBACK = 64;
/** Most lines with parameters that are read for one payload type: only one is allowed. */
const MAX_PARAMETER_LINES = 16;
const MAX_PAYLOAD_TYPE = 127;
const MAX_SSRC = 2 ** 32 - 1;
const DIRECTIONS = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const;
/** RFC 8866 §5. */
const KNOWN_TYPES = 'vosiuepcbtrzkam';
/** Attributes whose value or presence counts. */
const READ_NAMES: ReadonlySet<string> = new Set([
  ...DIRECTIONS,
  'candidate',
  'fingerprint',
  'fmtp',
  'group',
  'ice-pwd',
  'ice-ufrag',
  'mid',
  'rtcp',
  'rtcp-fb',
  'rtcp-mux',
  'rtpmap',
  'setup',
  'ssrc',
]);
/** The source of a pattern: 0 to 65535. */
const PORT = '0*(\\d{1,4}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d\\d|655[0-2]\\d|6553[0-5])';
const MILLISECONDS = /^\d{1,9}(\.\d{1,9})?$/;
/** Attributes whose value has its own grammar: what the value must be, and the clause. */
const GRAMMARS: ReadonlyMap<string, readonly [grammar: RegExp, words: string]> = new Map([
  ['rtcp', [new RegExp(`^${PORT}( |$)`), 'a port (RFC 3605 §2.1)']],
  ['sctp-port', [new RegExp(`^${PORT}$`), 'a port (RFC 8841 §5.1)']],
  ['max-message-size', [/^\d{1,20}$/, 'a number of bytes (RFC 8841 §6.1)']],
  ['ptime', [MILLISECONDS, 'a number of milliseconds (RFC 8866 §6.4)']],
  ['maxptime', [MILLISECONDS, 'a number of milliseconds (RFC 8866 §6.5)']],
  ['minptime', [MILLISECONDS, 'a number of milliseconds']],
  ['mid', [/^\S+$/, 'one word (RFC 5888 §4)']],
  ['ice-ufrag', [/^[\w+/-]{4,256}$/, '4 to 256 letters and digits (RFC 8839 §5.4)']],
  ['ice-pwd', [/^[\w+/-]{22,256}$/, '22 to 256 letters and digits (RFC 8839 §5.4)']],
  [
    'setup',
    [/^(active|passive|actpass|holdconn)$/, 'active, passive, actpass or holdconn (RFC 4145 §4)'],
  ],
  [
    'fingerprint',
    [/^\S+ +[\da-f]{2}(:[\da-f]{2})*$/i, 'the name of a hash and its bytes (RFC 8122 §5)'],
  ],
]);
/** Types of line whose value may end with a blank: text, and attributes. */
const FREE_TYPES = 'siuepa';

/** A line while it is being parsed. */
type OpenLine = { -readonly [Field in keyof SdpLine]: SdpLine[Field] };

/**
 * Parses a session description. Accepts what devices send: any line breaks, no line break at the end, blanks at the ends of
 * lines, unknown attributes and lines. Keeps faulty lines with a `fault`. Time and memory grow linearly with the text: at most
 * {@link MAX_SDP_LENGTH} characters, an eighth as many lines, 1024 sections.
 * @throws PacketError `truncated` or `unknown-type` if it does not begin with `v=0`, `oversized`, and no other error
 */
export function parseSdp(text: string): Sdp {
  const lines = linesOf(text);
  const sections: OpenLine[][] = [[]];
  for (const line of lines) {
    if (line.type === 'm') sections.push([]);
    sections.at(-1)!.push(line);
  }
  const [session = [], ...rest] = sections;
  const group = lines.find((line) => line.name === 'group' && /^BUNDLE( |$)/.test(line.value));
  const bundle = group === undefined ? [] : wordsOf(group.value).slice(1);
  const common = attributesOf(session);
  for (const line of session) {
    if (line.name === 'rtcp-fb') {
      line.fault =
        'It belongs to a section (RFC 4585 §4.2): in front of the first it reaches no codec.';
    }
  }
  const media = rest.map((section) => mediaOf(section, common));
  const mids = new Set(media.map(({ mid }) => mid));
  const nobody = bundle.find((mid) => !mids.has(mid));
  if (group !== undefined && nobody !== undefined) {
    group.fault = `No section has the name ${short(nobody)}.`;
  }
  return { lines, media: withBundledIce(media, bundle), bundle };
}

function linesOf(text: string): OpenLine[] {
  checkText('text', text);
  if (text.length > MAX_SDP_LENGTH) {
    const got = `got ${text.length}`;
    throw new PacketError(
      'oversized',
      `A session description may have ${MAX_SDP_LENGTH} characters, ${got}.`,
    );
  }
  const texts = text.split(/\r\n|\r|\n/);
  while (texts.at(-1)?.trim() === '') texts.pop();
  let first = 0;
  while (first < texts.length && isBlank(texts[first]!)) first++;
  const count = texts.length - first;
  if (count <= 0) throw new PacketError('truncated', 'A session description must have lines.');
  if (count > MAX_LINES) {
    throw new PacketError('oversized', `A session description may have ${MAX_LINES} lines.`);
  }
  let section = -1;
  const lines: OpenLine[] = [];
  for (let i = first; i < texts.length; i++) {
    const line = lineOf(texts[i]!, section);
    if (line.type === 'm') line.section = ++section;
    lines.push(line);
  }
  if (lines[0]?.type === 'v' && /^\s+0$/.test(lines[0].value)) {
    lines[0].value = '0';
    lines[0].fault = 'Blanks come before the value, which strict receivers refuse.';
  }
  if (lines[0]?.type !== 'v' || lines[0].value !== '0') {
    throw new PacketError('unknown-type', 'A session description must start with v=0.');
  }
  if (section >= MAX_SECTIONS) {
    throw new PacketError('oversized', `A session description may have ${MAX_SECTIONS} sections.`);
  }
  return lines;
}

/** Returns whether a line is blank. A byte order mark, which some editors write first, counts as blank. */
function isBlank(text: string): boolean {
  return text.trim() === '';
}

function lineOf(text: string, section: number): OpenLine {
  const plain = text.trimStart();
  const line: OpenLine = { text, type: '', name: '', value: '', section, fault: '' };
  if (!/^[a-z]=/.test(plain)) {
    line.value = text.trim();
    line.fault =
      line.value === ''
        ? 'An empty line, which SDP does not have. It is passed over.'
        : 'This is no line of SDP, which is a small letter, an equals sign and a value. It is passed over.';
    return line;
  }
  line.type = plain.charAt(0);
  const rest = plain.slice(2);
  const value = rest.trimEnd();
  if (plain.length < text.length && !text.startsWith('\ufeff')) {
    line.fault = 'Blanks come before the line, which strict receivers refuse.';
  } else if (!KNOWN_TYPES.includes(line.type)) {
    line.fault = 'SDP has no lines of this letter: strict receivers refuse the whole description.';
  } else if (value.length < rest.length && !FREE_TYPES.includes(line.type)) {
    line.fault = 'The line ends with blanks, which strict receivers refuse.';
  }
  if (line.type !== 'a') {
    line.value = FREE_TYPES.includes(line.type) ? rest : value;
    return line;
  }
  const colon = value.indexOf(':');
  const name = colon < 0 ? value : value.slice(0, colon);
  line.name = name.trim();
  if (line.name !== name.trimEnd()) {
    line.fault = 'Blanks come before the name, which strict receivers pass over with the line.';
  }
  line.value = colon < 0 ? '' : value.slice(colon + 1);
  const small = line.name.toLowerCase();
  if (line.name === '') line.fault = 'An attribute without a name. It is passed over.';
  else if (line.name !== small && READ_NAMES.has(small)) {
    line.fault = `Case counts in names (RFC 8866 §5): it is passed over, and would be read as a=${small}.`;
  }
  return line;
}

/** The attributes of a section, or of the part before the first. */
interface Attributes {
  direction: SdpMedia['direction'] | undefined;
  address: string;
  usesIce: boolean;
  mid: string;
  readonly candidates: IceCandidate[];
  readonly ssrcs: Set<number>;
  /** Payload type → its lines. */
  readonly formats: Map<number, FormatLines>;
  readonly commonFeedback: string[];
}

interface FormatLines {
  rtpmap: string | undefined;
  readonly parameters: Map<string, string>;
  /** Number of `a=fmtp` lines so far. */
  parameterLines: number;
  readonly feedback: string[];
}

function attributesOf(lines: readonly OpenLine[]): Attributes {
  const result: Attributes = {
    direction: undefined,
    address: '',
    usesIce: false,
    mid: '',
    candidates: [],
    ssrcs: new Set(),
    formats: new Map(),
    commonFeedback: [],
  };
  for (const line of lines) {
    if (line.type === 'c') {
      if (result.address === '') result.address = wordsOf(line.value)[2]?.split('/', 1)[0] ?? '';
    } else if (line.type === 'a') {
      readAttribute(line, result);
    }
  }
  return result;
}

function readAttribute(line: OpenLine, result: Attributes): void {
  const { name, value } = line;
  const grammar = GRAMMARS.get(name);
  if (grammar !== undefined && !grammar[0].test(value.trim())) {
    line.fault = `Cannot be read: it has to be ${grammar[1]}.`;
  }
  switch (name) {
    case 'mid':
      if (result.mid === '') result.mid = value.trim();
      return;
    case 'ice-ufrag':
      result.usesIce = true;
      return;
    case 'candidate':
      result.usesIce = true;
      readCandidate(line, result.candidates);
      return;
    case 'ssrc':
      readSsrc(line, result.ssrcs);
      return;
    case 'rtpmap':
    case 'fmtp':
    case 'rtcp-fb':
      readFormat(line, result);
      return;
    default:
      readDirection(line, result);
  }
}

function readDirection(line: OpenLine, result: Attributes): void {
  const direction = DIRECTIONS.find((one) => one === line.name);
  if (direction === undefined) return;
  if (result.direction !== undefined && result.direction !== direction) {
    line.fault = `There is a=${result.direction} already, which is taken here; other programs may take this one.`;
  }
  result.direction ??= direction;
}

function readCandidate(line: OpenLine, candidates: IceCandidate[]): void {
  const candidate = readIceCandidate(line.value);
  if ('reason' in candidate) line.fault = `Cannot be read: ${candidate.message}`;
  else candidates.push(candidate);
}

function readSsrc(line: OpenLine, ssrcs: Set<number>): void {
  const digits = /^\d{1,10}(?= |$)/.exec(line.value)?.[0];
  if (digits !== undefined && Number(digits) <= MAX_SSRC) ssrcs.add(Number(digits));
  else line.fault = 'Cannot be read: an SSRC is a number of 32 bits (RFC 5576 §4.1).';
}

/** Reads `a=rtpmap`, `a=fmtp` or `a=rtcp-fb`: a payload type and its description. */
function readFormat(line: OpenLine, result: Attributes): void {
  const [format, rest] = splitFormat(line.value);
  if (format === '*' && line.name === 'rtcp-fb') {
    if (result.commonFeedback.length < MAX_COMMON_FEEDBACK) result.commonFeedback.push(rest);
    return;
  }
  const payloadType = payloadTypeOf(format);
  if (payloadType < 0) {
    line.fault = `Cannot be read: it has to begin with a payload type from 0 to ${MAX_PAYLOAD_TYPE}.`;
    return;
  }
  let lines = result.formats.get(payloadType);
  if (lines === undefined) {
    lines = { rtpmap: undefined, parameters: new Map(), parameterLines: 0, feedback: [] };
    result.formats.set(payloadType, lines);
  }
  if (line.name === 'rtcp-fb') {
    lines.feedback.push(rest);
  } else if (line.name === 'rtpmap') {
    if (lines.rtpmap !== undefined) {
      line.fault = `Payload type ${payloadType} has a codec already: the first counts.`;
    } else if (!/^[^/\s]+\/\d{1,9}(\/[^/\s]+)?$/.test(rest)) {
      line.fault = 'RFC 8866 §6.6 wants a name, a slash and a clock rate.';
    }
    lines.rtpmap ??= rest;
  } else {
    if (lines.parameterLines > 0) {
      line.fault = `Payload type ${payloadType} has parameters already: RFC 8866 §6.15 allows one line.`;
    }
    if (++lines.parameterLines <= MAX_PARAMETER_LINES) readParameters(rest, lines.parameters);
  }
}

function mediaOf(lines: readonly OpenLine[], session: Attributes): SdpMedia {
  const header = lines[0]!;
  const [kind = '', port = '', protocol = '', ...formats] = wordsOf(header.value);
  const own = attributesOf(lines);
  const portNumber = /^\d{1,5}(\/\d{1,5})?$/.test(port) ? Number.parseInt(port, 10) : -1;
  const isRtp = protocol.toUpperCase().split('/').includes('RTP');
  const faults: string[] = header.fault === '' ? [] : [header.fault];
  if (kind !== kind.toLowerCase() || (isRtp && protocol !== protocol.toUpperCase())) {
    faults.push('Case counts (RFC 8866 §5): strict receivers refuse this kind or this protocol.');
  }
  if (portNumber < 0 || portNumber > 65_535) {
    faults.push('The port cannot be read: it has to be a number from 0 to 65535.');
  }
  if (formats.length === 0)
    faults.push('It lists no formats, which the grammar wants (RFC 8866 §5.14).');
  const codecs = isRtp ? codecsOf(formats, own, faults) : [];
  const unnamed = codecs.find(({ name }) => name === '');
  // A section that is off need not name its codecs.
  if (unnamed !== undefined && portNumber !== 0) {
    const type = unnamed.payloadType;
    faults.push(`Nothing says what payload type ${type} is: it has no a=rtpmap.`);
  }
  header.fault = faults.join(' ');
  return {
    kind,
    port: portNumber > 65_535 ? -1 : portNumber,
    protocol,
    formats,
    mid: own.mid,
    direction: own.direction ?? session.direction ?? 'sendrecv',
    address: own.address || session.address,
    usesIce: own.usesIce || session.usesIce,
    codecs,
    candidates: own.candidates,
    ssrcs: [...own.ssrcs],
  };
}

/** Spreads `usesIce` over the group: its sections share one connection. */
function withBundledIce(media: readonly SdpMedia[], bundle: readonly string[]): SdpMedia[] {
  const mids = new Set(bundle);
  const groupUsesIce = media.some((section) => section.usesIce && mids.has(section.mid));
  return media.map((section) =>
    groupUsesIce && mids.has(section.mid) ? { ...section, usesIce: true } : section,
  );
}

function codecsOf(formats: readonly string[], own: Attributes, faults: string[]): SdpCodec[] {
  const codecs = new Map<number, SdpCodec>();
  let outside = '';
  let twice = -1;
  for (const format of formats) {
    const payloadType = payloadTypeOf(format);
    if (payloadType < 0) {
      if (outside === '') outside = format.slice(0, 20);
    } else if (codecs.has(payloadType)) {
      twice = payloadType;
    } else {
      codecs.set(payloadType, codecOf(payloadType, own));
    }
  }
  if (outside !== '') {
    faults.push(
      `'${outside}' is no payload type, which is a number from 0 to ${MAX_PAYLOAD_TYPE}. It is passed over.`,
    );
  }
  if (twice >= 0) faults.push(`Payload type ${twice} is listed twice: the first counts.`);
  return [...codecs.values()];
}

function codecOf(payloadType: number, own: Attributes): SdpCodec {
  const lines = own.formats.get(payloadType);
  const known = STATIC_PAYLOAD_TYPES.get(payloadType);
  const codec =
    lines?.rtpmap === undefined
      ? (known ?? { name: '', clockRate: 0, channels: 1 })
      : parseRtpmap(lines.rtpmap);
  const { name, clockRate, channels } = codec;
  const { commonFeedback } = own;
  const feedback = new Set([...(lines?.feedback ?? []), ...commonFeedback]);
  return {
    payloadType,
    name,
    clockRate,
    channels,
    parameters: lines?.parameters ?? new Map<string, string>(),
    feedback: [...feedback],
  };
}

/**
 * Reads the description of a payload type in `a=rtpmap`: `name/rate` or `name/rate/channels` (RFC 8866 §6.6).
 * @internal
 */
export function parseRtpmap(text: string): {
  readonly name: string;
  readonly clockRate: number;
  readonly channels: number;
} {
  const [name = '', rate = '', channels = ''] = text.trim().split('/', 3);
  return { name, clockRate: numberOr(rate, 0), channels: numberOr(channels, 1) };
}

/** Splits the payload type (or `*`) from the rest. @internal */
export function splitFormat(value: string): readonly [format: string, rest: string] {
  const plain = value.trim();
  const space = plain.search(/[ \t]/);
  return space < 0 ? [plain, ''] : [plain.slice(0, space), plain.slice(space).trim()];
}

/**
 * Reads the parameters of an `a=fmtp` line into a map, in the form of `SdpCodec.parameters`.
 * @internal
 */
export function readParameters(text: string, into: Map<string, string>): void {
  const nameless: string[] = [];
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim();
    if (equals >= 0) into.set(name, part.slice(equals + 1).trim());
    else if (/^[A-Za-z_]/.test(name)) into.set(name, into.get(name) ?? '');
    else if (name !== '') nameless.push(name);
  }
  const before = into.get('');
  if (nameless.length === 0) return;
  into.set('', (before === undefined ? nameless : [before, ...nameless]).join(';'));
}

/** @returns −1 for anything but a payload type */
function payloadTypeOf(format: string): number {
  return /^\d{1,3}$/.test(format) && Number(format) <= MAX_PAYLOAD_TYPE ? Number(format) : -1;
}

function wordsOf(value: string): string[] {
  return value.split(/[ \t]+/).filter((word) => word !== '');
}

function numberOr(text: string, fallback: number): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : fallback;
}
