import type { LaneFigures } from './metrics.ts';
import type { SoundFigures } from './window-result.ts';

/** What is known of one lane from its audio. */
export interface SoundReading {
  readonly figures: SoundFigures & Partial<Pick<LaneFigures, 'stoi'>>;
  /** Since its opening; null before its first sound. */
  readonly firstSoundMs: number | null;
  /** The context's frame at which it made its first sound; null before. */
  readonly firstSoundFrame: number | null;
  /** ms of the source with audio that have been searched for in it since it was opened. */
  readonly soughtMs: number;
}

/** What is known of all lanes at a time. */
export interface LiveReading {
  /** By number of the lane. Each of the last 5 s, but nothing from before the lane's first sound. */
  readonly lanes: readonly SoundReading[];
  /** Figures are of what went into the lanes before this frame of the context. */
  readonly untilFrame: number;
  /** ms of the last 5 s in which the source had audio; null while fewer than 5 s are known. */
  readonly sourceMs: number | null;
  /** ms of the recording that were lost in the time that the figures are of. */
  readonly droppedMs: number;
}

/**
 * To the Worker that measures; besides them comes the recording, by `capture.pipeToWorker(worker)`: the reference, then each lane, a
 * channel each. Frames are the context's. Lanes are numbers from 0.
 */
export type MeasureCommand =
  /** A lane counts from that frame on. */
  | { readonly type: 'open'; readonly lane: number; readonly frame: number }
  | { readonly type: 'close'; readonly lane: number }
  /** A run is measured from that frame on: keeps what its `stoi` needs. */
  | { readonly type: 'begin'; readonly frame: number }
  /** Asks for the figures of the windows that begin in [from, to); answered as soon as the last of them is known. */
  | { readonly type: 'measure'; readonly id: number; readonly from: number; readonly to: number };

export type MeasureEvent =
  /** Once for each second of audio: the last 5 s. */
  | ({ readonly type: 'live' } & LiveReading)
  /** The answer. `droppedMs`: of the recording, lost within. */
  | {
      readonly type: 'measured';
      readonly id: number;
      readonly lanes: readonly SoundReading[];
      readonly droppedMs: number;
    };
