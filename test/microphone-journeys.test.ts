/**
 * Random journeys of a microphone through page, life, audio thread and captures. One of them again:
 * `MICWIRE_SEED=7 npx vitest run --project node test/microphone-journeys.test.ts`; more: `MICWIRE_SEEDS=1000`,
 * `MICWIRE_FROM=1001`.
 */
import { expect, test } from 'vitest';
import { MicrophoneJourney } from './helpers/microphone-journey.ts';

const ONE = process.env['MICWIRE_SEED'];
const COUNT = Number(process.env['MICWIRE_SEEDS'] ?? 12);
const FROM = Number(process.env['MICWIRE_FROM'] ?? 1);
const seeds =
  ONE === undefined ? Array.from({ length: COUNT }, (_, index) => FROM + index) : [Number(ONE)];

test(
  `${seeds.length} journeys leave every frame accounted for and nothing behind`,
  async () => {
    const failures: string[] = [];
    for (const seed of seeds) {
      await MicrophoneJourney.run(seed).catch((error: unknown) => {
        const { message } = error as Error;
        failures.push(message);
        // A long run tells at once.
        if (COUNT > 100) console.log(message);
      });
    }
    expect(failures.join('\n\n')).toBe('');
  },
  120_000 * Math.max(1, COUNT / 12),
);
