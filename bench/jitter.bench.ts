/**
 * The receive path in virtual time: the library's own buffer, target and decisions beside a model of NetEQ's policy and
 * fixed delays, over the same packets from the same seeds. No sound is made; time-scaling takes or adds one period of a
 * voice where it is allowed to, for all subjects alike. Delay is from a packet's sending to its being heard, transit
 * included.
 */
import { BLOAT, bloatTrace } from './jitter/bloat.ts';
import { playFixed } from './jitter/fixed-player.ts';
import { playMicwire } from './jitter/micwire-player.ts';
import type { MicwirePlayerOptions } from './jitter/micwire-player.ts';
import { playNeteq } from './jitter/neteq-model.ts';
import type { Outcome } from './jitter/outcome.ts';
import { DRIFTS, FEC, PLAIN, SCENARIOS, bitrate, copies, trace } from './jitter/traces.ts';
import type { Redundancy, Scenario, Trace } from './jitter/traces.ts';
import { median } from './measure.ts';
import type { Row } from './measure.ts';

/** Seeds that no constant was tuned on; tuning used 1 to 5. */
const SEEDS: readonly number[] = [101, 102, 103, 104, 105, 106, 107, 108, 109];

type Play = (packets: Trace, redundancy: Redundancy, stallEndMs: number | undefined) => Outcome;

interface Subject {
  readonly name: string;
  readonly redundancy: Redundancy;
  readonly play: Play;
}

const REDUNDANCIES: readonly Redundancy[] = [PLAIN, FEC, copies(1), copies(2), copies(3)];

const SUBJECTS: readonly Subject[] = [
  ...REDUNDANCIES.flatMap((redundancy) => [
    { name: 'NetEQ model', redundancy, play: playNeteq },
    { name: 'micwire', redundancy, play: playMicwire },
  ]),
  micwire('latencyCost 0.05', FEC, { target: { latencyCost: 0.05 } }),
  micwire('latencyCost 0.05', copies(3), { target: { latencyCost: 0.05 } }),
  micwire('latencyCost 2', copies(2), { target: { latencyCost: 2 } }),
  micwire('latencyCost 2', copies(3), { target: { latencyCost: 2 } }),
  fixed(60),
  fixed(120),
];
/** Where queues fill up and drain: the default, and what another price makes of it. */
const BLOAT_SUBJECTS: readonly Subject[] = [
  ...SUBJECTS.filter(({ name, redundancy }) => {
    return redundancy === PLAIN && !name.startsWith('fixed');
  }),
  ...[0.25, 1, 2].map((latencyCost) =>
    micwire(`latencyCost ${latencyCost}`, PLAIN, { target: { latencyCost } }),
  ),
];
/** Beside the above, where a stall shows them. */
const STALL_SUBJECTS: readonly Subject[] = [
  micwire('nothing left out', PLAIN, { decision: { skipAboveMs: Infinity } }),
];
const DRIFT_SUBJECTS: readonly Subject[] = SUBJECTS.filter(({ redundancy, name }) => {
  return redundancy === PLAIN && !name.startsWith('fixed');
});

function micwire(name: string, redundancy: Redundancy, options: MicwirePlayerOptions): Subject {
  const play: Play = (packets, _, stallEndMs) =>
    playMicwire(packets, redundancy, stallEndMs, options);
  return { name: `micwire, ${name}`, redundancy, play };
}

/** Waits `waitMs`, whatever comes. */
function fixed(waitMs: number): Subject {
  const play: Play = (packets, redundancy, stallEndMs) =>
    playFixed(packets, redundancy, stallEndMs, waitMs);
  return { name: `fixed ${waitMs} ms`, redundancy: PLAIN, play };
}

const missing = (outcomes: readonly Outcome[]): number =>
  median(outcomes.map(({ concealed, skipped }) => concealed + skipped));

/** The `latencyCost` at which no more audio is concealed and skipped than by the NetEQ model, within some percent of that. */
function atEqualLoss(traces: readonly Trace[]): Subject {
  const allowed = missing(traces.map((packets) => playNeteq(packets, PLAIN, undefined)));
  let [low, high] = [0.05, 10];
  for (let step = 0; step < 7; step++) {
    const latencyCost = Math.sqrt(low * high);
    const outcomes = traces.map((packets) =>
      playMicwire(packets, PLAIN, undefined, { target: { latencyCost } }),
    );
    if (missing(outcomes) > allowed) high = latencyCost;
    else low = latencyCost;
  }
  return micwire('at equal loss', PLAIN, { target: { latencyCost: low } });
}

function rows(scenario: Scenario, seeds: readonly number[], subjects: readonly Subject[]): Row[] {
  const traces = seeds.map((seed) => trace(scenario, seed));
  return compare(scenario, traces, subjects);
}

function compare(
  scenario: Pick<Scenario, 'name' | 'stallEndMs' | 'driftPpm'>,
  traces: readonly Trace[],
  subjects: readonly Subject[],
): Row[] {
  return subjects.flatMap(({ name, redundancy, play }) => {
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
      row('skipped', (o) => 100 * o.skipped, '%'),
      row('concealed and skipped', (o) => 100 * (o.concealed + o.skipped), '%'),
      row('bitrate with headers', () => bitrate(redundancy), 'kbit/s'),
    ];
    if (scenario.stallEndMs !== undefined) {
      all.push(row('until delay is back', (o) => o.recoveryS, 's'));
    }
    if (scenario.driftPpm !== undefined) {
      all.push(row('delay, last minute less first', (o) => o.creepMs, 'ms'));
    }
    return all;
  });
}

export function run(): Row[] {
  return [
    ...SCENARIOS.flatMap((scenario) => {
      const more = scenario.stallEndMs === undefined ? [] : STALL_SUBJECTS;
      return rows(scenario, SEEDS, [...SUBJECTS, ...more]);
    }),
    ...BLOAT.flatMap((scenario) => {
      const traces = SEEDS.map((seed) => bloatTrace(scenario, seed));
      return compare(scenario, traces, [...BLOAT_SUBJECTS, atEqualLoss(traces)]);
    }),
    ...DRIFTS.flatMap((scenario) => rows(scenario, SEEDS.slice(0, 1), DRIFT_SUBJECTS)),
  ];
}
