import type { CapturedAudio, SessionGap } from '../../src/core/session/session-messages.ts';
import { FrameRanges } from './frame-ranges.ts';
import type { FrameRange } from './frame-ranges.ts';
import type { Clock } from './invariants.ts';
import type { Samples } from './samples.ts';

/** What became of a frame as it was captured: it was taken in, as silence while muted; muted without any; lost by the capture. */
export type Captured = 'audio' | 'silence' | 'unsent' | 'lost';

/** What was captured, frame by frame, and which of it was told as a gap. */
export class Ledger {
  readonly #time: Clock;
  readonly #samples: Samples;
  readonly captured = new FrameRanges<Captured>();
  readonly gaps: SessionGap[] = [];
  /** What `stats.capturedFrames` must say. */
  capturedFrames = 0;

  constructor(time: Clock, samples: Samples) {
    this.#time = time;
    this.#samples = samples;
  }

  capture({ frame, frames, dropped }: CapturedAudio, muted: 'no' | 'silence' | 'nothing'): void {
    const kind = muted === 'no' ? 'audio' : muted === 'silence' ? 'silence' : 'unsent';
    this.captured.add(frame - dropped, frame, 'lost');
    this.captured.add(frame, frame + frames, kind);
    if (kind !== 'unsent') this.capturedFrames += dropped + frames;
  }

  lose(frames: number, isMuted: boolean): void {
    const { end } = this.captured;
    this.captured.add(end, end + frames, isMuted ? 'unsent' : 'lost');
    if (!isMuted) this.capturedFrames += frames;
  }

  tell(gap: SessionGap): void {
    this.gaps.push(gap);
    const { frame, frames, cause } = gap;
    const what = `Frames ${frame} to ${frame + frames - 1}`;
    const range = this.captured.at(frame);
    const isTrue = cause === 'capture' ? range?.kind === 'lost' : range?.kind !== 'lost';
    if (!isTrue) this.#time.fail('gaps told truly', `${what} are told as lost by ${cause}.`);
  }

  /** Fails unless these are the samples of these frames, as they were taken in. */
  check(frame: number, frames: number, bytes: Uint8Array): void {
    const range = this.captured.at(frame);
    const what = `Frames ${frame} to ${frame + frames - 1}`;
    if (range === undefined || range.to < frame + frames) {
      this.#time.fail('frame identity', `${what} were not captured as one.`);
    }
    const isRight =
      range.kind === 'audio'
        ? this.#samples.isAudio(frame, frames, bytes)
        : range.kind === 'silence' && this.#samples.isSilence(frames, bytes);
    if (!isRight) this.#time.fail('frame identity', `${what}: not the ${range.kind} captured.`);
  }

  /** Fails unless each frame that was taken in has arrived, or was told as a gap. */
  reconcile(arrived: FrameRanges<'audio'>, excused: readonly FrameRange<unknown>[]): void {
    const others = [...this.#toldRanges(), ...excused];
    for (const { from, to, kind } of this.captured) {
      if (kind !== 'audio' && kind !== 'silence') continue;
      for (const [start, end] of without(from, to, [...arrived])) {
        for (const [left, right] of without(start, end, others)) {
          const what = `Frames ${left} to ${right - 1} have not arrived`;
          this.#time.fail('exactly once', `${what}, and no gap was told.`);
        }
      }
    }
    for (const { from, to } of arrived) {
      for (const { frame, frames, cause } of this.gaps) {
        // Nobody knows what became of the last audio of a session whose end was not answered.
        if (cause === 'closed' || frame + frames <= from || frame >= to) continue;
        const what = `Frames ${frame} to ${frame + frames - 1} are told as lost by ${cause}`;
        this.#time.fail('gaps told truly', `${what}, and frames ${from} to ${to - 1} came.`);
      }
    }
  }

  #toldRanges(): FrameRange<string>[] {
    return this.gaps.map(({ frame, frames, cause }) => {
      return { from: frame, to: frame + frames, kind: cause };
    });
  }
}

/** The parts of a stretch that no range has. Ranges in any order. */
function without(
  from: number,
  to: number,
  ranges: readonly FrameRange<unknown>[],
): (readonly [number, number])[] {
  let parts: (readonly [number, number])[] = [[from, to]];
  for (const range of ranges) {
    parts = parts.flatMap(([start, end]): (readonly [number, number])[] => {
      if (range.to <= start || range.from >= end) return [[start, end]];
      return [
        ...(range.from > start ? [[start, range.from] as const] : []),
        ...(range.to < end ? [[range.to, end] as const] : []),
      ];
    });
  }
  return parts;
}
