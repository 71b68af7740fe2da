/** One dictionary of an `RTCStatsReport` (W3C webrtc-stats), as plain data. */
export interface StatsEntry {
  readonly id: string;
  /** Type of the dictionary, such as `'inbound-rtp'`. */
  readonly type: string;
  /** Time in ms since the epoch. */
  readonly timestamp: number;
  readonly [name: string]: unknown;
}

/** Returns a numeric field, or `fallback` if the engine does not report it. */
export function statsNumber<T>(
  entry: StatsEntry | undefined,
  name: string,
  fallback: T,
): number | T {
  const value = entry?.[name];
  return typeof value === 'number' ? value : fallback;
}

/** Returns a text field; empty if the engine does not report it. */
export function statsText(entry: StatsEntry | undefined, name: string): string {
  const value = entry?.[name];
  return typeof value === 'string' ? value : '';
}

/** Returns the entry with this id. */
function statsById(entries: readonly StatsEntry[], id: unknown): StatsEntry | undefined {
  return entries.find((entry) => entry.id === id);
}

/** Indexes all entries by id, for many look-ups, which would otherwise take quadratic time. */
export function statsIndex(entries: readonly StatsEntry[]): ReadonlyMap<string, StatsEntry> {
  return new Map(entries.map((entry) => [entry.id, entry]));
}

/** Returns the pair that carries the packets: the transport names it, or in Firefox the pair itself says so. */
export function selectedPair(entries: readonly StatsEntry[]): StatsEntry | undefined {
  const transport = entries.find(
    (entry) => entry.type === 'transport' && typeof entry['selectedCandidatePairId'] === 'string',
  );
  const named = statsById(entries, transport?.['selectedCandidatePairId']);
  if (named !== undefined) return named;
  const pairs = entries.filter((entry) => entry.type === 'candidate-pair');
  return (
    pairs.find((pair) => pair['selected'] === true) ??
    pairs.find((pair) => pair['nominated'] === true && pair['state'] === 'succeeded')
  );
}

/**
 * Statistics of a call, named as in W3C webrtc-stats. Counters start with the call. A figure that the engine does not report, or
 * has not reported yet, is 0.
 */
export interface CallFigures {
  /** When the figures were taken, in ms since the epoch. */
  readonly timestamp: number;

  /** RTP packets received. */
  readonly packetsReceived: number;
  /** Packets expected but not received (RFC 3550 §6.4.1); may decrease and become negative if packets arrive twice. */
  readonly packetsLost: number;
  /** Packets that the jitter buffer discarded because they were late or early. */
  readonly packetsDiscarded: number;
  /** Packets received as copies of others (RED, RFC 2198). */
  readonly fecPacketsReceived: number;
  /** Copies that were not needed. */
  readonly fecPacketsDiscarded: number;
  /** Bytes of payload received, without RTP headers. */
  readonly bytesReceived: number;
  /** Bytes of RTP headers received. */
  readonly headerBytesReceived: number;
  /** Interarrival jitter in seconds (RFC 3550 §6.4.1). */
  readonly jitter: number;
  /** Sum of the times that each sample spent in the jitter buffer, in seconds: divide by `jitterBufferEmittedCount`. */
  readonly jitterBufferDelay: number;
  /** Sum of the target delays of the jitter buffer, in seconds: divide by `jitterBufferEmittedCount`. */
  readonly jitterBufferTargetDelay: number;
  /** Sum of the minimum delays that the network alone would require, in seconds: divide by `jitterBufferEmittedCount`. */
  readonly jitterBufferMinimumDelay: number;
  /** Samples, counted per channel, that left the jitter buffer. */
  readonly jitterBufferEmittedCount: number;
  /** Samples per channel that were played, including concealed ones. */
  readonly totalSamplesReceived: number;
  /** Samples per channel that were concealed because packets were missing. */
  readonly concealedSamples: number;
  /** Concealed samples that were silence. */
  readonly silentConcealedSamples: number;
  /** How often concealment began. */
  readonly concealmentEvents: number;
  /** Samples per channel inserted to play slower. */
  readonly insertedSamplesForDeceleration: number;
  /** Samples per channel removed to play faster. */
  readonly removedSamplesForAcceleration: number;
  /** Level of the received audio, 0 to 1. */
  readonly audioLevel: number;

  /** RTP packets sent. */
  readonly packetsSent: number;
  /** Bytes of payload sent, without RTP headers. */
  readonly bytesSent: number;
  /** Bytes of RTP headers sent. */
  readonly headerBytesSent: number;
  /** Packets that the other side expected from this side and did not receive, according to its last report. */
  readonly remotePacketsLost: number;
  /** The same as a fraction of the last interval, 0 to 1. */
  readonly fractionLost: number;
  /** Round-trip time in seconds, from RTCP (RFC 3550 §6.4.1); from ICE until RTCP reports it. */
  readonly roundTripTime: number;

  /**
   * Codec of the sent audio, such as `'audio/opus'`; empty while no audio is sent. Chromium reports Opus here even if it is sent
   * within RED.
   */
  readonly sendCodec: string;
  /** Codec of the received audio, likewise. */
  readonly receiveCodec: string;

  /**
   * Bytes sent on the wire: RTP, RTCP, data channels and DTLS, with UDP and IP headers. Excludes ICE checks, about 100 bytes every
   * second or two.
   */
  readonly wireBytesSent: number;
  /** Bytes received on the wire, likewise. */
  readonly wireBytesReceived: number;
  /** Payload bitrate sent since the previous figures, in bit/s. */
  readonly sentBitrate: number;
  /** Payload bitrate received since the previous figures, in bit/s. */
  readonly receivedBitrate: number;
  /** Bitrate sent on the wire since the previous figures, in bit/s. */
  readonly wireSentBitrate: number;
  /** Bitrate received on the wire since the previous figures, in bit/s. */
  readonly wireReceivedBitrate: number;
}

const UDP_HEADER_BYTES = 8;
const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;

/**
 * @param entries all entries of one `getStats()`
 * @param previous the previous figures, for the bitrates; null for the first
 */
export function callFigures(
  entries: readonly StatsEntry[],
  previous: CallFigures | null,
): CallFigures {
  const inbound = audioStream(entries, 'inbound-rtp');
  const outbound = audioStream(entries, 'outbound-rtp');
  const remote = audioStream(entries, 'remote-inbound-rtp');
  const pair = selectedPair(entries);
  const wire = wireBytes(entries);
  const timestamp = newestTimestamp(entries);
  const bytesReceived = statsNumber(inbound, 'bytesReceived', 0);
  const bytesSent = statsNumber(outbound, 'bytesSent', 0);
  const seconds = previous === null ? 0 : (timestamp - previous.timestamp) / 1000;
  const rate = (now: number, before: number | undefined): number =>
    seconds > 0 && before !== undefined ? (Math.max(0, now - before) * 8) / seconds : 0;
  const iceRoundTrip = statsNumber(pair, 'currentRoundTripTime', 0);
  return {
    timestamp,
    packetsReceived: statsNumber(inbound, 'packetsReceived', 0),
    packetsLost: statsNumber(inbound, 'packetsLost', 0),
    packetsDiscarded: statsNumber(inbound, 'packetsDiscarded', 0),
    fecPacketsReceived: statsNumber(inbound, 'fecPacketsReceived', 0),
    fecPacketsDiscarded: statsNumber(inbound, 'fecPacketsDiscarded', 0),
    bytesReceived,
    headerBytesReceived: statsNumber(inbound, 'headerBytesReceived', 0),
    jitter: statsNumber(inbound, 'jitter', 0),
    jitterBufferDelay: statsNumber(inbound, 'jitterBufferDelay', 0),
    jitterBufferTargetDelay: statsNumber(inbound, 'jitterBufferTargetDelay', 0),
    jitterBufferMinimumDelay: statsNumber(inbound, 'jitterBufferMinimumDelay', 0),
    jitterBufferEmittedCount: statsNumber(inbound, 'jitterBufferEmittedCount', 0),
    totalSamplesReceived: statsNumber(inbound, 'totalSamplesReceived', 0),
    concealedSamples: statsNumber(inbound, 'concealedSamples', 0),
    silentConcealedSamples: statsNumber(inbound, 'silentConcealedSamples', 0),
    concealmentEvents: statsNumber(inbound, 'concealmentEvents', 0),
    insertedSamplesForDeceleration: statsNumber(inbound, 'insertedSamplesForDeceleration', 0),
    removedSamplesForAcceleration: statsNumber(inbound, 'removedSamplesForAcceleration', 0),
    audioLevel: statsNumber(inbound, 'audioLevel', 0),
    packetsSent: statsNumber(outbound, 'packetsSent', 0),
    bytesSent,
    headerBytesSent: statsNumber(outbound, 'headerBytesSent', 0),
    remotePacketsLost: statsNumber(remote, 'packetsLost', 0),
    fractionLost: statsNumber(remote, 'fractionLost', 0),
    roundTripTime: statsNumber(remote, 'roundTripTime', iceRoundTrip),
    sendCodec: codecOf(entries, outbound),
    receiveCodec: codecOf(entries, inbound),
    wireBytesSent: wire.sent,
    wireBytesReceived: wire.received,
    sentBitrate: rate(bytesSent, previous?.bytesSent),
    receivedBitrate: rate(bytesReceived, previous?.bytesReceived),
    wireSentBitrate: rate(wire.sent, previous?.wireBytesSent),
    wireReceivedBitrate: rate(wire.received, previous?.wireBytesReceived),
  };
}

function audioStream(entries: readonly StatsEntry[], type: string): StatsEntry | undefined {
  return entries.find((entry) => entry.type === type && entry['kind'] === 'audio');
}

function codecOf(entries: readonly StatsEntry[], stream: StatsEntry | undefined): string {
  return statsText(statsById(entries, stream?.['codecId']), 'mimeType');
}

function newestTimestamp(entries: readonly StatsEntry[]): number {
  let newest = 0;
  // Entries reported by the other side carry the time of its report.
  for (const { type, timestamp } of entries) {
    if (!type.startsWith('remote-') && timestamp > newest) newest = timestamp;
  }
  return newest;
}

/**
 * Sums over all pairs, because a call may move from one to another. A pair counts the bytes of the UDP payload (webrtc-stats
 * §8.11).
 */
function wireBytes(entries: readonly StatsEntry[]): {
  readonly sent: number;
  readonly received: number;
} {
  let sent = 0;
  let received = 0;
  const index = statsIndex(entries);
  for (const pair of entries) {
    if (pair.type !== 'candidate-pair') continue;
    const address = statsText(index.get(statsText(pair, 'localCandidateId')), 'address');
    const ipBytes = address.includes(':') ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
    const headerBytes = UDP_HEADER_BYTES + ipBytes;
    sent += statsNumber(pair, 'bytesSent', 0) + headerBytes * statsNumber(pair, 'packetsSent', 0);
    received +=
      statsNumber(pair, 'bytesReceived', 0) + headerBytes * statsNumber(pair, 'packetsReceived', 0);
  }
  return { sent, received };
}
