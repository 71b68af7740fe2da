import { bytes, count, kilobits, milliseconds, percent } from './format.ts';
import type { LaneFigures } from '../lanes/close-up-parts.ts';

/** One reading: a number, its unit, and a sentence that says what it is. */
export interface Reading {
  readonly label: string;
  readonly value: string;
  readonly unit: string;
  readonly note: string;
  /** Whether it tells of something lost. */
  readonly bad?: boolean;
}

/** What a lane's figures read like; dashes while nothing runs. */
export function readingsOf(figures: LaneFigures | null): Reading[] {
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
      note: 'This page was too busy to read them.',
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

function wireNote(figures: LaneFigures): string {
  const { sentBytes, sentPayloadBytes, payloadBytesPerSecond, samplesBytesPerSecond } = figures;
  const share = percent(sentPayloadBytes / sentBytes);
  if (samplesBytesPerSecond === null) return `${bytes(sentBytes)} sent; ${share} of it samples.`;
  const [opus, samples] = [kilobits(payloadBytesPerSecond), kilobits(samplesBytesPerSecond)];
  return `Opus: ${opus}, ${share} of what was sent. 16-bit samples alone: ${samples}.`;
}
