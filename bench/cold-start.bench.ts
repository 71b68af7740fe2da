import { CaseRunner } from '../test/helpers/case-runner.ts';
import type { ColdResult } from '../test/helpers/case-runner.ts';
import { OPUS_CASES } from '../test/helpers/opus-cases.ts';
import { PROCESSOR_CASES } from '../test/helpers/processor-cases.ts';
import type { ProcessorCase } from '../test/helpers/processor-cases.ts';
import { median } from './measure.ts';
import type { Row } from './measure.ts';

/** Fresh processes of each case. */
const PROCESSES = Number(process.env['MICWIRE_PROCESSES'] ?? 7);
/** Runs only the cases whose names contain it. */
const ONLY = process.env['MICWIRE_CASE'] ?? '';

/**
 * What the first quantum of a processor takes in a fresh process, with the messages before it, and the worst of the next
 * 1,000; and how long the constructor takes. The processes of all cases take turns, so that other work on the machine
 * hits all alike. A process has one first quantum only, so there is a median, a least and a worst over the processes. The
 * least is what the processor does itself: every fresh process has to do it. For later quanta it is the worst of the least
 * times of each quantum, as in the suite `quantum`. A peer would need the same thread: there is none.
 */
export async function run(): Promise<readonly Row[]> {
  const cases = [...PROCESSOR_CASES, ...OPUS_CASES].filter(({ name }) => name.includes(ONLY));
  const results = new Map<ProcessorCase, ColdResult[]>(cases.map((kase) => [kase, []]));
  const runner = await CaseRunner.open();
  try {
    for (let turn = 0; turn < PROCESSES; turn++) {
      for (const [kase, runs] of results) runs.push(await runner.cold(kase));
    }
  } finally {
    await runner.close();
  }
  return [...results].flatMap(([kase, runs]) => rowsOf(kase, runs));
}

function rowsOf(kase: ProcessorCase, runs: readonly ColdResult[]): Row[] {
  const { sampleRate = 48_000, quantum = 128 } = kase;
  const budgetUs = (quantum / sampleRate) * 1e6;
  const times = runs.map(({ quantaUs }) => quantaUs.map((us) => ((us ?? NaN) / budgetUs) * 100));
  const first = numbersOf(times.map((shares) => shares[0]!));
  const later = times.map((shares) => Math.max(...numbersOf(shares.slice(1))));
  const construction = runs.map(({ constructionMs }) => constructionMs);
  const rows = (what: string, unit: string, values: readonly number[], least: number): Row[] => {
    const row = (metric: string, value: number): Row => {
      return { case: kase.name, subject: 'micwire', metric: `${what}, ${metric}`, value, unit };
    };
    return [
      row('least', least),
      row('median', values.length > 0 ? median(values) : NaN),
      row('worst', Math.max(...values)),
    ];
  };
  return [
    ...rows('construction', 'ms', construction, Math.min(...construction)),
    ...rows('first quantum of its time', '%', first, Math.min(...first)),
    ...rows('worst of the next 1,000', '%', later, worstOfLeast(times)),
  ];
}

/** Each later quantum at its best over the runs, the worst of them. */
function worstOfLeast(times: readonly (readonly number[])[]): number {
  let worst = 0;
  for (let i = 1; i < times[0]!.length; i++) {
    const least = Math.min(...numbersOf(times.map((shares) => shares[i]!)));
    if (least < Infinity && least > worst) worst = least;
  }
  return worst;
}

/** Those during which no other program ran. */
function numbersOf(values: readonly number[]): number[] {
  return values.filter((value) => !Number.isNaN(value));
}
