import { Meter } from 'micwire';
import { MicwireLevel } from 'micwire/elements/level';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  accessibilityFaults,
  constant,
  inside,
  openMeters,
  put,
  watchMeters,
} from '../helpers/element-page.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';

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

const meterOf = (level: MicwireLevel): HTMLElement => inside(level, '[role=meter]');
const valueOf = (level: MicwireLevel): number => Number(meterOf(level).ariaValueNow);
/** Of the part of the first bar that is not covered, 0 to 1. */
function filled(level: MicwireLevel): number {
  const cover = inside(level, '.cover').getBoundingClientRect();
  return 1 - cover.width / inside(level, '.bar').getBoundingClientRect().width;
}

test('a constant of 0.1 reads −20 dBFS, as a bar, as a held peak and as a value', async () => {
  const level = put('micwire-level', { source: constant(context, 0.1) });
  await eventually(() => {
    expect(valueOf(level)).toBe(-20);
    expect(meterOf(level).ariaValueText).toBe('−20.0 dBFS');
    expect(inside(level, '.value').textContent).toBe('−20.0');
    expect(filled(level)).toBeCloseTo(40 / 60, 2);
  });
  const bar = inside(level, '.bar').getBoundingClientRect();
  const peak = inside(level, '.mark').getBoundingClientRect();
  expect((peak.left - bar.left) / bar.width).toBeCloseTo(40 / 60, 2);
});

test('each channel has a bar', async () => {
  const merger = new ChannelMergerNode(context, { numberOfInputs: 2 });
  constant(context, 1 / 32).connect(merger, 0, 0);
  constant(context, 0.5).connect(merger, 0, 1);
  const level = put('micwire-level', { source: merger });
  await eventually(() => {
    const covers = [...level.shadowRoot!.querySelectorAll('.cover')];
    const widths = covers.map((cover) => cover.getBoundingClientRect().width);
    const { width } = inside(level, '.bar').getBoundingClientRect();
    expect(widths.map((each) => Math.round((100 * each) / width))).toEqual([50, 10]);
  });
  // The louder one is what is told.
  await eventually(() => expect(valueOf(level)).toBe(-6));
});

test('a Meter of the app is displayed, and stays open', async () => {
  const source = constant(context, 0.1);
  const meter = await Meter.create(context, { source, channels: 1 });
  const made = watchMeters();
  const level = put('micwire-level', { source: meter });
  await eventually(() => expect(valueOf(level)).toBe(-20));
  level.remove();
  await level.updateComplete;
  expect(made).not.toHaveBeenCalled();
  await meter.resume();
  await meter.close();
});

test('a clipped sample lights the sign until a click or a key resets it', async () => {
  const source = constant(context, 1);
  const level = put('micwire-level', { source });
  const sign = await eventually(() => inside(level, '.clip.clipped'));
  expect(sign.ariaLabel).toMatch(/^Clip: \d+ samples at full scale. Press to reset.$/);
  expect(sign.tabIndex).toBe(0);
  source.offset.value = 0.1;
  await eventually(() => expect(valueOf(level)).toBe(-20));
  sign.focus();
  sign.click();
  await level.updateComplete;
  expect(sign.className).not.toContain('clipped');
  expect(sign.ariaLabel).toBe('Clip: nothing is clipped');
  // A user of the keyboard keeps the focus.
  expect(level.shadowRoot!.activeElement).toBe(sign);
});

test('nothing is drawn while the element is hidden, and its meter closes with it', async () => {
  const made = watchMeters();
  const level = put('micwire-level', { source: constant(context, 0.1) });
  await eventually(() => expect(valueOf(level)).toBe(-20));
  level.hidden = true;
  const frames = vi.spyOn(globalThis, 'requestAnimationFrame');
  // The observer tells in its own time.
  await eventually(async () => {
    frames.mockClear();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(frames).not.toHaveBeenCalled();
  });
  level.hidden = false;
  await eventually(() => expect(frames).toHaveBeenCalled());
  level.remove();
  await eventually(async () => expect(await openMeters(made)).toBe(0));
});

test('an element that is moved keeps its meter; one that is added again later makes another', async () => {
  const made = watchMeters();
  const level = put('micwire-level', { source: constant(context, 0.1) });
  await eventually(() => expect(valueOf(level)).toBe(-20));
  const place = document.createElement('section');
  document.body.append(place);
  place.append(level);
  await level.updateComplete;
  expect(made).toHaveBeenCalledOnce();
  expect(await openMeters(made)).toBe(1);
  level.remove();
  await eventually(async () => expect(await openMeters(made)).toBe(0));
  expect(valueOf(level)).toBe(-60);
  document.body.append(level);
  await eventually(() => expect(valueOf(level)).toBe(-20));
  expect(made).toHaveBeenCalledTimes(2);
});

test('of fifty sources in a row the last one is metered, and no other meter stays open', async () => {
  const made = watchMeters();
  const level = put('micwire-level');
  for (let i = 0; i < 50; i++) {
    level.source = constant(context, i === 49 ? 0.1 : 0.5);
    // Some within one update, some after it, some when the meter may be ready.
    if (i % 2 === 0) await level.updateComplete;
    if (i % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await eventually(() => expect(valueOf(level)).toBe(-20));
  expect(await openMeters(made)).toBe(1);
  level.source = null;
  await level.updateComplete;
  expect(await openMeters(made)).toBe(0);
});

test('a suspended context reads as silence', async () => {
  const level = put('micwire-level', { source: constant(context, 0.1) });
  await eventually(() => expect(valueOf(level)).toBe(-20));
  await context.suspend();
  await eventually(() => {
    expect(meterOf(level).ariaValueText).toBe('silence');
    expect(filled(level)).toBeCloseTo(0, 3);
  });
});

test('wrong sources are refused at once, and runtime failures are dispatched as an event', async () => {
  const level = put('micwire-level');
  expect(() => (level.source = 5 as never)).toThrow(
    'micwire-level.source must be an AudioNode, a Microphone, a Meter or null, got 5.',
  );
  const vu = await Meter.create(context, { meters: ['vu', 'peak'] });
  expect(() => (level.source = vu)).toThrow(/meters: \['peak', 'rms'\], got one without 'rms'/);
  await vu.close();
  const failed = new Promise<CustomEvent<Error>>((resolve) => {
    level.addEventListener('error', resolve);
  });
  const closed = new OfflineAudioContext(1, 128, 48000);
  vi.spyOn(Meter, 'create').mockRejectedValueOnce(new TypeError('as of a wrong option'));
  level.source = new GainNode(closed);
  const { detail, composed, bubbles } = await failed;
  expect(detail.message).toBe('as of a wrong option');
  expect([composed, bubbles]).toEqual([true, false]);
});

test('a property that was set before the element was defined takes effect', async () => {
  class Late extends MicwireLevel {}
  const early = Object.assign(document.createElement('late-level'), {
    source: constant(context, 0.1),
    label: 'Guitar',
  });
  document.body.append(early);
  customElements.define('late-level', Late);
  const level = early as unknown as MicwireLevel;
  await eventually(() => expect(valueOf(level)).toBe(-20));
  expect(meterOf(level).ariaLabel).toBe('Guitar');
});

test('its texts can be translated', async () => {
  const level = put('micwire-level', {
    labels: { level: 'Pegel', silence: 'Stille', clip: 'Übersteuert' },
  });
  await level.updateComplete;
  expect(meterOf(level).ariaLabel).toBe('Pegel');
  expect(meterOf(level).ariaValueText).toBe('Stille');
  expect(inside(level, '.clip').textContent!.trim()).toBe('Übersteuert');
  expect(inside(level, '.clip').ariaLabel).toBe('Clip: nothing is clipped');
});

test.each(['light', 'dark'])('axe finds nothing wrong with it on a %s page', async (scheme) => {
  document.documentElement.style.colorScheme = scheme;
  const level = put('micwire-level', { source: constant(context, 1) });
  await eventually(() => inside(level, '.clip.clipped'));
  expect(await accessibilityFaults(level)).toEqual([]);
});
