import { CaseRunner } from '../test/helpers/case-runner.ts';
import { OPUS_CASES } from '../test/helpers/opus-cases.ts';
import { PROCESSOR_CASES } from '../test/helpers/processor-cases.ts';
import type { Row } from './measure.ts';

/**
 * Every processor in every configuration of the allocation gate, as shipped, in plain Node: how long a render quantum
 * takes, how much of its time that is, and what it allocates. A peer would need the same thread: there is none.
 */
export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const runner = await CaseRunner.open();
  try {
    for (const kase of [...PROCESSOR_CASES, ...OPUS_CASES]) {
      const { median, worst, quantumMs } = await runner.time(kase);
      const { heapBytes, bufferBytes } = await runner.allocation(kase);
      const row = (metric: string, value: number, unit: string): Row => ({
        case: kase.name,
        subject: 'micwire',
        metric,
        value,
        unit,
      });
      rows.push(
        row('median quantum', median * quantumMs * 1000, 'µs'),
        row('worst quantum', worst * quantumMs * 1000, 'µs'),
        row('worst quantum of its time', worst * 100, '%'),
        row('allocated', Math.max(0, heapBytes) + Math.max(0, bufferBytes), 'B/call'),
      );
    }
  } finally {
    await runner.close();
  }
  return rows;
}
