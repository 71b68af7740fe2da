import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import { describe, integerIn, numberIn, oneOf } from '../core/arguments.ts';
import { deferred } from '../core/deferred.ts';
import { MicwireError, PacketError } from '../core/errors.ts';
import { packetFrames } from '../core/codec/packet-frames.ts';
import { FORMATS } from '../core/format/formats.ts';
import { bytesPerFrame, frameTimestamp } from '../core/format/stream-format.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import { RtpMessageEncoder } from '../core/framing/rtp-message-encoder.ts';
import { checkBytes, checkObject, checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import {
  isRtcp,
  ntpFraction,
  ntpSeconds,
  readReports,
  reportBytes,
  roundTripMs,
  sourceDescriptionBytes,
  writeReport,
  writeSourceDescription,
} from '../core/rtp/rtcp.ts';
import type { SenderReport } from '../core/rtp/rtcp.ts';
import { payloadTypesOf, rtpClockRate, rtpMap } from '../core/rtp/rtp-payload-format.ts';
import type { StreamChunk } from './accepted-stream.ts';
import { AudioPacer, PACKET_MS } from './audio-pacer.ts';
import { ChunkFeed } from './chunk-feed.ts';
import { Deadline } from './deadline.ts';
import { RtpReception } from './rtp-reception.ts';

/** An endpoint of RTP over UDP. */
export interface RtpAddress {
  /** A host name or an IP address. */
  readonly host: string;
  /** Port, 1–65535. With `rtcp: 'port'` the next port is for RTCP. */
  readonly port: number;
}

/** Options of an {@link RtpSocket}. */
export interface RtpSocketOptions {
  /** Format in both directions: `s16` is L16, `mulaw` PCMU, `alaw` PCMA; or `opus`. RTP itself does not signal it. */
  readonly stream: StreamFormat;
  /**
   * Payload type, 0–127.
   * @default the static one of the format, such as 0 for PCMU at 8 kHz; otherwise 96 for L16 and 111 for Opus
   */
  readonly payloadType?: number;
  /** Payload type of packets with redundant copies (RFC 2198), 0–127. @default 112 */
  readonly redPayloadType?: number;
  /** The SSRC to receive. @default the first one; another one replaces it after eight packets in a row */
  readonly ssrc?: number;
  /** Port to listen on, 0–65535; 0 for a free port, an even one with `rtcp: 'port'`. @default 0 */
  readonly port?: number;
  /** The address to listen on; `'0.0.0.0'` or `'::'` for all addresses of this machine. @default '127.0.0.1' */
  readonly host?: string;
  /** Where to send. @default the address from which the stream arrives, once it does */
  readonly remote?: RtpAddress;
  /**
   * IP addresses whose packets are accepted. `'first'`: the address from which the stream first arrives, until it has been silent
   * for five seconds. `'any'`: all addresses.
   * @default 'first'
   */
  readonly from?: 'first' | 'any' | readonly string[];
  /**
   * Reception reports (RFC 3550 §6), in both directions. `'mux'`: on the same port (RFC 5761), which excludes payload types from 64
   * to 95. `'port'`: on the next port.
   * @default 'off'
   */
  readonly rtcp?: 'mux' | 'port' | 'off';
  /** Interval of the reports in ms, 100–60000. @default 5000 */
  readonly reportMs?: number;
  /** How long a packet waits for packets that it overtook, in ms, 0–10000. @default 100 */
  readonly reorderMs?: number;
  /** Maximum length of audio that waits for the reader, in ms; beyond it the oldest is dropped. @default 10000 */
  readonly queuedMs?: number;
  /** The same limit in bytes. @default 4194304 */
  readonly queuedBytes?: number;
  /** Number of redundant copies of each sent packet (RFC 2198), 0–3; only for receivers that agreed on RED. @default 0 */
  readonly redundancy?: number;
  /**
   * Maximum size of a packet's samples in bytes, 64–65000: a longer packet does not fit into a network packet.
   * @default 1400
   */
  readonly packetBytes?: number;
}

const OPTION_NAMES = {
  stream: 1,
  payloadType: 1,
  redPayloadType: 1,
  ssrc: 1,
  port: 1,
  host: 1,
  remote: 1,
  from: 1,
  rtcp: 1,
  reportMs: 1,
  reorderMs: 1,
  queuedMs: 1,
  queuedBytes: 1,
  redundancy: 1,
  packetBytes: 1,
} satisfies OptionNames<RtpSocketOptions>;

/** The other side's report about the audio that was sent to it. */
export interface RtpRemoteReport {
  /** Fraction of packets lost since its previous report, 0–1. */
  readonly fractionLost: number;
  /** Packets lost since the start; negative if duplicates arrived. */
  readonly packetsLost: number;
  readonly jitterMs: number;
  /** Round-trip time; null while the other side has not received a report from this side. */
  readonly roundTripMs: number | null;
}

/** Running totals of an {@link RtpSocket}. */
export interface RtpSocketStats {
  /** Packets of the stream, with or without audio, including late ones and duplicates. */
  readonly receivedPackets: number;
  /** Packets that did not arrive in time and were not replaced by a redundant copy. */
  readonly lostPackets: number;
  /** Packets that arrived after they were abandoned; `lostPackets` counts them, too. */
  readonly latePackets: number;
  readonly duplicatePackets: number;
  /** Packets that were put in order. */
  readonly reorderedPackets: number;
  /** Packets that a redundant copy replaced. */
  readonly recoveredPackets: number;
  /** Number of times that the sender restarted, or was replaced by another. */
  readonly restarts: number;
  /** Interarrival jitter (RFC 3550 A.8), ms. */
  readonly jitterMs: number;
  /** RTP of other sources, or far from all other packets of the stream. */
  readonly strayPackets: number;
  /** Messages that were not RTP, or did not belong to the stream. */
  readonly badMessages: number;
  /** Messages from addresses that are not accepted. */
  readonly refusedMessages: number;
  /** Frames of new packets: received = delivered + queued + dropped. */
  readonly receivedFrames: number;
  readonly deliveredFrames: number;
  /** Frames that wait for the reader, or for earlier packets. */
  readonly queuedFrames: number;
  /** Frames that were not read, because the reader was too slow or has stopped. */
  readonly droppedFrames: number;
  /** Frames that never arrived, or did not arrive in time, between frames that did. */
  readonly missingFrames: number;
  readonly sentPackets: number;
  readonly sentFrames: number;
  /** Packets that the system did not accept. */
  readonly failedPackets: number;
  readonly sentReports: number;
  readonly receivedReports: number;
  /** The last report about sent audio; null until there is one. */
  readonly remoteReport: RtpRemoteReport | null;
}

const MAX_MS = 2 ** 31 - 1;
const MAX_UINT32 = 2 ** 32 - 1;
/** A `'first'` sender that was silent for this time can be replaced, in ms. */
const HOLD_MS = 5000;
/** Bytes that may wait in the system for the network. */
const MAX_SENDING_BYTES = 2 ** 20;
/** Size of the system's buffer for received bytes. */
const RECEIVE_BYTES = 2 ** 20;
/** Maximum size of the samples that `play` queues, in bytes. */
const MAX_PLAY_BYTES = 2 ** 25;
const CNAME = 'micwire';
/** Number of attempts to find two adjacent ports. */
const PORT_TRIES = 64;

type Optional = 'payloadType' | 'redPayloadType' | 'ssrc' | 'remote';
type Settings = Required<Omit<RtpSocketOptions, Optional>> & {
  readonly [Name in Optional]: RtpSocketOptions[Name] | undefined;
};

/**
 * Sends and receives one stream of RTP over UDP, as spoken by Janus' `rtp_forward`, Asterisk's external media, GStreamer and
 * ffmpeg. Received audio is an async iterable of chunks for one reader, in order and with each frame once. UDP cannot slow a sender
 * down: if the reader is too slow, the oldest chunks are dropped and counted. There is no encryption and no authentication: listen
 * where only the sender can reach this socket, and name the sender in `from`.
 */
export class RtpSocket implements AsyncIterable<StreamChunk> {
  readonly #settings: Settings;
  readonly #socket: Socket;
  /** Equal to `#socket` with `'mux'`; null without RTCP. */
  readonly #reportSocket: Socket | null;
  readonly #reception: RtpReception;
  readonly #feed: ChunkFeed;
  readonly #encoder: RtpMessageEncoder;
  readonly #pacer: AudioPacer | null;
  readonly #timestampOffset: number;
  #remote: RtpAddress | null;
  /** The address that is accepted with `from: 'first'`, and when the stream last arrived from it. */
  #held = '';
  #heldMs = -Infinity;
  #refused = 0;
  #badReports = 0;
  #receivedReports = 0;
  #sentReports = 0;
  #remoteReport: RtpRemoteReport | null = null;
  /** For sending: number of the next packet, and the frame at which it begins. */
  #sequence = 0;
  #frame = 0;
  #sentPackets = 0;
  #sentFrames = 0;
  #sentBytes = 0;
  #failedPackets = 0;
  #reportedMs = -Infinity;
  readonly #due = new Deadline();
  #isClosed = false;
  readonly #closed = deferred<void>();

  /**
   * Opens a socket.
   * @throws TypeError or RangeError for an invalid option
   * @throws MicwireError `transport` when the address does not belong to this machine, the port is in use, or the remote host is
   * unknown
   */
  static async open(options: RtpSocketOptions): Promise<RtpSocket> {
    const settings = settingsOf(options);
    const remote =
      settings.remote === undefined ? undefined : await resolved(settings.remote, settings.host);
    const [socket, reportSocket] = await bindBoth(settings);
    return new RtpSocket({ ...settings, remote }, socket, reportSocket);
  }

  private constructor(settings: Settings, socket: Socket, reportSocket: Socket | null) {
    this.#settings = settings;
    const { stream, payloadType, redPayloadType, reportMs, reorderMs, queuedMs, queuedBytes } =
      settings;
    this.#socket = socket;
    this.#reportSocket = reportSocket;
    this.#remote = settings.remote ?? null;
    this.#feed = new ChunkFeed((queuedMs / 1000) * stream.sampleRate, queuedBytes);
    // Others must not be able to guess the header of the next packet (RFC 3550 §5.1).
    const ssrc = randomInt(1, MAX_UINT32);
    this.#timestampOffset = randomInt(0, MAX_UINT32);
    this.#encoder = new RtpMessageEncoder({
      ...stream,
      payloadType,
      redPayloadType,
      ssrc,
      sequenceOffset: randomInt(0, 2 ** 15),
      timestampOffset: this.#timestampOffset,
    });
    this.#encoder.redundancy = settings.redundancy;
    this.#reception = new RtpReception(
      { ...stream, payloadType, redPayloadType, ssrc: settings.ssrc },
      {
        reorderMs,
        maxBytes: queuedBytes,
        reports: { intervalMs: reportMs, reporter: ssrc, cname: CNAME },
      },
      {
        audio: (frame, frames, bytes, missing) => this.#feed.push(frame, frames, bytes, missing),
        report: (bytes) => this.#sendReport(bytes),
      },
    );
    const frameBytes = bytesPerFrame(stream);
    this.#pacer =
      frameBytes === 0
        ? null
        : new AudioPacer({
            sampleRate: stream.sampleRate,
            frameBytes,
            packetFrames: this.#packetFrames,
            maxBytes: MAX_PLAY_BYTES,
            send: (bytes) => this.send(bytes) > 0,
          });
    socket.on('message', (message, from) => this.#receive(message, from));
    // The system also reports failures of earlier packets here, for example that the other end has no listener.
    socket.on('error', () => {});
    if (reportSocket !== null && reportSocket !== socket) {
      reportSocket.on('message', (message, { address }) => {
        if (this.#isTaken(address)) this.#receiveReport(message);
        else this.#refused++;
      });
      reportSocket.on('error', () => {});
    }
  }

  /** Format in both directions. */
  get stream(): StreamFormat {
    return this.#settings.stream;
  }

  /** The address on which the socket listens. */
  get address(): RtpAddress {
    if (this.#isClosed) return { host: this.#settings.host, port: 0 };
    const { address, port } = this.#socket.address();
    return { host: address, port };
  }

  /** The address to which the socket sends; null while it is not known. */
  get remote(): RtpAddress | null {
    return this.#remote;
  }

  /**
   * Describes the sent stream as SDP (RFC 8866), for a receiver such as ffmpeg that runs at the remote address.
   * @throws MicwireError `transport` while the remote address is not known
   */
  get sdp(): string {
    const { stream, payloadType, redPayloadType, rtcp } = this.#settings;
    const { host, port } = this.#remote ?? fail('The remote address is not known. Give `remote`.');
    const type = payloadTypesOf({ ...stream, payloadType, redPayloadType }).payloadType;
    const address = `${isIP(host) === 6 ? 'IP6' : 'IP4'} ${host}`;
    return [
      'v=0',
      `o=- 0 0 IN ${address}`,
      's=micwire',
      `c=IN ${address}`,
      't=0 0',
      `m=audio ${port} RTP/AVP ${type}`,
      `a=rtpmap:${type} ${rtpMap(stream)}`,
      ...(rtcp === 'mux' ? ['a=rtcp-mux'] : []),
      '',
    ].join('\r\n');
  }

  get stats(): RtpSocketStats {
    const counts = this.#reception.counts;
    const frames = this.#feed.stats;
    const { waitingFrames } = this.#reception;
    return {
      receivedPackets: counts.received,
      lostPackets: counts.lost,
      latePackets: counts.late,
      duplicatePackets: counts.duplicates,
      reorderedPackets: counts.reordered,
      recoveredPackets: counts.recovered,
      restarts: counts.restarts,
      jitterMs: counts.jitterMs,
      strayPackets: counts.strays,
      badMessages: counts.bad + this.#badReports,
      refusedMessages: this.#refused,
      receivedFrames: frames.received + waitingFrames,
      deliveredFrames: frames.delivered,
      queuedFrames: frames.queued + waitingFrames,
      droppedFrames: frames.dropped,
      missingFrames: frames.missing,
      sentPackets: this.#sentPackets,
      sentFrames: this.#sentFrames,
      failedPackets: this.#failedPackets,
      sentReports: this.#sentReports,
      receivedReports: this.#receivedReports,
      remoteReport: this.#remoteReport,
    };
  }

  /**
   * Reads received audio. `frame` counts from the first packet; `missing` is the number of frames directly before a chunk that were
   * lost, late, not sent, or dropped because the reader was too slow.
   * @throws MicwireError `closed` when the socket already has a reader
   */
  [Symbol.asyncIterator](): AsyncIterator<StreamChunk, void> {
    return this.#feed[Symbol.asyncIterator]();
  }

  /**
   * Sends audio immediately, for live sources, which have their own pace. Samples are cut into packets of 20 ms; Opus is one
   * packet.
   * @param audio bytes that continue the previous ones, or a chunk; the timestamps skip the frames that are missing before a chunk
   * @returns the number of frames sent: 0 while the remote address is not known, after `close`, and while the system's buffer is
   * full
   * @throws TypeError or RangeError for bytes that are not audio of the stream, or a frame before the end of the sent audio
   */
  send(audio: Uint8Array | Pick<StreamChunk, 'frame' | 'bytes'>): number {
    checkObject('audio must be bytes or a chunk', audio);
    const [bytes, frame] =
      'bytes' in audio
        ? [checkBytes('audio.bytes', audio.bytes), audio.frame]
        : [checkBytes('audio', audio), this.#frame];
    integerIn('audio.frame', frame, this.#frame, Number.MAX_SAFE_INTEGER / 2);
    const frames = this.#framesIn(bytes);
    const remote = this.#remote;
    if (this.#isClosed || remote === null) return 0;
    const frameBytes = bytesPerFrame(this.#settings.stream);
    if (frameBytes === 0) return this.#sendPacket(bytes, frame, frames, remote) ? frames : 0;
    const most = this.#packetFrames;
    for (let at = 0; at < frames; at += most) {
      const part = bytes.subarray(at * frameBytes, (at + most) * frameBytes);
      const partFrames = part.length / frameBytes;
      if (!this.#sendPacket(part, frame + at, partFrames, remote)) return at;
    }
    return frames;
  }

  /**
   * Queues samples and sends them at the pace at which they are played: for audio that is available at once, such as a file or
   * text-to-speech. The bytes are copied.
   * @returns the number of frames sent, once the last one was; fewer after `stopPlaying` or `close`, 0 if 32 MiB are waiting
   * @throws TypeError for Opus: use `send` for its packets
   * @throws RangeError unless the bytes are whole frames
   */
  play(bytes: Uint8Array): Promise<number> {
    if (this.#pacer === null) throw new TypeError('play takes samples. Send packets with send.');
    return this.#pacer.write(checkBytes('bytes', bytes));
  }

  /** Drops the audio that `play` has not sent yet. @returns the number of dropped frames */
  stopPlaying(): number {
    return this.#pacer?.clear() ?? 0;
  }

  /** Ends the stream. Received audio can still be read. Settles when the ports are free. */
  close(): Promise<void> {
    if (this.#isClosed) return this.#closed.promise;
    this.#isClosed = true;
    this.#due.clear();
    this.#pacer?.close();
    this.#reception.flush();
    this.#feed.end();
    const report = this.#reportSocket;
    this.#socket.close(() => {
      if (report === null || report === this.#socket) this.#closed.resolve();
      else report.close(() => this.#closed.resolve());
    });
    return this.#closed.promise;
  }

  get #packetFrames(): number {
    const { stream, packetBytes } = this.#settings;
    const frames = Math.round((stream.sampleRate * PACKET_MS) / 1000);
    return Math.max(1, Math.min(frames, Math.floor(packetBytes / bytesPerFrame(stream))));
  }

  #framesIn(bytes: Uint8Array): number {
    const { stream } = this.#settings;
    const { codec } = FORMATS[stream.format];
    if (codec !== undefined) {
      try {
        return packetFrames(codec, bytes, stream.sampleRate);
      } catch (error) {
        if (!(error instanceof PacketError)) throw error;
        throw new RangeError(`audio must be a packet of ${codec}: ${error.message}`, {
          cause: error,
        });
      }
    }
    const frameBytes = bytesPerFrame(stream);
    if (bytes.length % frameBytes === 0) return bytes.length / frameBytes;
    throw new RangeError(`audio must be frames of ${frameBytes} bytes, got ${bytes.length} bytes.`);
  }

  #sendPacket(payload: Uint8Array, frame: number, frames: number, remote: RtpAddress): boolean {
    if (this.#socket.getSendQueueSize() > MAX_SENDING_BYTES) {
      this.#failedPackets++;
      return false;
    }
    const { stream } = this.#settings;
    const message = this.#encoder.encode({
      ...stream,
      sequence: this.#sequence++,
      frame,
      frames,
      timestamp: frameTimestamp(frame, stream.sampleRate),
      dropped: frame - this.#frame,
      payload,
    });
    this.#frame = frame + frames;
    this.#sentPackets++;
    this.#sentFrames += frames;
    this.#sentBytes += payload.length;
    this.#post(this.#socket, message, remote.port, remote.host);
    this.#reportSending();
    return true;
  }

  #post(socket: Socket, message: Uint8Array, port: number, host: string): void {
    socket.send(message, port, host, (error) => {
      if (error !== null) this.#failedPackets++;
    });
  }

  /** Periodically reports to the other side how much was sent, and when. */
  #reportSending(): void {
    const nowMs = performance.now();
    if (this.#reportSocket === null || nowMs - this.#reportedMs < this.#settings.reportMs) return;
    this.#reportedMs = nowMs;
    const { ssrc } = this.#encoder;
    const { stream } = this.#settings;
    const ticks = (this.#frame % (MAX_UINT32 + 1)) * (rtpClockRate(stream) / stream.sampleRate);
    const wallMs = Date.now();
    const report: SenderReport = {
      type: 'sender',
      ssrc,
      ntpSeconds: ntpSeconds(wallMs),
      ntpFraction: ntpFraction(wallMs),
      rtpTimestamp: (ticks + this.#timestampOffset) % (MAX_UINT32 + 1),
      packetCount: this.#sentPackets % (MAX_UINT32 + 1),
      octetCount: this.#sentBytes % (MAX_UINT32 + 1),
      reports: [],
    };
    const bytes = new Uint8Array(reportBytes(report) + sourceDescriptionBytes(CNAME));
    const at = writeReport(report, bytes);
    writeSourceDescription(ssrc, CNAME, bytes, at);
    this.#sendReport(bytes);
  }

  #sendReport(bytes: Uint8Array): void {
    const remote = this.#remote;
    if (this.#reportSocket === null || remote === null || this.#isClosed) return;
    const port = remote.port + (this.#reportSocket === this.#socket ? 0 : 1);
    if (port > 65_535) return;
    this.#sentReports++;
    this.#post(this.#reportSocket, bytes, port, remote.host);
  }

  /** Returns true if messages from an address are accepted. */
  #isTaken(address: string): boolean {
    const { from } = this.#settings;
    if (from === 'any') return true;
    // An IPv6 socket shows IPv4 addresses in this form.
    if (from !== 'first') return from.includes(address.replace(/^::ffff:(?=\d+\.)/, ''));
    return address === this.#held || performance.now() - this.#heldMs > HOLD_MS;
  }

  #receive(message: Uint8Array, { address, port }: RemoteInfo): void {
    if (this.#isClosed) return;
    if (!this.#isTaken(address)) {
      this.#refused++;
      return;
    }
    if (this.#settings.rtcp === 'mux' && isRtcp(message)) {
      this.#receiveReport(message);
      return;
    }
    const nowMs = performance.now();
    if (this.#reception.receive(message, nowMs)) {
      this.#held = address;
      this.#heldMs = nowMs;
      if (this.#settings.remote === undefined) this.#remote = { host: address, port };
    }
    this.#arm(nowMs);
  }

  /** Sets a timer for when a packet has waited long enough. */
  #arm(nowMs: number): void {
    const { dueMs } = this.#reception;
    if (dueMs === null || this.#due.isSet) return;
    this.#due.set(Math.max(1, Math.ceil(dueMs - nowMs)), () => {
      const now = performance.now();
      this.#reception.tick(now);
      this.#arm(now);
    });
  }

  #receiveReport(message: Uint8Array): void {
    try {
      const nowMs = performance.now();
      for (const report of readReports(message)) {
        this.#receivedReports++;
        if (report.type === 'sender') this.#reception.senderReport(report, nowMs);
        for (const block of report.reports) {
          if (block.ssrc !== this.#encoder.ssrc) continue;
          const tripMs = roundTripMs(block, Date.now());
          this.#remoteReport = {
            fractionLost: block.fractionLost,
            packetsLost: block.packetsLost,
            jitterMs: (block.jitter / rtpClockRate(this.#settings.stream)) * 1000,
            roundTripMs: Number.isNaN(tripMs) ? null : tripMs,
          };
        }
      }
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#badReports++;
    }
  }
}

function settingsOf(options: RtpSocketOptions): Settings {
  checkOptions('RtpSocket', options, OPTION_NAMES);
  checkObject('stream must be an object', options.stream);
  const { format, sampleRate, channels } = options.stream;
  const stream = { format, sampleRate, channels };
  const { payloadType, redPayloadType, ssrc, host = '127.0.0.1', remote, from = 'first' } = options;
  rtpClockRate(stream);
  const types = payloadTypesOf({ ...stream, payloadType, redPayloadType });
  if (ssrc !== undefined) integerIn('ssrc', ssrc, 0, MAX_UINT32);
  if (typeof host !== 'string' || isIP(host) === 0) {
    throw new TypeError(`host must be an IP address, got ${describe(host)}.`);
  }
  const rtcp = oneOf('rtcp', options.rtcp ?? 'off', ['mux', 'port', 'off']);
  if (rtcp === 'mux') for (const [name, type] of Object.entries(types)) checkMuxable(name, type);
  const lastPort = rtcp === 'port' ? 65_534 : 65_535;
  if (remote !== undefined) {
    checkObject('remote must be an object with host and port', remote, 'host', 'port');
    if (typeof remote.host !== 'string') {
      throw new TypeError(`remote.host must be a string, got ${describe(remote.host)}.`);
    }
    integerIn('remote.port', remote.port, 1, lastPort);
  }
  if (Array.isArray(from)) {
    for (const address of from as readonly string[]) {
      if (isIP(address) === 0) {
        throw new TypeError(`from must list IP addresses, got ${describe(address)}.`);
      }
    }
  } else oneOf('from', from, ['first', 'any']);
  return {
    stream,
    payloadType,
    redPayloadType,
    ssrc,
    port: integerIn('port', options.port ?? 0, 0, lastPort),
    host,
    remote,
    from,
    rtcp,
    reportMs: numberIn('reportMs', options.reportMs ?? 5000, 100, 60_000),
    reorderMs: numberIn('reorderMs', options.reorderMs ?? 100, 0, 10_000),
    queuedMs: numberIn('queuedMs', options.queuedMs ?? 10_000, 1, MAX_MS),
    queuedBytes: integerIn('queuedBytes', options.queuedBytes ?? 2 ** 22, 1, 2 ** 40),
    redundancy: integerIn('redundancy', options.redundancy ?? 0, 0, 3),
    packetBytes: integerIn('packetBytes', options.packetBytes ?? 1400, 64, 65_000),
  };
}

/** Refuses payload types that look like RTCP when the marker bit is set (RFC 5761 §4). @throws RangeError */
function checkMuxable(name: string, payloadType: number): void {
  if (payloadType < 64 || payloadType > 95) return;
  throw new RangeError(
    `${name} must not be from 64 to 95 with rtcp 'mux', where marked packets would be read as RTCP, got ${payloadType}.`,
  );
}

function fail(message: string, cause?: unknown): never {
  throw new MicwireError('transport', message, { cause });
}

async function resolved({ host, port }: RtpAddress, own: string): Promise<RtpAddress> {
  const family = isIP(own);
  if (isIP(host) === family) return { host, port };
  try {
    if (isIP(host) !== 0) fail('It is an address of the other kind.');
    const { address } = await lookup(host, { family });
    return { host: address, port };
  } catch (cause) {
    const text = `The host ${describe(host)} has no IPv${family} address, as ${own} is one.`;
    return fail(`${text} Check its name, or listen on an address of its kind.`, cause);
  }
}

/** Binds the sockets of RTP and RTCP. */
async function bindBoth({ host, port, rtcp }: Settings): Promise<[Socket, Socket | null]> {
  if (rtcp !== 'port') {
    const socket = await bind(host, port);
    return [socket, rtcp === 'mux' ? socket : null];
  }
  for (let i = 1; ; i++) {
    const socket = await bind(host, port);
    const own = socket.address().port;
    try {
      // RTP uses the even port (RFC 3550 §11).
      if (port === 0 && own % 2 !== 0) fail('The port is odd.');
      return [socket, await bind(host, own + 1)];
    } catch (error) {
      await new Promise<void>((resolve) => socket.close(resolve));
      if (port !== 0 || i >= PORT_TRIES) throw error;
    }
  }
}

function bind(host: string, port: number): Promise<Socket> {
  const socket = createSocket({
    type: isIP(host) === 6 ? 'udp6' : 'udp4',
    // As much as the system allows, so that packets that arrive while this process is busy are not lost.
    recvBufferSize: RECEIVE_BYTES,
  });
  return new Promise((resolve, reject) => {
    const failed = (cause: Error & { code?: string }): void => {
      socket.close();
      const cures: Readonly<Record<string, string>> = {
        EADDRINUSE: 'Another program has the port. Choose another one, or 0 for a free one.',
        EADDRNOTAVAIL: 'The address is not one of this machine. Listen on 0.0.0.0 for all of them.',
        EACCES: 'The system does not allow the port. Choose one above 1023.',
      };
      const cure = cures[cause.code ?? ''] ?? cause.message;
      reject(new MicwireError('transport', `UDP port ${port} of ${host}: ${cure}`, { cause }));
    };
    socket.once('error', failed);
    socket.bind({ address: host, port }, () => {
      socket.off('error', failed);
      resolve(socket);
    });
  });
}
