import { expect, it } from 'vitest';
import { laneUse } from '../demo/lanes/lane-code.ts';
import { LANE_IDS } from '../demo/lanes/lane-ids.ts';
import { DEFAULT_RUN } from '../demo/runs/address.ts';
import { labCodePage } from './helpers/lab-code-page.ts';

/*
 * The code that the lab shows for each lane. guide-snippets.test.ts compiles the page's blocks; browser/lab-code.test.ts runs them.
 */

it('docs/lab-code.md is the code that the lab shows', async () => {
  await expect(labCodePage()).toMatchFileSnapshot('../docs/lab-code.md');
});

it('the code of a lane contains the current settings', () => {
  const settings = {
    ...DEFAULT_RUN,
    bitrate: 24_000,
    chunkDurationMs: 40,
    complexity: 3,
    copies: 2,
    latencyCost: 2.5,
  };
  for (const id of LANE_IDS) {
    const { code } = laneUse(id, settings);
    expect(code.split('\n').length, id).toBeLessThan(24);
    if (!id.startsWith('pcm')) expect(code, id).toContain('bitrate: 24000');
    if (!id.startsWith('recorder'))
      expect(code, id).toMatch(/(chunkDurationMs|packetDurationMs|ptimeMs): 40/);
  }
  expect(laneUse('opus-binary-ws', settings).code).toContain('complexity: 3');
  expect(laneUse('opus-rtp-dc', settings).code).toContain('latencyCost: 2.5');
  expect(laneUse('opus-rtp-dc-red', settings).code).toContain('redundancy: 2');
  expect(laneUse('opus-rtp-dc', settings).code).not.toContain('redundancy');
});
