import type { NumberedSignalReader } from '../../test/helpers/numbered-signal.ts';
import { signalRuns } from '../../test/helpers/signal-runs.ts';
import type { SignalRun } from '../../test/helpers/signal-runs.ts';

/** The fields of a chunk that the account needs. */
export interface ChunkFacts {
  readonly sequence: number;
  readonly frame: number;
  readonly frames: number;
  readonly dropped: number;
  readonly contextTime: number;
}

/** Everything that a reader of a capture got. Crosses threads. */
export interface RecordedCapture {
  /** Of the capture and of its context, Hz. */
  readonly sampleRate: number;
  readonly chunks: readonly ChunkFacts[];
  /** When each chunk came to its reader, ms of the wall's clock. */
  readonly arrivedMs: readonly number[];
  /** Of all chunks, one after the other. */
  readonly samples: Float32Array<ArrayBuffer>;
}

/** Keeps all chunks of a capture of one channel in `'f32'`, at the context's own rate. */
export class Recorder {
  readonly #chunks: ChunkFacts[] = [];
  readonly #arrivedMs: number[] = [];
  readonly #blocks: Float32Array[] = [];
  #frames = 0;
  #sampleRate = 0;

  push(
    chunk: ChunkFacts & { readonly bytes: Uint8Array<ArrayBuffer>; readonly sampleRate: number },
  ): void {
    const { sequence, frame, frames, dropped, contextTime, bytes } = chunk;
    this.#sampleRate = chunk.sampleRate;
    this.#chunks.push({ sequence, frame, frames, dropped, contextTime });
    this.#arrivedMs.push(Date.now());
    this.#blocks.push(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
    this.#frames += bytes.length / 4;
  }

  take(): RecordedCapture {
    const samples = new Float32Array(this.#frames);
    let at = 0;
    for (const block of this.#blocks) {
      samples.set(block, at);
      at += block.length;
    }
    return {
      sampleRate: this.#sampleRate,
      chunks: this.#chunks,
      arrivedMs: this.#arrivedMs,
      samples,
    };
  }
}

/** Frames of the context, from `contextFrame` on. */
interface Stretch {
  readonly contextFrame: number;
  readonly frames: number;
}

/** A run of audio of one kind. */
export interface HeardRun extends Stretch {
  readonly source: SignalRun['source'];
  /** Time in the source's signal less that of the context, seconds, at its first frame. */
  readonly offset: number;
  /** The same at its last frame: another where the engine follows a clock. */
  readonly endOffset: number;
}

/** What a recording holds. */
export interface Account {
  readonly sampleRate: number;
  readonly chunks: number;
  readonly deliveredFrames: number;
  readonly droppedFrames: number;
  /** Frames that took no numbers: pauses. */
  readonly pausedFrames: number;
  /** From the first chunk to the end of the last. */
  readonly contextFrames: number;
  /** What is wrong with the numbers of the chunks, one sentence each. */
  readonly faults: readonly string[];
  /** Dropped, and where. */
  readonly gaps: readonly Stretch[];
  readonly pauses: readonly Stretch[];
  readonly runs: readonly HeardRun[];
  /** Wall's clock less the context's, ms, as [seconds of the context, ms]: at most 4 a second, and only changes. */
  readonly clock: readonly (readonly [seconds: number, ms: number])[];
}

/** Checks a recording's numbers, and reads its audio. */
export function accountOf(recorded: RecordedCapture, reader: NumberedSignalReader): Account {
  const { sampleRate, chunks, samples } = recorded;
  const faults: string[] = [];
  const gaps: Stretch[] = [];
  const pauses: Stretch[] = [];
  const runs: HeardRun[] = [];
  let droppedFrames = 0;
  let pausedFrames = 0;
  let sequence = 0;
  /** Number of the next frame, and its time. */
  let frame = 0;
  let contextFrame = chunks[0] === undefined ? 0 : contextFrameOf(chunks[0], sampleRate);
  const firstContextFrame = contextFrame;
  /** Of the samples that are read together. */
  let from = 0;
  let fromContextFrame = contextFrame;
  let at = 0;
  const readOn = (): void => {
    runs.push(...heardRuns(samples.subarray(from, at), fromContextFrame, reader));
  };
  for (const chunk of chunks) {
    const name = `chunk ${chunk.sequence} (frame ${chunk.frame}, ${chunk.contextTime.toFixed(3)} s)`;
    if (chunk.sequence !== sequence) faults.push(`${name} has number ${sequence} expected`);
    sequence = chunk.sequence + 1;
    if (chunk.frame !== frame + chunk.dropped) {
      faults.push(`${name}: after frame ${frame} and ${chunk.dropped} dropped`);
    }
    const start = contextFrameOf(chunk, sampleRate);
    const paused = start - contextFrame - chunk.dropped;
    if (paused < 0) faults.push(`${name}: ${-paused} frames before its time`);
    if (paused > 0) pauses.push({ contextFrame, frames: paused });
    if (chunk.dropped > 0)
      gaps.push({ contextFrame: contextFrame + paused, frames: chunk.dropped });
    if (paused !== 0 || chunk.dropped !== 0) {
      readOn();
      from = at;
      fromContextFrame = start;
    }
    pausedFrames += paused;
    droppedFrames += chunk.dropped;
    at += chunk.frames;
    frame = chunk.frame + chunk.frames;
    contextFrame = start + chunk.frames;
  }
  readOn();
  if (at !== samples.length) faults.push(`${samples.length} samples for ${at} frames`);
  return {
    sampleRate,
    chunks: chunks.length,
    deliveredFrames: at,
    droppedFrames,
    pausedFrames,
    contextFrames: contextFrame - firstContextFrame,
    faults,
    gaps,
    pauses,
    runs,
    clock: clockOf(recorded),
  };
}

/** Compares the audio of two captures, where both delivered the same frames of the context. */
export function compareAudio(
  a: RecordedCapture,
  b: RecordedCapture,
): { readonly frames: number; readonly different: number } {
  let frames = 0;
  let different = 0;
  let next = 0;
  let nextAt = 0;
  let at = 0;
  for (const chunk of a.chunks) {
    const start = contextFrameOf(chunk, a.sampleRate);
    for (let other = b.chunks[next]; other !== undefined; other = b.chunks[next]) {
      const otherStart = contextFrameOf(other, b.sampleRate);
      const from = Math.max(start, otherStart);
      const to = Math.min(start + chunk.frames, otherStart + other.frames);
      for (let frame = from; frame < to; frame++) {
        frames++;
        if (a.samples[at + frame - start] !== b.samples[nextAt + frame - otherStart]) different++;
      }
      // The other may reach into the next chunk as well.
      if (otherStart + other.frames > start + chunk.frames) break;
      next++;
      nextAt += other.frames;
    }
    at += chunk.frames;
  }
  return { frames, different };
}

function contextFrameOf(chunk: ChunkFacts, sampleRate: number): number {
  return Math.round(chunk.contextTime * sampleRate);
}

function heardRuns(
  samples: Float32Array,
  contextFrame: number,
  reader: NumberedSignalReader,
): HeardRun[] {
  const { sampleRate } = reader;
  return signalRuns(samples, reader).map(({ from, frames, source, seconds, endSeconds }) => {
    const start = contextFrame + from;
    return {
      contextFrame: start,
      frames,
      source,
      offset: seconds - start / sampleRate,
      endOffset: endSeconds - (start + frames) / sampleRate,
    };
  });
}

/** A chunk comes some time after its last frame; the fastest of each quarter of a second tells the clocks' difference. */
function clockOf({ chunks, arrivedMs, sampleRate }: RecordedCapture): [number, number][] {
  const clock: [number, number][] = [];
  let bucket = -1;
  let start = 0;
  let best = Infinity;
  const add = (): void => {
    if (best < Infinity) clock.push([start, best]);
  };
  for (const [index, chunk] of chunks.entries()) {
    const end = chunk.contextTime + chunk.frames / sampleRate;
    const at = Math.floor(end * 4);
    if (at !== bucket) {
      add();
      bucket = at;
      start = end;
      best = Infinity;
    }
    best = Math.min(best, arrivedMs[index]! - end * 1000);
  }
  add();
  return clock;
}
