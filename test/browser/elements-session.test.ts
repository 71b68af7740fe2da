/** The element of a session, over a real socket, against the stand-in of `VoiceServers`. */
import { Session } from 'micwire';
import type { MicwireSession } from 'micwire/elements';
import { micwire } from 'micwire/services/micwire';
import { openaiRealtime } from 'micwire/services/openai-realtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { accessibilityFaults, constant, inside, put } from '../helpers/element-page.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import { VoiceServer } from '../helpers/voice-server.ts';
import 'micwire/elements/session';

const RATE = 24_000;
const INPUT = { format: 's16', sampleRate: RATE, channels: 1 } as const;

let context: AudioContext;
let server: VoiceServer;
let session: Session | undefined;
beforeEach(() => {
  context = new AudioContext({ sampleRate: RATE });
});
afterEach(async () => {
  document.body.replaceChildren();
  document.documentElement.style.colorScheme = '';
  vi.restoreAllMocks();
  await session?.close({ drainMs: 0 });
  session = undefined;
  await endContext(context);
});

async function open(language: 'micwire' | 'openai', listening = false): Promise<Session> {
  server = new VoiceServer(language);
  await context.resume();
  session = await Session.open({
    context,
    microphone: listening ? null : constant(context, 0.1),
    service: language === 'openai' ? openaiRealtime() : micwire({ input: INPUT }),
    url: server.url,
    maxDelayMs: 200,
  });
  return session;
}

const stateOf = (element: MicwireSession): string => inside(element, '.state').textContent!.trim();
const outbox = (element: MicwireSession): HTMLElement => inside(element, '[role=meter]');
const button = (element: MicwireSession, part: string): HTMLButtonElement =>
  inside(element, `[part=${part}]`);

test('it shows the state in words, and how much audio waits while the connection is lost', async () => {
  const element = put('micwire-session', { session: await open('micwire'), outboxSeconds: 10 });
  await eventually(() => expect(stateOf(element)).toBe('Connected'));
  await server.ask('down');
  await eventually(() =>
    expect(stateOf(element)).toMatch(/^(Connection lost, trying again|Connecting)$/),
  );
  await eventually(() => expect(Number(outbox(element).ariaValueNow)).toBeGreaterThan(0.5));
  const { waitingFrames, inFlightFrames } = element.session!.stats;
  const seconds = (waitingFrames + inFlightFrames) / RATE;
  // It is told twice a second.
  expect(Number(outbox(element).ariaValueNow)).toBeLessThanOrEqual(seconds + 0.1);
  expect(outbox(element).ariaValueText).toMatch(
    /^\d\.\d seconds waiting, \d\.\d seconds in flight$/,
  );
  const [all] = element.shadowRoot!.querySelectorAll('.outbox div');
  await eventually(() => {
    const part = all!.getBoundingClientRect().width / outbox(element).getBoundingClientRect().width;
    expect(part).toBeGreaterThan(0.05);
    expect(part).toBeLessThan(0.9);
  });
  await server.ask('up');
  await eventually(() => expect(stateOf(element)).toBe('Connected'));
  await eventually(() => expect(Number(outbox(element).ariaValueNow)).toBeLessThan(0.4));
  await element.session!.close();
  await eventually(() => expect(stateOf(element)).toBe('Ended'));
  expect(button(element, 'mute').disabled).toBe(true);
});

test('it mutes by a toggle button, and shows when the app unmutes', async () => {
  const opened = await open('micwire');
  const element = put('micwire-session', { session: opened });
  await element.updateComplete;
  button(element, 'mute').click();
  await element.updateComplete;
  expect(opened.muted).toBe(true);
  expect(button(element, 'mute').ariaPressed).toBe('true');
  opened.unmute();
  await eventually(() => expect(button(element, 'mute').ariaPressed).toBe('false'));
});

test('the reply can be interrupted while it is heard', async () => {
  const opened = await open('openai');
  const element = put('micwire-session', { session: opened });
  await element.updateComplete;
  expect(button(element, 'interrupt').disabled).toBe(true);
  const playing = vi.spyOn(opened, 'playout', 'get').mockReturnValue({ state: 'playing' } as never);
  const interrupt = vi.spyOn(opened, 'interrupt').mockRejectedValue(new Error('it has just ended'));
  await eventually(() => expect(button(element, 'interrupt').disabled).toBe(false));
  button(element, 'interrupt').click();
  expect(interrupt).toHaveBeenCalledOnce();
  playing.mockRestore();
});

test('a session that only listens has no outbox, and a failure is shown until it is connected again', async () => {
  const opened = await open('micwire', true);
  const element = put('micwire-session', { session: opened });
  await eventually(() => expect(stateOf(element)).toBe('Connected'));
  expect(element.shadowRoot!.querySelector('[role=meter]')).toBeNull();
  opened.dispatchEvent(new CustomEvent('error', { detail: new Error('The service refused.') }));
  await element.updateComplete;
  expect(inside(element, '[part=problem]').textContent).toBe('The service refused.');
  opened.dispatchEvent(new Event('statechange'));
  await element.updateComplete;
  expect(inside(element, '[part=problem]').textContent).toBe('');
});

test('a removed element does not listen to the session, and listens again when it is added back', async () => {
  const opened = await open('micwire');
  const element = put('micwire-session', { session: opened });
  await element.updateComplete;
  element.remove();
  opened.dispatchEvent(new CustomEvent('error', { detail: new Error('unheard') }));
  await element.updateComplete;
  expect(inside(element, '[part=problem]').textContent).toBe('');
  document.body.append(element);
  opened.dispatchEvent(new CustomEvent('error', { detail: new Error('heard') }));
  await element.updateComplete;
  expect(inside(element, '[part=problem]').textContent).toBe('heard');
  element.session = null;
  await element.updateComplete;
  expect(stateOf(element)).toBe('No session');
  expect(() => (element.session = context as never)).toThrow(
    /^micwire-session.session must be a Session or null, got/,
  );
});

test.each(['light', 'dark'])('axe finds nothing wrong with it on a %s page', async (scheme) => {
  document.documentElement.style.colorScheme = scheme;
  const element = put('micwire-session');
  await element.updateComplete;
  expect(await accessibilityFaults(element)).toEqual([]);
  element.session = await open('micwire');
  await eventually(() => expect(stateOf(element)).toBe('Connected'));
  element.session.mute();
  element.session.dispatchEvent(new CustomEvent('error', { detail: new Error('A failure.') }));
  await element.updateComplete;
  expect(await accessibilityFaults(element)).toEqual([]);
});
