import { expect, it } from 'vitest';
import { bargeIn, runsOf } from './helpers/barge-in.ts';
import { expectBargeIn } from './helpers/expect-barge-in.ts';
import { PlayoutPage } from './helpers/playout-page.ts';
import { seededRandom } from './helpers/random.ts';

it.each([
  [24_000, 24_000],
  [24_000, 48_000],
  [16_000, 44_100],
  [48_000, 16_000],
])(
  'of an agent that is faster than real time, what is told is what is in the recording: %i → %i Hz',
  async (sampleRate, contextRate) => {
    let interruptions = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const page = await PlayoutPage.open({ sampleRate, format: 'f32' }, contextRate);
      const recording = new Float32Array(30 * contextRate);
      let recorded = 0;
      const result = await bargeIn({
        playout: page.playout,
        random: seededRandom(seed),
        seconds: 9.5,
        advance: (seconds) => {
          const piece = page.render(seconds * contextRate);
          recording.set(piece, recorded);
          recorded += piece.length;
          return Promise.resolve();
        },
      });
      page.close();
      const runs = runsOf(
        recording.subarray(0, recorded),
        contextRate,
        sampleRate,
        page.scope.quantum,
      );
      try {
        expectBargeIn(result, runs, 0, contextRate, sampleRate);
      } catch (cause) {
        throw new Error(`Seed ${seed}.`, { cause });
      }
      interruptions += result.told.filter(({ what }) => what === 'interrupted').length;
    }
    expect(interruptions).toBeGreaterThan(40);
  },
);
