/** Tests of a processor in plain Node: no browser, no sound, no waiting. */
import { audioMatchers, expectNoAllocation, renderOffline } from 'micwire/testing';
import { expect, test } from 'vitest';

expect.extend(audioMatchers);
const module = () => import('./gate-processor.js');
const RATE = 48_000;
const tone = (seconds, dbfs) =>
  Float32Array.from(
    { length: seconds * RATE },
    (_, i) => 10 ** (dbfs / 20) * Math.sin((2 * Math.PI * 440 * i) / RATE),
  );
const render = (input, options) =>
  renderOffline('gate', { module, sampleRate: RATE, input, ...options });

test('is silent while only noise comes', async () => {
  expect(await render([tone(1, -60)])).toBeSilent();
});

test('passes a voice bit for bit once it is open', async () => {
  const voice = tone(1, -20);
  const { channels } = await render([voice]);
  expect(channels[0].slice(480)).toMatchSignal(voice.slice(480));
});

test('opens and closes without a click, in every channel alike', async () => {
  const voice = tone(0.5, -20);
  const turn = Float32Array.of(...tone(0.5, -60), ...voice, ...tone(0.5, -60));
  const gated = await render([turn, turn]);
  expect(gated).toHaveNoClicks();
  expect(gated.channels[1]).toMatchSignal(gated.channels[0]);
  expect(gated.channels[0].slice(1.2 * RATE)).toBeSilent();
});

test('takes another threshold', async () => {
  const gated = await render([tone(1, -60)], { parameters: { thresholdDbfs: -70 } });
  expect(gated).not.toBeSilent();
});

test('continues when the source vanishes, and when a quantum is not 128 frames long', async () => {
  const block = tone(1, -20);
  const source = (frame) => (frame < RATE / 2 ? [block.subarray(frame, frame + 441)] : []);
  const gated = await render(source, { quantum: 441, frames: RATE });
  expect(gated.channels[0].slice(RATE / 2 + 441)).toBeSilent();
});

test('allocates nothing on the audio thread', { timeout: 60_000 }, async () => {
  const file = new URL('./gate-processor.js', import.meta.url);
  await expectNoAllocation('gate', { module: file, inputChannels: [2, 0] });
});
