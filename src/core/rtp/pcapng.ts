import { checkBytes, checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn, numberIn } from '../arguments.ts';
import { utf8Bytes, writeUint16 } from '../bytes.ts';
import type { RtpStreamOptions } from './rtp-stream.ts';
import { payloadTypesOf, rtpMap } from './rtp-payload-format.ts';

/*
 * A capture file that Wireshark opens (draft-ietf-opsawg-pcapng §4): a section header, one interface, then one enhanced packet
 * block per datagram. The file's own numbers are little-endian, as the section header says; those of the datagrams are in network
 * order.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------------------------------------------------------+
 *  0 |     block type = 6, enhanced packet block                     |
 *  4 |     block total length                                        |
 *  8 |     interface = 0                                             |
 * 12 |     timestamp in µs since 1970, upper 32 bits                 |
 * 16 |     timestamp, lower 32 bits                                  |
 * 20 |     captured length                                           |
 * 24 |     original length                                           |
 * 28 |     IPv4 (RFC 791), UDP (RFC 768), the message; padded to 32 bits
 *    |     block total length, repeated                              |
 *    +---------------------------------------------------------------+
 */

/** One end: an IPv4 address and its UDP port for RTP; RTCP uses the next port. */
export interface PcapEndpoint {
  /** Four decimal numbers separated by dots. */
  readonly address: string;
  /** UDP port for RTP, 1..65534. */
  readonly port: number;
}

/** The two ends of a capture file. */
export interface PcapngOptions {
  /** @default 192.0.2.1, port 5004: an address for examples (RFC 5737) */
  readonly local?: PcapEndpoint | undefined;
  /** @default 192.0.2.2, port 5004 */
  readonly remote?: PcapEndpoint | undefined;
}
const NAMES = { local: 1, remote: 1 } satisfies OptionNames<PcapngOptions>;

/** The direction of a datagram. */
export type PcapDirection = 'sent' | 'received';

const SECTION_HEADER_BLOCK = 0x0a0d0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const INTERFACE_BLOCK = 1;
const ENHANCED_PACKET_BLOCK = 6;
/** Datagrams that begin with an IPv4 or IPv6 header. */
const LINKTYPE_RAW = 101;
const NO_SNAPSHOT_LIMIT = 0;
const BLOCK_OVERHEAD = 12;
const PACKET_FIELDS_BYTES = 20;

const IP_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;
const MAX_DATAGRAM_BYTES = 65_535 - IP_HEADER_BYTES - UDP_HEADER_BYTES;
const IP_VERSION_AND_WORDS = 0x45;
const DO_NOT_FRAGMENT = 0x4000;
const TIME_TO_LIVE = 64;
const UDP_PROTOCOL = 17;
const SIP_PORT = 5060;
/** An ACK has the sequence number of its INVITE (RFC 3261 §13.2.2.4). */
const CSEQ = { INVITE: 1, ACK: 1, BYE: 2 } as const;
const MAX_RTP_PORT = 65_534;

const TWO_32 = 2 ** 32;
const MAX_MS = Number.MAX_SAFE_INTEGER / 1000;

const LOCAL: PcapEndpoint = { address: '192.0.2.1', port: 5004 };
const REMOTE: PcapEndpoint = { address: '192.0.2.2', port: 5004 };

/**
 * Writes RTP, RTCP and SIP messages as a capture file, piece by piece: call `begin` first, then write each message as it comes, and
 * finally call `end`. The returned bytes belong to the caller, who joins them into a file `x.pcapng`. Addresses are invented if the
 * messages travelled another way.
 */
export class PcapngWriter {
  readonly #local: PcapEndpoint;
  readonly #remote: PcapEndpoint;
  readonly #addresses: { readonly local: Uint8Array; readonly remote: Uint8Array };
  #identification = 0;

  /** @throws TypeError or RangeError for an invalid address or port */
  constructor(options: PcapngOptions = {}) {
    checkOptions('PcapngWriter', options, NAMES);
    const { local = LOCAL, remote = REMOTE } = options;
    this.#local = local;
    this.#remote = remote;
    integerIn('local.port', local.port, 1, MAX_RTP_PORT);
    integerIn('remote.port', remote.port, 1, MAX_RTP_PORT);
    this.#addresses = {
      local: addressBytes('local.address', local.address),
      remote: addressBytes('remote.address', remote.address),
    };
  }

  /**
   * Returns the beginning of a file without any message: for a call whose own messages follow through {@link sip}, or for datagrams
   * of any kind, which `rtp` writes too.
   */
  header(): Uint8Array<ArrayBuffer> {
    return joined([sectionHeader(), interfaceDescription()]);
  }

  /**
   * Returns the beginning of the file: its headers, and the SIP messages that set up a call (RFC 3261), INVITE, 100, 180, 200 and
   * ACK. Their descriptions (SDP, RFC 8866) tell Wireshark what the payload types mean.
   * @param timeMs ms since 1970
   */
  begin(stream: RtpStreamOptions, timeMs: number): Uint8Array<ArrayBuffer> {
    return joined([
      this.header(),
      this.#request('INVITE', timeMs, sdp(stream, this.#local)),
      this.#response('100 Trying', 'INVITE', timeMs),
      this.#response('180 Ringing', 'INVITE', timeMs),
      this.#response('200 OK', 'INVITE', timeMs, sdp(stream, this.#remote)),
      this.#request('ACK', timeMs),
    ]);
  }

  /**
   * Returns the end of the call that `begin` set up: BYE and its 200.
   * @param timeMs ms since 1970
   */
  end(timeMs: number): Uint8Array<ArrayBuffer> {
    return joined([this.#request('BYE', timeMs), this.#response('200 OK', 'BYE', timeMs)]);
  }

  /**
   * Returns one SIP message of a call, such as an entry of a `SipLadder`. Wireshark finds the call's audio if `local` and `remote`
   * are the addresses and ports in its descriptions.
   * @param message text, or bytes in UTF-8
   * @param timeMs ms since 1970
   * @throws RangeError when it is too long for a datagram
   */
  sip(
    message: string | Uint8Array,
    direction: PcapDirection,
    timeMs: number,
  ): Uint8Array<ArrayBuffer> {
    const bytes = typeof message === 'string' ? utf8Bytes(message) : message;
    return this.#datagram(bytes, direction, SIP_PORT, SIP_PORT, timeMs);
  }

  /**
   * Returns one RTP packet.
   * @param timeMs when it was sent or arrived, in ms since 1970
   * @throws RangeError when it is too long for a datagram
   */
  rtp(message: Uint8Array, direction: PcapDirection, timeMs: number): Uint8Array<ArrayBuffer> {
    return this.#datagram(message, direction, this.#local.port, this.#remote.port, timeMs);
  }

  /** Returns one RTCP packet; otherwise like `rtp`. */
  rtcp(message: Uint8Array, direction: PcapDirection, timeMs: number): Uint8Array<ArrayBuffer> {
    return this.#datagram(message, direction, this.#local.port + 1, this.#remote.port + 1, timeMs);
  }

  #request(method: keyof typeof CSEQ, timeMs: number, body = ''): Uint8Array<ArrayBuffer> {
    const { address: called } = this.#remote;
    const isFirst = method === 'INVITE';
    const lines = [
      `${method} sip:micwire@${called} SIP/2.0`,
      ...this.#dialog(method, !isFirst),
      'Max-Forwards: 70',
      ...(isFirst ? [`Contact: <sip:micwire@${this.#local.address}>`] : []),
    ];
    return this.sip(sipText(lines, body), 'sent', timeMs);
  }

  #response(
    status: string,
    method: keyof typeof CSEQ,
    timeMs: number,
    body = '',
  ): Uint8Array<ArrayBuffer> {
    const isAnswer = method === 'INVITE' && !status.startsWith('100');
    const lines = [
      `SIP/2.0 ${status}`,
      ...this.#dialog(method, !status.startsWith('100')),
      ...(isAnswer ? [`Contact: <sip:micwire@${this.#remote.address}>`] : []),
    ];
    return this.sip(sipText(lines, body), 'received', timeMs);
  }

  /** The headers that a request and its responses share. @param isTagged whether the callee has answered */
  #dialog(method: keyof typeof CSEQ, isTagged: boolean): readonly string[] {
    const { address: caller } = this.#local;
    return [
      `Via: SIP/2.0/UDP ${caller}:${SIP_PORT};branch=z9hG4bKmicwire${method}`,
      `From: <sip:micwire@${caller}>;tag=1`,
      `To: <sip:micwire@${this.#remote.address}>${isTagged ? ';tag=2' : ''}`,
      `Call-ID: micwire@${caller}`,
      `CSeq: ${CSEQ[method]} ${method}`,
    ];
  }

  #datagram(
    message: Uint8Array,
    direction: PcapDirection,
    localPort: number,
    remotePort: number,
    timeMs: number,
  ): Uint8Array<ArrayBuffer> {
    checkBytes('message', message);
    if (message.length > MAX_DATAGRAM_BYTES) {
      const got = `got ${message.length}.`;
      throw new RangeError(`a datagram has at most ${MAX_DATAGRAM_BYTES} bytes, ${got}`);
    }
    const { local, remote } = this.#addresses;
    const sent = direction === 'sent';
    const bytes = new Uint8Array(IP_HEADER_BYTES + UDP_HEADER_BYTES + message.length);
    writeIp(bytes, sent ? local : remote, sent ? remote : local, this.#identification++);
    const udp = IP_HEADER_BYTES;
    writeUint16(sent ? localPort : remotePort, bytes, udp);
    writeUint16(sent ? remotePort : localPort, bytes, udp + 2);
    writeUint16(UDP_HEADER_BYTES + message.length, bytes, udp + 4);
    // No checksum: it is optional over IPv4 (RFC 768).
    bytes.set(message, udp + UDP_HEADER_BYTES);
    return enhancedPacket(bytes, timeMs);
  }
}

/*
 * RFC 791 §3.1:
 *
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  0 |Version|  IHL  |Type of Service|          Total Length         |
 *  4 |         Identification        |Flags|      Fragment Offset    |
 *  8 |  Time to Live |    Protocol   |         Header Checksum       |
 * 12 |                       Source Address                          |
 * 16 |                    Destination Address                        |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
function writeIp(
  target: Uint8Array,
  source: Uint8Array,
  destination: Uint8Array,
  identification: number,
): void {
  target[0] = IP_VERSION_AND_WORDS;
  writeUint16(target.length, target, 2);
  writeUint16(identification, target, 4);
  writeUint16(DO_NOT_FRAGMENT, target, 6);
  target[8] = TIME_TO_LIVE;
  target[9] = UDP_PROTOCOL;
  target.set(source, 12);
  target.set(destination, 16);
  let sum = 0;
  for (let at = 0; at < IP_HEADER_BYTES; at += 2) sum += (target[at]! << 8) | target[at + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  writeUint16(~sum, target, 10);
}

function sdp(stream: RtpStreamOptions, { address, port }: PcapEndpoint): string {
  const { payloadType: type, redPayloadType: red } = payloadTypesOf(stream);
  const map = rtpMap(stream);
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${type} ${red}`,
    `a=rtpmap:${type} ${map}`,
    `a=rtpmap:${red} red${map.slice(map.indexOf('/'))}`,
    `a=fmtp:${red} ${type}/${type}`,
    '',
  ].join('\r\n');
}

/** Joins the lines with their line ends, and adds the length of the body. */
function sipText(lines: readonly string[], body: string): string {
  const type = body === '' ? [] : ['Content-Type: application/sdp'];
  return [...lines, ...type, `Content-Length: ${body.length}`, '', body].join('\r\n');
}

function sectionHeader(): Uint8Array {
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setUint32(0, BYTE_ORDER_MAGIC, true);
  view.setUint16(4, 1, true); // version 1.0
  view.setBigInt64(8, -1n, true); // a section of unknown length
  return block(SECTION_HEADER_BLOCK, body);
}

function interfaceDescription(): Uint8Array {
  const body = new Uint8Array(8);
  const view = new DataView(body.buffer);
  view.setUint16(0, LINKTYPE_RAW, true);
  view.setUint32(4, NO_SNAPSHOT_LIMIT, true);
  return block(INTERFACE_BLOCK, body);
}

function enhancedPacket(datagram: Uint8Array, timeMs: number): Uint8Array<ArrayBuffer> {
  const microseconds = Math.round(numberIn('timeMs', timeMs, 0, MAX_MS) * 1000);
  const body = new Uint8Array(PACKET_FIELDS_BYTES + datagram.length);
  const view = new DataView(body.buffer);
  view.setUint32(4, Math.floor(microseconds / TWO_32), true);
  view.setUint32(8, microseconds % TWO_32, true);
  view.setUint32(12, datagram.length, true);
  view.setUint32(16, datagram.length, true);
  body.set(datagram, PACKET_FIELDS_BYTES);
  return block(ENHANCED_PACKET_BLOCK, body);
}

/** A block with its type, both lengths and padding. */
function block(type: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(BLOCK_OVERHEAD + 4 * Math.ceil(body.length / 4));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, bytes.length, true);
  bytes.set(body, 8);
  view.setUint32(bytes.length - 4, bytes.length, true);
  return bytes;
}

function addressBytes(name: string, address: string): Uint8Array {
  const numbers = address.split('.').map((digits) => (/^\d{1,3}$/.test(digits) ? +digits : 256));
  if (numbers.length === 4 && numbers.every((number) => number < 256)) {
    return Uint8Array.from(numbers);
  }
  throw new RangeError(`${name} must be an IPv4 address, got '${address}'.`);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
