/**
 * Every message that crosses a thread, declared once. Commands go to a processor and take effect at the next render
 * quantum; events come from it and carry `frame`, the context's `currentFrame`, never wall time.
 */
import type { ReaderAccount } from './capture/chunk-queue.ts';
import type { ChunkSlot } from './capture/chunk-sinks.ts';
import type { ChunkEncoding, ChunkOptions } from './capture/chunk.ts';
import type { OpusModule } from './codec/opus-library.ts';
import type { RecordingOptions } from './container/recording-muxer.ts';
import type { OpusAdjustment, OpusOptions, OpusSettings } from './codec/opus-options.ts';
import type { MeterName, MeterSettings } from './metering/meter-table.ts';
import type { ResamplerPlan } from './resampler/resampler-plan.ts';
import type { PayloadFormat, SampleFormat } from './format/formats.ts';
import type { Dither } from './format/sample-format.ts';
import type { StreamFormat } from './format/stream-format.ts';
import type { BacklogMode } from './playout/backlog-policy.ts';
import type { SilenceKind } from './microphone/life-messages.ts';
import type { ReceiveState } from './receive/receive-report.ts';
import type { VariableResamplerPlan } from './resampler/variable-resampler.ts';

// --- capture -------------------------------------------------------------------------------------------------------

export interface CaptureProcessorOptions<
  Format extends PayloadFormat = SampleFormat,
> extends ChunkOptions<Format> {
  readonly dither: Dither;
  /** Milliseconds. */
  readonly chunkDurationMs: number;
  /** Bytes of the longest payload, as it crosses the thread. */
  readonly payloadBytes: number;
  /** How many chunks may be on their way to the reader. */
  readonly slots: number;
  /** From the context's rate to the wire's; null where they are equal. */
  readonly resampler: ResamplerPlan | null;
  /** Frames of the context that a source with push-to-talk keeps from before each press. None if left out. */
  readonly preRollFrames?: number;
  /** Keeps the unfinished chunk while nobody talks: what follows fills it. For audio that is cut together. */
  readonly holdPauses?: boolean;
  /** Whether the source tells of its presence, at the second input. @default true */
  readonly tellsPresence?: boolean;
  /** Where chunks go (`src/core/dsp/ring-buffer.ts`); null where memory cannot be shared: they are posted then. */
  readonly ring: SharedArrayBuffer | null;
}

/** `micwire-capture-opus`: `chunkDurationMs` is that of a packet. */
export interface OpusCaptureProcessorOptions extends CaptureProcessorOptions<'opus'> {
  readonly opus: OpusSettings;
  /** libopus, compiled; or its bytes as a `Uint8Array`, where a module cannot be passed. */
  readonly module: OpusModule;
}

/** The part of a `MessagePort` that is used, in whichever scope it is: the core knows no platform's types. */
export interface MessagePortLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  start(): void;
  close(): void;
}

/** A port that is only posted to. */
export type PostingPort = Pick<MessagePortLike, 'postMessage'>;

/** To the processor, and to either end of the port that `pipe` handed over. */
export type CaptureCommand =
  /** A buffer of the pool that comes back, by the port that brought it or by the node's. */
  | { readonly type: 'recycle'; readonly header: Float64Array; readonly bytes: Uint8Array }
  /** From now on chunks go through this port; null: through the node's again. Without a ring only. */
  | { readonly type: 'pipe'; readonly port: MessagePortLike | null }
  /** Sends what is captured and stops capturing until `resume`. With `hold` the unfinished chunk waits for what follows. */
  | { readonly type: 'pause'; readonly hold?: boolean }
  | { readonly type: 'resume' }
  /** Asks for a `pong` from the next render quantum. */
  | { readonly type: 'ping' }
  /** Another source is connected now. `tellsPresence`: its presence is at the second input, or will be. */
  | { readonly type: 'source'; readonly tellsPresence: boolean }
  /** Sends what is captured and ends the processor. */
  | { readonly type: 'close' };

export type OpusCaptureCommand =
  | CaptureCommand
  /** Changes the encoder from the next packet on. By the node's port. */
  | { readonly type: 'adjust'; readonly options: OpusAdjustment };

/** What carries chunks, through the node's port or the one that `pipe` handed over. */
export type CaptureDelivery =
  | { readonly type: 'chunk'; readonly header: Float64Array; readonly bytes: Uint8Array }
  /** No chunk follows. `captured`: frames in all, delivered or dropped. */
  | { readonly type: 'end'; readonly captured: number };

/** The processor's count so far, in frames at the wire rate. */
export interface CaptureCount {
  /** Where the context is. */
  readonly frame: number;
  /** Delivered, dropped, or on the way. */
  readonly captured: number;
  readonly delivered: number;
  /** Whether what the context renders from here on is captured. */
  readonly runs: boolean;
}

export type CaptureEvent =
  | CaptureDelivery
  /**
   * The answer to `pipe`: chunks posted before this one came through the old port, the rest go through the new one. `out`:
   * buffers of the pool that have not come back.
   */
  | { readonly type: 'piped'; readonly frame: number; readonly out: number }
  | ({ readonly type: 'paused' } & CaptureCount)
  /** After a render quantum that answers a `ping`, or is the first one after `resume`. */
  | ({ readonly type: 'pong' } & CaptureCount)
  /** The processor's own count at the end, in frames at the wire rate: captured = delivered + dropped. */
  | {
      readonly type: 'closed';
      readonly frame: number;
      readonly captured: number;
      readonly delivered: number;
      readonly dropped: number;
    };

/** From a page to a Worker of its own: `capture.pipeToWorker(worker)` → `receiveCapture(event)`. */
export interface CaptureHandover extends ChunkOptions {
  readonly type: 'micwire-capture';
  /** How many chunks may wait in the Worker until they are read. */
  readonly maxChunks: number;
  /** Where the Worker's account begins: frames before were read on the page. */
  readonly firstFrame: number;
  /** Chunks that the page dropped: numbers are so much less. */
  readonly droppedChunks: number;
  /** Chunks that had come to the page before. */
  readonly waiting: readonly ChunkSlot[];
  /** Where the rest come from: one of the two. */
  readonly port: MessagePortLike | null;
  readonly ring: SharedArrayBuffer | null;
  /** By which the Worker and the page know of each other. */
  readonly control?: MessagePortLike;
  /** The Web Lock that the Worker holds while it lives. */
  readonly lock?: string;
}

/** From the page, by `control`, to the Worker that reads a capture or writes to a playout. */
export type WatchCommand =
  /** Answered by `read`. */
  | { readonly type: 'ask' }
  /** It is over, or another Worker's. `captured`: frames of a capture in all, null where they are not known. */
  | { readonly type: 'end'; readonly captured: number | null };

/** From that Worker. */
export type WatchEvent =
  /** It has what it was sent. `locked`: it holds the lock. */
  | { readonly type: 'taken'; readonly locked: boolean }
  /** It has let go of it by itself. Answered by `end`: until then it holds the lock. */
  | { readonly type: 'released' }
  | { readonly type: 'read'; readonly account: ReaderAccount };

// --- Opus in a Worker ----------------------------------------------------------------------------------------------

/** How the Worker encodes a capture. */
export interface OpusSessionOptions {
  readonly settings: OpusSettings;
  /** libopus, compiled; null for the engine's own encoder. */
  readonly module: OpusModule | null;
  readonly encoding: ChunkEncoding;
  /** How many packets may be on their way to the reader. */
  readonly slots: number;
  /** Where packets go, as `CaptureDelivery`. Takes `recycle` in return. */
  readonly port: MessagePortLike;
}

/** To `worker/opus.js`. */
export type OpusWorkerCommand =
  /** Tries the engine's own encoder; answered by `probed`. `asked`: options that were given. */
  | {
      readonly type: 'probe';
      readonly settings: OpusSettings;
      readonly asked: readonly (keyof OpusOptions)[];
    }
  /** Answered by `opened`. */
  | { readonly type: 'open'; readonly options: OpusSessionOptions }
  /**
   * From now on packets go through this port. Answered by `piped`, by the old port: it brings nothing more. `refill`: buffers
   * that are out will not come back.
   */
  | { readonly type: 'pipe'; readonly port: MessagePortLike; readonly refill: boolean }
  /** Changes the encoder, which is libopus, from the next packet on. */
  | { readonly type: 'adjust'; readonly options: OpusAdjustment }
  /** The samples to encode, as f32. Answered by `ended` when the capture has. */
  | CaptureHandover;

export type OpusWorkerEvent =
  /** The script has run. */
  | { readonly type: 'loaded' }
  /** What the engine's encoder does not honour; empty when all is well. */
  | { readonly type: 'probed'; readonly faults: readonly string[] }
  /** `preSkip`: frames at the wire rate. */
  | { readonly type: 'opened'; readonly preSkip: number }
  /** What encoding has taken so far, ms; told a few times a second of audio, where it can be timed. */
  | { readonly type: 'encoded'; readonly ms: number }
  | { readonly type: 'piped' }
  | { readonly type: 'ended' }
  /** Nothing more comes. */
  | { readonly type: 'failed'; readonly message: string };

// --- backup of a recording in a Worker --------------------------------------------------------------------------------

/** What is backed up. */
export interface BackupRequest {
  readonly id: string;
  readonly name: string;
  /** ms since 1970. */
  readonly startedAtMs: number;
  readonly recording: RecordingOptions;
}

/** To `worker/backup.js`. */
export type BackupWorkerCommand =
  /** Answered by `opened` or `failed`. */
  | { readonly type: 'open'; readonly request: BackupRequest }
  /** The chunks to store. */
  | CaptureHandover
  /** Answered by `ended` or `failed`. `complete`: what was stored is deleted, for the recording has its file. */
  | { readonly type: 'end'; readonly complete: boolean };

export type BackupWorkerEvent =
  /** The script has run. */
  | { readonly type: 'loaded' }
  | { readonly type: 'opened' }
  | { readonly type: 'ended' }
  /** Nothing more is stored. */
  | { readonly type: 'failed'; readonly message: string };

// --- microphone ----------------------------------------------------------------------------------------------------

export interface MicrophoneProcessorOptions {
  readonly channels: number;
  /** Frames of the context for which the input may be exact zeros, or below the floor, before it counts as silent. */
  readonly silenceFrames: number;
  /** Push-to-talk at the start, as in the command `hold`. */
  readonly held: boolean | null;
}

/** Inputs are numbered 0 and 1: the device in use, and the next one. */
export type MicrophoneCommand =
  /**
   * Takes this input as soon as audio comes from it, at the latest after `patienceFrames`; at once if it is in use. Until then
   * the other continues, if it is live. Answered by `heard`.
   */
  | {
      readonly type: 'take';
      readonly input: 0 | 1;
      readonly request: number;
      readonly patienceFrames: number;
      readonly fadeFrames: number;
    }
  /**
   * Audio is missing from the next quantum on, until a `take` that follows is answered; from the one after it where the device
   * is still heard: it fades out first. A `take` before it that was not answered is forgotten.
   */
  | { readonly type: 'lose' }
  /** Silence in place of the device, with running numbers. */
  | { readonly type: 'mute'; readonly on: boolean; readonly fadeFrames: number }
  /** Push-to-talk. True: somebody talks; false: nobody does; null: there is no push-to-talk. */
  | { readonly type: 'hold'; readonly held: boolean | null }
  /** Asks the next render quantum for an `account`. */
  | { readonly type: 'ask' }
  | { readonly type: 'close' };

/**
 * Frames of the context: all that passed since the first quantum = present + missing + paused. Quanta that were not rendered
 * to the microphone count as missing.
 */
export interface MicrophoneAccount {
  readonly presentFrames: number;
  readonly missingFrames: number;
  /** While nobody talked, whether the device was there or not. */
  readonly pausedFrames: number;
  /** Of the present ones, those that were silenced by `mute`. */
  readonly mutedFrames: number;
}

export type MicrophoneEvent =
  /**
   * The input of `take` is used from `frame` on. `missingFrames`: since the audio before, without those in which nobody
   * talked; `silentFrames`: exact zeros directly before that, which were delivered as silence, and may have been missing too.
   */
  | {
      readonly type: 'heard';
      readonly frame: number;
      readonly request: number;
      readonly missingFrames: number;
      readonly silentFrames: number;
    }
  /** The input has been silent since `sinceFrame`; null: it is not any more. */
  | {
      readonly type: 'silence';
      readonly frame: number;
      readonly sinceFrame: number;
      readonly kind: SilenceKind | null;
    }
  /** Up to `frame`. */
  | ({ readonly type: 'account'; readonly frame: number } & MicrophoneAccount)
  | ({ readonly type: 'closed'; readonly frame: number } & MicrophoneAccount);

// --- source mixer ------------------------------------------------------------------------------------------------------

/** Inputs `0` … `slots − 1` of the node are for sources that are nodes; as many after them are for their presence. */
export interface MixerProcessorOptions {
  /** `'separate'`: each source, mixed to mono, has a channel of its own, that of its slot. */
  readonly layout: 'separate' | 'mixed';
  /** Of the output; with `'separate'` as many as there are slots. */
  readonly channels: number;
  readonly slots: number;
  /** Blocks that would need more delay than this are given up. */
  readonly maxDelayMs: number;
  /** Any plan of a stream, to warm up with. */
  readonly warmUp: VariableResamplerPlan;
  /** Where reports go (`src/core/snapshot.ts`); null where memory cannot be shared: they are posted then. */
  readonly snapshot: SharedArrayBuffer | null;
}

/** A block of a stream's audio. The channels are transferred, and come back by `buffers`. */
export interface MixerDelivery {
  readonly type: 'block';
  readonly id: number;
  /** Of the first frame, on the system's clock. */
  readonly timestampMs: number;
  /** Hz. A block of another rate than the stream's last one is given up. */
  readonly sampleRate: number;
  readonly channels: Float32Array<ArrayBuffer>[];
}

export type MixerCommand =
  | MixerDelivery
  /** A stream takes the slot, or continues at another rate. `resampler`: from its nominal rate to the context's. */
  | {
      readonly type: 'stream';
      readonly slot: number;
      readonly id: number;
      readonly gain: number;
      readonly resampler: VariableResamplerPlan;
    }
  /** What is connected to the slot's input takes the slot. `tellsPresence`: also to the input for its presence. */
  | {
      readonly type: 'node';
      readonly slot: number;
      readonly id: number;
      readonly gain: number;
      readonly tellsPresence: boolean;
    }
  | { readonly type: 'gain'; readonly slot: number; readonly gain: number }
  /** Frees the slot. Answered by `removed`. */
  | { readonly type: 'remove'; readonly slot: number }
  /** Blocks come through this port as well. */
  | { readonly type: 'pipe'; readonly port: MessagePortLike }
  | { readonly type: 'close' };

export type MixerEvent =
  /** The figures of each slot in the order of `SOURCE_FIELDS`. At most 20 times a second, only without a snapshot. */
  | { readonly type: 'report'; readonly frame: number; readonly values: Float64Array }
  /** Audio of a source is back, after `missingFrames` of the context without. */
  | {
      readonly type: 'gap';
      readonly frame: number;
      readonly id: number;
      readonly missingFrames: number;
    }
  /** Memory that the processor does not use any more. */
  | {
      readonly type: 'buffers';
      readonly frame: number;
      readonly id: number;
      readonly channels: Float32Array<ArrayBuffer>[];
    }
  /** The source's last figures. */
  | {
      readonly type: 'removed';
      readonly frame: number;
      readonly id: number;
      readonly values: Float64Array;
    }
  | { readonly type: 'closed'; readonly frame: number };

// --- blocks of tracks, read in a Worker -------------------------------------------------------------------------------

/** To `worker/blocks.js`. */
export type BlocksWorkerCommand =
  /** Sends a track's blocks (a `ReadableStream` of `AudioData`) to the mixer's processor by this port, as source `id`. */
  | {
      readonly type: 'read';
      readonly feed: number;
      readonly id: number;
      readonly readable: object;
      readonly port: MessagePortLike;
    }
  | { readonly type: 'close'; readonly feed: number };

export type BlocksWorkerEvent =
  /** The script has run. */
  | { readonly type: 'loaded' }
  /** Blocks of this rate follow. */
  | { readonly type: 'rate'; readonly feed: number; readonly sampleRate: number }
  | { readonly type: 'ended'; readonly feed: number };

// --- meter ---------------------------------------------------------------------------------------------------------

export interface MeterProcessorOptions {
  /** Channels to meter; an input with fewer leaves the others silent. */
  readonly channels: number;
  /** Which meters to run. */
  readonly meters: readonly MeterName[];
  /** Settings of single meters. */
  readonly settings: MeterSettings;
  /** The kernel, compiled, or its bytes; undefined to compute in TypeScript. */
  readonly wasm?: object | undefined;
  /** Where readings go (`src/core/snapshot.ts`); null where memory cannot be shared: they are posted then. */
  readonly snapshot: SharedArrayBuffer | null;
}
export type MeterCommand =
  /** Restarts the meters. */
  | { readonly type: 'reset' }
  /** Pauses the measurement of integrated loudness, loudness range and their maxima. */
  | { readonly type: 'pause' }
  /** Continues it. */
  | { readonly type: 'resume' }
  | { readonly type: 'close' };
export type MeterEvent =
  /** The reading, in the order of the meters' fields. Posted at most 60 times a second, only without a snapshot. */
  | { readonly type: 'reading'; readonly frame: number; readonly values: Float64Array }
  /** Speech or silence began, at the context's frame `since`; it was known at `frame`. */
  | {
      readonly type: 'activity';
      readonly frame: number;
      readonly sinceFrame: number;
      readonly active: boolean;
    }
  | { readonly type: 'closed'; readonly frame: number };

// --- playout -------------------------------------------------------------------------------------------------------

export interface PlayoutProcessorOptions extends StreamFormat<SampleFormat> {
  readonly outputChannels: number;
  /** From the wire's rate to the context's; null where they are equal. */
  readonly resampler: ResamplerPlan | null;
  /** How long a frame should wait, wire frames. */
  readonly targetFrames: number;
  readonly backlog: BacklogMode;
  /** Room for wire frames that wait, until `grow` makes more. */
  readonly capacityFrames: number;
}

/**
 * What is written, by the page or by a Worker. Frames are wire frames. Items are numbers of the writer's; each is one run of
 * writes. What a Worker writes late of an interrupted item comes back by `late`.
 */
export type PlayoutWrite =
  /** Whole frames. The buffer is transferred and comes back by `buffer`. */
  | {
      readonly type: 'write';
      readonly item: number;
      readonly bytes: Uint8Array<ArrayBuffer>;
      /** Whether something is missing before them: the join is smoothed. */
      readonly afterGap: boolean;
    }
  /** The item is complete. */
  | { readonly type: 'end'; readonly item: number }
  /**
   * Sets a mark at so many frames from the item's start, which need not have begun; −1: at the end of what was received of it.
   * Answered by `mark` when that frame leaves, unless the item is interrupted before.
   */
  | {
      readonly type: 'mark';
      readonly item: number;
      readonly frames: number;
      readonly name: string;
    };

export type PlayoutCommand =
  | PlayoutWrite
  /** A Worker writes, through this port, and nobody else. */
  | { readonly type: 'pipe'; readonly port: MessagePortLike }
  /** From a Worker: an item begins; the page is told by `begun`. */
  | { readonly type: 'begin'; readonly item: number; readonly name: string | undefined }
  /** From a Worker: frames that it did not send, in all; and of one item those that found no room. */
  | {
      readonly type: 'account';
      readonly droppedFrames: number;
      readonly lostFrames: number;
      readonly name: string | undefined;
      readonly noRoomFrames: number;
    }
  /** From a Worker: it has heard of `interrupting` and writes nothing more of those items. Answered by `noted`. */
  | { readonly type: 'noted' }
  /**
   * From a Worker that has heard of `undone`: the rest of the open item follows. Without effect where another interrupt has come
   * meanwhile: the Worker has heard of so many.
   */
  | { readonly type: 'rejoin'; readonly interrupts: number }
  /** More memory for the frames that wait; what it replaces comes back by `buffer`. */
  | { readonly type: 'grow'; readonly storage: ArrayBuffer }
  | { readonly type: 'target'; readonly frames: number }
  /** Answered by `interrupted`. The fade counts the context's frames. */
  | { readonly type: 'interrupt'; readonly fadeFrames: number }
  /** Ends the fade of an interrupt under way, if there is one: `interrupted` follows at once. */
  | { readonly type: 'cut' }
  /** Answered by `undone`. */
  | { readonly type: 'undo' }
  /** Answered by `paused`. A second one without a fade cuts the fade of the first short. */
  | { readonly type: 'pause'; readonly fadeFrames: number }
  | { readonly type: 'resume' }
  | { readonly type: 'close' };

/** From a page to a Worker of its own: `playout.pipeFromWorker(worker)` → `openPlayoutPort(event)`. */
export interface PlayoutHandover extends StreamFormat<SampleFormat> {
  readonly type: 'micwire-playout';
  readonly maxBufferMs: number;
  /** Sample rate of the context, Hz. */
  readonly contextRate: number;
  /** To the processor: takes what a Worker may tell, gives what is told to Workers. */
  readonly port: MessagePortLike;
  /** By which the Worker and the page know of each other. */
  readonly control: MessagePortLike;
  /** The Web Lock that the Worker holds while it lives. */
  readonly lock: string;
}

/** The account of a playout: received = heard + skipped + interrupted + what still waits. */
export interface PlayoutFigures {
  /** The context's frame before which all that was heard. */
  readonly frame: number;
  readonly state: 'idle' | 'buffering' | 'playing' | 'paused';
  /** The item at the position, or the last one; −1 when there is none. */
  readonly item: number;
  /** From the item's start to the position, and how many of them were left out. */
  readonly itemFrames: number;
  readonly itemMissed: number;
  readonly received: number;
  readonly heard: number;
  readonly skipped: number;
  readonly interrupted: number;
  /** The lowest frame since the start that is still held: of an interrupt that can be undone, or the next to be heard. */
  readonly floor: number;
  /** Frames that found no room. */
  readonly dropped: number;
  readonly underruns: number;
  readonly underrunFrames: number;
  /** Marks of the addressee's that were told, or will not be. */
  readonly settledMarks: number;
  /** Frames that a Worker did not send, see `account`. */
  readonly unsentFrames: number;
  readonly lostFrames: number;
}

export type PlayoutEvent =
  /** Where it is. At most 50 times a second, and only when something has changed. */
  | ({ readonly type: 'report' } & PlayoutFigures)
  /**
   * An interrupt is complete: the figures are those from before it took `taken` frames away, and the items up to number `last`.
   * A report came before.
   */
  | ({
      readonly type: 'interrupted';
      readonly taken: number;
      readonly last: number;
    } & PlayoutFigures)
  | { readonly type: 'undone'; readonly frame: number; readonly done: boolean }
  /** Nothing is heard until `resume`. `pauses`: how many `pause` commands have come. A report came before. */
  | { readonly type: 'paused'; readonly frame: number; readonly pauses: number }
  /** The last frame of an item was heard, or left out. `frame`: the first of the context's frames after it. */
  | {
      readonly type: 'ended';
      readonly frame: number;
      readonly item: number;
      readonly frames: number;
      readonly missed: number;
    }
  /** A mark was reached: frame `frames` of the item leaves as frame `frame` of the context. */
  | {
      readonly type: 'mark';
      readonly frame: number;
      readonly item: number;
      readonly frames: number;
      readonly name: string;
    }
  /** `frames` of an item were left out to catch up. */
  | {
      readonly type: 'skipped';
      readonly frame: number;
      readonly item: number;
      readonly frames: number;
    }
  /** No frames were left in the middle of an item. */
  | { readonly type: 'underrun'; readonly frame: number }
  /** A Worker has begun an item. */
  | {
      readonly type: 'begun';
      readonly frame: number;
      readonly item: number;
      readonly name: string | undefined;
    }
  /** Frames of a Worker's item found no room. */
  | {
      readonly type: 'no-room';
      readonly frame: number;
      readonly name: string | undefined;
      readonly frames: number;
    }
  /** To a Worker: the items up to number `last` are being interrupted, of which `open` (−1: none) had not ended. */
  | {
      readonly type: 'interrupting';
      readonly frame: number;
      readonly last: number;
      readonly open: number;
    }
  /** To a Worker: this came for an item that is interrupted. */
  | { readonly type: 'late'; readonly frame: number; readonly command: PlayoutWrite }
  /** To a Worker: nothing comes back any more of the interrupt that it has noted. */
  | { readonly type: 'noted'; readonly frame: number }
  /** Memory that the processor does not use any more, and how many frames it has received. */
  | {
      readonly type: 'buffer';
      readonly frame: number;
      readonly buffer: ArrayBuffer;
      readonly received: number;
    }
  | { readonly type: 'closed'; readonly frame: number };

// --- receiver ------------------------------------------------------------------------------------------------------

/** The limits within which a receiver chooses its delay. */
export interface ReceiveLimits {
  /** Milliseconds. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** What a millisecond of delay is worth against concealment; see `DelayTarget`. Null: its default. */
  readonly latencyCost: number | null;
}

export interface ReceiveProcessorOptions extends StreamFormat {
  readonly outputChannels: number;
  /** From the wire's rate to the context's, also where they are equal: it follows the sender's clock. */
  readonly resampler: VariableResamplerPlan;
  readonly limits: ReceiveLimits;
  /** Packets that may wait, a power of two, and the longest payload in bytes. */
  readonly capacityPackets: number;
  readonly maxPayloadBytes: number;
  /** Bytes of the longest packet. */
  readonly maxPacketFrames: number;
  /** libopus for format `'opus'`, compiled or as bytes; else null. */
  readonly opus: OpusModule | null;
  /** Where reports go (`src/core/snapshot.ts`); null where memory cannot be shared: they are posted then. */
  readonly snapshot: SharedArrayBuffer | null;
}

/** One packet, through the node's port or one that `pipe` handed over. The buffer comes back by `buffer` the same way. */
export interface ReceiveDelivery {
  readonly type: 'packet';
  readonly sequence: number;
  readonly frame: number;
  readonly frames: number;
  /** 0 for the packet itself, else which redundant copy. */
  readonly copy: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export type ReceiveCommand =
  | ReceiveDelivery
  /** Packets come through this port as well. */
  | { readonly type: 'pipe'; readonly port: MessagePortLike }
  | { readonly type: 'limits'; readonly minDelayMs: number; readonly maxDelayMs: number }
  /** Forgets the stream: what comes next is another one. */
  | { readonly type: 'reset' }
  | { readonly type: 'close' };

export type ReceiveEvent =
  /** The figures in the order of `REPORT_FIELDS`. At most 50 times a second, only without a snapshot. */
  | { readonly type: 'report'; readonly frame: number; readonly values: Float64Array }
  | { readonly type: 'state'; readonly frame: number; readonly state: ReceiveState }
  /** Memory that the processor does not use any more. */
  | { readonly type: 'buffer'; readonly frame: number; readonly buffer: ArrayBuffer }
  | { readonly type: 'closed'; readonly frame: number };

/** From a page to a Worker of its own: `receiver.pipeFrom(worker)` → `openReceiverPort(event)`. */
export interface ReceiverHandover extends StreamFormat {
  readonly type: 'micwire-receiver';
  readonly maxPayloadBytes: number;
  readonly maxPacketFrames: number;
  readonly port: MessagePortLike;
}

// --- the table -----------------------------------------------------------------------------------------------------

/** Registered name of each processor → what it takes at construction, what it is told, what it tells. */
interface ProcessorMap {
  readonly 'micwire-capture': {
    readonly options: CaptureProcessorOptions;
    readonly command: CaptureCommand;
    readonly event: CaptureEvent;
  };
  readonly 'micwire-capture-opus': {
    readonly options: OpusCaptureProcessorOptions;
    readonly command: OpusCaptureCommand;
    readonly event: CaptureEvent;
  };
  readonly 'micwire-microphone': {
    readonly options: MicrophoneProcessorOptions;
    readonly command: MicrophoneCommand;
    readonly event: MicrophoneEvent;
  };
  readonly 'micwire-meter': {
    readonly options: MeterProcessorOptions;
    readonly command: MeterCommand;
    readonly event: MeterEvent;
  };
  readonly 'micwire-mixer': {
    readonly options: MixerProcessorOptions;
    readonly command: MixerCommand;
    readonly event: MixerEvent;
  };
  readonly 'micwire-playout': {
    readonly options: PlayoutProcessorOptions;
    readonly command: PlayoutCommand;
    readonly event: PlayoutEvent;
  };
  readonly 'micwire-receive': {
    readonly options: ReceiveProcessorOptions;
    readonly command: ReceiveCommand;
    readonly event: ReceiveEvent;
  };
  readonly 'micwire-receive-opus': {
    readonly options: ReceiveProcessorOptions;
    readonly command: ReceiveCommand;
    readonly event: ReceiveEvent;
  };
}
export type ProcessorName = keyof ProcessorMap;
