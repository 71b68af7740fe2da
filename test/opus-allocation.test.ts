import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_BYTES_PER_CALL } from './helpers/allocation-limit.ts';
import { CaseRunner } from './helpers/case-runner.ts';
import { OPUS_CASES } from './helpers/opus-cases.ts';

describe('the Opus processor allocates nothing in process()', () => {
  let runner: CaseRunner;
  beforeAll(async () => {
    runner = await CaseRunner.open();
  });
  afterAll(() => runner.close());

  // The first differs from the second in its options only, and encoding takes its time.
  it.concurrent.each(OPUS_CASES.slice(1))('$name', { timeout: 120_000 }, async (kase) => {
    const { heapBytes, bufferBytes } = await runner.allocation(kase);
    const clean = heapBytes < MAX_BYTES_PER_CALL && bufferBytes <= 0;
    const where = clean ? '' : `allocated at:\n${(await runner.sites(kase)).join('\n')}`;
    expect(heapBytes, where).toBeLessThan(MAX_BYTES_PER_CALL);
    expect(bufferBytes, where).toBeLessThanOrEqual(0);
  });
});
