import { expect, test } from 'vitest';
import { Resampler } from '../src/core/resampler/resampler.ts';
import { createResampler } from '../src/core/resampler/resampler-stream.ts';
import { planResampler } from '../src/core/resampler/resampler-planner.ts';
import { seededRandom } from './helpers/random.ts';
import { noise } from './helpers/signals.ts';

const RATES = { inputRate: 48_000, outputRate: 16_000 } as const;
const FRAMES = 960;

/** A stream that is told from others, through a resampler of its own instance. */
class Reference {
  readonly #resampler;
  readonly #random;
  readonly #channels: number;
  readonly output: Float32Array[];
  input: Float32Array[] = [];

  constructor(seed: number, channels: number, quality: 'hq' | 'vhq') {
    this.#resampler = createResampler(planResampler({ ...RATES, quality }), channels);
    this.#random = seededRandom(seed);
    this.#channels = channels;
    this.output = planes(channels);
  }

  next(): number {
    this.input = Array.from({ length: this.#channels }, () => noise(this.#random, FRAMES));
    return this.#resampler.process(this.input, this.output);
  }
}

function planes(channels: number): Float32Array[] {
  return Array.from({ length: channels }, () => new Float32Array(FRAMES));
}

test.each([
  ['hq', 1],
  ['hq', 2],
  ['vhq', 1],
] as const)(
  'forty streams, %s, %i channels, open and close in shared instances, and none hears another',
  (quality, channels) => {
    const random = seededRandom(channels);
    const open: { resampler: Resampler; reference: Reference }[] = [];
    let seed = 0;
    const output = planes(channels);
    for (let turn = 0; turn < 600; turn++) {
      const dice = random();
      if (open.length < 40 && dice < 0.3) {
        open.push({
          resampler: new Resampler({ ...RATES, quality, channels }),
          reference: new Reference(++seed, channels, quality),
        });
        expect(open.at(-1)!.resampler.execution).toBe('wasm');
      } else if (open.length > 0 && dice < 0.4) {
        const [{ resampler }] = open.splice(Math.floor(random() * open.length), 1) as [
          (typeof open)[0],
        ];
        resampler.close();
        // Twice gives no seat to two.
        resampler.close();
      } else if (open.length > 0) {
        const { resampler, reference } = open[Math.floor(random() * open.length)]!;
        const frames = reference.next();
        expect(frames).toBeGreaterThan(200);
        expect(resampler.process(reference.input, output)).toBe(frames);
        for (let c = 0; c < channels; c++) {
          const got = Buffer.from(output[c]!.buffer, 0, frames * 4);
          const wanted = Buffer.from(reference.output[c]!.buffer, 0, frames * 4);
          expect(Buffer.compare(got, wanted), `turn ${turn}`).toBe(0);
        }
      }
    }
    expect(seed).toBeGreaterThan(60);
    for (const { resampler } of open) resampler.close();
  },
);

test('a reset in a shared instance forgets its own stream only', () => {
  const [one, other] = [new Resampler(RATES), new Resampler(RATES)];
  const input = [noise(seededRandom(1), FRAMES)];
  const [first, again, theirs, alone] = [planes(1), planes(1), planes(1), planes(1)];
  one.process(input, first);
  other.process(input, theirs);
  one.reset();
  one.process(input, again);
  expect(again).toEqual(first);
  other.process(input, theirs);
  const reference = createResampler(planResampler(RATES), 1);
  reference.process(input, alone);
  reference.process(input, alone);
  expect(theirs).toEqual(alone);
  one.close();
  other.close();
});
