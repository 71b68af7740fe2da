import { Playout } from 'micwire';
import type { LaneEvent } from './lane-messages.ts';
import type { LaneTotals } from './lane-totals.ts';

/** What a receiver counts, in the terms of `LaneTotals`. */
export type SinkCounts = Pick<
  LaneTotals,
  | 'packetsLate'
  | 'packetsRecovered'
  | 'totalSamples'
  | 'concealedSamples'
  | 'insertedSamples'
  | 'removedSamples'
  | 'jitterBufferDelay'
  | 'jitterBufferTargetDelay'
  | 'jitterBufferEmittedCount'
>;

/** What plays the packets that a lane's Worker receives. */
export interface LaneSink {
  readonly node: AudioNode;
  readonly counts: SinkCounts;
  close(): void;
}

/** ms of sound that wait before they play. */
const TARGET_DELAY_MS = 60;

/** Opens what plays a lane's packets. */
export async function openSink(
  context: AudioContext,
  worker: Worker,
  format: 's16' | 'opus',
  sampleRate: number,
): Promise<LaneSink> {
  const playout = await Playout.create(context, {
    sampleRate,
    format,
    targetDelay: TARGET_DELAY_MS,
  });
  const listen = ({ data }: MessageEvent<LaneEvent>): void => {
    if (data.type === 'packet' && data.packet.redundant !== true)
      playout.write(data.packet.payload);
  };
  worker.addEventListener('message', listen);
  return {
    node: playout.node,
    counts: {
      packetsLate: null,
      packetsRecovered: null,
      totalSamples: null,
      concealedSamples: null,
      insertedSamples: null,
      removedSamples: null,
      jitterBufferDelay: null,
      jitterBufferTargetDelay: null,
      jitterBufferEmittedCount: null,
    },
    close() {
      worker.removeEventListener('message', listen);
      playout.close();
    },
  };
}
