import type { Outcome } from './outcome.ts';
import { Recorder } from './outcome.ts';
import { PACKET_MS, reach } from './traces.ts';
import type { Redundancy, Trace } from './traces.ts';

/** Plays each packet a fixed time after the first one's arrival, or not at all. */
export function playFixed(
  packets: Trace,
  redundancy: Redundancy,
  stallEndMs: number | undefined,
  waitMs: number,
): Outcome {
  const { order, arrivals, sent } = packets;
  const recorder = new Recorder(packets);
  const first = order[0]!;
  const behind = reach(redundancy);
  const start = arrivals[first]! + waitMs;
  const endMs = sent[sent.length - 1]!;
  for (let n = first; n < sent.length; n++) {
    const heard = start + (n - first) * PACKET_MS;
    if (heard >= endMs) break;
    let there = arrivals[n]!;
    for (let m = n + 1; m <= n + behind && m < sent.length; m++) {
      there = Math.min(there, arrivals[m]!);
    }
    if (there <= heard) recorder.played(n, heard);
    else recorder.concealed(PACKET_MS, heard);
  }
  return recorder.finish(endMs, stallEndMs);
}
