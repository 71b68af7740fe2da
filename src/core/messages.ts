/**
 * Every message between threads, declared once. Commands go to a processor and take effect at the next render quantum;
 * events come from it and carry `frame`, the context's `currentFrame`, never wall time.
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
  /** Bytes of the longest payload that is passed between threads. */
  readonly payloadBytes: number;
  /** How many chunks may be on their way to the reader. */
  readonly slots: number;
  /** From the context's rate to the wire's; null if they are equal. */
  readonly resampler: ResamplerPlan | null;
  /** Context frames that a source with push-to-talk keeps from before each press. @default 0 */
  readonly preRollFrames?: number;
  /** Keeps the unfinished chunk while nobody talks, to fill it with what follows: for audio whose pauses are cut out. */
  readonly holdPauses?: boolean;
  /** Whether the source reports its presence, at the second input. @default true */
  readonly tellsPresence?: boolean;
  /** Takes the chunks (`src/core/dsp/ring-buffer.ts`); null if memory cannot be shared, and chunks are posted. */
  readonly ring: SharedArrayBuffer | null;
}

/** For `micwire-capture-opus`: `chunkDurationMs` is the duration of a packet. */
export interface OpusCaptureProcessorOptions extends CaptureProcessorOptions<'opus'> {
  readonly opus: OpusSettings;
  /** libopus, compiled; or its bytes as a `Uint8Array` if a module cannot be passed. */
  readonly module: OpusModule;
}

/** The part of a `MessagePort` that this library uses, in any scope: the core knows no platform's types. */
export interface MessagePortLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  start(): void;
  close(): void;
}

/** A port that is only posted to. */
export type PostingPort = Pick<MessagePortLike, 'postMessage'>;

/** Sent to the processor, and to either end of the port that `pipe` handed over. */
export type CaptureCommand =
  /** Returns a buffer to the pool, through the port that brought it or through the node's. */
  | { readonly type: 'recycle'; readonly header: Float64Array; readonly bytes: Uint8Array }
  /** From now on chunks go through this port; null: through the node's again. Only without a ring. */
  | { readonly type: 'pipe'; readonly port: MessagePortLike | null }
  /** Sends what was captured and stops capturing until `resume`. With `hold`, the unfinished chunk waits for what follows. */
  | { readonly type: 'pause'; readonly hold?: boolean }
  | { readonly type: 'resume' }
  /** Asks for a `pong` from the next render quantum. */
  | { readonly type: 'ping' }
  /** Another source is now connected. `tellsPresence`: its presence is at the second input, or will be. */
  | { readonly type: 'source'; readonly tellsPresence: boolean }
  /** Sends what was captured and ends the processor. */
  | { readonly type: 'close' };

export type OpusCaptureCommand =
  | CaptureCommand
  /** Changes the encoder from the next packet on. Sent through the node's port. */
  | { readonly type: 'adjust'; readonly options: OpusAdjustment };

/** Carries chunks, through the node's port or the one that `pipe` handed over. */
export type CaptureDelivery =
  | { readonly type: 'chunk'; readonly header: Float64Array; readonly bytes: Uint8Array }
  /** No more chunks follow. `captured`: frames in all, delivered or dropped. */
  | { readonly type: 'end'; readonly captured: number };

/** The processor's count so far, in frames at the wire rate. */
export interface CaptureCount {
  /** The context's current frame. */
  readonly frame: number;
  /** Frames delivered, dropped or on the way. */
  readonly captured: number;
  readonly delivered: number;
  /** Whether what the context renders from here on is captured. */
  readonly runs: boolean;
}

export type CaptureEvent =
  | CaptureDelivery
  /**
   * Answers `pipe`: chunks posted before this message went through the old port, the rest go through the new one. `out`:
   * buffers of the pool that have not come back.
   */
  | { readonly type: 'piped'; readonly frame: number; readonly out: number }
  | ({ readonly type: 'paused' } & CaptureCount)
  /** Sent after the render quantum that follows a `ping` or `resume`. */
  | ({ readonly type: 'pong' } & CaptureCount)
  /** The processor's own count at the end, in frames at the wire rate: captured = delivered + dropped. */
  | {
      readonly type: 'closed';
      readonly frame: number;
      readonly captured: number;
      readonly delivered: number;
      readonly dropped: number;
    };

/** From a page to a Worker: `capture.pipeToWorker(worker)` → `receiveCapture(event)`. */
export interface CaptureHandover extends ChunkOptions {
  readonly type: 'micwire-capture';
  /** How many chunks may wait in the Worker to be read. */
  readonly maxChunks: number;
  /** Where the Worker's account begins: earlier frames were read on the page. */
  readonly firstFrame: number;
  /** Chunks that the page dropped: chunk numbers are lower by that count. */
  readonly droppedChunks: number;
  /** Chunks that had already arrived at the page. */
  readonly waiting: readonly ChunkSlot[];
  /** The rest come through either the port or the ring. */
  readonly port: MessagePortLike | null;
  readonly ring: SharedArrayBuffer | null;
  /** Tells the Worker and the page about each other. */
  readonly control?: MessagePortLike;
  /** The Web Lock that the Worker holds while it lives. */
  readonly lock?: string;
}

/** From the page, through `control`, to the Worker that reads a capture or writes to a playout. */
export type WatchCommand =
  /** Answered by `read`. */
  | { readonly type: 'ask' }
  /** The capture or playout has ended, or passed to another Worker. `captured`: a capture's frames in all; null if unknown. */
  | { readonly type: 'end'; readonly captured: number | null };

/** From that Worker to the page. */
export type WatchEvent =
  /** The Worker has received the handover. `locked`: it holds the lock. */
  | { readonly type: 'taken'; readonly locked: boolean }
  /** The Worker has released the capture or playout by itself. Answered by `end`: until then it holds the lock. */
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
  /** Takes packets as `CaptureDelivery`, and returns `recycle`. */
  readonly port: MessagePortLike;
}

/** To `worker/opus.js`. */
export type OpusWorkerCommand =
  /** Tries the engine's own encoder; answered by `probed`. `asked`: the options that the app gave. */
  | {
      readonly type: 'probe';
      readonly settings: OpusSettings;
      readonly asked: readonly (keyof OpusOptions)[];
    }
  /** Answered by `opened`. */
  | { readonly type: 'open'; readonly options: OpusSessionOptions }
  /**
   * From now on packets go through this port. Answered by `piped`, the last message through the old port. `refill`: buffers
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
  /** What the engine's encoder does not honour; empty if all is well. */
  | { readonly type: 'probed'; readonly faults: readonly string[] }
  /** `preSkip`: frames at the wire rate. */
  | { readonly type: 'opened'; readonly preSkip: number }
  /** The time that encoding has taken so far, ms; sent a few times per second of audio if it can be measured. */
  | { readonly type: 'encoded'; readonly ms: number }
  | { readonly type: 'piped' }
  | { readonly type: 'ended' }
  /** No more packets follow. */
  | { readonly type: 'failed'; readonly message: string };

// --- backup of a recording in a Worker --------------------------------------------------------------------------------

/** The recording to back up. */
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
  /** Answered by `ended` or `failed`. `complete`: the recording has its file, so the stored chunks are deleted. */
  | { readonly type: 'end'; readonly complete: boolean };

export type BackupWorkerEvent =
  /** The script has run. */
  | { readonly type: 'loaded' }
  | { readonly type: 'opened' }
  | { readonly type: 'ended' }
  /** No more chunks are stored. */
  | { readonly type: 'failed'; readonly message: string };

// --- microphone ----------------------------------------------------------------------------------------------------

export interface MicrophoneProcessorOptions {
  readonly channels: number;
  /** Context frames for which the input may be exact zeros, or below the floor, before it counts as silent. */
  readonly silenceFrames: number;
  /** Push-to-talk at the start, as in the command `hold`. */
  readonly held: boolean | null;
}

/** Inputs are numbered 0 and 1: the device in use, and the next one. */
export type MicrophoneCommand =
  /**
   * Switches to this input as soon as audio comes from it, and after `patienceFrames` at the latest; at once if it is in use.
   * Until then the other input continues, if it is live. Answered by `heard`.
   */
  | {
      readonly type: 'take';
      readonly input: 0 | 1;
      readonly request: number;
      readonly patienceFrames: number;
      readonly fadeFrames: number;
    }
  /**
   * Audio is missing from the next quantum on, or from the one after it if the device is still heard and fades out first, until a
   * later `take` is answered. An earlier `take` that was not answered is forgotten.
   */
  | { readonly type: 'lose' }
  /** Replaces the device by silence; numbers and times continue. */
  | { readonly type: 'mute'; readonly on: boolean; readonly fadeFrames: number }
  /** Push-to-talk. True: the user talks; false: the user does not; null: there is no push-to-talk. */
  | { readonly type: 'hold'; readonly held: boolean | null }
  /** Asks the next render quantum for an `account`. */
  | { readonly type: 'ask' }
  | { readonly type: 'close' };

/**
 * Counts of context frames: present + missing + paused = all frames since the first quantum. Quanta in which the microphone was
 * not rendered count as missing.
 */
export interface MicrophoneAccount {
  readonly presentFrames: number;
  readonly missingFrames: number;
  /** Frames in which nobody talked, whether there was a device or not. */
  readonly pausedFrames: number;
  /** The present frames that `mute` silenced. */
  readonly mutedFrames: number;
}

export type MicrophoneEvent =
  /**
   * The input of `take` is used from `frame` on. `missingFrames`: since the last audio, without those in which nobody talked;
   * `silentFrames`: exact zeros directly before them, which were delivered as silence but may have been missing too.
   */
  | {
      readonly type: 'heard';
      readonly frame: number;
      readonly request: number;
      readonly missingFrames: number;
      readonly silentFrames: number;
    }
  /** The input has been silent since `sinceFrame`. `kind` null: it is no longer silent. */
  | {
      readonly type: 'silence';
      readonly frame: number;
      readonly sinceFrame: number;
      readonly kind: SilenceKind | null;
    }
  /** The account up to `frame`. */
  | ({ readonly type: 'account'; readonly frame: number } & MicrophoneAccount)
  | ({ readonly type: 'closed'; readonly frame: number } & MicrophoneAccount);

// --- source mixer ------------------------------------------------------------------------------------------------------

/** Inputs `0` … `slots − 1` of the node are for sources that are nodes; the next `slots` inputs are for their presence. */
export interface MixerProcessorOptions {
  /** `'separate'`: each source is mixed to mono, in the channel of its slot. */
  readonly layout: 'separate' | 'mixed';
  /** Channels of the output; with `'separate'`, as many as there are slots. */
  readonly channels: number;
  readonly slots: number;
  /** Blocks that would need more delay than this are dropped. */
  readonly maxDelayMs: number;
  /** Any stream's plan, for the warm-up. */
  readonly warmUp: VariableResamplerPlan;
  /** Takes the reports (`src/core/snapshot.ts`); null if memory cannot be shared, and reports are posted. */
  readonly snapshot: SharedArrayBuffer | null;
}

/** A block of a stream's audio. The channels are transferred, and come back in `buffers`. */
export interface MixerDelivery {
  readonly type: 'block';
  readonly id: number;
  /** Time of the first frame by the system's clock. */
  readonly timestampMs: number;
  /** Hz. A block whose rate differs from that of the latest `stream` is dropped. */
  readonly sampleRate: number;
  readonly channels: Float32Array<ArrayBuffer>[];
}

export type MixerCommand =
  | MixerDelivery
  /** Assigns the slot to a stream, or changes the stream's rate. `resampler`: from its nominal rate to the context's. */
  | {
      readonly type: 'stream';
      readonly slot: number;
      readonly id: number;
      readonly gain: number;
      readonly resampler: VariableResamplerPlan;
    }
  /** Assigns the slot to the node at its input. `tellsPresence`: the node is connected to the input for its presence too. */
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
  /** Blocks also come through this port. */
  | { readonly type: 'pipe'; readonly port: MessagePortLike }
  | { readonly type: 'close' };

export type MixerEvent =
  /** The figures of each slot in the order of `SOURCE_FIELDS`. At most 20 times a second, only without a snapshot. */
  | { readonly type: 'report'; readonly frame: number; readonly values: Float64Array }
  /** A source's audio is back after `missingFrames` context frames without it. */
  | {
      readonly type: 'gap';
      readonly frame: number;
      readonly id: number;
      readonly missingFrames: number;
    }
  /** Memory that the processor no longer uses. */
  | {
      readonly type: 'buffers';
      readonly frame: number;
      readonly id: number;
      readonly channels: Float32Array<ArrayBuffer>[];
    }
  /** The source's final figures. */
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
  /** Sends a track's blocks (a `ReadableStream` of `AudioData`) to the mixer's processor through this port, as source `id`. */
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
  /** The blocks that follow have this rate. */
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
  /** The kernel, compiled or as bytes; undefined to compute in TypeScript. */
  readonly wasm?: object | undefined;
  /** Takes the readings (`src/core/snapshot.ts`); null if memory cannot be shared, and readings are posted. */
  readonly snapshot: SharedArrayBuffer | null;
}
export type MeterCommand =
  /** Restarts the meters. */
  | { readonly type: 'reset' }
  /** Pauses the measurement of integrated loudness and loudness range, and of their maxima. */
  | { readonly type: 'pause' }
  /** Continues the measurement. */
  | { readonly type: 'resume' }
  | { readonly type: 'close' };
export type MeterEvent =
  /** The reading, in the order of the meters' fields. Posted at most 60 times a second, only without a snapshot. */
  | { readonly type: 'reading'; readonly frame: number; readonly values: Float64Array }
  /** Speech or silence began at context frame `sinceFrame`; it was detected at `frame`. */
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
  /** From the wire's rate to the context's; null if they are equal. */
  readonly resampler: ResamplerPlan | null;
  /** How long a frame should wait, in wire frames. */
  readonly targetFrames: number;
  readonly backlog: BacklogMode;
  /** How many wire frames may wait until `grow` makes more room. */
  readonly capacityFrames: number;
}

/**
 * Written by the page or by a Worker. Frames are wire frames. The writer numbers the items; each is one run of writes. What a
 * Worker writes of an item that was already interrupted comes back in `late`.
 */
export type PlayoutWrite =
  /** Whole frames. The buffer is transferred and comes back in `buffer`. */
  | {
      readonly type: 'write';
      readonly item: number;
      readonly bytes: Uint8Array<ArrayBuffer>;
      /** Whether audio is missing before these frames: the join is then smoothed. */
      readonly afterGap: boolean;
    }
  /** The item is complete. */
  | { readonly type: 'end'; readonly item: number }
  /**
   * Sets a mark `frames` after the start of the item, which need not have begun; −1: at the end of what was received of it.
   * Answered by `mark` when that frame leaves, unless the item is interrupted first.
   */
  | {
      readonly type: 'mark';
      readonly item: number;
      readonly frames: number;
      readonly name: string;
    };

export type PlayoutCommand =
  | PlayoutWrite
  /** From now on only a Worker writes, through this port. */
  | { readonly type: 'pipe'; readonly port: MessagePortLike }
  /** From a Worker: an item begins; the page learns it from `begun`. */
  | { readonly type: 'begin'; readonly item: number; readonly name: string | undefined }
  /** From a Worker: how many frames it has not sent in all, and how many frames of one item found no room. */
  | {
      readonly type: 'account';
      readonly droppedFrames: number;
      readonly lostFrames: number;
      readonly name: string | undefined;
      readonly noRoomFrames: number;
    }
  /** From a Worker: it has received `interrupting` and writes nothing more of those items. Answered by `noted`. */
  | { readonly type: 'noted' }
  /**
   * From a Worker that has received `undone`: the rest of the open item follows. `interrupts`: how many the Worker knows of. Has
   * no effect if there has been another interrupt since.
   */
  | { readonly type: 'rejoin'; readonly interrupts: number }
  /** More memory for the frames that wait; the memory that it replaces comes back in `buffer`. */
  | { readonly type: 'grow'; readonly storage: ArrayBuffer }
  | { readonly type: 'target'; readonly frames: number }
  /** Answered by `interrupted`. The fade is in context frames. */
  | { readonly type: 'interrupt'; readonly fadeFrames: number }
  /** Ends the fade of an interrupt in progress, if there is one: `interrupted` follows at once. */
  | { readonly type: 'cut' }
  /** Answered by `undone`. */
  | { readonly type: 'undo' }
  /** Answered by `paused`. A second one without a fade cuts the fade of the first short. */
  | { readonly type: 'pause'; readonly fadeFrames: number }
  | { readonly type: 'resume' }
  | { readonly type: 'close' };

/** From a page to a Worker: `playout.pipeFromWorker(worker)` → `openPlayoutPort(event)`. */
export interface PlayoutHandover extends StreamFormat<SampleFormat> {
  readonly type: 'micwire-playout';
  readonly maxBufferMs: number;
  /** Sample rate of the context, Hz. */
  readonly contextRate: number;
  /** Leads to the processor: takes the commands of a Worker, and brings the events for one. */
  readonly port: MessagePortLike;
  /** Tells the Worker and the page about each other. */
  readonly control: MessagePortLike;
  /** The Web Lock that the Worker holds while it lives. */
  readonly lock: string;
}

/** The account of a playout: received = heard + skipped + interrupted + still waiting. */
export interface PlayoutFigures {
  /** The context frame before which all of that was heard. */
  readonly frame: number;
  readonly state: 'idle' | 'buffering' | 'playing' | 'paused';
  /** The item at the position, or the last one; −1 if there is no item. */
  readonly item: number;
  /** Frames from the item's start to the position, and how many of them were left out. */
  readonly itemFrames: number;
  readonly itemMissed: number;
  readonly received: number;
  readonly heard: number;
  readonly skipped: number;
  readonly interrupted: number;
  /** The lowest frame since the start that is still held: for an interrupt that can be undone, or the next to be heard. */
  readonly floor: number;
  /** Frames that found no room. */
  readonly dropped: number;
  readonly underruns: number;
  readonly underrunFrames: number;
  /** How many of the recipient's own marks were reported, or never will be. */
  readonly settledMarks: number;
  /** Frames that a Worker did not send; see `account`. */
  readonly unsentFrames: number;
  readonly lostFrames: number;
}

export type PlayoutEvent =
  /** The current figures. At most 50 times a second, and only when something has changed. */
  | ({ readonly type: 'report' } & PlayoutFigures)
  /**
   * An interrupt is complete: it removed `taken` frames, and the items up to number `last`. The figures are from before the
   * removal. A report precedes this event.
   */
  | ({
      readonly type: 'interrupted';
      readonly taken: number;
      readonly last: number;
    } & PlayoutFigures)
  | { readonly type: 'undone'; readonly frame: number; readonly done: boolean }
  /** Nothing is heard until `resume`. `pauses`: how many `pause` commands have come. A report precedes this event. */
  | { readonly type: 'paused'; readonly frame: number; readonly pauses: number }
  /** The last frame of an item was heard or left out. `frame`: the first context frame after it. */
  | {
      readonly type: 'ended';
      readonly frame: number;
      readonly item: number;
      readonly frames: number;
      readonly missed: number;
    }
  /** A mark was reached: frame `frames` of the item leaves as context frame `frame`. */
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
  /** The frames ran out in the middle of an item. */
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
  /** To a Worker: the items up to number `last` are being interrupted; `open` (−1: none) is the one that had not ended. */
  | {
      readonly type: 'interrupting';
      readonly frame: number;
      readonly last: number;
      readonly open: number;
    }
  /** To a Worker: this command arrived for an interrupted item. */
  | { readonly type: 'late'; readonly frame: number; readonly command: PlayoutWrite }
  /** To a Worker: nothing more comes back from the interrupt that it has noted. */
  | { readonly type: 'noted'; readonly frame: number }
  /** Memory that the processor no longer uses, and how many frames it has received. */
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
  /** Cost of delay relative to concealment; see `DelayTarget`. Null: its default. */
  readonly latencyCost: number | null;
}

export interface ReceiveProcessorOptions extends StreamFormat {
  readonly outputChannels: number;
  /** From the wire's rate to the context's, even if they are equal: it follows the sender's clock. */
  readonly resampler: VariableResamplerPlan;
  readonly limits: ReceiveLimits;
  /** How many packets may wait, a power of two. */
  readonly capacityPackets: number;
  /** Bytes of the longest payload. */
  readonly maxPayloadBytes: number;
  /** Frames of the longest packet. */
  readonly maxPacketFrames: number;
  /** libopus for format `'opus'`, compiled or as bytes; otherwise null. */
  readonly opus: OpusModule | null;
  /** Takes the reports (`src/core/snapshot.ts`); null if memory cannot be shared, and reports are posted. */
  readonly snapshot: SharedArrayBuffer | null;
}

/** One packet, through the node's port or one that `pipe` handed over. The buffer comes back in `buffer` the same way. */
export interface ReceiveDelivery {
  readonly type: 'packet';
  readonly sequence: number;
  readonly frame: number;
  readonly frames: number;
  /** 0 for the packet itself, otherwise which redundant copy. */
  readonly copy: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export type ReceiveCommand =
  | ReceiveDelivery
  /** Packets also come through this port. */
  | { readonly type: 'pipe'; readonly port: MessagePortLike }
  | { readonly type: 'limits'; readonly minDelayMs: number; readonly maxDelayMs: number }
  /** Forgets the stream: the next packets belong to another one. */
  | { readonly type: 'reset' }
  | { readonly type: 'close' };

export type ReceiveEvent =
  /** The figures in the order of `REPORT_FIELDS`. At most 50 times a second, only without a snapshot. */
  | { readonly type: 'report'; readonly frame: number; readonly values: Float64Array }
  | { readonly type: 'state'; readonly frame: number; readonly state: ReceiveState }
  /** Memory that the processor no longer uses. */
  | { readonly type: 'buffer'; readonly frame: number; readonly buffer: ArrayBuffer }
  | { readonly type: 'closed'; readonly frame: number };

/** From a page to a Worker: `receiver.pipeFromWorker(worker)` → `openReceiverPort(event)`. */
export interface ReceiverHandover extends StreamFormat {
  readonly type: 'micwire-receiver';
  readonly maxPayloadBytes: number;
  readonly maxPacketFrames: number;
  readonly port: MessagePortLike;
}

// --- the table -----------------------------------------------------------------------------------------------------

/** Maps each processor's registered name to its options, its commands and its events. */
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
