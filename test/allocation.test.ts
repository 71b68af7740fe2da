import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CaseRunner } from './helpers/case-runner.ts';
import { ALLOCATORS, CLEAN_CASE } from './helpers/planted-allocators.ts';
import { PROCESSOR_CASES } from './helpers/processor-cases.ts';

let runner: CaseRunner;
beforeAll(async () => {
  runner = await CaseRunner.open();
});
afterAll(() => runner.close());

describe('process() allocates nothing', () => {
  it.concurrent.each(PROCESSOR_CASES)('$name', { timeout: 120_000 }, async (kase) => {
    if (kase.worksBetween) expect(await runner.sites(kase)).toEqual([]);
    else await runner.expectNoAllocation(kase);
  });
});

describe('the gate itself', () => {
  it('passes a processor that only computes', { timeout: 120_000 }, async () => {
    const { heapBytes, bufferBytes, sites } = await runner.allocation(CLEAN_CASE);
    expect(heapBytes).toBeLessThan(0.05);
    expect(bufferBytes).toBeLessThanOrEqual(0);
    expect(sites).toEqual([]);
  });

  it.concurrent.each(ALLOCATORS)('catches $name', { timeout: 120_000 }, async (kase) => {
    await expect(runner.expectNoAllocation(kase)).rejects.toThrow(
      /^process\(\) of 'planted' allocates [\d.]+ bytes per quantum on the JavaScript heap/,
    );
  });
});
