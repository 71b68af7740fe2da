import { bytes, count, kilobits, milliseconds, percent } from './format.ts';
import type { CloseUpFigures } from '../lanes/close-up-lane.ts';

/** One reading: a number, its unit, and a sentence that says what it is. */
export interface Reading {
  readonly label: string;
  readonly value: string;
  readonly unit: string;
  readonly note: string;
  /** Whether it reports a loss. */
  readonly bad?: boolean;
}

/** What a lane's figures read like; dashes while nothing runs. */
export function readingsOf(figures: CloseUpFigures | null): Reading[] {
  const shown = (value: string | undefined) => value ?? '–';
  const f = figures;
  const lost = f === null ? 0 : f.lostChunks + f.refusedMessages;
  const spread = f?.roundTripMs;
  return [
    {
      label: 'Chunks sent',
      value: shown(f === null ? undefined : count(f.sentChunks)),
      unit: '',
      note: f === null ? 'And how many came back.' : `${count(f.receivedChunks)} came back.`,
    },
    {
      label: 'On the wire',
      value: shown(f === null ? undefined : kilobits(f.sentBytesPerSecond)),
      unit: 'kbit/s',
      note: f === null || f.sentBytes === 0 ? 'Messages sent, each way.' : wireNote(f),
    },
    {
      label: 'Round trip',
      value: shown(spread ? milliseconds(spread.median) : undefined),
      unit: 'ms',
      note: spread
        ? `Median of the last ${spread.count}; 95 % under ${milliseconds(spread.p95)} ms.`
        : 'From send to the echo, on this page.',
    },
    {
      label: 'Playout delay',
      value: shown(f?.playoutDelayMs ? milliseconds(f.playoutDelayMs.median) : undefined),
      unit: 'ms',
      note: 'How long a chunk waits to be played.',
    },
    {
      label: 'Underruns',
      value: shown(f === null ? undefined : count(f.underruns)),
      unit: '',
      note: 'Times the playout ran empty.',
      bad: (f?.underruns ?? 0) > 0,
    },
    {
      label: 'Dropped in capture',
      value: shown(f === null ? undefined : count(f.captureDroppedFrames)),
      unit: 'frames',
      note: 'Not read in time, or not there: no device.',
      bad: (f?.captureDroppedFrames ?? 0) > 0,
    },
    {
      label: 'Dropped at the wire',
      value: shown(f === null ? undefined : count(f.wireDroppedChunks)),
      unit: 'chunks',
      note: 'Not connected, or the network too slow.',
      bad: (f?.wireDroppedChunks ?? 0) > 0,
    },
    {
      label: 'Lost',
      value: shown(f === null ? undefined : count(lost)),
      unit: 'chunks',
      note: 'Sent, but never came back.',
      bad: lost > 0,
    },
  ];
}

function wireNote(figures: CloseUpFigures): string {
  const { sentBytes, sentPayloadBytes, payloadBytesPerSecond, samplesBytesPerSecond } = figures;
  const share = percent(sentPayloadBytes / sentBytes);
  if (samplesBytesPerSecond === null) return `${bytes(sentBytes)} sent; ${share} of it samples.`;
  const [opus, samples] = [kilobits(payloadBytesPerSecond), kilobits(samplesBytesPerSecond)];
  return `Opus: ${opus}, ${share} of what was sent. 16-bit samples alone: ${samples}.`;
}

/** One part of the way's delay. */
export interface DelayPart {
  readonly label: string;
  /** null while it is not known. */
  readonly ms: number | null;
  readonly side: 'in' | 'wire' | 'out';
  /** What it is, and how it is known. */
  readonly note: string;
}

/**
 * Takes the delay of a lane apart, in the order of the way; a part is null while it is not known. With the remainder, which may be below 0,
 * the parts add up to the whole.
 */
export function delayParts(figures: CloseUpFigures | null, chunkDurationMs: number): DelayPart[] {
  const parts = measuredParts(figures, chunkDurationMs);
  const whole = figures?.totalMs?.median ?? null;
  const known = parts.flatMap(({ ms }) => ms ?? []);
  const sum = known.reduce((a, b) => a + b, 0);
  const remainder: DelayPart = {
    label: 'Remainder',
    ms: whole === null || known.length < parts.length ? null : whole - sum,
    side: 'out',
    note: 'The whole, less the parts: medians do not add up exactly.',
  };
  return [...parts, remainder];
}

function measuredParts(figures: CloseUpFigures | null, chunkDurationMs: number): DelayPart[] {
  const handOver = figures?.handOverMs?.median ?? null;
  const resampler = figures?.resamplerMs ?? null;
  const encoder = figures?.encoderMs ?? 0;
  return [
    {
      label: 'Chunk fills',
      ms: figures && chunkDurationMs,
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
