import { isSampleFormat } from 'micwire/codec';
import { Playout, WebSocketTransport, FRAMINGS, PacketError } from 'micwire';
import type {
  Capture,
  Chunk,
  PayloadFormat,
  Transport,
  TransportMessage,
  TransportStatus,
  Framing,
  MessageDecoder,
  MessageEncoder,
  MessageField,
  Packet,
  PacketHeader,
} from 'micwire';
import { problemOf } from '../audio/problem.ts';
import type { Source } from '../audio/source.ts';
import { SCOPE_SECONDS } from '../audio/tap.ts';
import { samplesBytesPerSecond, streamOf, wireBytesPerSecond } from '../page/message-costs.ts';
import { ChunkTape } from '../scope/chunk-tape.ts';
import type { CloseUpSettings } from './close-up-settings.ts';
import type { LaneState } from './lane-messages.ts';
import type { Lane, LaneWay } from './lane.ts';
import { socketOptions } from './link-way.ts';
import { openCapture } from './open-capture.ts';
import { PlayoutWait } from './playout-wait.ts';
import { RecentValues, RunningRate } from './running-figures.ts';

/** Measurements behind a median: 5 s of chunks of 20 ms. */
const RECENT = 250;
const RATE_SPAN_MS = 3000;
/** Chunks that may be under way before the oldest counts as lost: bounds the memory when nothing comes back. */
const MAX_PENDING = 1000;

/** How long a lane waits for its first connection before it captures: audio captured earlier would only be dropped. */
const FIRST_CONNECTION_MS = 1500;

/** Longer gaps are not concealed: playout continues with the next audio. */
const MAX_CONCEALED_SECONDS = 0.2;

/** A message as it went over the wire, and what it says. */
export interface WireMessage {
  readonly message: string | Uint8Array;
  readonly packet: PacketHeader;
  /** Where the fields lie; nothing for text. */
  readonly layout: readonly MessageField[];
}

/** What a lane is built from. */
export interface CloseUpBuild extends CloseUpSettings {
  readonly context: AudioContext;
  readonly source: Source;
  /** Where its messages go, and come back from. The lane ends it. */
  readonly way: LaneWay;
}

/** What a lane close up counts and measures. */
export type CloseUpFigures = ReturnType<CloseUpLane['figures']>;

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

/** A lane close up: capture → framing → WebSocket, over the simulated network and back → playout, all of it on the page's thread. */
export class CloseUpLane implements Lane {
  /** What came back, to be connected by the owner. */
  readonly output: AudioNode;
  readonly tape = new ChunkTape(SCOPE_SECONDS + 0.5);
  onchange: (() => void) | null = null;
  /** What broke it, if anything has. */
  error: unknown = undefined;
  /** Whether the audio thread has stopped delivering. It may come back. */
  stalled = false;
  readonly #context: AudioContext;
  readonly #capture: Capture<PayloadFormat>;
  readonly #playout: Playout;
  readonly #wait: PlayoutWait;
  readonly #framing: Framing;
  readonly #encoder: MessageEncoder;
  readonly #decoder: MessageDecoder;
  readonly #transport: WebSocketTransport;
  readonly #way: LaneWay;
  readonly #resamplerMs: number;
  readonly #encoderMs: number;
  readonly #samplesBytesPerSecond: number | null;
  /** The chunks under way by their sequence, in the order of sending. */
  readonly #underWay = new Map<number, UnderWay>();
  readonly #roundTrips = new RecentValues(RECENT);
  readonly #totals = new RecentValues(RECENT);
  readonly #handOvers = new RecentValues(RECENT);
  readonly #sentRate = new RunningRate(RATE_SPAN_MS);
  readonly #payloadRate = new RunningRate(RATE_SPAN_MS);
  #lastSent: Omit<WireMessage, 'layout'> | null = null;
  #sentPayloadBytes = 0;
  #lostChunks = 0;
  /** The frame after the last packet that came back. */
  #nextFrame = 0;
  #refusedMessages = 0;
  #closed = false;
  /** When the transport will try again, by `performance.now()`. */
  #retryAt = 0;

  /** Throws what its parts throw. */
  static async open(parts: CloseUpBuild): Promise<CloseUpLane> {
    const framing = FRAMINGS[parts.framing];
    // Up to a second of audio may wait for the network; any more is dropped, and the page says so.
    const { way } = parts.way;
    let transport: WebSocketTransport | undefined;
    try {
      transport = WebSocketTransport.create(way.url, {
        ...socketOptions(way),
        highWaterBytes: Math.ceil(wireBytesPerSecond(framing, parts)),
      });
      // It comes before the capture, so that nothing piles up; of Opus it then plays the look-ahead of the encoder too, which the lane
      // counts as delay.
      const { context, sampleRate, channels, format, targetDelayMs } = parts;
      const [playout] = await Promise.all([
        Playout.create(context, {
          sampleRate,
          channels,
          format,
          targetDelayMs,
          backlog: 'catch-up',
        }),
        firstAnswer(transport),
      ]);
      const encoding = framing.message === 'text' ? 'base64' : 'binary';
      const { source } = parts;
      const capture = await openCapture(context, source.microphone ?? source.node, {
        ...parts,
        encoding,
      });
      return new CloseUpLane(parts, capture, playout, framing, transport);
    } catch (error) {
      void transport?.close();
      parts.way.close();
      throw error;
    }
  }

  private constructor(
    parts: CloseUpBuild,
    capture: Capture<PayloadFormat>,
    playout: Playout,
    framing: Framing,
    transport: WebSocketTransport,
  ) {
    this.#context = parts.context;
    this.#capture = capture;
    this.#playout = playout;
    this.#wait = new PlayoutWait(playout, parts.context);
    this.#framing = framing;
    const stream = streamOf(parts);
    this.#encoder = framing.createEncoder(stream);
    this.#decoder = framing.createDecoder(stream);
    this.#transport = transport;
    this.#way = parts.way;
    this.output = playout.node;
    this.#resamplerMs = (capture.latencyFrames / parts.context.sampleRate) * 1000;
    this.#encoderMs = (capture.preSkip / capture.sampleRate) * 1000;
    this.#samplesBytesPerSecond = isSampleFormat(parts.format)
      ? null
      : samplesBytesPerSecond(parts);
    transport.addEventListener('message', ({ data: message }) => this.#receive(message));
    this.#retryAt = performance.now() + transport.status.retryInMs;
    transport.addEventListener('statechange', () => {
      const { status } = transport;
      this.#retryAt = performance.now() + status.retryInMs;
      // What was under way on a lost connection does not come back on another.
      if (status.state === 'waiting') this.#forgetUpTo(Infinity);
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
    void this.#sendChunks();
  }

  get state(): LaneState {
    if (this.error !== undefined) return 'failed';
    const { state } = this.#transport.status;
    return state === 'open' || state === 'congested' ? 'running' : 'waiting';
  }

  get reason(): string {
    return this.error === undefined ? this.#transport.status.reason : problemOf(this.error).title;
  }

  get wireStatus(): TransportStatus {
    return this.#transport.status;
  }

  /** ms until the transport tries again; 0 when it is not waiting. */
  get retryInMs(): number {
    if (this.#transport.status.state !== 'waiting') return 0;
    return Math.max(0, this.#retryAt - performance.now());
  }

  /** The last message that went out; null before the first. */
  get lastMessage(): WireMessage | null {
    if (this.#lastSent === null) return null;
    return { ...this.#lastSent, layout: this.#framing.layout(this.#lastSent.message) };
  }

  /** The figures now; counters run since the lane was built. Call it a few times a second: rates are computed from call to call. */
  figures() {
    const { stats } = this.#transport;
    const now = performance.now();
    return {
      sentChunks: stats.sentMessages,
      /** Bytes of the messages, without the headers of WebSocket, TCP and IP. */
      sentBytes: stats.sentBytes,
      /** Of those, bytes of samples or packets of Opus, without Base64. */
      sentPayloadBytes: this.#sentPayloadBytes,
      receivedChunks: stats.receivedMessages - this.#refusedMessages,
      /** Bytes of messages sent a second, over the last seconds. */
      sentBytesPerSecond: this.#sentRate.update(now, stats.sentBytes),
      /** The same of `sentPayloadBytes`. */
      payloadBytesPerSecond: this.#payloadRate.update(now, this.#sentPayloadBytes),
      /** What the same audio takes as 16-bit samples; null where it is samples. */
      samplesBytesPerSecond: this.#samplesBytesPerSecond,
      /** Frames lost before they became a chunk that the page could read, at the wire rate. */
      captureDroppedFrames: this.#capture.stats.droppedFrames,
      /** Chunks that the transport refused: not connected, or congested. */
      wireDroppedChunks: stats.droppedMessages,
      /** Chunks that went out and whose echo did not come, detected by the gap in the numbers. */
      lostChunks: this.#lostChunks,
      /** Messages that were not packets. */
      refusedMessages: this.#refusedMessages,
      /** ms from `send` to the echo's event, both on this page's main thread. */
      roundTripMs: this.#roundTrips.spread(),
      /** ms from the first frame of a chunk at the capture node to the same frame at the playout node. */
      totalMs: this.#totals.spread(),
      /** ms from the last frame of a chunk at the capture node to the chunk on the page. */
      handOverMs: this.#handOvers.spread(),
      /** ms by which the resampler looks ahead. */
      resamplerMs: this.#resamplerMs,
      /** ms by which the encoder looks ahead; 0 for samples. */
      encoderMs: this.#encoderMs,
      /** ms that a chunk waits in the playout before it plays. */
      playoutDelayMs: this.#wait.spread(),
      /** How often the playout ran empty. */
      underruns: this.#playout.stats.underruns,
    };
  }

  /** Has a waiting transport try at once. */
  retryNow(): void {
    this.#transport.retryNow();
  }

  /** Changes how long audio waits before it plays, in ms, while it runs. */
  setTargetDelay(ms: number): void {
    this.#playout.targetDelayMs = ms;
  }

  close(): void {
    this.onchange = null;
    this.#closed = true;
    void this.#transport.close();
    this.#way.close();
    void this.#capture.close();
    void this.#playout.close();
  }

  async #sendChunks(): Promise<void> {
    try {
      for await (const chunk of this.#capture) {
        if (this.#closed) return;
        this.#send(chunk);
      }
    } catch (error) {
      this.error = error;
      this.onchange?.();
    }
  }

  #send(chunk: Chunk<PayloadFormat>): void {
    const seconds = chunk.frames / chunk.sampleRate;
    this.#handOvers.add((this.#context.currentTime - chunk.contextTime - seconds) * 1000);
    this.stalled = false;
    const message = this.#encoder.encode(chunk);
    const now = performance.now();
    const sent = this.#transport.send(message);
    const { sequence, contextTime: time } = chunk;
    this.tape.add({ sequence, time, seconds, fate: sent ? 'sent' : 'dropped' });
    if (!sent) return;
    this.#lastSent = { message, packet: chunk };
    this.#sentPayloadBytes += payloadBytes(chunk);
    this.#underWay.set(sequence, { sentAt: now, time });
    if (this.#underWay.size > MAX_PENDING) this.#forgetUpTo(this.#underWay.keys().next().value!);
  }

  #receive(message: TransportMessage): void {
    const now = performance.now();
    let packets: readonly Packet[];
    try {
      packets = this.#decoder.decode(message);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#refusedMessages++;
      return;
    }
    // This lane's transport loses nothing, so copies against loss are of no use.
    for (const packet of packets) if (packet.redundant !== true) this.#play(packet, now);
  }

  #play(packet: Packet, now: number): void {
    const sent = this.#underWay.get(packet.sequence);
    this.tape.mark(packet.sequence, 'back');
    const wait = this.#wait.write(packet.payload, this.#missingBefore(packet));
    if (sent !== undefined) {
      this.#roundTrips.add(now - sent.sentAt);
      if (wait !== null) {
        // Decoded audio is later than what was encoded, by the encoder's look-ahead.
        this.#totals.add((this.#context.currentTime + wait - sent.time) * 1000 + this.#encoderMs);
      }
    }
    // The echo keeps the order: what was sent before this chunk and is not back will not come.
    this.#underWay.delete(packet.sequence);
    this.#forgetUpTo(packet.sequence);
  }

  /** Frames that the decoder of Opus has to conceal before a packet; 0 for samples, which have no decoder. */
  #missingBefore({ format, frame, frames, sampleRate }: Packet): number {
    const missing = frame - this.#nextFrame;
    this.#nextFrame = frame + frames;
    if (isSampleFormat(format) || missing > MAX_CONCEALED_SECONDS * sampleRate) return 0;
    return Math.max(0, missing);
  }

  #forgetUpTo(sequence: number): void {
    for (const pending of this.#underWay.keys()) {
      if (pending > sequence) return;
      this.#underWay.delete(pending);
      this.tape.mark(pending, 'dropped');
      this.#lostChunks++;
    }
  }
}

/** Bytes of a chunk's samples or packet, as measured. Base64 is counted by its length, without decoding. */
function payloadBytes(chunk: Chunk<PayloadFormat>): number {
  if (chunk.encoding === 'binary') return chunk.bytes.length;
  const { base64 } = chunk;
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}
