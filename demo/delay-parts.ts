import type { LaneFigures } from './lanes/lane.ts';

/** One part of the way's delay. */
export interface DelayPart {
  readonly label: string;
  readonly ms: number;
  readonly side: 'in' | 'wire' | 'out';
  /** What it is, and how it is known. */
  readonly note: string;
}

/** Takes the delay of a lane apart, in the order of the way; every part is 0 while nothing runs. */
export function delayParts(figures: LaneFigures | null, chunkDuration: number): DelayPart[] {
  const handOver = figures?.handOverMs?.median ?? 0;
  const resampler = figures?.resamplerMs ?? 0;
  return [
    {
      label: 'Chunk fills',
      ms: figures === null ? 0 : chunkDuration,
      side: 'in',
      note: 'Its first frame waits for its last one.',
    },
    { label: 'Resampler', ms: resampler, side: 'in', note: 'How far its filter looks ahead.' },
    {
      label: 'To the page',
      ms: Math.max(0, handOver - resampler),
      side: 'in',
      note: 'From the audio thread to this script. Median.',
    },
    {
      label: 'Round trip',
      ms: figures?.roundTripMs?.median ?? 0,
      side: 'wire',
      note: 'From send to the echo’s event, here. Median.',
    },
    {
      label: 'Playout',
      ms: figures?.playoutDelayMs ?? 0,
      side: 'out',
      note: 'What waits before it plays, so that none is missed.',
    },
  ];
}

const SCALES = [50, 100, 200, 500, 1000, 2000, 5000, 10_000];

/** The end of the shortest scale that a delay fits on, in ms. */
export function scaleFor(ms: number): number {
  return SCALES.find((scale) => ms <= scale) ?? SCALES.at(-1)!;
}
