import { short } from '../short-text.ts';
import { explainAttribute } from './sdp-attribute-words.ts';
import type { SdpContext } from './sdp-attribute-words.ts';
import { parseSdp } from './sdp.ts';
import type { Sdp, SdpLine, SdpMedia } from './sdp.ts';

/** A line with its explanation. */
export interface ExplainedSdpLine extends SdpLine {
  /** One or two sentences in plain words, with the `fault` at the end. */
  readonly explanation: string;
}

/** A session description with an explanation of every line. */
export interface ExplainedSdp extends Sdp {
  readonly lines: readonly ExplainedSdpLine[];
}

/**
 * Parses a session description and explains each of its lines in context: the offer or the answer of a call, such as
 * `Call.offer`, or one from a device or a server. Time and memory grow linearly with the text.
 * @throws PacketError `truncated` or `unknown-type` if it does not begin with `v=0`, `oversized`, and no other error
 */
export function explainSdp(text: string): ExplainedSdp {
  const sdp = parseSdp(text);
  const anyIce = sdp.media.some((media) => media.usesIce);
  const names = sdp.media.map(() => new Set<string>());
  const sessionAttributes = new Set<string>();
  const namesOf = (section: number) => names[section] ?? sessionAttributes;
  for (const { name, section } of sdp.lines) if (name !== '') namesOf(section).add(name);
  const contexts = sdp.media.map((media, section): SdpContext => ({
    sdp,
    media,
    usesIce: media.usesIce,
    attributes: namesOf(section),
    sessionAttributes,
  }));
  const front: SdpContext = {
    sdp,
    media: undefined,
    usesIce: anyIce,
    attributes: sessionAttributes,
    sessionAttributes,
  };
  const lines = sdp.lines.map((line) => {
    const context = contexts[line.section] ?? front;
    const words = line.type === 'a' ? explainAttribute(line, context) : explainLine(line, context);
    return { ...line, explanation: [words, line.fault].filter((part) => part !== '').join(' ') };
  });
  return { ...sdp, lines };
}

/** RFC 8866 §5. */
function explainLine(line: SdpLine, context: SdpContext): string {
  const value = line.value.trim();
  switch (line.type) {
    case '':
      return '';
    case 'v':
      return 'The version of SDP: always 0.';
    case 'o':
      return explainOrigin(value, context);
    case 's':
      return value === '' || value === '-'
        ? 'A title. Calls have none, and a dash stands for it.'
        : `A title: ${short(value)}.`;
    case 't':
      return explainTime(value);
    case 'c':
      return explainConnection(value, context);
    case 'b':
      return explainBandwidth(value);
    case 'm':
      return context.media === undefined ? '' : explainMedia(context.media, context);
    case 'i':
      return `A text for people: ${short(value)}.`;
    case 'u':
      return 'An address with more about the session.';
    case 'e':
      return 'The mail address of who is responsible.';
    case 'p':
      return 'The telephone number of who is responsible.';
    case 'r':
      return 'When the session takes place again.';
    case 'z':
      return 'Changes of the clock between repetitions.';
    case 'k':
      return 'A key in the clear, which must not be used any more (RFC 8866 §5.12).';
    default:
      return 'A line that RFC 8866 does not know.';
  }
}

function explainOrigin(value: string, { usesIce }: SdpContext): string {
  const [, session = '', version = '', , , address = ''] = value.split(' ', 6);
  const numbers = `Who made it: a number for the session (${short(session)}), and a version that grows with each change (${short(version)}).`;
  return usesIce
    ? `${numbers} The address means nothing: ICE finds the real ones.`
    : `${numbers} The address ${short(address)} is that of the maker; media goes where c= says.`;
}

function explainTime(value: string): string {
  if (value === '0 0') return 'From when to when: 0 0 is for as long as it lasts.';
  return 'From when to when, in seconds since 1900; 0 for the second is without end.';
}

/** RFC 8866 §5.7, RFC 3264 §8.4. */
function explainConnection(value: string, { usesIce, media }: SdpContext): string {
  const address = value.split(' ', 3)[2]?.split('/', 1)[0] ?? '';
  if (address === '') return 'It names no address: it should read IN, IP4 or IP6, and the address.';
  const isNowhere = isUnspecified(address);
  const family = value.split(' ', 2)[1] ?? '';
  if (isOfOtherFamily(family, address)) {
    return `It says ${short(family)}, and ${short(address)} is an address of the other family: receivers may refuse it.`;
  }
  if (usesIce) {
    return isNowhere
      ? 'Where media would go without ICE: nowhere. Candidates say where.'
      : `Where media would go without ICE: ${short(address)}. Candidates say where it goes.`;
  }
  if (isNowhere) {
    return 'Hold, in the old way (RFC 3264 §8.4): this side takes no media now. Today a=sendonly or a=inactive says so.';
  }
  const scope =
    media === undefined ? 'of all sections that do not say otherwise' : 'of this section';
  const first = Number(address.split('.', 1)[0]);
  const isGroup = address.includes(':') ? /^ff/i.test(address) : first >= 224 && first <= 239;
  if (isGroup) {
    return `The group (multicast) that the media ${scope} goes to: ${short(address)}.`;
  }
  return `Where the other side sends the media ${scope}: ${short(address)}. There is no ICE.`;
}

/** Returns whether an address has the form of the other family. A name may have addresses of both. */
function isOfOtherFamily(family: string, address: string): boolean {
  if (family === 'IP4') return address.includes(':');
  return family === 'IP6' && /^\d{1,3}(\.\d{1,3}){3}$/.test(address);
}

/** Returns whether this is the unspecified address: 0.0.0.0, or `::` in any form. */
function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || (address.includes(':') && /^[0:]+$/.test(address));
}

/** RFC 8866 §5.8, RFC 3890 and RFC 3556. */
function explainBandwidth(value: string): string {
  const [kind = '', amount = ''] = value.split(':', 2).map(short);
  switch (kind) {
    case 'AS':
      return `At most ${amount} kbit/s, headers included.`;
    case 'CT':
      return `At most ${amount} kbit/s for the whole conference.`;
    case 'TIAS':
      return `At most ${amount} bit/s, without the headers of the network (RFC 3890).`;
    case 'RS':
      return `At most ${amount} bit/s of RTCP from those who send (RFC 3556).`;
    case 'RR':
      return `At most ${amount} bit/s of RTCP from those who only receive (RFC 3556).`;
    default:
      return `A limit of bandwidth of kind ${kind}: ${amount}.`;
  }
}

function explainMedia(media: SdpMedia, context: SdpContext): string {
  const words = [`${subjectOf(media)}.`, portWords(media, context)];
  if (media.codecs.length > 0) {
    const codecs = media.codecs.map(
      ({ name, payloadType }) => `${short(name) || '?'} (${payloadType})`,
    );
    words.push(`Codecs, the preferred first: ${codecs.join(', ')}.`);
  }
  return words.filter((part) => part !== '').join(' ');
}

function subjectOf({ kind, protocol, formats }: SdpMedia): string {
  const layers = protocol.split('/');
  if (layers.includes('SCTP')) {
    return layers.includes('DTLS')
      ? `Data channels: SCTP within DTLS within ${layers.includes('TCP') ? 'TCP' : 'UDP'} (RFC 8831)`
      : 'SCTP, without DTLS';
  }
  if (layers.includes('BFCP')) {
    return `Whose turn it is in a conference: the floor control protocol BFCP (RFC 8856) over ${short(layers.slice(0, -1).join(' over '))}`;
  }
  if (layers.includes('MSRP')) return 'Text messages in the session: MSRP (RFC 4975)';
  if (kind === 'image' && formats.includes('t38')) return `Fax: T.38 over ${short(protocol)}`;
  const names: Readonly<Record<string, string>> = {
    audio: 'Audio',
    video: 'Video',
    text: 'Text as it is typed',
    application: 'Data of an application',
    image: 'Images',
    message: 'Messages',
  };
  const name = Object.hasOwn(names, kind) ? names[kind] : short(kind) || 'Something without a name';
  return `${name}, as ${protocolWords(protocol)}`;
}

function protocolWords(protocol: string): string {
  const layers = protocol.split('/');
  const profile = layers.at(-1) ?? '';
  if (!layers.includes('RTP')) return short(protocol) || 'a protocol that is not told';
  if (!profile.startsWith('SAVP')) return `RTP, not encrypted (${short(protocol)})`;
  return layers.includes('TLS')
    ? 'RTP, encrypted with keys that the two agree on by DTLS (SRTP)'
    : 'RTP, encrypted (SRTP)';
}

function portWords({ port, address }: SdpMedia, { usesIce, attributes }: SdpContext): string {
  if (port < 0) return '';
  if (port === 0) {
    return attributes.has('bundle-only')
      ? 'Port 0 with a=bundle-only: it exists only within the shared connection (RFC 9143).'
      : 'Port 0: it is off. In an answer it is refused.';
  }
  if (usesIce) {
    return port === 9
      ? 'Port 9 is a placeholder: ICE finds the real one.'
      : `Without ICE media would go to port ${port}; candidates say where it goes.`;
  }
  if (port === 9) return 'Port 9 discards what comes, and without ICE nothing else is found.';
  if (isUnspecified(address)) {
    return `Hold, in the old way (RFC 3264 §8.4): no media goes to port ${port} now.`;
  }
  return `Media goes to port ${port}${address === '' ? '' : ` of ${short(address)}`}: there is no ICE.`;
}
