import { playFixed } from './jitter/fixed-player.ts';
import { playMicwire } from './jitter/micwire-player.ts';
import { playNeteq } from './jitter/neteq-model.ts';
import type { Outcome } from './jitter/outcome.ts';
import { FEC, PLAIN, SCENARIOS, bitrate, copies, trace } from './jitter/traces.ts';
import type { Redundancy, Scenario, Trace } from './jitter/traces.ts';
import { median } from './measure.ts';
import type { Row } from './measure.ts';

/** Seeds that no constant was tuned on; tuning used 1 to 8. */
const SEEDS: readonly number[] = [101, 102, 103, 104, 105];

type Play = (packets: Trace, redundancy: Redundancy, stallEndMs: number | undefined) => Outcome;

interface Subject {
  readonly name: string;
  readonly redundancy: Redundancy;
  readonly play: Play;
}

const fixed =
  (waitMs: number): Play =>
  (packets, redundancy, stallEndMs) =>
    playFixed(packets, redundancy, stallEndMs, waitMs);

const REDUNDANCIES: readonly Redundancy[] = [PLAIN, FEC, copies(1), copies(2), copies(3)];

const SUBJECTS: readonly Subject[] = [
  ...REDUNDANCIES.map((redundancy) => ({ name: 'micwire', redundancy, play: playMicwire })),
  ...REDUNDANCIES.map((redundancy) => ({ name: 'NetEQ model', redundancy, play: playNeteq })),
  { name: 'fixed 60 ms', redundancy: PLAIN, play: fixed(60) },
  { name: 'fixed 120 ms', redundancy: PLAIN, play: fixed(120) },
];

function rows(scenario: Scenario): Row[] {
  const traces = SEEDS.map((seed) => trace(scenario, seed));
  return SUBJECTS.flatMap(({ name, redundancy, play }) => {
    const outcomes = traces.map((packets) => play(packets, redundancy, scenario.stallEndMs));
    const row = (metric: string, pick: (outcome: Outcome) => number, unit: string): Row => {
      const subject = `${name}, ${redundancy.name}`;
      return { case: scenario.name, subject, metric, value: median(outcomes.map(pick)), unit };
    };
    const all = [
      row('delay, mean', (o) => o.meanMs, 'ms'),
      row('delay, p50', (o) => o.p50Ms, 'ms'),
      row('delay, p95', (o) => o.p95Ms, 'ms'),
      row('concealed', (o) => 100 * o.concealed, '%'),
      row('concealments', (o) => o.eventsPerMinute, '/min'),
      row('time-scaled', (o) => 100 * o.scaled, '%'),
      row('left out', (o) => 100 * o.skipped, '%'),
      row('bitrate with headers', () => bitrate(redundancy), 'kbit/s'),
    ];
    if (scenario.stallEndMs !== undefined) {
      all.push(row('until delay is back', (o) => o.recoveryS, 's'));
    }
    return all;
  });
}

export function run(): Row[] {
  return SCENARIOS.flatMap(rows);
}
