import type { LazyPacket, Packet } from 'micwire';
import { rtpFraming } from 'micwire';
import {
  LossReporter,
  PcapngWriter,
  ntpFraction,
  ntpSeconds,
  reportBytes,
  rtpClockRate,
  sourceDescriptionBytes,
  writeReport,
  writeSourceDescription,
} from 'micwire/rtp';
import type { PcapEndpoint, SenderReport } from 'micwire/rtp';
import { STUN_ATTRIBUTE, STUN_CLASS, STUN_METHOD, StunWriter } from 'micwire/stun';
import { FlowNetwork } from './packet-flow.ts';
import { rtpPayload } from './rtp-fields.ts';
import type { FlowSettings } from './packet-flow.ts';

/** What a capture is made from. */
export interface CaptureParts {
  readonly stream: CaptureStream;
  /** The audio as it was sent, 20 ms each. */
  readonly packets: readonly SentAudio[];
  /** What the network does to it. */
  readonly network: FlowSettings;
  readonly seed: number;
  /** For two ICE checks: 12 bytes each. */
  readonly transactions: readonly [Uint8Array, Uint8Array];
}

/** The stream of a capture. */
export interface CaptureStream {
  readonly format: 'opus';
  readonly sampleRate: 48_000;
  readonly channels: 1;
  readonly ssrc: number;
  readonly sequenceOffset: number;
  readonly timestampOffset: number;
}

/** One packet of audio. */
export interface SentAudio {
  readonly packet: Packet | LazyPacket;
  /** ms since 1970. */
  readonly sentMs: number;
}

/** A capture file and what is in it. */
export interface CaptureFile {
  /** pcapng */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Packets of audio in the file. */
  readonly received: number;
  /** Packets of audio in the other direction. */
  readonly echoed: number;
  /** Packets missing from the first to the last that came, as Wireshark counts them. */
  readonly lost: number;
}

/** Addresses of documentation (RFC 5737). The caller talks; the file is as if it were recorded at the callee. */
const CALLER: PcapEndpoint = { address: '192.0.2.1', port: 5004 };
const CALLEE: PcapEndpoint = { address: '198.51.100.2', port: 5004 };
/** How long before its audio the call is set up, ms. */
const SIGNAL_MS = 120;
const CHECKS_MS = 80;
const ROUND_TRIP_MS = 8;
const REPORT_MS = 1000;
/** How long after it was said the callee sends back what it has heard, and how long after the last packet it hangs up, ms. */
const ECHO_MS = 200;
const HANG_UP_MS = 100;
/** Of a candidate of type host, for RTCP: component 2 (RFC 8445 §5.1.2.1). */
const PRIORITY = 2_130_706_430;
const UFRAGS = { caller: 'mw4e', callee: 'Qz0r' } as const;
const PASSWORDS = {
  caller: 'jsK2s9Vw0dQxP3bTnY7uLe1c',
  callee: 'a8Hf5Rk2mWz6GtXo4CqJv9Ny',
} as const;
type End = keyof typeof UFRAGS;
const ENDS: Readonly<Record<End, PcapEndpoint>> = { caller: CALLER, callee: CALLEE };

/**
 * Writes what a capture at the callee of a plain call of RTP would show, whose callee echoes what it hears.
 * @throws RangeError without any packet
 */
export function captureFile({
  stream,
  packets,
  network,
  seed,
  transactions,
}: CaptureParts): CaptureFile {
  const [first] = packets;
  if (first === undefined) throw new RangeError('A capture must have packets, got 0.');
  const startMs = first.sentMs - SIGNAL_MS;
  const writer = new PcapngWriter({ local: CALLER, remote: CALLEE });
  const blocks: { readonly atMs: number; readonly bytes: Uint8Array }[] = [];
  const add = (kind: 'rtp' | 'rtcp', from: End, message: Uint8Array, atMs: number): void => {
    blocks.push({
      atMs,
      bytes: writer[kind](message, from === 'caller' ? 'sent' : 'received', atMs),
    });
  };
  const checksMs = first.sentMs - CHECKS_MS;
  for (const [i, from] of (['caller', 'callee'] as const).entries()) {
    const to = from === 'caller' ? 'callee' : 'caller';
    const atMs = checksMs + 2 * i * ROUND_TRIP_MS;
    const { request, response } = iceCheck(from, to, transactions[i]!);
    // Of the component for RTCP: after STUN on the ports of RTP, Wireshark 4.0 takes the audio of one side for plain UDP.
    add('rtcp', from, request, atMs);
    add('rtcp', to, response, atMs + ROUND_TRIP_MS);
  }
  const encoder = rtpFraming.createEncoder(stream);
  const decoder = rtpFraming.createDecoder(stream);
  const reporter = new LossReporter(stream, { reporter: (stream.ssrc ^ 1) >>> 0, cname: 'callee' });
  const luck = new FlowNetwork(seed);
  const arrivals: { readonly bytes: Uint8Array; readonly atMs: number; readonly index: number }[] =
    [];
  const echoStream = { ...stream, ssrc: (stream.ssrc ^ 2) >>> 0 };
  const echo = rtpFraming.createEncoder(echoStream);
  const sent = { packets: 0, octets: 0 };
  const echoed = { packets: 0, octets: 0 };
  let lastMs = first.sentMs;
  let reportedMs = first.sentMs;
  for (const [i, { packet, sentMs }] of packets.entries()) {
    const bytes = encoder.encode(packet);
    const transitMs = luck.transit(network);
    if (transitMs !== null) {
      arrivals.push({ bytes, atMs: sentMs + transitMs, index: i });
      lastMs = sentMs + ECHO_MS;
      // Numbered without gaps: what did not arrive is not sent back, and leaves only a gap in time.
      const message = echo.encode(renumbered(packet, echoed.packets));
      add('rtp', 'callee', message, lastMs);
      count(echoed, message);
    }
    count(sent, bytes);
    if (sentMs - reportedMs < REPORT_MS) continue;
    reportedMs = sentMs;
    const rtpTimestamp =
      (stream.timestampOffset + packet.frame * (rtpClockRate(stream) / stream.sampleRate)) >>> 0;
    const report = senderReport('caller', stream.ssrc, sentMs, rtpTimestamp, sent);
    add('rtcp', 'caller', report, sentMs + ROUND_TRIP_MS / 2);
    const atMs = sentMs + ECHO_MS;
    const other = senderReport('callee', echoStream.ssrc, atMs, rtpTimestamp, echoed);
    add('rtcp', 'callee', other, atMs);
  }
  arrivals.sort((a, b) => a.atMs - b.atMs);
  const expected = (arrivals.at(-1)?.index ?? -1) - (arrivals[0]?.index ?? 0) + 1;
  for (const { bytes, atMs } of arrivals) {
    add('rtp', 'caller', bytes, atMs);
    for (const packet of decoder.decode(bytes)) {
      const report = reporter.receive(packet, atMs);
      if (report !== null) add('rtcp', 'callee', report, atMs);
    }
  }
  blocks.sort((a, b) => a.atMs - b.atMs);
  const endMs = Math.max(lastMs, blocks.at(-1)!.atMs) + HANG_UP_MS;
  return {
    bytes: joined([
      writer.begin(stream, startMs),
      ...blocks.map(({ bytes }) => bytes),
      writer.end(endMs),
    ]),
    echoed: echoed.packets,
    received: arrivals.length,
    lost: expected - arrivals.length,
  };
}

/** A check of ICE and its answer (RFC 8445 §7.1 and §7.3). */
function iceCheck(
  from: End,
  to: End,
  transaction: Uint8Array,
): { readonly request: Uint8Array; readonly response: Uint8Array } {
  const key = new TextEncoder().encode(PASSWORDS[to]);
  const role = from === 'caller' ? STUN_ATTRIBUTE.iceControlling : STUN_ATTRIBUTE.iceControlled;
  const request = new StunWriter(STUN_METHOD.binding, STUN_CLASS.request, transaction)
    .add(STUN_ATTRIBUTE.username, `${UFRAGS[to]}:${UFRAGS[from]}`)
    .addUint32(STUN_ATTRIBUTE.priority, PRIORITY)
    // Decides who controls where both want to (RFC 8445 §7.3.1.1).
    .add(role, transaction.subarray(0, 8));
  if (from === 'caller') request.add(STUN_ATTRIBUTE.useCandidate, new Uint8Array(0));
  const response = new StunWriter(
    STUN_METHOD.binding,
    STUN_CLASS.success,
    transaction,
  ).addXorAddress(STUN_ATTRIBUTE.xorMappedAddress, { ...ENDS[from], port: ENDS[from].port + 1 });
  return { request: request.finish({ key }), response: response.finish({ key }) };
}

/** What a sender has sent so far. */
interface Sent {
  packets: number;
  octets: number;
}

function count(sent: Sent, message: Uint8Array): void {
  sent.packets++;
  sent.octets += rtpPayload(message).length;
}

/** The same audio as another sender's packet. */
function renumbered(packet: Packet | LazyPacket, sequence: number): Packet {
  const { format, sampleRate, channels, frame, frames, timestamp } = packet;
  const payload = 'payload' in packet ? packet.payload : packet.bytes;
  return {
    ...{ format, sampleRate, channels, sequence, frame, frames, timestamp },
    ...{ dropped: 0, payload },
  };
}

function senderReport(
  end: End,
  ssrc: number,
  timeMs: number,
  rtpTimestamp: number,
  { packets, octets }: Sent,
): Uint8Array {
  const report: SenderReport = {
    type: 'sender',
    ssrc,
    ntpSeconds: ntpSeconds(timeMs),
    ntpFraction: ntpFraction(timeMs),
    rtpTimestamp,
    packetCount: packets,
    octetCount: octets,
    reports: [],
  };
  const bytes = new Uint8Array(reportBytes(report) + sourceDescriptionBytes(end));
  // Part of every compound packet (RFC 3550 §6.1).
  writeSourceDescription(ssrc, end, bytes, writeReport(report, bytes));
  return bytes;
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
