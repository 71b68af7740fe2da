import type { Capture, Playout } from 'micwire';
import type { Chunk, PayloadFormat, Transport, TransportMessage, TransportStatus } from 'micwire';
import { PacketError, isSampleFormat } from 'micwire/core';
import type { Framing, MessageDecoder, MessageEncoder, Packet } from 'micwire/core';
import { samplesBytesPerSecond, wireBytesPerSecond } from '../page/costs.ts';
import { streamOf } from '../page/example-message.ts';
import { SCOPE_SECONDS } from '../audio/tap.ts';
import { ChunkTape } from '../scope/chunk-tape.ts';
import type { Lane, LaneBuild, LaneFigures, LaneKind, WireMessage } from './close-up-parts.ts';
import { openCapture, openPlayout } from './open-audio.ts';
import { PlayoutWait } from './playout-wait.ts';
import { RecentValues, RunningRate } from './running-figures.ts';

/** Measurements behind a median: 5 s of chunks of 20 ms. */
const RECENT = 250;
const RATE_SPAN_MS = 3000;
/** Chunks that may be under way before the oldest is taken for lost: bounds the memory when nothing comes back. */
const MAX_PENDING = 1000;

/** How long a lane waits for its first connection before it captures: what is captured earlier would only be dropped. */
const FIRST_CONNECTION_MS = 1500;

/** Longer gaps are not made up for: the sound goes on with what comes. */
const MAX_CONCEALED_SECONDS = 0.2;

/** Builds the lane capture → framing → transport → playout, for samples and for Opus. */
export async function buildChunkLane(
  parts: LaneBuild,
  { framing, openTransport }: LaneKind,
): Promise<Lane> {
  const transport = openTransport(wireBytesPerSecond(framing, parts));
  try {
    const [playout] = await Promise.all([openPlayout(parts), firstAnswer(transport)]);
    const encoding = framing.message === 'text' ? 'base64' : 'binary';
    const capture = await openCapture(parts, encoding);
    return new ChunkLane(parts, capture, playout, framing, transport);
  } catch (error) {
    void transport.close();
    throw error;
  }
}

/** Resolves when the transport has connected or failed to, or has taken too long to wait for. */
function firstAnswer(transport: Transport): Promise<void> {
  return new Promise((resolve) => {
    transport.addEventListener('statechange', () => resolve(), { once: true });
    setTimeout(resolve, FIRST_CONNECTION_MS);
  });
}

/** A chunk that was sent. */
interface UnderWay {
  /** By `performance.now()`. */
  readonly sentAt: number;
  /** The context's time of its first frame at the capture node, in seconds. */
  readonly time: number;
}

class ChunkLane implements Lane {
  readonly output: AudioNode;
  readonly tape = new ChunkTape(SCOPE_SECONDS + 0.5);
  onchange: (() => void) | null = null;
  error: unknown = undefined;
  stalled = false;
  private readonly context: AudioContext;
  private readonly capture: Capture<PayloadFormat>;
  private readonly playout: Playout;
  private readonly wait: PlayoutWait;
  private readonly framing: Framing;
  private readonly encoder: MessageEncoder;
  private readonly decoder: MessageDecoder;
  private readonly transport: Transport & { retryNow?(): void };
  private readonly resamplerMs: number;
  private readonly encoderMs: number;
  private readonly samplesBytesPerSecond: number | null;
  /** The chunks under way by their sequence, in the order of sending. */
  private readonly underWay = new Map<number, UnderWay>();
  private readonly roundTrips = new RecentValues(RECENT);
  private readonly totals = new RecentValues(RECENT);
  private readonly handOvers = new RecentValues(RECENT);
  private readonly sentRate = new RunningRate(RATE_SPAN_MS);
  private readonly payloadRate = new RunningRate(RATE_SPAN_MS);
  private lastSent: Omit<WireMessage, 'layout'> | null = null;
  private sentPayloadBytes = 0;
  private lostChunks = 0;
  /** The frame behind the last packet that came back. */
  private nextFrame = 0;
  private refusedMessages = 0;
  private closed = false;
  /** When the transport will try again, by `performance.now()`. */
  private retryAt = 0;

  constructor(
    parts: LaneBuild,
    capture: Capture<PayloadFormat>,
    playout: Playout,
    framing: Framing,
    transport: Transport,
  ) {
    this.context = parts.context;
    this.capture = capture;
    this.playout = playout;
    this.wait = new PlayoutWait(playout, parts.context);
    this.framing = framing;
    const stream = streamOf(parts);
    this.encoder = framing.createEncoder(stream);
    this.decoder = framing.createDecoder(stream);
    this.transport = transport;
    this.output = playout.node;
    this.resamplerMs = (capture.latencyFrames / parts.context.sampleRate) * 1000;
    this.encoderMs = (capture.preSkip / capture.sampleRate) * 1000;
    this.samplesBytesPerSecond = isSampleFormat(parts.format) ? null : samplesBytesPerSecond(parts);
    transport.addEventListener('message', ({ data: message }) => this.receive(message));
    this.retryAt = performance.now() + transport.status.retryInMs;
    transport.addEventListener('statechange', () => {
      const { status } = transport;
      this.retryAt = performance.now() + status.retryInMs;
      // What was under way on a connection that is gone comes back on no other.
      if (status.state === 'waiting') this.forgetUpTo(Infinity);
      this.onchange?.();
    });
    capture.addEventListener('error', ({ detail }) => {
      if (detail.code === 'stalled') this.stalled = true;
      else this.error = detail;
      this.onchange?.();
    });
    playout.addEventListener('error', ({ detail }) => {
      this.error = detail;
      this.onchange?.();
    });
    void this.sendChunks();
  }

  get wireStatus(): TransportStatus {
    return this.transport.status;
  }

  get retryInMs(): number {
    if (this.transport.status.state !== 'waiting') return 0;
    return Math.max(0, this.retryAt - performance.now());
  }

  get lastMessage(): WireMessage | null {
    if (this.lastSent === null) return null;
    return { ...this.lastSent, layout: this.framing.layout(this.lastSent.message) };
  }

  figures(): LaneFigures {
    const { stats } = this.transport;
    const now = performance.now();
    return {
      sentChunks: stats.sentMessages,
      sentBytes: stats.sentBytes,
      sentPayloadBytes: this.sentPayloadBytes,
      receivedChunks: stats.receivedMessages - this.refusedMessages,
      receivedBytes: stats.receivedBytes,
      sentBytesPerSecond: this.sentRate.update(now, stats.sentBytes),
      payloadBytesPerSecond: this.payloadRate.update(now, this.sentPayloadBytes),
      samplesBytesPerSecond: this.samplesBytesPerSecond,
      captureDroppedFrames: this.capture.stats.dropped,
      wireDroppedChunks: stats.droppedMessages,
      lostChunks: this.lostChunks,
      refusedMessages: this.refusedMessages,
      roundTripMs: this.roundTrips.spread(),
      totalMs: this.totals.spread(),
      handOverMs: this.handOvers.spread(),
      resamplerMs: this.resamplerMs,
      encoderMs: this.encoderMs,
      playoutDelayMs: this.wait.spread(),
      underruns: this.playout.stats.underruns,
    };
  }

  retryNow(): void {
    this.transport.retryNow?.();
  }

  setTargetDelay(ms: number): void {
    this.playout.targetDelay = ms;
  }

  close(): void {
    this.onchange = null;
    this.closed = true;
    void this.transport.close();
    void this.capture.close();
    void this.playout.close();
  }

  private async sendChunks(): Promise<void> {
    try {
      for await (const chunk of this.capture) {
        if (this.closed) return;
        this.send(chunk);
      }
    } catch (error) {
      this.error = error;
      this.onchange?.();
    }
  }

  private send(chunk: Chunk<PayloadFormat>): void {
    const seconds = chunk.frames / chunk.sampleRate;
    this.handOvers.add((this.context.currentTime - chunk.contextTime - seconds) * 1000);
    this.stalled = false;
    const message = this.encoder.encode(chunk);
    const now = performance.now();
    const sent = this.transport.send(message);
    const { sequence, contextTime: time } = chunk;
    this.tape.add({ sequence, time, seconds, fate: sent ? 'sent' : 'dropped' });
    if (!sent) return;
    this.lastSent = { message, packet: chunk };
    this.sentPayloadBytes += payloadBytes(chunk);
    this.underWay.set(sequence, { sentAt: now, time });
    if (this.underWay.size > MAX_PENDING) this.forgetUpTo(this.underWay.keys().next().value!);
  }

  private receive(message: TransportMessage): void {
    const now = performance.now();
    let packets: readonly Packet[];
    try {
      packets = this.decoder.decode(message);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.refusedMessages++;
      return;
    }
    // This lane's transport loses nothing, so that copies for the case of loss are of no use.
    for (const packet of packets) if (packet.redundant !== true) this.play(packet, now);
  }

  private play(packet: Packet, now: number): void {
    const sent = this.underWay.get(packet.sequence);
    this.tape.mark(packet.sequence, 'back');
    const wait = this.wait.write(packet.payload, this.missingBefore(packet));
    if (sent !== undefined) {
      this.roundTrips.add(now - sent.sentAt);
      if (wait !== null) {
        // What is decoded comes later than what was encoded by the encoder's look-ahead.
        this.totals.add((this.context.currentTime + wait - sent.time) * 1000 + this.encoderMs);
      }
    }
    // The echo keeps the order: what was sent before this chunk and is not back will not come.
    this.underWay.delete(packet.sequence);
    this.forgetUpTo(packet.sequence);
  }

  /** Frames that the decoder of Opus has to make up for before a packet; 0 for samples, which have no decoder. */
  private missingBefore({ format, frame, frames, sampleRate }: Packet): number {
    const missing = frame - this.nextFrame;
    this.nextFrame = frame + frames;
    if (isSampleFormat(format) || missing > MAX_CONCEALED_SECONDS * sampleRate) return 0;
    return Math.max(0, missing);
  }

  private forgetUpTo(sequence: number): void {
    for (const pending of this.underWay.keys()) {
      if (pending > sequence) return;
      this.underWay.delete(pending);
      this.tape.mark(pending, 'dropped');
      this.lostChunks++;
    }
  }
}

/** Bytes of a chunk's samples or packet, measured. What comes as Base64 is not made bytes for that. */
function payloadBytes(chunk: Chunk<PayloadFormat>): number {
  if (chunk.encoding === 'binary') return chunk.bytes.length;
  const { base64 } = chunk;
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}
