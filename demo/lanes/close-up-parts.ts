import type { Framing, MessageField, PacketHeader } from 'micwire/core';
import type { Transport, TransportStatus } from 'micwire';
import type { Source } from '../audio/source.ts';
import type { ChunkTape } from '../scope/chunk-tape.ts';
import type { LaneSettings } from './close-up-settings.ts';
import type { Spread } from './running-figures.ts';

/** A message as it went over the wire, and what it says. */
export interface WireMessage {
  readonly message: string | Uint8Array;
  readonly packet: PacketHeader;
  /** Where the fields lie; nothing for text. */
  readonly layout: readonly MessageField[];
}

/** What a lane counts and measures. Counters run since the lane was built. */
export interface LaneFigures {
  readonly sentChunks: number;
  /** Bytes of the messages, without the headers of WebSocket, TCP and IP. */
  readonly sentBytes: number;
  /** Of those, bytes of samples or packets of Opus, without Base64. */
  readonly sentPayloadBytes: number;
  readonly receivedChunks: number;
  readonly receivedBytes: number;
  /** Bytes of messages sent a second, over the last seconds. */
  readonly sentBytesPerSecond: number;
  /** The same of `sentPayloadBytes`. */
  readonly payloadBytesPerSecond: number;
  /** What the same sound takes as 16-bit samples; null where that is not worth telling, for it is samples. */
  readonly samplesBytesPerSecond: number | null;
  /** Frames lost before they became a chunk that the page could read, at the wire rate. */
  readonly captureDroppedFrames: number;
  /** Chunks that the transport refused: not connected, or congested. */
  readonly wireDroppedChunks: number;
  /** Chunks that went out and whose echo did not come, found by the gap in the numbers. */
  readonly lostChunks: number;
  /** Messages that were no packets. */
  readonly refusedMessages: number;
  /** ms from `send` to the echo's event, both on this page's main thread. */
  readonly roundTripMs: Spread | null;
  /** ms from the first frame of a chunk at the capture node to the same frame at the playout node. */
  readonly totalMs: Spread | null;
  /** ms from the last frame of a chunk at the capture node to the chunk on the page. */
  readonly handOverMs: Spread | null;
  /** ms by which the resampler looks ahead. */
  readonly resamplerMs: number;
  /** ms by which the encoder looks ahead; 0 for samples. */
  readonly encoderMs: number;
  /** ms that a chunk waits in the playout before it plays. */
  readonly playoutDelayMs: Spread | null;
  /** How often the playout ran empty. */
  readonly underruns: number;
}

/** A way of the sound from a source to the wire and back, running. */
export interface Lane {
  /** What came back, to be connected by the owner. */
  readonly output: AudioNode;
  readonly tape: ChunkTape;
  /** The last message that went out; null before the first. */
  readonly lastMessage: WireMessage | null;
  readonly wireStatus: TransportStatus;
  /** ms until the transport tries again; 0 when it is not waiting. */
  readonly retryInMs: number;
  /** The figures now. Call it a few times a second: rates are made from call to call. */
  figures(): LaneFigures;
  /** Whether the audio thread has stopped delivering. It may come back. */
  readonly stalled: boolean;
  /** Lets a waiting transport try at once. */
  retryNow(): void;
  /** Changes how long sound waits before it plays, in ms, while it runs. */
  setTargetDelay(ms: number): void;
  /** Called after the connection changed, or the lane broke. */
  onchange: (() => void) | null;
  /** What broke it, if anything has. */
  readonly error: unknown;
  close(): void;
}

/** What a lane is built from. */
export interface LaneBuild extends LaneSettings {
  readonly context: AudioContext;
  readonly source: Source;
}

/** A kind of lane: one line of the table. */
export interface LaneKind {
  /** The name in the list of choices. */
  readonly label: string;
  /** One sentence about it. */
  readonly note: string;
  /** The stations between capture and playout, for the picture. */
  readonly stations: readonly { readonly name: string; readonly what: string }[];
  /** How its packets lie in messages. */
  readonly framing: Framing;
  /** Opens the round trip. */
  readonly openTransport: OpenTransport;
  build(parts: LaneBuild, kind: LaneKind): Promise<Lane>;
}

/**
 * How a lane reaches its far end.
 * @param bytesPerSecond what it will send
 */
export type OpenTransport = (bytesPerSecond: number) => Transport;
