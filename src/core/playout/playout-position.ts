import type { PlayoutEvent, PlayoutFigures } from '../messages.ts';
import type { PlayoutItems } from './playout-items.ts';

/** Position of playback in an item. Frames count at the rate of the written audio. */
export interface PlayoutPosition {
  /** The name given to `write`; undefined for audio without one, or when nothing has been written. */
  readonly item: string | undefined;
  /** Number of frames from the item's start to the first frame that has not been heard. */
  readonly frames: number;
  /** `frames` in seconds. */
  readonly seconds: number;
  /** `frames` in whole ms, rounded down so that it never exceeds the audio that was sent: OpenAI's `audio_end_ms`. */
  readonly ms: number;
  /** How many of `frames` were skipped to catch up. The others were heard. */
  readonly skippedFrames: number;
  /**
   * When this position was valid, to the frame: the frame of the context before which `frames` frames had been heard. In seconds:
   * `contextFrame / context.sampleRate`.
   */
  readonly contextFrame: number;
}

/** A mark that was reached. */
export interface PlayoutMark {
  /** The name given to `mark`. */
  readonly name: string;
  /** Name of the mark's item; undefined for audio without a name. */
  readonly item: string | undefined;
  /** Position of the mark in the item, in frames at the rate of the written audio; at most the item's length. */
  readonly frames: number;
  /**
   * The frame of the context in which frame `frames` of the item leaves the node's output; at the end of the audio, the first frame
   * after it.
   */
  readonly contextFrame: number;
}

/** Audio that `interrupt()` silenced. */
export interface PlayoutInterruption extends PlayoutPosition {
  /** Names of the items after `item`, no part of which was heard. */
  readonly unheard: readonly string[];
}

/** Running totals since the playout was created, in wire frames: received = played + skipped + interrupted + buffered. */
export interface PlayoutStats {
  /** Frames that reached the audio thread. */
  readonly receivedFrames: number;
  /** Frames that were heard. */
  readonly playedFrames: number;
  /** Frames left out to catch up. */
  readonly skippedFrames: number;
  /** Frames removed by interrupts, and not restored. */
  readonly interruptedFrames: number;
  readonly bufferedFrames: number;
  /** Playout delay: how long audio that arrives now will wait, in ms. */
  readonly bufferedMs: number;
  /** Frames that `write` did not accept, because they did not fit or their item was interrupted. */
  readonly droppedFrames: number;
  /** Frames that were reported to `write` as lost. */
  readonly lostFrames: number;
  /** Number of times that the playout ran out of audio in the middle of an item. */
  readonly underruns: number;
  /** Total length of the underruns, in frames. */
  readonly underrunFrames: number;
}

/** Audio that will not be heard, although `interrupt()` was not called. */
export interface PlayoutSkip {
  /** The name given to `write`; undefined for audio without a name. */
  readonly item: string | undefined;
  /** Number of frames, at the rate of the written audio. */
  readonly frames: number;
  /** `frames` in ms. */
  readonly ms: number;
  /** `'catch-up'`: skipped by `backlog: 'catch-up'`. `'no-room'`: `maxBufferMs`, or the memory, was full. */
  readonly reason: 'catch-up' | 'no-room';
}

/** Converts a place in an item to the public form. */
export function positionAt(
  place: Pick<PlayoutPosition, 'item' | 'frames' | 'skippedFrames' | 'contextFrame'>,
  sampleRate: number,
): PlayoutPosition {
  const { item, frames, skippedFrames, contextFrame } = place;
  const ms = Math.floor((frames * 1000) / sampleRate);
  return { item, frames, seconds: frames / sampleRate, ms, skippedFrames, contextFrame };
}

/** Converts a mark that was reached to the public form. */
export function markOf(
  event: Extract<PlayoutEvent, { readonly type: 'mark' }>,
  items: PlayoutItems,
): PlayoutMark {
  const { name, frames, frame: contextFrame } = event;
  return { name, item: items.markedName(event.item), frames, contextFrame };
}

/** Converts a skip to the public form. */
export function skipOf(
  item: string | undefined,
  frames: number,
  reason: PlayoutSkip['reason'],
  sampleRate: number,
): PlayoutSkip {
  return { item, frames, ms: (frames * 1000) / sampleRate, reason };
}

/** @param feed the counters of this thread */
export function statsOf(
  figures: PlayoutFigures | null,
  feed: Pick<PlayoutStats, 'receivedFrames' | 'droppedFrames' | 'lostFrames'>,
  sampleRate: number,
): PlayoutStats {
  const { heard = 0, skipped = 0, interrupted = 0, dropped = 0 } = figures ?? {};
  const bufferedFrames = feed.receivedFrames - heard - skipped - interrupted;
  return {
    receivedFrames: feed.receivedFrames,
    playedFrames: heard,
    skippedFrames: skipped,
    interruptedFrames: interrupted,
    bufferedFrames,
    bufferedMs: (bufferedFrames / sampleRate) * 1000,
    droppedFrames: feed.droppedFrames + dropped,
    lostFrames: feed.lostFrames,
    underruns: figures?.underruns ?? 0,
    underrunFrames: figures?.underrunFrames ?? 0,
  };
}
