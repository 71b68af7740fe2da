import {
  DelayTarget,
  FEC_COPY,
  JitterBuffer,
  ReceiveDecision,
} from '../../src/core/receive/index.ts';
import type { DelayTargetOptions, ReceiveDecisionOptions } from '../../src/core/receive/index.ts';
import { seededRandom } from '../../test/helpers/random.ts';
import type { Outcome } from './outcome.ts';
import { Recorder } from './outcome.ts';
import { PACKET_MS } from './traces.ts';
import type { Redundancy, Trace } from './traces.ts';

const RATE = 48_000;
const FRAMES = (PACKET_MS * RATE) / 1000;
const QUANTUM_MS = 128 / 48;
/** A period of a voice, 83 to 250 Hz: time-scaling takes out or puts in whole ones. */
const SHORTEST_PERIOD_MS = 4;
const LONGEST_PERIOD_MS = 12;

export interface MicwirePlayerOptions {
  readonly target?: Partial<DelayTargetOptions>;
  readonly decision?: Partial<ReceiveDecisionOptions>;
}

/** Plays a trace through the library's own classes, quantum by quantum, as an engine in a worklet does; no sound is made. */
export function playMicwire(
  packets: Trace,
  redundancy: Redundancy,
  stallEndMs: number | undefined,
  options: MicwirePlayerOptions = {},
): Outcome {
  const target = new DelayTarget({ sampleRate: RATE, ...options.target });
  const buffer = new JitterBuffer({ sampleRate: RATE, listener: target, maxPayloadBytes: 16 });
  const decision = new ReceiveDecision({ buffer, target, ...options.decision });
  const recorder = new Recorder(packets);
  const random = seededRandom(1);
  const payload = new Uint8Array(8);
  const { order, arrivals, sent } = packets;
  const endMs = sent[sent.length - 1]!;
  const insert = (n: number, copy: number, now: number): void => {
    if (n >= 0) buffer.insert(n, n * FRAMES, FRAMES, payload, now, copy);
  };
  let arrived = 0;
  /** Decoded and not heard, ms of the wire's time. */
  let ahead = 0;
  let began = false;
  for (let now = 0; now < endMs; now += QUANTUM_MS) {
    for (; arrived < order.length && arrivals[order[arrived]!]! <= now; arrived++) {
      const n = order[arrived]!;
      const at = arrivals[n]!;
      insert(n, 0, at);
      for (let copy = 1; copy <= redundancy.copies; copy++) insert(n - copy, copy, at);
      if (redundancy.fec) insert(n - 1, FEC_COPY, at);
    }
    const speed = decision.speed;
    const needed = QUANTUM_MS * speed;
    while (ahead < needed) {
      const heard = now + ahead / speed;
      const action = decision.decide(now, ahead / speed);
      const ms = (decision.frames * 1000) / RATE;
      if (action === 'wait' && !began) {
        ahead += ms;
        continue;
      }
      began = true;
      // After a second of it the receiver waits, and counts no longer; here nothing is heard all the same.
      if (action === 'conceal' || action === 'wait') {
        recorder.concealed(ms, heard);
        ahead += ms;
        continue;
      }
      if (action === 'skip') recorder.skipped(ms, heard);
      const n = buffer.sequenceOf(decision.slot);
      const covered = decision.take();
      recorder.played(n, heard);
      ahead += PACKET_MS - (covered * 1000) / RATE;
      if (action !== 'accelerate' && action !== 'decelerate') continue;
      const period = SHORTEST_PERIOD_MS + random() * (LONGEST_PERIOD_MS - SHORTEST_PERIOD_MS);
      const most = (decision.scaleFrames * 1000) / RATE;
      if (period > most) continue;
      const change = action === 'accelerate' ? -period : period;
      ahead += change;
      decision.scaled(Math.round((-change * RATE) / 1000));
      recorder.scaled(period, heard);
    }
    ahead -= needed;
  }
  return recorder.finish(endMs, stallEndMs);
}
