import { integerIn } from '../../arguments.ts';
import { readUint16, readUint32, utf8Text } from '../../bytes.ts';
import { PacketError } from '../../errors.ts';
import { short } from '../../short-text.ts';
import { KIND_WORDS, packetKind } from './packet-kind.ts';
import {
  FAMILY_IPV4,
  FAMILY_IPV6,
  STUN_ATTRIBUTE as ATTRIBUTE,
  readPlainAddress,
  readXorAddress,
} from './stun-message.ts';
import { addressText } from './transport-address.ts';
import type { TransportAddress } from './transport-address.ts';

/** An attribute's value in readable form. */
interface DescribedValue {
  readonly value: string;
  readonly explanation: string;
}

/** A row of the table. */
export interface StunAttributeRow {
  readonly type: number;
  /** The name registered with IANA. */
  readonly name: string;
  readonly clause: string;
  /** @throws PacketError `bad-field` for a value that the clause does not allow, and no other error */
  readonly describe: (value: Uint8Array, transaction: Uint8Array) => DescribedValue;
}

/** Reads values of one kind and converts them to readable text. */
interface Decoder<T> {
  readonly read: (value: Uint8Array, transaction: Uint8Array) => T;
  readonly text: (decoded: T) => string;
}

function row<T>(
  type: number,
  name: string,
  clause: string,
  { read, text }: Decoder<T>,
  explain: string | ((decoded: T) => string),
): StunAttributeRow {
  return {
    type,
    name,
    clause,
    describe: (value, transaction) => {
      const decoded = read(value, transaction);
      const explanation = typeof explain === 'string' ? explain : explain(decoded);
      return { value: text(decoded), explanation };
    },
  };
}

const plainAddress: Decoder<TransportAddress> = { read: readPlainAddress, text: addressText };
const xorAddress: Decoder<TransportAddress> = { read: readXorAddress, text: addressText };
const text: Decoder<string> = { read: utf8Text, text: (decoded) => short(printable(decoded)) };
const opaque: Decoder<Uint8Array> = { read: (value) => value, text: hexText };
const flag: Decoder<null> = { read: (value) => bytesOf(value, 0) && null, text: () => '' };
const uint32: Decoder<number> = { read: (value) => readUint32(bytesOf(value, 4), 0), text: String };
const signature = (least: number, most: number): Decoder<Uint8Array> => ({
  read: (value) => {
    if (value.length >= least && value.length <= most && value.length % 4 === 0) return value;
    const wanted = least === most ? least : `${least} to ${most}`;
    throw new PacketError('bad-field', `A signature has ${wanted} bytes, got ${value.length}.`);
  },
  text: hexText,
});
const word64: Decoder<Uint8Array> = { read: (value) => bytesOf(value, 8), text: hexText };
const firstByte: Decoder<number> = { read: (value) => bytesOf(value, 4)[0]!, text: String };
const firstWord: Decoder<number> = {
  read: (value) => readUint16(bytesOf(value, 4), 0),
  text: (decoded) => `0x${decoded.toString(16)}`,
};

/** A numeric code and its reason. */
interface Coded {
  readonly code: number;
  readonly reason: string;
}
const errorCode: Decoder<Coded> = {
  read: (value) => {
    if (value.length < 4) throw new PacketError('bad-field', 'An error code has 4 bytes at least.');
    const code = (value[2]! & 7) * 100 + value[3]!;
    return { code, reason: utf8Text(value.subarray(4)) };
  },
  text: ({ code, reason }) => `${code} ${short(printable(reason))}`.trim(),
};

const numbers16: Decoder<readonly number[]> = {
  read: (value) => {
    if (value.length % 2 !== 0) throw new PacketError('bad-field', 'A list of words of 2 bytes.');
    return Array.from({ length: value.length / 2 }, (_, i) => readUint16(value, 2 * i));
  },
  text: (decoded) => short(decoded.map(stunAttributeName).join(', ')),
};

/** The two bits of CHANGE-REQUEST (RFC 5780 §7.2). */
const changes: Decoder<{ readonly ip: boolean; readonly port: boolean }> = {
  read: (value) => {
    const bits = readUint32(bytesOf(value, 4), 0);
    return { ip: (bits & 4) !== 0, port: (bits & 2) !== 0 };
  },
  text: ({ ip, port }) => [ip ? 'IP' : '', port ? 'port' : ''].filter(Boolean).join(' and ') || '–',
};

const icmp: Decoder<readonly [number, number]> = {
  read: (value) => [bytesOf(value, 8)[2]! >> 1, readUint16(value, 2) & 0x1ff],
  text: ([type, code]) => `type ${type}, code ${code}`,
};

const network: Decoder<readonly [number, number]> = {
  read: (value) => [readUint16(bytesOf(value, 4), 0), readUint16(value, 2)],
  text: ([id, cost]) => `network ${id}, cost ${cost}`,
};

/** RFC 8489 §14.8 and RFC 8656 §19, RFC 8445 §7.3.1.1. */
const ERROR_WORDS: ReadonlyMap<number, string> = new Map([
  [300, 'ask another server: ALTERNATE-SERVER says which'],
  [400, 'the request was malformed'],
  [401, 'no credentials, or wrong ones: the first request of a client has none, and is refused so'],
  [403, 'the credentials are right, and this is not allowed all the same'],
  [420, 'an attribute that must be understood is not: UNKNOWN-ATTRIBUTES says which'],
  [437, 'this client has no allocation, or has one already'],
  [438, 'the nonce has expired: the same request with the new nonce is taken'],
  [440, 'the server has no address of this family'],
  [441, 'the allocation is another user’s'],
  [442, 'the server relays no such transport'],
  [443, 'the peer’s address is of another family than the allocation'],
  [486, 'this user has as many allocations as are allowed'],
  [487, 'both sides took the same role in ICE: one of them changes it'],
  [500, 'the server has a fault: try again'],
  [508, 'the server has no port left: try again later'],
]);

const ERROR_CLASSES: readonly string[] = [
  '',
  '',
  '',
  'another server',
  'the request',
  'the server',
];

function errorWords({ code }: Coded): string {
  const words = ERROR_WORDS.get(code);
  if (words !== undefined) return `Why it was refused: ${words}.`;
  return `Why it was refused: the reason lies with ${ERROR_CLASSES[Math.floor(code / 100)] ?? 'something else'}.`;
}

function lifetimeWords(seconds: number): string {
  return seconds === 0
    ? 'The allocation ends now.'
    : `The allocation lasts ${seconds} s unless it is refreshed.`;
}

function familyWords(family: number): string {
  if (family === FAMILY_IPV4) return 'The relayed address shall be of IPv4.';
  if (family === FAMILY_IPV6) return 'The relayed address shall be of IPv6.';
  return 'The relayed address shall be of a family that does not exist.';
}

function transportWords(protocol: number): string {
  if (protocol === 17) return 'Between relay and peer: UDP, the only transport that RFC 8656 has.';
  if (protocol === 6) return 'Between relay and peer: TCP (RFC 6062).';
  return 'Between relay and peer: a protocol that TURN does not know.';
}

function changeWords({ ip, port }: { readonly ip: boolean; readonly port: boolean }): string {
  if (!ip && !port) return 'The answer shall come from the address that was asked.';
  const what = ip && port ? 'address and port' : ip ? 'address' : 'port';
  return `The answer shall come from another ${what} than was asked: it arrives only if the NAT lets it in.`;
}

/** Every attribute that browsers, TURN servers and behaviour discovery use. */
const ROWS: readonly StunAttributeRow[] = [
  row(
    ATTRIBUTE.mappedAddress,
    'MAPPED-ADDRESS',
    'RFC 8489 §14.1',
    plainAddress,
    'The address that the server saw, in the clear: some routers change it on the way.',
  ),
  row(ATTRIBUTE.changeRequest, 'CHANGE-REQUEST', 'RFC 5780 §7.2', changes, changeWords),
  row(
    ATTRIBUTE.username,
    'USERNAME',
    'RFC 8489 §14.3',
    text,
    'Who asks. In ICE: the receiver’s name, a colon, the sender’s (ice-ufrag). At a TURN server: the user.',
  ),
  row(
    ATTRIBUTE.messageIntegrity,
    'MESSAGE-INTEGRITY',
    'RFC 8489 §14.5',
    signature(20, 20),
    'A signature: HMAC-SHA-1 of all before it. Only who knows the password can make it.',
  ),
  row(ATTRIBUTE.errorCode, 'ERROR-CODE', 'RFC 8489 §14.8', errorCode, errorWords),
  row(
    ATTRIBUTE.unknownAttributes,
    'UNKNOWN-ATTRIBUTES',
    'RFC 8489 §14.13',
    numbers16,
    'The attributes of the request that the server does not know and should.',
  ),
  row(
    ATTRIBUTE.channelNumber,
    'CHANNEL-NUMBER',
    'RFC 8656 §18.1',
    firstWord,
    'The number that stands for a peer in front of data: 4 bytes in place of 36.',
  ),
  row(ATTRIBUTE.lifetime, 'LIFETIME', 'RFC 8656 §18.2', uint32, lifetimeWords),
  row(
    ATTRIBUTE.xorPeerAddress,
    'XOR-PEER-ADDRESS',
    'RFC 8656 §18.3',
    xorAddress,
    'The peer: where the relay sends to, or what came from there.',
  ),
  row(
    ATTRIBUTE.data,
    'DATA',
    'RFC 8656 §18.4',
    { read: (value) => value, text: (value) => `${value.length} bytes` },
    (value) => `What is relayed: ${KIND_WORDS[packetKind(value)]}.`,
  ),
  row(
    ATTRIBUTE.realm,
    'REALM',
    'RFC 8489 §14.9',
    text,
    'Whose users these are: it is part of the key, with user and password.',
  ),
  row(
    ATTRIBUTE.nonce,
    'NONCE',
    'RFC 8489 §14.10',
    text,
    'What the server wants to see again, so that nobody can repeat an old request.',
  ),
  row(
    ATTRIBUTE.xorRelayedAddress,
    'XOR-RELAYED-ADDRESS',
    'RFC 8656 §18.5',
    xorAddress,
    'The port that the server has opened for this client: its relay candidate.',
  ),
  row(
    ATTRIBUTE.requestedAddressFamily,
    'REQUESTED-ADDRESS-FAMILY',
    'RFC 8656 §18.6',
    firstByte,
    familyWords,
  ),
  row(ATTRIBUTE.evenPort, 'EVEN-PORT', 'RFC 8656 §18.7', opaque, (value) =>
    ((value[0] ?? 0) & 0x80) !== 0
      ? 'The port shall be even, and the next one kept: for RTP with RTCP beside it.'
      : 'The port shall be even.',
  ),
  row(
    ATTRIBUTE.requestedTransport,
    'REQUESTED-TRANSPORT',
    'RFC 8656 §18.8',
    firstByte,
    transportWords,
  ),
  row(
    ATTRIBUTE.dontFragment,
    'DONT-FRAGMENT',
    'RFC 8656 §18.9',
    flag,
    'What the relay sends to the peer shall not be cut into fragments.',
  ),
  row(
    ATTRIBUTE.messageIntegritySha256,
    'MESSAGE-INTEGRITY-SHA256',
    'RFC 8489 §14.6',
    signature(16, 32),
    'A signature: HMAC-SHA-256 of all before it.',
  ),
  row(
    ATTRIBUTE.passwordAlgorithm,
    'PASSWORD-ALGORITHM',
    'RFC 8489 §14.12',
    opaque,
    'How the key is made of the password: 1 for MD5, 2 for SHA-256.',
  ),
  row(
    ATTRIBUTE.userhash,
    'USERHASH',
    'RFC 8489 §14.4',
    opaque,
    'Who asks, as a hash of user and realm, so that nobody on the way reads the name.',
  ),
  row(
    ATTRIBUTE.xorMappedAddress,
    'XOR-MAPPED-ADDRESS',
    'RFC 8489 §14.2',
    xorAddress,
    'The address and port that the request came from, as the server saw it: behind a NAT, the NAT’s. It becomes the srflx candidate.',
  ),
  row(
    ATTRIBUTE.reservationToken,
    'RESERVATION-TOKEN',
    'RFC 8656 §18.10',
    word64,
    'Names the port that was kept for this client.',
  ),
  row(
    ATTRIBUTE.priority,
    'PRIORITY',
    'RFC 8445 §7.1.1',
    uint32,
    'The priority that a peer-reflexive candidate gets if this check shows one.',
  ),
  row(
    ATTRIBUTE.useCandidate,
    'USE-CANDIDATE',
    'RFC 8445 §7.1.2',
    flag,
    'The controlling side nominates: the call goes over this pair.',
  ),
  row(
    ATTRIBUTE.padding,
    'PADDING',
    'RFC 5780 §7.6',
    { read: (value) => value, text: (value) => `${value.length} bytes` },
    'Makes the message so long that it is sent in fragments, to see whether they arrive.',
  ),
  row(
    ATTRIBUTE.responsePort,
    'RESPONSE-PORT',
    'RFC 5780 §7.5',
    { ...firstWord, text: String },
    'The answer shall go to this port: whether it arrives tells how long a mapping lasts.',
  ),
  row(
    ATTRIBUTE.additionalAddressFamily,
    'ADDITIONAL-ADDRESS-FAMILY',
    'RFC 8656 §18.11',
    firstByte,
    (family) =>
      family === FAMILY_IPV6
        ? 'A second relayed address is asked for, of IPv6.'
        : 'A second relayed address is asked for, of a family that may not be.',
  ),
  row(
    ATTRIBUTE.addressErrorCode,
    'ADDRESS-ERROR-CODE',
    'RFC 8656 §18.12',
    errorCode,
    (coded) => `For one of the two families. ${errorWords(coded)}`,
  ),
  row(
    ATTRIBUTE.passwordAlgorithms,
    'PASSWORD-ALGORITHMS',
    'RFC 8489 §14.11',
    opaque,
    'The ways to make a key of a password that the server takes, the preferred first.',
  ),
  row(
    ATTRIBUTE.alternateDomain,
    'ALTERNATE-DOMAIN',
    'RFC 8489 §14.16',
    text,
    'The name that the other server’s certificate must have.',
  ),
  row(
    ATTRIBUTE.icmp,
    'ICMP',
    'RFC 8656 §18.13',
    icmp,
    'A router on the way to the peer says why data did not arrive.',
  ),
  row(ATTRIBUTE.software, 'SOFTWARE', 'RFC 8489 §14.14', text, 'The program that wrote this.'),
  row(
    ATTRIBUTE.alternateServer,
    'ALTERNATE-SERVER',
    'RFC 8489 §14.15',
    plainAddress,
    'The server to ask instead.',
  ),
  row(
    ATTRIBUTE.fingerprint,
    'FINGERPRINT',
    'RFC 8489 §14.7',
    { ...uint32, text: (value) => `0x${value.toString(16).padStart(8, '0')}` },
    'A checksum: tells STUN from media on the same port. It protects nothing.',
  ),
  row(
    ATTRIBUTE.iceControlled,
    'ICE-CONTROLLED',
    'RFC 8445 §7.1.3',
    word64,
    'The sender lets the other side choose the pair. The number decides if both say so.',
  ),
  row(
    ATTRIBUTE.iceControlling,
    'ICE-CONTROLLING',
    'RFC 8445 §7.1.3',
    word64,
    'The sender chooses the pair. The number decides if both say so.',
  ),
  row(
    ATTRIBUTE.responseOrigin,
    'RESPONSE-ORIGIN',
    'RFC 5780 §7.3',
    plainAddress,
    'The server’s address that this was sent from.',
  ),
  row(
    ATTRIBUTE.otherAddress,
    'OTHER-ADDRESS',
    'RFC 5780 §7.4',
    plainAddress,
    'The server’s second address and port, for the tests of a NAT’s behaviour.',
  ),
  row(
    0xc057,
    'GOOG-NETWORK-INFO',
    'IANA: STUN attributes',
    network,
    'Chromium: which of the sender’s networks this is, and what it costs (Wi-Fi 10, mobile 900).',
  ),
];

const BY_TYPE: ReadonlyMap<number, StunAttributeRow> = new Map(
  ROWS.map((each) => [each.type, each]),
);

/** Returns the row of an attribute; undefined if the table does not have it. */
export function stunAttributeRow(type: number): StunAttributeRow | undefined {
  return BY_TYPE.get(type);
}

/** Returns the registered name of an attribute, such as `'XOR-MAPPED-ADDRESS'`, or its number, such as `'0x7abc'`, if unknown. */
export function stunAttributeName(type: number): string {
  integerIn('type', type, 0, 0xffff);
  return BY_TYPE.get(type)?.name ?? `0x${type.toString(16).padStart(4, '0')}`;
}

/** @throws PacketError */
function bytesOf(value: Uint8Array, length: number): Uint8Array {
  if (value.length === length) return value;
  throw new PacketError('bad-field', `The value must have ${length} bytes, got ${value.length}.`);
}

const MAX_HEX_BYTES = 32;

export function hexText(bytes: Uint8Array): string {
  const shown = bytes.subarray(0, MAX_HEX_BYTES);
  const text = Array.from(shown, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return bytes.length > MAX_HEX_BYTES ? `${text}…` : text;
}

/** Replaces control characters in a sender's text, which would change how a page or a terminal shows the rest. */
function printable(words: string): string {
  return words.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\ufffd');
}
