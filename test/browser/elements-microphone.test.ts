import { Microphone } from 'micwire';
import type { MicwireMicrophone } from 'micwire/elements';
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
import 'micwire/elements/microphone';

const LEVELS = { one: 0.1, two: 0.5 } as const;

let context: AudioContext;
/** Where the devices' audio comes from. */
let system: AudioContext;
let tracks: MediaStreamTrack[];
/** The name of the error that the system gives; null: it works. */
let refusal: string | null;
/** The only device that has this error; null: all. */
let broken: keyof typeof LEVELS | null;
/** Whether the prompt stays open. */
let asking: boolean;

beforeEach(() => {
  [context, system] = [new AudioContext(), new AudioContext()];
  [tracks, refusal, broken, asking] = [[], null, null, false];
  const { mediaDevices } = navigator;
  vi.spyOn(mediaDevices, 'getUserMedia').mockImplementation(async (constraints) => {
    await vi.waitUntil(() => !asking, { timeout: 10_000 });
    const { deviceId } = constraints!.audio as { deviceId?: { exact: keyof typeof LEVELS } };
    const name = deviceId?.exact ?? 'one';
    if (refusal !== null && (broken ?? name) === name) throw new DOMException('', refusal);
    const source = new ConstantSourceNode(system, { offset: LEVELS[name] });
    const destination = new MediaStreamAudioDestinationNode(system, { channelCount: 1 });
    source.connect(destination);
    source.start();
    const [track] = destination.stream.getAudioTracks();
    const settings = { deviceId: name, groupId: `group of ${name}` };
    Object.defineProperty(track, 'getSettings', { value: () => settings });
    tracks.push(track!);
    return destination.stream;
  });
  vi.spyOn(mediaDevices, 'enumerateDevices').mockImplementation(async () =>
    Object.keys(LEVELS).map(
      (deviceId) =>
        ({
          kind: 'audioinput',
          deviceId,
          groupId: `group of ${deviceId}`,
          label: `Device ${deviceId}`,
        }) as never,
    ),
  );
});
afterEach(async () => {
  document.body.replaceChildren();
  document.documentElement.style.colorScheme = '';
  await Promise.resolve();
  vi.restoreAllMocks();
  await Promise.all([endContext(context), endContext(system)]);
});

const live = (): number => tracks.filter(({ readyState }) => readyState === 'live').length;
const stateOf = (element: MicwireMicrophone): string =>
  inside(element, '.state').textContent!.trim();
const button = (element: MicwireMicrophone, part = 'button'): HTMLButtonElement =>
  inside(element, `[part=${part}]`);
const list = (element: MicwireMicrophone): HTMLSelectElement => inside(element, 'select');
const levelOf = (element: MicwireMicrophone): number =>
  Number(inside(inside(element, 'micwire-level'), '[role=meter]').ariaValueNow);

/** An element whose microphone is live, and what it told. */
async function opened(): Promise<{ element: MicwireMicrophone; told: string[] }> {
  const told: string[] = [];
  const element = put('micwire-microphone', { context });
  for (const type of ['open', 'close', 'error']) {
    element.addEventListener(type, () => void told.push(type));
  }
  await system.resume();
  await element.updateComplete;
  button(element).click();
  await eventually(() => expect(stateOf(element)).toBe('On'));
  return { element, told };
}

test('its button opens a microphone, which it shows and exposes, and closes it again', async () => {
  const { element, told } = await opened();
  const { microphone } = element;
  expect(microphone).toBeInstanceOf(Microphone);
  expect(told).toEqual(['open']);
  await eventually(() => expect(levelOf(element)).toBe(-20));
  expect(button(element).textContent!.trim()).toBe('Turn off');
  button(element).click();
  await element.updateComplete;
  expect(stateOf(element)).toBe('Off');
  expect(element.microphone).toBeNull();
  expect(told).toEqual(['open', 'close']);
  await eventually(() => expect(microphone!.state).toBe('closed'));
  expect(live()).toBe(0);
});

test('the list shows the devices and selects one; a choice that fails is undone and reported', async () => {
  const { element, told } = await opened();
  const names = [...list(element).options].map(({ text }) => text.trim());
  expect(names).toEqual(['System default', 'Device one', 'Device two']);
  const choose = (value: string): void => {
    list(element).value = value;
    list(element).dispatchEvent(new Event('change'));
  };
  choose('two');
  await eventually(() => expect(levelOf(element)).toBe(-6));
  expect(list(element).value).toBe('two');
  [refusal, broken] = ['NotReadableError', 'one'];
  choose('one');
  await eventually(() => expect(told).toEqual(['open', 'error']));
  await element.updateComplete;
  expect(list(element).value).toBe('two');
  expect(inside(element, '.advice.failed').textContent).not.toBe('');
});

test('it mutes by a toggle button, and shows it', async () => {
  const { element } = await opened();
  button(element, 'mute').click();
  await eventually(() => {
    expect(stateOf(element)).toBe('Muted');
    expect(button(element, 'mute').ariaPressed).toBe('true');
  });
  await eventually(() => expect(levelOf(element)).toBe(-60));
  button(element, 'mute').click();
  await eventually(() => expect(stateOf(element)).toBe('On'));
  expect(button(element, 'mute').ariaPressed).toBe('false');
});

test('a microphone that is not allowed is reported with advice for the user, and opens once it is allowed', async () => {
  refusal = 'NotAllowedError';
  const element = put('micwire-microphone', { context });
  await system.resume();
  await element.updateComplete;
  button(element).click();
  await eventually(() => expect(stateOf(element)).toBe('Not available'));
  expect(inside(element, '.advice').textContent).toBe(element.microphone!.advice);
  expect(button(element).textContent!.trim()).toBe('Try again');
  refusal = null;
  button(element).click();
  await eventually(() => expect(stateOf(element)).toBe('On'));
  expect(inside(element, '.advice').textContent).toBe('');
});

test('wrong options are dispatched as an error, and explained in words', async () => {
  const element = put('micwire-microphone', { context, options: { channels: 99 } });
  const told = new Promise<Error>((resolve) => {
    element.addEventListener('error', ({ detail }) => resolve(detail));
  });
  await element.updateComplete;
  button(element).click();
  expect(await told).toBeInstanceOf(RangeError);
  await element.updateComplete;
  expect(inside(element, '.advice.failed').textContent).toContain('channels');
  expect(stateOf(element)).toBe('Off');
});

test('a prompt can be cancelled: a stream that it gives later is closed at once', async () => {
  asking = true;
  const element = put('micwire-microphone', { context });
  await element.updateComplete;
  button(element).click();
  await element.updateComplete;
  expect(stateOf(element)).toBe('Opening');
  expect(inside(element, '.advice').textContent).toBe(
    'Choose Allow if the browser asks for the microphone.',
  );
  expect(button(element).textContent!.trim()).toBe('Cancel');
  button(element).click();
  await element.updateComplete;
  expect(stateOf(element)).toBe('Off');
  asking = false;
  await eventually(() => expect(tracks).toHaveLength(1));
  await eventually(() => expect(live()).toBe(0));
  expect(element.microphone).toBeNull();
});

test('a microphone of the app is controlled, and stays open', async () => {
  await system.resume();
  const microphone = await Microphone.open(context);
  const made = watchMeters();
  const element = put('micwire-microphone', { microphone });
  await eventually(() => expect(levelOf(element)).toBe(-20));
  expect(stateOf(element)).toBe('On');
  expect(element.shadowRoot!.querySelector('[part=button]')).toBeNull();
  element.remove();
  await eventually(async () => expect(await openMeters(made)).toBe(0));
  expect(microphone.state).toBe('live');
  document.body.append(element);
  await microphone.mute();
  await eventually(() => expect(stateOf(element)).toBe('Muted'));
  await microphone.close();
  await eventually(() => expect(stateOf(element)).toBe('Closed'));
});

test('an element that is moved keeps its microphone; one that is removed closes it', async () => {
  const { element, told } = await opened();
  const { microphone } = element;
  const place = document.createElement('section');
  document.body.append(place);
  place.append(element);
  await element.updateComplete;
  expect(microphone!.state).toBe('live');
  await microphone!.mute();
  await eventually(() => expect(stateOf(element)).toBe('Muted'));
  element.remove();
  await eventually(() => expect(microphone!.state).toBe('closed'));
  expect(live()).toBe(0);
  expect(told).toEqual(['open', 'close']);
});

test('setting another microphone closes the one that the element had opened', async () => {
  const { element } = await opened();
  const first = element.microphone!;
  const second = await Microphone.open(context);
  element.microphone = second;
  await eventually(() => expect(first.state).toBe('closed'));
  expect(element.microphone).toBe(second);
  expect(() => (element.microphone = {} as never)).toThrow(
    /^micwire-microphone.microphone must be a Microphone or null, got/,
  );
  await second.close();
});

test.each(['light', 'dark'])('axe finds nothing wrong with it on a %s page', async (scheme) => {
  document.documentElement.style.colorScheme = scheme;
  const off = put('micwire-microphone');
  await off.updateComplete;
  expect(await accessibilityFaults(off)).toEqual([]);
  off.remove();
  const { element } = await opened();
  expect(await accessibilityFaults(element)).toEqual([]);
  button(element, 'mute').click();
  await eventually(() => expect(stateOf(element)).toBe('Muted'));
  expect(await accessibilityFaults(element)).toEqual([]);
});
