import { speech } from '../test/helpers/speech.ts';
import { seededRandom } from '../test/helpers/random.ts';
import { ReceiveRig } from '../test/helpers/receive-rig.ts';
import type { Row } from './measure.ts';

const RATE = 48_000;
const PACKET_MS = 20;
const SECONDS = 3600;
/** After that the delay is compared: it has settled. */
const SETTLED_SECONDS = 60;
const JITTERS_MS: readonly number[] = [0, 3];
const DRIFTS_PPM: readonly number[] = [300, -300];

/**
 * An hour through the whole engine of the receiver, at 48 kHz, from a sender whose clock is off: what has to be concealed,
 * and whether the delay stays what it was. Peers have no engine that runs without a browser.
 */
export function run(): readonly Row[] {
  return DRIFTS_PPM.flatMap((driftPpm) =>
    JITTERS_MS.flatMap((jitterMs) => anHour(driftPpm, jitterMs)),
  );
}

function anHour(driftPpm: number, jitterMs: number): readonly Row[] {
  const rig = new ReceiveRig({ keep: false });
  const random = seededRandom(Math.abs(driftPpm) + jitterMs);
  const signal = speech(10 * RATE);
  const payloads = Array.from({ length: 500 }, (_, i) => rig.encode([signal], i));
  const delays: number[] = [];
  let nextAt = arrival(0);
  let sequence = 0;
  let settled = 0;
  function arrival(number: number): number {
    const sent = ((number + 1) * PACKET_MS) / 1000 / (1 + driftPpm * 1e-6);
    return sent + (random() * jitterMs) / 1000;
  }
  while (rig.frame < SECONDS * RATE) {
    // Jitter is below a packet's time: none overtakes another.
    for (; nextAt * RATE <= rig.frame; nextAt = arrival(++sequence)) {
      rig.insert(sequence, payloads[sequence % payloads.length]!);
    }
    rig.render();
    // Once a second.
    if (rig.frame < (delays.length + 1) * RATE) continue;
    const sentFrames = rig.report('contextFrame') * (1 + driftPpm * 1e-6);
    delays.push(((sentFrames - rig.report('playFrame')) / RATE) * 1000);
    if (delays.length === SETTLED_SECONDS) settled = rig.stats.concealedSamples;
  }
  const { concealedSamples, concealmentEvents } = rig.stats;
  const later = delays.slice(SETTLED_SECONDS);
  const name = `${driftPpm} ppm, ${jitterMs} ms of jitter, ${SECONDS / 60} min`;
  const row = (metric: string, value: number, unit: string): Row => ({
    case: name,
    subject: 'micwire',
    metric,
    value,
    unit,
  });
  return [
    row('concealed', (concealedSamples / RATE) * 1000, 'ms'),
    row('concealed after the first minute', ((concealedSamples - settled) / RATE) * 1000, 'ms'),
    row('times', concealmentEvents, ''),
    row('delay after a minute', later[0]!, 'ms'),
    row('least delay from then on', Math.min(...later), 'ms'),
    row('most delay from then on', Math.max(...later), 'ms'),
    row('delay at the end', later.at(-1)!, 'ms'),
    row('drift as estimated', rig.report('driftPpm'), 'ppm'),
  ];
}
