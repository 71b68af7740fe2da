import { describe, expect, it } from 'vitest';
import { withLivePage } from '../bench/live-page.mjs';
import { drive } from '../bench/session-live/drive.ts';
import { planOf } from '../bench/session-live/schedule.ts';
import { judge } from '../bench/session-live/verdict.ts';

/* The short form of `npm run bench -- session-live`. */

const SECONDS = 20;
const page = 'bench/session-live/index.html';

describe('a session in Chromium', () => {
  it('brings every frame to its server once and in order, though the server is killed and the link fails', async () => {
    const plan = planOf(1, SECONDS);
    const result = await withLivePage({ page }, (evaluate) => drive(plan, evaluate, () => {}));
    expect(judge(plan, result, 'Chromium').faults).toEqual([]);
    expect(result.door.connections).toBeGreaterThan(1);
    expect(result.records.length).toBeGreaterThan(0);
  }, 240_000);
});
