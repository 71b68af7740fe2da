import type { Sdp, SdpCodec, SdpLine, SdpMedia } from 'micwire/sdp';
import type { Clause } from './clauses.ts';
import { rfc } from './clauses.ts';

/** What offer and answer agree on, one after the other. */
export type SdpTopic =
  | 'codec'
  | 'parameters'
  | 'direction'
  | 'ice'
  | 'dtls'
  | 'bundle'
  | 'rtcp'
  | 'data';

/** One thing that is agreed on. */
export interface SdpAgreement {
  readonly topic: SdpTopic;
  readonly name: string;
  /** What each side says; empty where it says nothing. */
  readonly offer: string;
  readonly answer: string;
  /** What follows from both. */
  readonly agreed: string;
  readonly clause: Clause;
}

/** Attributes by what they are about. */
const TOPICS: Readonly<Record<string, SdpTopic>> = {
  rtpmap: 'codec',
  fmtp: 'parameters',
  ptime: 'parameters',
  maxptime: 'parameters',
  sendrecv: 'direction',
  sendonly: 'direction',
  recvonly: 'direction',
  inactive: 'direction',
  'ice-ufrag': 'ice',
  'ice-pwd': 'ice',
  'ice-options': 'ice',
  candidate: 'ice',
  fingerprint: 'dtls',
  setup: 'dtls',
  group: 'bundle',
  mid: 'bundle',
  'rtcp-mux': 'rtcp',
  'rtcp-fb': 'rtcp',
  'rtcp-rsize': 'rtcp',
  'sctp-port': 'data',
  'max-message-size': 'data',
};

/** What a line is about; null for anything that is not agreed on. */
export function topicOf({ type, name, value }: SdpLine): SdpTopic | null {
  if (type === 'm') return value.startsWith('application') ? 'data' : 'codec';
  return type === 'a' && Object.hasOwn(TOPICS, name) ? TOPICS[name]! : null;
}

/** What two descriptions of an audio call agree on. Unless both have a section of audio: nothing about audio. */
export function agreementOf(offer: Sdp, answer: Sdp): readonly SdpAgreement[] {
  const rows: SdpAgreement[] = [];
  const add = (
    topic: SdpTopic,
    name: string,
    said: readonly [offer: string, answer: string],
    agreed: string,
    clause: Clause,
  ): void => void rows.push({ topic, name, offer: said[0], answer: said[1], agreed, clause });
  const both = <T>(ask: (sdp: Sdp) => T): readonly [T, T] => [ask(offer), ask(answer)];

  const [offered, answered] = both(audioOf);
  if (offered !== null && answered !== null) {
    // RFC 9429 §5.3.1: the answer orders the codecs that both have, and the first is sent.
    const codec = mediaCodecs(answered)[0];
    add(
      'codec',
      'Codec and payload type',
      [codecNames(offered), codecNames(answered)],
      codec === undefined ? 'none' : describeCodec(codec),
      rfc(3264, '6.1'),
    );
    add(
      'parameters',
      'Parameters of the codec',
      [parametersOf(offered, codec), parametersOf(answered, codec)],
      codec === undefined ? 'none' : askedOf(codec),
      rfc(7587, '6.1'),
    );
    add(
      'direction',
      'Direction',
      [offered.direction, answered.direction],
      directionOf(offered, answered),
      rfc(3264, '6.1'),
    );
  }
  const ufrags = both((sdp) => valueOf(sdp, 'ice-ufrag'));
  const candidates = both((sdp) => sdp.lines.filter(({ name }) => name === 'candidate').length);
  add(
    'ice',
    'ICE',
    [iceWords(ufrags[0], candidates[0]), iceWords(ufrags[1], candidates[1])],
    ufrags.includes('')
      ? 'No ICE: audio goes where c= and m= say.'
      : `Checks of the caller carry the name ${ufrags[1]}:${ufrags[0]}.`,
    rfc(8839, '5.4'),
  );
  const setups = both((sdp) => valueOf(sdp, 'setup'));
  const prints = both((sdp) => fingerprintWords(valueOf(sdp, 'fingerprint')));
  add(
    'dtls',
    'DTLS',
    [`${prints[0]} ${setups[0]}`.trim(), `${prints[1]} ${setups[1]}`.trim()],
    prints.includes('')
      ? 'No DTLS: the audio is not encrypted by it.'
      : `${clientOf(setups)} begins the handshake. Each accepts only the certificate with this fingerprint.`,
    rfc(8842, '5'),
  );
  add(
    'bundle',
    'BUNDLE',
    [offer.bundle.join(' '), answer.bundle.join(' ')],
    answer.bundle.length === 0
      ? 'A connection for each section.'
      : `One connection for ${answer.bundle.length} sections: ${answer.bundle.join(' and ')}.`,
    rfc(9143, '7.3'),
  );
  const mux = both((sdp) => (has(sdp, 'rtcp-mux') ? 'rtcp-mux' : ''));
  add(
    'rtcp',
    'RTCP',
    mux,
    mux.includes('') ? 'A port of its own.' : 'On the same port as RTP.',
    rfc(5761, '5.1.1'),
  );
  return rows;
}

function audioOf({ media }: Sdp): SdpMedia | null {
  return media.find(({ kind }) => kind === 'audio') ?? null;
}

/** Those that are audio: not copies, comfort noise or keys of a telephone. */
function mediaCodecs({ codecs }: SdpMedia): readonly SdpCodec[] {
  return codecs.filter(({ name }) => !/^(?:red|cn|telephone-event)$/i.test(name));
}

function codecNames({ codecs }: SdpMedia): string {
  return codecs.map(({ name, payloadType }) => `${name || '?'} (${payloadType})`).join(', ');
}

function describeCodec({ name, clockRate, channels, payloadType }: SdpCodec): string {
  const rate = `${clockRate / 1000} kHz`;
  return `${name}, ${rate}, ${channels === 1 ? 'one channel' : `${channels} channels`}: payload type ${payloadType}.`;
}

function parametersOf({ codecs }: SdpMedia, codec: SdpCodec | undefined): string {
  const found = codecs.find(
    ({ name, clockRate }) => name === codec?.name && clockRate === codec.clockRate,
  );
  return [...(found?.parameters ?? [])]
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('; ');
}

/** What the answer asks the caller's encoder for; each side asks for what it wants to receive. */
function askedOf({ name, parameters }: SdpCodec): string {
  if (!/^opus$/i.test(name)) return `${name} has none.`;
  const isOn = (parameter: string): boolean => parameters.get(parameter) === '1';
  const parts = [
    isOn('useinbandfec') ? 'with FEC' : 'without FEC',
    isOn('usedtx') ? 'with DTX' : 'without DTX',
    isOn('stereo') ? 'two channels at most' : 'one channel',
  ];
  return `The callee asks the caller for Opus ${parts.join(', ')}.`;
}

function directionOf(offer: SdpMedia, answer: SdpMedia): string {
  const sends = ({ direction }: SdpMedia): boolean => /^send/.test(direction);
  const receives = ({ direction }: SdpMedia): boolean => /recv/.test(direction);
  const there = sends(offer) && receives(answer);
  const back = sends(answer) && receives(offer);
  if (there && back) return 'Both send.';
  if (there) return 'The caller sends, the callee receives.';
  if (back) return 'The callee sends, the caller receives.';
  return 'Nobody sends: the call is on hold.';
}

function iceWords(ufrag: string, candidates: number): string {
  if (ufrag === '') return '';
  return `ufrag ${ufrag}, ${candidates === 0 ? 'candidates come later' : `${candidates} candidate${candidates === 1 ? '' : 's'}`}`;
}

/** The first bytes tell two of them apart. */
function fingerprintWords(value: string): string {
  if (value === '') return '';
  const [hash = '', bytes = ''] = value.split(' ', 2);
  return `${hash} ${bytes.slice(0, 11)}…`;
}

/** The side that is the client of DTLS (RFC 4145 §4.1). */
function clientOf([, answer]: readonly [string, string]): string {
  return answer === 'passive' ? 'The caller' : 'The callee';
}

function valueOf({ lines }: Sdp, attribute: string): string {
  return lines.find(({ name }) => name === attribute)?.value ?? '';
}

function has({ lines }: Sdp, attribute: string): boolean {
  return lines.some(({ name }) => name === attribute);
}
