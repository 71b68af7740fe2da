import { short } from '../short-text.ts';
import { CANDIDATE_WORDS, readIceCandidate } from './ice-candidate.ts';
import { parseRtpmap, readParameters, splitFormat } from './sdp.ts';
import type { Sdp, SdpCodec, SdpLine, SdpMedia } from './sdp.ts';

/** The context of a line: the same line means one thing with ICE and another without. @internal */
export interface SdpContext {
  readonly sdp: Sdp;
  /** The section of the line; undefined before the first section. */
  readonly media: SdpMedia | undefined;
  /** Whether ICE finds the addresses of the section or, before the first section, those of any section. */
  readonly usesIce: boolean;
  /** Names of all attributes of the section. */
  readonly attributes: ReadonlySet<string>;
  /** Names of all attributes before the first section. */
  readonly sessionAttributes: ReadonlySet<string>;
}

/** The meaning of an attribute: words, or a function that returns them for a value and its context. */
type AttributeWords = string | ((value: string, context: SdpContext) => string);

/**
 * Explains an attribute in its description.
 * @returns one or more sentences; empty for an attribute that cannot be read
 * @internal
 */
export function explainAttribute(line: SdpLine, context: SdpContext): string {
  // A fault that says so is enough.
  if (line.name === '' || line.fault.startsWith('Cannot be read')) return '';
  const words = ATTRIBUTE_WORDS.get(line.name);
  if (words === undefined) {
    if (line.fault !== '') return '';
    return 'An attribute that is not explained here. Receivers pass over those that they do not know.';
  }
  return typeof words === 'string' ? words : words(line.value.trim(), context);
}

/** The attributes that browsers, servers and telephones write. */
const ATTRIBUTE_WORDS: ReadonlyMap<string, AttributeWords> = new Map<string, AttributeWords>([
  ['group', groupWords],
  ['extmap-allow-mixed', 'Header extensions of one and of two bytes may come mixed (RFC 8285 §6).'],
  ['msid-semantic', 'How streams are named: in the way of WebRTC. Only early browsers needed it.'],
  ['rtcp', rtcpWords],
  [
    'ice-ufrag',
    'A name of this side for ICE, new for each connection: checks sent to this side carry it first, then the name of who sends them (RFC 8445 §7.2.2).',
  ],
  [
    'ice-pwd',
    'The password of this side for ICE. It keys the checks that are sent to this side, and their answers (RFC 8445 §7.2.2): who has not seen this description can make no check that counts here.',
  ],
  ['ice-options', iceOptionWords],
  [
    'ice-lite',
    'This side does the lesser part of ICE, as servers with a public address do: it answers checks and sends none (RFC 8445 §2.5).',
  ],
  [
    'ice-mismatch',
    'The addresses of the offer had been changed on the way, so there is no ICE (RFC 8839 §5.3).',
  ],
  [
    'ice-pacing',
    (value) => `ICE sends a check every ${short(value)} ms at the fastest (RFC 8839 §5.5).`,
  ],
  [
    'fingerprint',
    (value) =>
      `The hash (${short(value.split(' ', 1)[0] ?? '')}) of the certificate that this side will show in DTLS: a peer with another certificate did not send this.`,
  ],
  ['setup', setupWords],
  [
    'connection',
    (value) =>
      value === 'existing'
        ? 'The connection that is there already is used on (RFC 4145 §5).'
        : 'A new connection is made (RFC 4145 §5).',
  ],
  ['tls-id', 'A number for the DTLS connection, new for each (RFC 8842).'],
  ['mid', (value) => `The name of this section: ${short(value)}.`],
  ['extmap', extensionWords],
  ['sendrecv', 'Media goes both ways.'],
  ['sendonly', 'This side only sends.'],
  ['recvonly', 'This side only receives.'],
  ['inactive', 'No media goes either way.'],
  ['msid', msidWords],
  ['rtcp-mux', 'This side can have RTCP on the port of RTP; so it is when both say it (RFC 5761).'],
  ['rtcp-mux-only', 'RTCP shares the port with RTP, or there is no call (RFC 8858).'],
  ['rtcp-rsize', 'Reports may be sent in parts, to be quick (RFC 5506).'],
  [
    'rtcp-xr',
    'The extended reports that this side can take, such as one that gives a receiver the round trip (RFC 3611).',
  ],
  ['rtpmap', codecWords],
  ['rtcp-fb', feedbackWords],
  ['fmtp', parameterWords],
  ['ptime', (value) => `Packets to this side should hold ${short(value)} ms each (RFC 8866 §6.4).`],
  [
    'maxptime',
    (value) => `Packets to this side may hold ${short(value)} ms at most (RFC 8866 §6.5).`,
  ],
  ['minptime', (value) => `Packets to this side should hold ${short(value)} ms at least.`],
  ['ssrc', ssrcWords],
  ['ssrc-group', ssrcGroupWords],
  ['candidate', candidateWords],
  ['remote-candidates', 'The pair that ICE chose: the other side’s part of it (RFC 8839 §5.2).'],
  ['end-of-candidates', 'No more candidates will follow (RFC 8840).'],
  ['sctp-port', (value) => `The port of SCTP within DTLS: ${short(value)}, of no meaning outside.`],
  ['sctpmap', 'The port and the protocol of SCTP, in the way of early browsers.'],
  [
    'max-message-size',
    (value) =>
      value === '0'
        ? 'Messages over data channels may be of any length (RFC 8841 §6).'
        : `The longest message that this side takes over a data channel: ${short(value)} bytes.`,
  ],
  ['dcmap', 'A data channel that is agreed on here (RFC 8864).'],
  ['bundle-only', 'This section exists only within the shared connection (RFC 9143).'],
  ['rid', 'A version of a stream sent in several qualities (RFC 8851).'],
  ['simulcast', 'Which qualities of a stream are sent side by side (RFC 8853).'],
  ['imageattr', 'The sizes of picture that can be sent and taken (RFC 6236).'],
  ['framerate', (value) => `Pictures a second at most: ${short(value)}.`],
  ['framesize', 'The size of the picture.'],
  [
    'crypto',
    'A key for SRTP, written in the description itself (SDES, RFC 4568): everybody who sees it can listen. Browsers refuse it.',
  ],
  ['key-mgmt', 'The exchange of keys for SRTP (MIKEY, RFC 4567).'],
  ['label', (value) => `A name of this stream for applications: ${short(value)} (RFC 4574).`],
  [
    'content',
    (value) => `What the stream shows: ${short(value)}, such as slides or the speaker (RFC 4796).`,
  ],
  ['floorctrl', 'Who controls the floor: client, server, or both (RFC 8856).'],
  ['confid', 'The number of the conference at the floor control server (RFC 8856).'],
  ['userid', 'The number of this side at the floor control server (RFC 8856).'],
  ['floorid', 'Which stream a floor stands for (RFC 8856).'],
  ['cname', 'The name of the sender in RTCP.'],
  ['tool', (value) => `The program that made this: ${short(value)}.`],
  ['type', (value) => `The kind of session: ${short(value)}.`],
  ['charset', (value) => `The character set of the texts: ${short(value)}.`],
  ['lang', (value) => `The language of the media: ${short(value)}.`],
  ['sdplang', (value) => `The language of the texts: ${short(value)}.`],
  ['quality', (value) => `The quality wanted of the pictures, 0 to 10: ${short(value)}.`],
  ['control', 'The address by which RTSP controls this stream (RFC 7826).'],
  ['range', 'How much of the recording there is (RTSP, RFC 7826).'],
  ['source-filter', 'The senders that are listened to in the group (RFC 4570).'],
  ['ts-refclk', 'The clock that timestamps are tied to (RFC 7273).'],
  ['mediaclk', 'How timestamps and that clock go together (RFC 7273).'],
  ['silenceSupp', 'Whether silence is left out (RFC 3108).'],
  ['curr', 'The quality of service that there is (RFC 3312).'],
  ['des', 'The quality of service that is wanted before it rings (RFC 3312).'],
  ['conf', 'The quality of service whose coming has to be told (RFC 3312).'],
  ['path', 'The address of this side for MSRP (RFC 4975).'],
  ['accept-types', 'The kinds of text that this side takes (MSRP, RFC 4975).'],
  ['T38FaxVersion', (value) => `The version of T.38: ${short(value)}.`],
  ['T38MaxBitRate', (value) => `The speed of the fax: ${short(value)} bit/s at most.`],
  ['T38FaxRateManagement', 'How the two fax machines settle on a speed.'],
  ['T38FaxUdpEC', 'How lost parts of the fax are made good.'],
]);

/** RFC 9143 and RFC 5888. */
function groupWords(value: string, { sdp }: SdpContext): string {
  const [semantics = '', ...mids] = value.split(' ').filter((word) => word !== '');
  const sections = short(mids.join(', '));
  if (semantics === 'BUNDLE') {
    if (mids.length === 0) return 'No section shares a connection (BUNDLE, RFC 9143).';
    if (mids.length > 1) return `The sections ${sections} share one connection (BUNDLE, RFC 9143).`;
    const later = sdp.media.length > 1 ? '' : ' Sections that are added later may join it.';
    return `The section ${sections} is the only one in its connection (BUNDLE, RFC 9143).${later}`;
  }
  if (semantics === 'LS')
    return `The sections ${sections} are played in time with each other (RFC 5888).`;
  if (semantics === 'FID')
    return `The sections ${sections} are one flow, sent in one of several ways (RFC 5888).`;
  return `The sections ${sections} belong together: ${short(semantics)} (RFC 5888).`;
}

/** RFC 3605. */
function rtcpWords(value: string, { usesIce, attributes }: SdpContext): string {
  const [port = '', , , address = ''] = value.split(' ', 4);
  if (usesIce) return 'Where RTCP would go without ICE.';
  const where = address === '' ? '' : ` of ${short(address)}`;
  const shared = attributes.has('rtcp-mux')
    ? ' It goes to the port of RTP if both sides have a=rtcp-mux.'
    : '';
  return `Where the other side sends RTCP: to port ${short(port)}${where}, not to the one after that of RTP (RFC 3605).${shared}`;
}

function iceOptionWords(value: string): string {
  const words = value.split(' ').filter((word) => word !== '');
  const sentences = words.slice(0, 8).map((word) => {
    switch (word) {
      case 'trickle':
        return 'This side can do Trickle ICE: it takes candidates that come one by one after the description, and may send its own so (RFC 8840).';
      case 'ice2':
        return 'This side does ICE after RFC 8445.';
      case 'renomination':
        return 'The pair in use may be chosen again at any time.';
      default:
        return `An option of ICE: ${short(word)}.`;
    }
  });
  return sentences.length === 0 ? 'Options of ICE: none.' : sentences.join(' ');
}

/** RFC 8830 §2. */
function msidWords(value: string): string {
  const [stream = '', track = ''] = value.split(' ', 2);
  if (stream === '-') return 'The track of this section belongs to no stream (RFC 8830).';
  return track === ''
    ? 'The name of the stream that the track of this section belongs to (RFC 8830).'
    : 'The names of the stream and of the track that this side sends here (RFC 8830).';
}

/** RFC 4145 §4 and RFC 5763 §5. */
function setupWords(value: string, context: SdpContext): string {
  const layers = context.media?.protocol.split('/') ?? ['TLS'];
  const what =
    hasDtls(context) || layers.some((layer) => ['TLS', 'DTLS', 'SAVPF', 'SAVP'].includes(layer))
      ? 'DTLS'
      : 'the TCP connection';
  if (what !== 'DTLS' && !layers.includes('TCP')) {
    return `Who begins a connection (RFC 4145 §4). ${short(layers.join('/'))} has none, so nobody does.`;
  }
  switch (value) {
    case 'actpass':
      return `This side leaves it to the other who begins ${what}.`;
    case 'active':
      return `This side begins ${what}, as its client.`;
    case 'passive':
      return `This side waits for ${what}, as its server.`;
    case 'holdconn':
      return 'No connection is made for now (RFC 4145 §4).';
    default:
      return `Who begins ${what}: ${short(value)}.`;
  }
}

/** Returns whether DTLS may provide the keys although the protocol does not say so: opportunistic SRTP (RFC 8643). */
function hasDtls({ attributes, sessionAttributes }: SdpContext): boolean {
  return attributes.has('fingerprint') || sessionAttributes.has('fingerprint');
}

/** URI of a header extension (RFC 8285) → what packets carry in it. */
const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['urn:ietf:params:rtp-hdrext:ssrc-audio-level', 'the level of the audio in it (RFC 6464)'],
  ['urn:ietf:params:rtp-hdrext:csrc-audio-level', 'the levels of those who were mixed (RFC 6465)'],
  ['urn:ietf:params:rtp-hdrext:toffset', 'how long after its timestamp it was sent (RFC 5450)'],
  ['urn:ietf:params:rtp-hdrext:ntp-64', 'the time of its first sample, in 64 bits (RFC 6051)'],
  ['urn:ietf:params:rtp-hdrext:sdes:mid', 'the section that it belongs to (RFC 9143)'],
  ['urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id', 'the quality that it belongs to (RFC 8852)'],
  [
    'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
    'the quality whose lost packets it repairs (RFC 8852)',
  ],
  ['urn:ietf:params:rtp-hdrext:encrypt', 'an extension that is encrypted (RFC 6904)'],
  ['urn:3gpp:video-orientation', 'which way up the picture is'],
  ['http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time', 'the time at which it was sent'],
  [
    'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
    'a number over all streams, by which losses and delays are reported back',
  ],
  [
    'http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02',
    'a number over all streams, by which losses and delays are reported back',
  ],
  [
    'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
    'the bounds of the delay wanted before playing',
  ],
  [
    'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
    'the time at which the audio or the picture was captured',
  ],
  [
    'http://www.webrtc.org/experiments/rtp-hdrext/video-content-type',
    'whether the picture is a screen or a camera',
  ],
  [
    'http://www.webrtc.org/experiments/rtp-hdrext/video-timing',
    'when the picture passed each step on its way',
  ],
  [
    'http://www.webrtc.org/experiments/rtp-hdrext/color-space',
    'the colours that the picture is written in',
  ],
  [
    'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',
    'which pictures it needs',
  ],
]);

/** RFC 8285 §8: `number[/direction] URI attributes`. */
function extensionWords(value: string): string {
  const [id = '', uri = ''] = value.split(' ', 2);
  const [number = '', direction = ''] = id.split('/', 2);
  const words = EXTENSIONS.get(uri) ?? 'something that is not explained here';
  const ways: Readonly<Record<string, string>> = {
    sendonly: ' Only this side sends it.',
    recvonly: ' Only this side takes it.',
    inactive: ' Neither side sends it now.',
  };
  const way = Object.hasOwn(ways, direction) ? ways[direction] : '';
  return `Packets may carry, under the number ${short(number)}, ${words}.${way}`;
}

/** Returns the codec that an attribute refers to by its payload type. */
function codecOf(format: string, media: SdpMedia | undefined): SdpCodec | undefined {
  return media?.codecs.find(({ payloadType }) => String(payloadType) === format);
}

function codecWords(value: string, { media }: SdpContext): string {
  const [format, rest] = splitFormat(value);
  const { name, clockRate, channels } = parseRtpmap(rest);
  const said = short(rest);
  if (codecOf(format, media) === undefined) {
    return `A codec that this section does not list: ${short(value)}.`;
  }
  const base = `Packets of type ${short(format)} hold ${short(name)}`;
  switch (name.toLowerCase()) {
    case 'opus':
      return clockRate === 48_000 && channels === 2
        ? `${base}: always written as 48,000 Hz and two channels, whatever is in it (RFC 7587 §7).`
        : `${base}, but the line breaks RFC 7587 §7: Opus is always written as opus/48000/2, whatever is in it, not as ${said}. Receivers may refuse it.`;
    case 'red':
      return `${base}: a packet of another type, with copies of earlier ones (RFC 2198).`;
    case 'telephone-event':
      return `${base}: keys of a telephone (RFC 4733), at ${clockRate} Hz.`;
    case 'cn':
      return `${base}: the colour and level of a silence (RFC 3389), at ${clockRate} Hz.`;
    case 'rtx':
      return `${base}: packets sent again (RFC 4588).`;
    case 'ulpfec':
      return `${base}: repairs for lost packets (RFC 5109).`;
    case 'flexfec-03':
    case 'flexfec':
      return `${base}: repairs for lost packets (RFC 8627).`;
    case 'g722':
      return clockRate === 8000
        ? `${base}: 16,000 Hz, written as 8,000 by an old mistake (RFC 3551 §4.5.2).`
        : `${base}, but the line breaks RFC 3551 §4.5.2: G722 is written as 8000 Hz, whatever its rate, not as ${clockRate}.`;
    default: {
      const count = channels === 1 ? 'one channel' : `${channels} channels`;
      const heard = media?.kind === 'audio' ? `, ${count}` : '';
      return `${base}, ${clockRate} Hz${heard}.`;
    }
  }
}

/** RFC 4585 §4.2, RFC 5104 §7. */
function feedbackWords(value: string, { media }: SdpContext): string {
  const [format, rest] = splitFormat(value);
  const [kind = '', parameter = ''] = rest.split(' ', 2);
  const codec = codecOf(format, media);
  const name =
    format === '*' ? 'every codec' : short(codec?.name ?? '') || 'a codec that is not listed here';
  const base = `For ${name}:`;
  switch (`${kind} ${parameter}`.trim()) {
    case 'transport-cc':
      return `${base} arrival times are reported back, from which the sender tells how much the network takes.`;
    case 'nack':
      return `${base} lost packets may be asked for again.`;
    case 'nack pli':
      return `${base} the receiver tells that it has lost a picture, so that a key frame comes.`;
    case 'nack sli':
      return `${base} the receiver tells which part of a picture it has lost.`;
    case 'nack rpsi':
    case 'ack rpsi':
      return `${base} the receiver tells which picture to code from.`;
    case 'ccm fir':
      return `${base} a whole picture may be asked for.`;
    case 'ccm tmmbr':
      return `${base} a lower bitrate may be asked for.`;
    case 'goog-remb':
      return `${base} the receiver tells how much it can take.`;
    default:
      return kind === 'trr-int'
        ? `${base} complete reports come at least ${short(parameter)} ms apart.`
        : `${base} a kind of feedback.`;
  }
}

/** RFC 7587 §6.1: how the other side should send; with `sprop-`, what this side sends. */
const OPUS_PARAMETERS: ReadonlyMap<string, (value: string) => string> = new Map([
  ['minptime', amount((value) => `at least ${value} ms a packet`)],
  ['maxptime', amount((value) => `at most ${value} ms a packet`)],
  ['ptime', amount((value) => `${value} ms a packet`)],
  ['maxaveragebitrate', amount((value) => `${value} bit/s on average at most`)],
  ['maxplaybackrate', amount((value) => `more than ${value} Hz is of no use`)],
  ['useinbandfec', choice('its decoder does not use FEC', 'its decoder can use FEC')],
  ['usedtx', choice('silence is sent too', 'silence need not be sent')],
  ['cbr', choice('variable bitrate', 'constant bitrate')],
  ['stereo', choice('one channel preferred', 'two channels preferred')],
  ['sprop-maxcapturerate', amount((value) => `nothing above ${value} Hz sampled`)],
  ['sprop-stereo', choice('one channel likely', 'two channels likely')],
]);

/** Explains a numeric parameter; returns no words for one that cannot be read. */
function amount(words: (value: string) => string): (value: string) => string {
  return (value) => (/^\d{1,9}(\.\d{1,9})?$/.test(value) ? words(value) : '');
}

/** Explains a parameter that is 0 or 1; returns no words for anything else. */
function choice(none: string, one: string): (value: string) => string {
  return (value) => (value === '1' ? one : value === '0' ? none : '');
}

function parameterWords(value: string, { media }: SdpContext): string {
  const [format, rest] = splitFormat(value);
  const codec = codecOf(format, media);
  if (codec === undefined) {
    return media !== undefined && media.codecs.length === 0 && media.formats.includes(format)
      ? `Parameters of ${short(format)}: ${short(rest)}.`
      : 'Parameters of a codec that this section does not list.';
  }
  switch (codec.name.toLowerCase()) {
    case 'opus':
      return opusWords(rest);
    case 'red': {
      const types = rest.split('/');
      return `Each packet holds ${types.length} of type ${short(types[0] ?? '')}: the newest, and ${types.length - 1} before it.`;
    }
    case 'telephone-event':
      return `The keys and tones that this side takes: ${short(rest)} (RFC 4733 §2.5).`;
    case 'rtx':
      return `What is sent again, and for how long: ${short(rest)} (RFC 4588 §8).`;
    default:
      return `Parameters of ${short(codec.name) || `payload type ${format}`}: ${short(rest)}.`;
  }
}

/** Most parameters that are explained: more than Opus has. */
const MAX_EXPLAINED = 32;

function opusWords(text: string): string {
  const parameters = new Map<string, string>();
  readParameters(text, parameters);
  const wanted: string[] = [];
  const sent: string[] = [];
  for (const [name, setting] of [...parameters].slice(0, MAX_EXPLAINED)) {
    // Parameter names may be in any case (RFC 4855 §3).
    const plain = name.toLowerCase();
    const known = OPUS_PARAMETERS.get(plain);
    const text = short(`${name}=${setting}`);
    const words = known === undefined ? text : known(setting) || `${text}, which cannot be read`;
    (plain.startsWith('sprop-') ? sent : wanted).push(words);
  }
  const sentences: string[] = [];
  if (wanted.length > 0)
    sentences.push(`How this side wants Opus sent to it: ${wanted.join(', ')}.`);
  if (sent.length > 0) sentences.push(`What this side sends: ${sent.join(', ')}.`);
  return sentences.length > 0 ? sentences.join(' ') : 'Parameters of Opus: none.';
}

/** RFC 5576 §4.1. */
function ssrcWords(value: string): string {
  const [ssrc = '', attribute = ''] = value.split(' ', 2);
  const stream = `The stream ${short(ssrc)}`;
  if (attribute.startsWith('cname:')) {
    return `${stream} will come; RTCP calls its sender by this CNAME, and the streams of one CNAME share a clock.`;
  }
  if (/^msid:-( |$)/.test(`${attribute} `))
    return `The track of ${stream.replace('The', 'the')} belongs to no stream (RFC 8830).`;
  if (attribute.startsWith('msid:')) return `${stream} belongs to this track.`;
  if (attribute === '') return `${stream} will come.`;
  return `${stream} has a property.`;
}

function ssrcGroupWords(value: string): string {
  const [semantics = ''] = value.split(' ', 1);
  switch (semantics) {
    case 'FID':
      return 'A stream and the one that sends its lost packets again (RFC 5576 §4.2).';
    case 'FEC':
    case 'FEC-FR':
      return 'A stream and its repairs (RFC 5956).';
    case 'SIM':
      return 'One picture in several qualities.';
    default:
      return 'Streams that belong together (RFC 5576 §4.2).';
  }
}

/** Explains a candidate; empty for one that cannot be read: its line has a `fault`. */
function candidateWords(value: string): string {
  const candidate = readIceCandidate(value);
  if ('reason' in candidate) return '';
  const { type, protocol, address, port, priority } = candidate;
  const hidden = address.endsWith('.local') ? ' Its name hides the address (mDNS).' : '';
  const dropped = protocol === 'tcp' ? ' Over TCP, for networks that let no UDP pass.' : '';
  return `A way to this side: ${short(address)} port ${port}, ${CANDIDATE_WORDS[type]}.${hidden}${dropped} Priority ${priority}.`;
}
