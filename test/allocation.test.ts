import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_BYTES_PER_CALL } from './helpers/allocation-limit.ts';
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
    if (kase.worksBetween) return expect(await runner.sites(kase)).toEqual([]);
    const { heapBytes, bufferBytes } = await runner.allocation(kase);
    const clean = heapBytes < MAX_BYTES_PER_CALL && bufferBytes <= 0;
    const where = clean ? '' : `allocated at:\n${(await runner.sites(kase)).join('\n')}`;
    expect(heapBytes, where).toBeLessThan(MAX_BYTES_PER_CALL);
    expect(bufferBytes, where).toBeLessThanOrEqual(0);
  });
});

describe('the gate itself', () => {
  it('passes a processor that only computes', { timeout: 120_000 }, async () => {
    const { heapBytes, bufferBytes } = await runner.allocation(CLEAN_CASE);
    expect(heapBytes).toBeLessThan(MAX_BYTES_PER_CALL);
    expect(bufferBytes).toBeLessThanOrEqual(0);
  });

  it.concurrent.each(ALLOCATORS)('catches $name', { timeout: 120_000 }, async (kase) => {
    const { heapBytes, bufferBytes } = await runner.allocation(kase);
    expect(heapBytes + bufferBytes).toBeGreaterThan(1);
  });
});
