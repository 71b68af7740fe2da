import { RtpPacket, readReports } from 'micwire/rtp';
import type { SdpCodec } from 'micwire/sdp';
import { explainSipMessage, parseSipMessage, sipHeader } from 'micwire/sip-ladder';
import { explainStun, packetKind } from 'micwire/stun';
import type { PacketKind } from 'micwire/stun';
import { rtpFields } from './rtp-fields.ts';

/** What a packet is, by the names of Wireshark's display filters. */
export type CaptureKind = 'sip' | 'stun' | 'rtp' | 'rtcp';

/** A packet of a capture, as Wireshark lists it. */
export interface CapturedPacket {
  /** From 1. */
  readonly number: number;
  /** Since the first packet. */
  readonly seconds: number;
  readonly source: string;
  readonly destination: string;
  readonly ports: readonly [source: number, destination: number];
  readonly kind: CaptureKind | null;
  /** As Wireshark names it: `OPUS` for RTP with Opus. */
  readonly protocol: string;
  /** Bytes, with the headers of IP and UDP. */
  readonly length: number;
  readonly info: string;
  /** What UDP carries: a view of the file. */
  readonly message: Uint8Array;
}

/** A line about a packet. */
export interface PacketDetail {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

const ENHANCED_PACKET_BLOCK = 6;
/** Of a block: its type and length; then interface, time and lengths. */
const BLOCK_HEADER_BYTES = 8;
const PACKET_HEADER_BYTES = 28;
const IP_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;
const SIP_PORT = 5060;
const RTCP_NAMES: Readonly<Record<number, string>> = {
  200: 'Sender Report',
  201: 'Receiver Report',
  202: 'Source description',
  207: 'Extended report (RFC 3611)',
};

/** Reads a capture file of `PcapngWriter`: its packets in order, in the words of Wireshark. */
export function readCapture(file: Uint8Array): readonly CapturedPacket[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const packets: CapturedPacket[] = [];
  const codecs = new Map<number, SdpCodec>();
  let firstUs: number | null = null;
  for (let at = 0; at + BLOCK_HEADER_BYTES <= file.length; at += view.getUint32(at + 4, true)) {
    if (view.getUint32(at, true) !== ENHANCED_PACKET_BLOCK) continue;
    const timeUs = view.getUint32(at + 12, true) * 2 ** 32 + view.getUint32(at + 16, true);
    firstUs ??= timeUs;
    const length = view.getUint32(at + 20, true);
    const ip = at + PACKET_HEADER_BYTES;
    const udp = ip + IP_HEADER_BYTES;
    const message = file.subarray(udp + UDP_HEADER_BYTES, ip + length);
    const ports = [view.getUint16(udp), view.getUint16(udp + 2)] as const;
    packets.push({
      number: packets.length + 1,
      seconds: (timeUs - firstUs) / 1e6,
      source: addressAt(file, ip + 12),
      destination: addressAt(file, ip + 16),
      ports,
      length,
      message,
      ...(ports.includes(SIP_PORT) ? sipWords(message, codecs) : mediaWords(message, codecs)),
    });
  }
  return packets;
}

type Words = Pick<CapturedPacket, 'kind' | 'protocol' | 'info'>;

/** @param codecs gets what the message's description says */
function sipWords(bytes: Uint8Array, codecs: Map<number, SdpCodec>): Words {
  const message = parseSipMessage(bytes);
  for (const media of message.sdp?.media ?? []) {
    for (const codec of media.codecs) codecs.set(codec.payloadType, codec);
  }
  const protocol = message.sdp === null ? 'SIP' : 'SIP/SDP';
  if (message.kind === 'request') {
    const [method, uri] = message.text.split(' ', 2);
    return { kind: 'sip', protocol, info: `Request: ${method} ${uri}` };
  }
  const { status, reason } = message;
  const [, method = ''] = (sipHeader(message, 'CSeq') ?? '').split(' ');
  // As Wireshark does: it names the method of final responses only.
  const of = status < 200 ? '' : ` (${method})`;
  return { kind: 'sip', protocol, info: `Status: ${status} ${reason}${of}` };
}

function mediaWords(message: Uint8Array, codecs: ReadonlyMap<number, SdpCodec>): Words {
  const kind: PacketKind = packetKind(message);
  switch (kind) {
    case 'stun':
      return { kind, protocol: 'STUN', info: stunInfo(message) };
    case 'rtp': {
      const packet = new RtpPacket().parse(message);
      const { payloadType, ssrc, sequenceNumber, timestamp, marker } = packet;
      const name = codecs.get(payloadType)?.name ?? `type ${payloadType}`;
      const id = ssrc.toString(16).toUpperCase().padStart(8, '0');
      return {
        kind,
        protocol: name.toUpperCase(),
        info: `PT=${name}, SSRC=0x${id}, Seq=${sequenceNumber}, Time=${timestamp}${marker ? ', Mark' : ''}`,
      };
    }
    case 'rtcp':
      return { kind, protocol: 'RTCP', info: rtcpTypes(message).join(', ') };
    default:
      return { kind: null, protocol: 'UDP', info: `${message.length} bytes` };
  }
}

function stunInfo(message: Uint8Array): string {
  const { title, fields } = explainStun(message);
  const valueOf = (name: string): string | undefined =>
    fields.find((field) => field.name === name)?.value;
  const user = valueOf('USERNAME');
  const seen = valueOf('XOR-MAPPED-ADDRESS');
  if (user !== undefined) return `${title} user: ${user}`;
  return seen === undefined ? title : `${title} XOR-MAPPED-ADDRESS: ${seen}`;
}

/** The packets of a compound packet (RFC 3550 §6.1). */
function rtcpTypes(message: Uint8Array): string[] {
  const types: string[] = [];
  for (let at = 0; at + 4 <= message.length;) {
    const type = message[at + 1]!;
    types.push(RTCP_NAMES[type] ?? `type ${type}`);
    at += 4 * (((message[at + 2]! << 8) | message[at + 3]!) + 1);
  }
  return types;
}

function addressAt(file: Uint8Array, at: number): string {
  return file.subarray(at, at + 4).join('.');
}

/** What a packet consists of, from the outside to the inside. @param all the packets of its capture */
export function packetDetails(
  packet: CapturedPacket,
  all: readonly CapturedPacket[],
): readonly PacketDetail[] {
  const { source, destination, ports, message, kind } = packet;
  return [
    { name: 'IPv4', value: `${source} → ${destination}`, meaning: 'From whom, and to whom.' },
    {
      name: 'UDP',
      value: `${ports[0]} → ${ports[1]}, ${message.length} bytes`,
      meaning: 'From which port to which one. No order, and nothing is sent again.',
    },
    ...(kind === null ? [] : DETAILS[kind](packet, all)),
  ];
}

const DETAILS: Readonly<
  Record<
    CaptureKind,
    (packet: CapturedPacket, all: readonly CapturedPacket[]) => readonly PacketDetail[]
  >
> = {
  sip: ({ message }) => {
    const sip = parseSipMessage(message);
    const { start, headers } = explainSipMessage(sip);
    const [first = ''] = sip.text.split('\r\n', 1);
    return [
      { name: 'Start line', value: first, meaning: start.explanation },
      ...headers.map(({ name, value, explanation }) => ({ name, value, meaning: explanation })),
    ];
  },
  stun: ({ message }) =>
    explainStun(message).fields.map(({ name, value, explanation }) => ({
      name,
      value,
      meaning: explanation,
    })),
  rtp: ({ message }, all) => {
    const first = new RtpPacket().parse(all.find(({ kind }) => kind === 'rtp')!.message);
    const { payloadType, sequenceNumber, timestamp } = first;
    const codec = codecsOf(all).find((one) => one.payloadType === payloadType);
    return rtpFields(message, {
      rtpMap: codec === undefined ? '?' : `${codec.name}/${codec.clockRate}`,
      clockRate: codec?.clockRate ?? 1,
      firstSequence: sequenceNumber,
      firstTimestamp: timestamp,
    });
  },
  rtcp: ({ message }) =>
    readReports(message).flatMap((report): PacketDetail[] => {
      const blocks = report.reports.flatMap(({ packetsLost, fractionLost, jitter }) => [
        {
          name: 'Cumulative number of packets lost',
          value: String(packetsLost),
          meaning: `Since the start; ${(100 * fractionLost).toFixed(1)} % since the previous report (RFC 3550 §6.4.1).`,
        },
        {
          name: 'Interarrival jitter',
          value: String(jitter),
          meaning: 'How unevenly packets arrived, in units of the timestamp (RFC 3550 §6.4.1).',
        },
      ]);
      if (report.type === 'receiver') return blocks;
      return [
        {
          name: 'Sender’s packet count',
          value: String(report.packetCount),
          meaning: 'Sent since the start: more than arrived if some were lost.',
        },
        {
          name: 'RTP timestamp',
          value: String(report.rtpTimestamp),
          meaning: 'The sender’s sample clock at the time of day that the report also gives.',
        },
        ...blocks,
      ];
    }),
};

function codecsOf(all: readonly CapturedPacket[]): readonly SdpCodec[] {
  const offer = all.find(({ protocol }) => protocol === 'SIP/SDP');
  const sdp = offer === undefined ? null : parseSipMessage(offer.message).sdp;
  return sdp?.media.flatMap(({ codecs }) => codecs) ?? [];
}
