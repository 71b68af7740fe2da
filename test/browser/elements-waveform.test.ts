import type { MicwireWaveform } from 'micwire/elements';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { accessibilityFaults, constant, inside, put } from '../helpers/element-page.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import 'micwire/elements/waveform';

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

const canvasOf = (element: MicwireWaveform): HTMLCanvasElement => inside(element, 'canvas');

/** Of the columns of pixels, those that are drawn from `top` to `bottom`, as parts of the height. */
function drawn(element: MicwireWaveform, top: number, bottom: number): number {
  const canvas = canvasOf(element);
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, width, height);
  const opaque = (x: number, y: number): boolean =>
    data[4 * (Math.floor(y * (height - 1)) * width + x) + 3]! > 0;
  let count = 0;
  for (let x = 0; x < width; x++) {
    const inner = opaque(x, top + 0.05) && opaque(x, bottom - 0.05);
    if (inner && !opaque(x, top - 0.05) && !opaque(x, bottom + 0.05)) count++;
  }
  return count / width;
}

test('a constant of 0.5 fills the picture from its middle half way up, and is described with its peak', async () => {
  const element = put('micwire-waveform', { source: constant(context, 0.5), seconds: 2 });
  await eventually(() => expect(drawn(element, 0.25, 0.5)).toBeGreaterThan(0.9));
  await eventually(() =>
    expect(canvasOf(element).ariaLabel).toBe('Waveform: the last 2 seconds, peak −6.0 dBFS'),
  );
});

test('the picture has as many pixels as the screen', async () => {
  const element = put('micwire-waveform', { source: constant(context, 0.5) });
  await element.updateComplete;
  await eventually(() => {
    const canvas = canvasOf(element);
    expect(canvas.width).toBe(Math.round(canvas.clientWidth * devicePixelRatio));
    expect(canvas.height).toBe(Math.round(canvas.clientHeight * devicePixelRatio));
  });
  element.style.width = '123px';
  await eventually(() => expect(canvasOf(element).width).toBe(Math.round(123 * devicePixelRatio)));
});

test('only the last of many sources stays connected, and a removed element disconnects all', async () => {
  const isAnalyser = ([node]: readonly unknown[]): boolean => node instanceof AnalyserNode;
  const connects = vi.spyOn(AudioNode.prototype, 'connect');
  const disconnects = vi.spyOn(AudioNode.prototype, 'disconnect');
  const connected = (): number =>
    connects.mock.calls.filter(isAnalyser).length -
    disconnects.mock.calls.filter(isAnalyser).length;
  const element = put('micwire-waveform', { seconds: 1 });
  for (let i = 0; i < 20; i++) {
    element.source = constant(context, i === 19 ? 0.5 : 1);
    if (i % 2 === 0) await element.updateComplete;
  }
  await eventually(() => expect(drawn(element, 0.25, 0.5)).toBeGreaterThan(0.9));
  expect(connected()).toBe(1);
  const place = document.createElement('section');
  document.body.append(place);
  place.append(element);
  await element.updateComplete;
  expect(connected()).toBe(1);
  element.remove();
  await eventually(() => expect(connected()).toBe(0));
  document.body.append(element);
  await eventually(() => expect(connected()).toBe(1));
  element.source = null;
  await element.updateComplete;
  expect(connected()).toBe(0);
  expect(drawn(element, 0.25, 0.5)).toBe(0);
});

test('with reduced motion it is drawn twice a second, and skips no audio', async () => {
  vi.spyOn(globalThis, 'matchMedia').mockReturnValue({ matches: true } as MediaQueryList);
  const element = put('micwire-waveform', { source: constant(context, 0.5), seconds: 2 });
  await eventually(() => expect(drawn(element, 0.25, 0.5)).toBeGreaterThan(0.7));
  const clear = vi.spyOn(canvasOf(element).getContext('2d')!, 'clearRect');
  let frames = 0;
  await new Promise<void>((resolve) => {
    const next = (): void => (++frames < 30 ? void requestAnimationFrame(next) : resolve());
    requestAnimationFrame(next);
  });
  expect(clear.mock.calls.length).toBeLessThan(frames / 2);
  await eventually(() => expect(clear).toHaveBeenCalled());
});

test('wrong properties are refused when they are set', () => {
  const element = put('micwire-waveform');
  expect(() => (element.seconds = 0)).toThrow(/micwire-waveform.seconds/);
  expect(() => (element.source = 'mic' as never)).toThrow(
    "micwire-waveform.source must be an AudioNode, a Microphone or null, got 'mic'.",
  );
});

test.each(['light', 'dark'])('axe finds nothing wrong with it on a %s page', async (scheme) => {
  document.documentElement.style.colorScheme = scheme;
  const element = put('micwire-waveform', { source: constant(context, 0.5) });
  await element.updateComplete;
  expect(await accessibilityFaults(element)).toEqual([]);
});
