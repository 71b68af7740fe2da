import { Meter } from 'micwire';
import type { MicwireLoudness } from 'micwire/elements';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  accessibilityFaults,
  inside,
  openMeters,
  put,
  watchMeters,
} from '../helpers/element-page.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import 'micwire/elements/loudness';

let context: AudioContext;
beforeEach(() => {
  context = new AudioContext();
});
afterEach(async () => {
  document.body.replaceChildren();
  document.documentElement.style.colorScheme = '';
  vi.restoreAllMocks();
  await endContext(context);
});

/** The tone of Tech 3341, test case 1: 1 kHz, both channels at −23 dBFS of peak, so −23 LUFS. */
function tone(dbfs = -23): GainNode {
  const oscillator = new OscillatorNode(context, { frequency: 1000 });
  const stereo = new GainNode(context, {
    gain: 10 ** (dbfs / 20),
    channelCount: 2,
    channelCountMode: 'explicit',
  });
  oscillator.connect(stereo);
  oscillator.start();
  return stereo;
}

function figuresOf(element: MicwireLoudness): Record<string, string> {
  const rows = [...element.shadowRoot!.querySelectorAll('dl > div')];
  return Object.fromEntries(
    rows.map((row) => [
      row.querySelector('dt')!.textContent!,
      row.querySelector('dd')!.textContent!.replaceAll(/\s+/g, ' ').trim(),
    ]),
  );
}
const bars = (element: MicwireLoudness): HTMLElement[] => [
  ...element.shadowRoot!.querySelectorAll<HTMLElement>('[role=meter]'),
];
const choose = (element: MicwireLoudness, value: string): void => {
  const labels = [...element.shadowRoot!.querySelectorAll('fieldset label')];
  const label = labels.find(({ textContent }) => textContent!.trim() === value);
  label!.querySelector('input')!.click();
};
const button = (element: MicwireLoudness, part: string): HTMLButtonElement =>
  inside(element, `[part=${part}]`);

test('the tone of Tech 3341 case 1 reads −23 LUFS, and 0 LU, on both scales', async () => {
  const element = put('micwire-loudness', { source: tone() });
  await eventually(() => expect(figuresOf(element)['Momentary']).toBe('−23.0 LUFS'));
  // The meter has joined in the middle of the tone, at whatever sample: that step has a true peak of its own, which a reset forgets.
  button(element, 'reset').click();
  await eventually(() => {
    expect(figuresOf(element)).toMatchObject({
      Momentary: '−23.0 LUFS',
      'Short-term': '−23.0 LUFS',
      Integrated: '−23.0 LUFS',
      Range: '0.0 LU unstable',
      'Max true peak': '−23.0 dBTP',
    });
  });
  const [momentary] = bars(element);
  expect(momentary!.ariaValueText).toBe('−23.0 LUFS');
  const placed = (): number =>
    1 -
    inside(element, '.cover').getBoundingClientRect().width /
      momentary!.getBoundingClientRect().width;
  // 0 LU is two thirds up on both scales.
  expect(placed()).toBeCloseTo(2 / 3, 2);
  choose(element, 'LU');
  await element.updateComplete;
  expect(element.unit).toBe('LU');
  expect(figuresOf(element)['Integrated']).toBe('0.0 LU');
  choose(element, '+18');
  await element.updateComplete;
  expect([momentary!.ariaValueMin, momentary!.ariaValueMax]).toEqual(['-36', '18']);
  expect(placed()).toBeCloseTo(2 / 3, 2);
  element.target = -16;
  await element.updateComplete;
  expect(figuresOf(element)['Integrated']).toBe('−7.0 LU');
});

test('pausing halts the integrated loudness, and resetting restarts it', async () => {
  const source = tone();
  const element = put('micwire-loudness', { source });
  await eventually(() => expect(figuresOf(element)['Integrated']).toBe('−23.0 LUFS'));
  button(element, 'pause').click();
  await eventually(() => expect(figuresOf(element)['Integrated']).toBe('−23.0 LUFS paused'));
  expect(button(element, 'pause').textContent!.trim()).toBe('Continue');
  source.gain.value *= 10 ** (13 / 20);
  await eventually(() => expect(figuresOf(element)['Momentary']).toBe('−10.0 LUFS'));
  expect(figuresOf(element)['Integrated']).toBe('−23.0 LUFS paused');
  button(element, 'pause').click();
  button(element, 'reset').click();
  await eventually(() => expect(figuresOf(element)['Integrated']).toBe('−10.0 LUFS'));
});

test('a moved element keeps its measurement, a removed one closes its meter, and a meter of the app stays open', async () => {
  const made = watchMeters();
  const source = tone();
  const element = put('micwire-loudness', { source });
  await eventually(() => expect(figuresOf(element)['Integrated']).toBe('−23.0 LUFS'));
  const place = document.createElement('section');
  document.body.append(place);
  place.append(element);
  await element.updateComplete;
  expect(made).toHaveBeenCalledOnce();
  element.remove();
  await eventually(async () => expect(await openMeters(made)).toBe(0));
  const meter = await Meter.create(context, { source, meters: ['loudness', 'truePeak'] });
  element.source = meter;
  document.body.append(element);
  await eventually(() => expect(figuresOf(element)['Momentary']).toBe('−23.0 LUFS'));
  await meter.pause();
  await eventually(() => expect(button(element, 'pause').textContent!.trim()).toBe('Continue'));
  await meter.close();
  button(element, 'pause').click();
  button(element, 'reset').click();
});

test('wrong properties are refused when they are set', async () => {
  const element = put('micwire-loudness');
  expect(() => (element.unit = 'dB' as never)).toThrow(/micwire-loudness.unit/);
  expect(() => (element.scale = '+27' as never)).toThrow(/micwire-loudness.scale/);
  expect(() => (element.target = 5)).toThrow(/micwire-loudness.target/);
  const peak = await Meter.create(context);
  expect(() => (element.source = peak as never)).toThrow(/got one without 'truePeak'/);
  await peak.close();
});

test.each(['light', 'dark'])('axe finds nothing wrong with it on a %s page', async (scheme) => {
  document.documentElement.style.colorScheme = scheme;
  const element = put('micwire-loudness', { source: tone() });
  await eventually(() => expect(figuresOf(element)['Integrated']).toBe('−23.0 LUFS'));
  expect(await accessibilityFaults(element)).toEqual([]);
});
