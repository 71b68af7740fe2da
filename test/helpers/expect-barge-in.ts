import { expect } from 'vitest';
import { leavesAt } from './barge-in.ts';
import type { BargeInResult, Run } from './barge-in.ts';

/**
 * What was told, against what is in the recording: to the frame.
 * @param origin the context's frame that the recording begins with
 */
export function expectBargeIn(
  { told, marks, replies }: BargeInResult,
  runs: readonly Run[],
  origin: number,
  contextRate: number,
  sampleRate: number,
): void {
  expect(runs.length).toBe(told.length);
  const heardOf = new Map<string, number>();
  const runsOf = new Map<string, Run[]>();
  for (const [i, { what, reply, frames, ms, contextFrame }] of told.entries()) {
    const run = runs[i]!;
    const { item, from } = reply;
    expect(run.first).toBe(from + (heardOf.get(item) ?? 0));
    if (what === 'interrupted') {
      expect(frames, 'frames told').toBe(run.heard - from);
      expect(ms, 'ms told').toBe(Math.floor(((run.heard - from) * 1000) / sampleRate));
      expect(contextFrame - origin, 'first silent frame').toBe(run.to);
    } else {
      // What follows is the resampler's ringing.
      expect(run.heard - from).toBeGreaterThanOrEqual(frames);
      expect(frames).toBe(reply.frames);
      const end = leavesAt(run, from + frames, contextRate, sampleRate);
      expect(contextFrame - origin, 'first frame after the item').toBe(end);
    }
    heardOf.set(item, frames);
    runsOf.set(item, [...(runsOf.get(item) ?? []), run]);
  }
  for (const { item, from, frames, places } of replies) {
    const heard = heardOf.get(item)!;
    const mine = marks.filter((mark) => mark.item === item);
    const expected = places
      .map((place) => Math.min(place, frames))
      .filter((place) => place < heard || heard === frames)
      .toSorted((a, b) => a - b);
    // Some were set after their frame had left.
    expect(mine.map((mark) => mark.frames).toSorted((a, b) => a - b)).toEqual(expected);
    for (const mark of mine) {
      const frame = from + mark.frames;
      const run = runsOf.get(item)!.findLast(({ first }) => first <= frame)!;
      const at = leavesAt(run, frame, contextRate, sampleRate);
      expect(mark.contextFrame - origin, `mark at ${mark.frames} of ${item}`).toBe(at);
    }
  }
}
