import { PacketError } from '../errors.ts';
import { ATTRIBUTE_WORDS } from './sdp-attribute-words.ts';
import { parseSdp } from './sdp.ts';
import type { Sdp, SdpCodec, SdpLine, SdpMedia } from './sdp.ts';

/** A line with what it means. */
export interface ExplainedSdpLine extends SdpLine {
  /** A sentence or two in plain words. */
  readonly explanation: string;
}

/** A session description whose every line is explained. */
export interface ExplainedSdp extends Sdp {
  readonly lines: readonly ExplainedSdpLine[];
}

/**
 * Takes a session description apart and says what each of its lines means: the offer or the answer of a call, as of
 * `Call.offer`.
 * @throws PacketError `oversized`, `truncated`, `unknown-type` or `bad-field`, and nothing else
 */
export function explainSdp(text: string): ExplainedSdp {
  const sdp = parseSdp(text);
  const lines = sdp.lines.map((line) => ({
    ...line,
    explanation: line.type === 'a' ? explainAttribute(line, sdp) : explainLine(line, sdp),
  }));
  return { ...sdp, lines };
}

/** RFC 8866 §5. */
function explainLine(line: SdpLine, sdp: Sdp): string {
  const words = line.value.split(' ');
  switch (line.type) {
    case 'v':
      return 'The version of SDP: always 0.';
    case 'o':
      return `Who made it: a random number for the session (${words[1] ?? ''}), and one that grows with each change (${words[2] ?? ''}). The address means nothing: ICE finds the real ones.`;
    case 's':
      return 'A title. Calls have none, and a dash stands for it.';
    case 't':
      return 'From when to when: 0 0 is for as long as it lasts.';
    case 'c':
      return line.value.endsWith('0.0.0.0')
        ? 'Where media would go without ICE: nowhere. Candidates say where.'
        : `Where media would go without ICE: ${words[2] ?? ''}. Candidates say where it goes.`;
    case 'b':
      return explainBandwidth(line.value);
    case 'm': {
      const media = sdp.media[line.section];
      return media === undefined ? '' : explainMedia(media);
    }
    case 'i':
      return 'A text for people.';
    case 'k':
      return 'A key, in a way that is no longer used.';
    default:
      return 'A line that calls of browsers do not have; receivers pass over it.';
  }
}

function explainBandwidth(value: string): string {
  const [kind, amount] = value.split(':');
  if (kind === 'AS') return `At most ${amount} kbit/s, headers included.`;
  if (kind === 'TIAS') return `At most ${amount} bit/s, without headers.`;
  return `A limit of bandwidth of kind ${kind}: ${amount}.`;
}

function explainMedia(media: SdpMedia): string {
  const refused = media.port === 0 ? ' Port 0: it is refused.' : '';
  if (media.kind === 'application') {
    return `Data channels: SCTP within DTLS within UDP (RFC 8831).${refused}`;
  }
  const kind = media.kind === 'audio' ? 'Sound' : media.kind === 'video' ? 'Picture' : media.kind;
  const port = media.port === 9 ? ' Port 9 is a placeholder: ICE finds the real one.' : refused;
  const codecs = media.codecs.map((codec) => `${codec.name || '?'} (${codec.payloadType})`);
  return `${kind}, as ${protocolWords(media.protocol)}.${port} Codecs, the preferred first: ${codecs.join(', ')}.`;
}

function protocolWords(protocol: string): string {
  if (protocol.includes('TLS') && protocol.includes('SAVP')) {
    return 'RTP, encrypted with keys that the two agree on by DTLS (SRTP)';
  }
  return protocol.includes('SAVP') ? 'RTP, encrypted (SRTP)' : protocol;
}

function explainAttribute(line: SdpLine, sdp: Sdp): string {
  const media = sdp.media[line.section];
  const words = ATTRIBUTE_WORDS.get(line.name);
  if (words === undefined) {
    return 'An attribute that is not explained here. Receivers pass over those that they do not know.';
  }
  try {
    return typeof words === 'string' ? words : words(line.value, codecOf(line, media), media);
  } catch (error) {
    if (error instanceof PacketError) return `Cannot be read: ${error.message}`;
    throw error;
  }
}

/** The codec that an attribute speaks of by its payload type. */
function codecOf(line: SdpLine, media: SdpMedia | undefined): SdpCodec | undefined {
  const [format = ''] = line.value.split(' ', 1);
  return media?.codecs.find((codec) => String(codec.payloadType) === format);
}
