import type { LaneFigures } from '../lanes/close-up-parts.ts';

/** One part of the way's delay. */
export interface DelayPart {
  readonly label: string;
  /** null while it is not known. */
  readonly ms: number | null;
  readonly side: 'in' | 'wire' | 'out';
  /** What it is, and how it is known. */
  readonly note: string;
}

/** Takes the delay of a lane apart, in the order of the way; a part is null while it is not known. */
export function delayParts(figures: LaneFigures | null, chunkDuration: number): DelayPart[] {
  const handOver = figures?.handOverMs?.median ?? null;
  const resampler = figures?.resamplerMs ?? null;
  const encoder = figures?.encoderMs ?? 0;
  return [
    {
      label: 'Chunk fills',
      ms: figures && chunkDuration,
      side: 'in',
      note: 'Its first frame waits for its last one.',
    },
    {
      label: encoder > 0 ? 'Resampler, Opus' : 'Resampler',
      ms: resampler === null ? null : resampler + encoder,
      side: 'in',
      note: encoder > 0 ? 'How far both look ahead.' : 'How far its filter looks ahead.',
    },
    {
      label: 'To the page',
      ms: handOver && Math.max(0, handOver - (resampler ?? 0)),
      side: 'in',
      note: 'From the audio thread to this script. Median.',
    },
    {
      label: 'Round trip',
      ms: figures?.roundTripMs?.median ?? null,
      side: 'wire',
      note: 'From send to the echo’s event, here. Median.',
    },
    {
      label: 'Playout',
      ms: figures?.playoutDelayMs?.median ?? null,
      side: 'out',
      note: 'How long a chunk waits to be played. Median.',
    },
  ];
}

const SCALES = [50, 100, 200, 500, 1000, 2000, 5000, 10_000];

/** The end of the shortest scale that a delay fits on, in ms. */
export function scaleFor(ms: number): number {
  return SCALES.find((scale) => ms <= scale) ?? SCALES.at(-1)!;
}
