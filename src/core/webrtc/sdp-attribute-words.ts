import { CANDIDATE_WORDS, parseIceCandidate } from './ice-candidate.ts';
import type { SdpCodec, SdpMedia } from './sdp.ts';

/** What an attribute means: words, or what makes them of its value, the codec that it speaks of, and its section. */
type AttributeWords =
  | string
  | ((value: string, codec: SdpCodec | undefined, media: SdpMedia | undefined) => string);

/** The attributes that browsers write. */
export const ATTRIBUTE_WORDS: ReadonlyMap<string, AttributeWords> = new Map<string, AttributeWords>(
  [
    [
      'group',
      (value) =>
        `The sections ${value.split(' ').slice(1).join(', ')} share one connection (BUNDLE, RFC 9143).`,
    ],
    [
      'extmap-allow-mixed',
      'Header extensions of one and of two bytes may come mixed (RFC 8285 §6).',
    ],
    ['msid-semantic', 'How streams are named: in the way of WebRTC.'],
    ['rtcp', 'Where RTCP would go without ICE.'],
    [
      'ice-ufrag',
      'The name by which this side signs its ICE checks, new for each call (RFC 8839 §5.4).',
    ],
    ['ice-pwd', 'The password to it: who has not seen this description cannot answer checks.'],
    [
      'ice-options',
      (value) =>
        value.includes('trickle')
          ? 'Candidates may follow one by one, after this description (RFC 8838).'
          : `Options of ICE: ${value}.`,
    ],
    ['ice-lite', 'This side has a public address and only answers checks (RFC 8445 §2.5).'],
    [
      'fingerprint',
      (value) =>
        `The hash (${value.split(' ', 1)[0]}) of the certificate that this side will show in DTLS: whoever has another is not the one who sent this.`,
    ],
    ['setup', setupWords],
    ['tls-id', 'A number for the DTLS connection, new for each (RFC 8842).'],
    ['mid', (value) => `The name of this section: ${value}.`],
    ['extmap', extensionWords],
    ['sendrecv', 'Goes both ways.'],
    ['sendonly', 'This side only sends.'],
    ['recvonly', 'This side only receives.'],
    ['inactive', 'Nothing is sent either way.'],
    ['msid', 'The names of the stream and the track that will come.'],
    ['rtcp-mux', 'RTCP shares the port with RTP (RFC 5761).'],
    ['rtcp-mux-only', 'RTCP shares the port with RTP, or there is no call (RFC 8858).'],
    ['rtcp-rsize', 'Reports may be sent in parts, to be quick (RFC 5506).'],
    [
      'rtcp-xr',
      'Extended reports, such as one from which a receiver tells the round trip (RFC 3611).',
    ],
    ['rtpmap', codecWords],
    ['rtcp-fb', feedbackWords],
    ['fmtp', parameterWords],
    ['ptime', (value) => `Packets shall hold ${value} ms each.`],
    ['maxptime', (value) => `Packets may hold ${value} ms at most.`],
    ['minptime', (value) => `Packets shall hold ${value} ms at least.`],
    ['ssrc', ssrcWords],
    ['ssrc-group', 'Streams that belong together, such as a stream and its repairs (RFC 5576).'],
    ['candidate', candidateWords],
    ['remote-candidates', 'The pair that was chosen: the other side’s part of it.'],
    ['end-of-candidates', 'No more candidates will follow (RFC 8838).'],
    ['sctp-port', (value) => `The port of SCTP within DTLS: ${value}, of no meaning outside.`],
    ['sctpmap', 'The port and the protocol of SCTP, in the way of early browsers.'],
    [
      'max-message-size',
      (value) =>
        value === '0'
          ? 'Messages over data channels may be of any length.'
          : `The longest message that this side takes over a data channel: ${value} bytes.`,
    ],
    ['bundle-only', 'This section exists only within the shared connection.'],
    ['rid', 'A version of a stream sent in several qualities.'],
    ['simulcast', 'Which qualities of a stream are sent side by side.'],
  ],
);

/** RFC 4145 and RFC 5763 §5. */
function setupWords(value: string): string {
  if (value === 'actpass') return 'This side leaves it to the other who begins DTLS.';
  if (value === 'active') return 'This side begins DTLS, as its client.';
  if (value === 'passive') return 'This side waits for DTLS, as its server.';
  return `Who begins DTLS: ${value}.`;
}

/** The header extensions (RFC 8285) that browsers use for sound. */
const EXTENSIONS: readonly (readonly [part: string, words: string])[] = [
  ['ssrc-audio-level', 'the level of the sound in it (RFC 6464)'],
  ['csrc-audio-level', 'the levels of those who were mixed (RFC 6465)'],
  ['abs-send-time', 'the time at which it was sent'],
  ['transport-wide-cc', 'a number over all streams, by which losses and delays are reported back'],
  ['sdes:mid', 'the section that it belongs to (RFC 9143)'],
  ['rtp-stream-id', 'the quality that it belongs to (RFC 8852)'],
  ['toffset', 'how long after its timestamp it was sent (RFC 5450)'],
  ['playout-delay', 'the bounds of the delay wanted before playing'],
  ['abs-capture-time', 'the time at which the sound was recorded'],
];

function extensionWords(value: string): string {
  const [id = ''] = value.split(' ', 1);
  const known = EXTENSIONS.find(([part]) => value.includes(part));
  const words = known?.[1] ?? 'something that is not explained here';
  return `Packets may carry, under the number ${id.split('/', 1)[0]}, ${words}.`;
}

function codecWords(value: string, codec: SdpCodec | undefined): string {
  if (codec === undefined) return `A codec that this section does not list: ${value}.`;
  const { payloadType, name, clockRate, channels } = codec;
  const base = `Packets of type ${payloadType} hold ${name}`;
  switch (name.toLowerCase()) {
    case 'opus':
      return `${base}: always written as 48,000 Hz and two channels, whatever is in it (RFC 7587 §7).`;
    case 'red':
      return `${base}: a packet of another type, with copies of earlier ones (RFC 2198).`;
    case 'telephone-event':
      return `${base}: keys of a telephone (RFC 4733), at ${clockRate} Hz.`;
    case 'cn':
      return `${base}: the colour and level of a silence (RFC 3389), at ${clockRate} Hz.`;
    case 'rtx':
      return `${base}: packets sent again (RFC 4588).`;
    case 'g722':
      return `${base}: 16,000 Hz, written as 8,000 by an old mistake (RFC 3551 §4.5.2).`;
    default:
      return `${base}, ${clockRate} Hz, ${channels === 1 ? 'one channel' : `${channels} channels`}.`;
  }
}

function feedbackWords(value: string, codec: SdpCodec | undefined): string {
  const name = codec?.name ?? (value.startsWith('*') ? 'every codec' : 'a codec');
  if (value.includes('transport-cc')) {
    return `For ${name}: arrival times are reported back, from which the sender tells how much the network takes.`;
  }
  if (value.includes('nack pli')) return `For ${name}: a new key frame may be asked for.`;
  if (value.includes('nack')) return `For ${name}: lost packets may be asked for again.`;
  if (value.includes('ccm fir')) return `For ${name}: a full picture may be asked for.`;
  if (value.includes('goog-remb')) return `For ${name}: the receiver tells how much it can take.`;
  return `For ${name}: a kind of feedback.`;
}

/** RFC 7587 §6.1. */
const OPUS_PARAMETERS: ReadonlyMap<string, (value: string) => string> = new Map([
  ['minptime', (value: string) => `at least ${value} ms a packet`],
  ['maxptime', (value: string) => `at most ${value} ms a packet`],
  ['ptime', (value: string) => `${value} ms a packet`],
  ['maxaveragebitrate', (value: string) => `${value} bit/s on average at most`],
  ['maxplaybackrate', (value: string) => `no more than ${value} Hz is of use`],
  ['sprop-maxcapturerate', (value: string) => `it comes from ${value} Hz`],
  ['useinbandfec', (value: string) => (value === '1' ? 'with FEC' : 'without FEC')],
  ['usedtx', (value: string) => (value === '1' ? 'silence is not sent' : 'silence is sent too')],
  ['cbr', (value: string) => (value === '1' ? 'constant bitrate' : 'variable bitrate')],
  ['stereo', (value: string) => (value === '1' ? 'two channels wanted' : 'one channel wanted')],
  [
    'sprop-stereo',
    (value: string) => (value === '1' ? 'two channels will come' : 'one channel will come'),
  ],
]);

function parameterWords(value: string, codec: SdpCodec | undefined): string {
  if (codec === undefined) return 'Parameters of a codec that this section does not list.';
  if (codec.name.toLowerCase() === 'red') {
    const types = codec.parameters.get('')?.split('/') ?? [];
    return `Each packet holds ${types.length} of type ${types[0]}: the newest, and ${types.length - 1} before it.`;
  }
  if (codec.name.toLowerCase() !== 'opus') return `Parameters of ${codec.name}: ${value}.`;
  const words = [...codec.parameters].map(([name, setting]) => {
    const known = OPUS_PARAMETERS.get(name);
    return known === undefined ? `${name}=${setting}` : known(setting);
  });
  return `How Opus shall be sent to this side: ${words.join(', ')}.`;
}

function ssrcWords(value: string): string {
  const [ssrc = '', attribute = ''] = value.split(' ', 2);
  if (attribute.startsWith('cname:')) {
    return `The stream ${ssrc} comes, of a sender who calls itself so in RTCP: the streams of one CNAME share a clock.`;
  }
  if (attribute.startsWith('msid:')) return `The stream ${ssrc} belongs to this track.`;
  return `The stream ${ssrc} has a property.`;
}

function candidateWords(value: string): string {
  const candidate = parseIceCandidate(value);
  const { type, protocol, address, port, priority } = candidate;
  const hidden = address.endsWith('.local') ? ' Its name hides the address (mDNS).' : '';
  const dropped = protocol === 'tcp' ? ' Over TCP, for networks that let no UDP pass.' : '';
  return `A way to this side: ${address} port ${port}, ${CANDIDATE_WORDS[type]}.${hidden}${dropped} Priority ${priority}.`;
}
