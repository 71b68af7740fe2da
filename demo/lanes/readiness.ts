import { LIVE_SECONDS } from '../measure/live-reading.ts';
import { MAX_LATENESS_MS } from '../runs/results.ts';
import type { LaneState } from './lane-messages.ts';

/**
 * ms of the source with audio after which a lane that plays none of it is named as silent. Opening takes less than 2 s, and the result of a
 * search in a lane is known 2.2 s later.
 */
export const SILENT_AFTER_MS = 8000;
/** Packets sent before the network was changed arrive within this, in ms. */
const UNDER_WAY_MS = 1000;
/** With less audio of the source in a window, nothing is said about it, ms. */
const MIN_SOURCE_MS = 1000;

/** What decides whether a lane counts. Frames are the context's. */
export interface LaneStanding<Id extends string = string> {
  readonly id: Id;
  readonly state: LaneState | 'off' | 'unavailable' | 'queued';
  /** null before its first sound. */
  readonly firstSoundFrame: number | null;
  /** When it last began to run, after its opening or an outage; null while it does not run. */
  readonly runningSinceFrame: number | null;
  /** ms of the source with audio that were searched for in it since it was opened. */
  readonly soughtMs: number;
}

/** What decides whether lanes can be judged. */
export interface Standing<Id extends string = string> {
  readonly lanes: readonly LaneStanding<Id>[];
  readonly sampleRate: number;
  /** Figures are of what went into the lanes before this frame. */
  readonly untilFrame: number;
  /** ms of audio of the source in the figures' window; null while that is not known. */
  readonly sourceMs: number | null;
  /** Since when the network is as it is now; Infinity while it is being changed. */
  readonly networkSinceFrame: number;
  /** 99th percentile of the network's own recent lateness; null while that is not known. */
  readonly latenessMs: number | null;
  /** ms of the recording that were recently lost. */
  readonly droppedMs: number;
}

/** Whether there is a verdict, or why there cannot be one yet. */
export type Readiness<Id extends string = string> =
  /** No lane is to run. */
  | { readonly state: 'idle' }
  /** Some lanes do not count yet. `count`: all that run; `secondsLeft`: how long that takes, where it is known. */
  | {
      readonly state: 'settling';
      readonly count: number;
      readonly ready: readonly Id[];
      readonly waiting: readonly Id[];
      readonly secondsLeft: number | null;
    }
  /** The figures would be the machine's. */
  | { readonly state: 'void'; readonly latenessMs: number | null; readonly droppedMs: number }
  /** The source had hardly any audio. */
  | { readonly state: 'quiet' }
  | {
      readonly state: 'ready';
      /** The only lanes that can be judged. */
      readonly ready: readonly Id[];
      /** They are open, but no audio arrives. */
      readonly silent: readonly Id[];
      /** They have failed, or wait for their connection. */
      readonly down: readonly Id[];
    };

/**
 * Decides whether lanes may be judged by their live figures. A lane counts when the whole window of its figures lies after its own
 * first sound, after its last outage, and after the last change of the network. One that fails, or plays nothing for
 * `SILENT_AFTER_MS` of the source's audio, does not hold up the others.
 */
export function readinessOf<Id extends string>(standing: Standing<Id>): Readiness<Id> {
  const ready: Id[] = [];
  const waiting: Id[] = [];
  const silent: Id[] = [];
  const down: Id[] = [];
  let framesLeft: number | null = 0;
  for (const lane of standing.lanes) {
    const { id, state } = lane;
    if (state === 'off' || state === 'unavailable') continue;
    if (state === 'failed' || state === 'waiting') {
      down.push(id);
      continue;
    }
    const left = framesUntilReady(lane, standing);
    if (left !== null && left <= 0) ready.push(id);
    else if (left === null && state !== 'queued' && lane.soughtMs >= SILENT_AFTER_MS) {
      if (lane.firstSoundFrame === null) silent.push(id);
      else down.push(id);
    } else {
      waiting.push(id);
      framesLeft = left === null || framesLeft === null ? null : Math.max(framesLeft, left);
    }
  }
  const count = ready.length + waiting.length + silent.length + down.length;
  if (count === 0) return { state: 'idle' };
  const { sourceMs, latenessMs, droppedMs, sampleRate } = standing;
  const isSourceSilent = sourceMs !== null && sourceMs < MIN_SOURCE_MS;
  if (waiting.length > 0) {
    // Lanes that wait for their first sound wait for the source.
    if (isSourceSilent && framesLeft === null && ready.length === 0) return { state: 'quiet' };
    const secondsLeft =
      framesLeft === null || framesLeft === Infinity ? null : Math.ceil(framesLeft / sampleRate);
    return { state: 'settling', count, ready, waiting, secondsLeft };
  }
  if ((latenessMs !== null && latenessMs > MAX_LATENESS_MS) || droppedMs > 0) {
    return { state: 'void', latenessMs, droppedMs };
  }
  if (isSourceSilent) return { state: 'quiet' };
  return { state: 'ready', ready, silent, down };
}

/** 0 or less when it is ready; null while unknown, because it is silent so far. */
function framesUntilReady(
  { state, firstSoundFrame, runningSinceFrame }: LaneStanding,
  { sampleRate, untilFrame, networkSinceFrame }: Standing,
): number | null {
  if (state !== 'running' || firstSoundFrame === null || runningSinceFrame === null) return null;
  const networkFrame = networkSinceFrame + (UNDER_WAY_MS / 1000) * sampleRate;
  const since = Math.max(firstSoundFrame, runningSinceFrame, networkFrame);
  return since + LIVE_SECONDS * sampleRate - untilFrame;
}
