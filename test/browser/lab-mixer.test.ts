import { describe, expect, it } from 'vitest';
import { Mixer } from '../../demo/audio/mixer.ts';
import { seededRandom } from '../helpers/random.ts';

const RATE = 48_000;
const SECONDS = 2;
/** Whole frames and whole quanta, so that nothing is interpolated. */
const LATER_FRAMES = 4800;

/** Two lanes of the same sound, the second 100 ms later and at half its level; what the mixer makes of a change while the first is heard. */
async function render(change: (mixer: Mixer<string>) => void) {
  const context = new OfflineAudioContext(1, SECONDS * RATE, RATE);
  const random = seededRandom(5);
  const sound = Float32Array.from({ length: SECONDS * RATE }, () => 0.5 * (2 * random() - 1));
  const later = new Float32Array(SECONDS * RATE);
  later.set(
    sound.subarray(0, -LATER_FRAMES).map((sample) => sample / 2),
    LATER_FRAMES,
  );
  const mixer = new Mixer<string>(context);
  for (const [name, samples] of [
    ['early', sound],
    ['later', later],
  ] as const) {
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: RATE });
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    mixer.add(name, source);
    source.start();
  }
  mixer.hear('early');
  mixer.node.connect(context.destination);
  change(mixer);
  const output = (await context.startRendering()).getChannelData(0);
  const farthest = (from: number, to: number, expected: Float32Array): number => {
    let most = 0;
    for (let i = Math.round(from * RATE); i < to * RATE; i++) {
      most = Math.max(most, Math.abs(output[i]! - expected[i]!));
    }
    return most;
  };
  return { sound, later, farthest };
}

describe('the output for several lanes', () => {
  it('changes from one to the other within 60 ms', async () => {
    const { later, farthest } = await render((mixer) => mixer.hear('later'));
    expect(farthest(0.06, 2, later)).toBeLessThan(1e-3);
  });

  it('is aligned in time and level for a comparison, for either of the two', async () => {
    const trims = new Map([
      ['early', { delaySeconds: LATER_FRAMES / RATE, gain: 0.5 }],
      ['later', { delaySeconds: 0, gain: 1 }],
    ]);
    for (const name of ['early', 'later']) {
      const { later, farthest } = await render((mixer) => mixer.hear(name, trims));
      // All are silent for a moment.
      expect(farthest(0.15, 2, later)).toBeLessThan(1e-3);
    }
  });

  it('returns to normal once the comparison is over', async () => {
    const trims = new Map([['early', { delaySeconds: 0.1, gain: 0.5 }]]);
    const { sound, farthest } = await render((mixer) => {
      mixer.hear('early', trims);
      mixer.hear('early');
    });
    expect(farthest(0.3, 2, sound)).toBeLessThan(1e-3);
  });
});
