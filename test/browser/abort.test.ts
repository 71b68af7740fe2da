/** A create() or an open() that is aborted, at whatever moment, rejects with the reason and leaves nothing behind. */
import {
  Capture,
  MediaChunks,
  Meter,
  MicwireError,
  Microphone,
  Playout,
  Receiver,
  Recorder,
  Session,
  SourceMixer,
  Speaker,
} from 'micwire';
import { micwire } from 'micwire/services/micwire';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import { countResources, openResources } from '../helpers/open-resources.ts';

beforeEach(countResources);
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

interface Made {
  close(): Promise<void>;
}
type Maker = (context: AudioContext, source: AudioNode, signal: AbortSignal) => Promise<Made>;

const opus = (encodeIn: 'worklet' | 'worker' | 'auto') =>
  ({ format: 'opus', encodeIn, complexity: 0 }) as const;

const makers: [string, Maker][] = [
  ['Capture', (c, s, signal) => Capture.create(c, s, { sampleRate: 16_000, signal })],
  [
    'Capture of Opus in the worklet',
    (c, s, signal) => Capture.create(c, s, { ...opus('worklet'), signal }),
  ],
  [
    'Capture of Opus in a Worker',
    (c, s, signal) => Capture.create(c, s, { ...opus('worker'), signal }),
  ],
  [
    'Capture of Opus by whatever route',
    (c, s, signal) => Capture.create(c, s, { ...opus('auto'), signal }),
  ],
  ['Meter', (c, s, signal) => Meter.create(c, { source: s, signal })],
  ['Playout', (c, _, signal) => Playout.create(c, { sampleRate: 24_000, signal })],
  [
    'Playout of Opus',
    (c, _, signal) => Playout.create(c, { sampleRate: 48_000, format: 'opus', signal }),
  ],
  ['Receiver', (c, _, signal) => Receiver.create(c, { sampleRate: 16_000, signal })],
  [
    'Receiver of Opus',
    (c, _, signal) => Receiver.create(c, { sampleRate: 48_000, format: 'opus', signal }),
  ],
  ['SourceMixer', (c, s, signal) => SourceMixer.create(c, [{ source: s }], { signal })],
  ['Recorder of WAV', (c, s, signal) => Recorder.create(c, s, { container: 'wav', signal })],
  [
    'Recorder of Opus',
    (c, s, signal) => Recorder.create(c, s, { container: 'ogg', encodeIn: 'worker', signal }),
  ],
  [
    'Recorder with a backup',
    (c, s, signal) => Recorder.create(c, s, { container: 'wav', backup: 'abort', signal }),
  ],
  ['Microphone', (c, _, signal) => Microphone.open(c, { signal })],
  ['Microphone that waits', (c, _, signal) => Microphone.open(c, { ifBlocked: 'wait', signal })],
  ['Speaker', (c, _, signal) => Speaker.open(c, { signal })],
  ['Speaker of an element', (c, _, signal) => Speaker.open(c, { route: 'element', signal })],
  [
    'Session',
    async (context, microphone, signal) => {
      const url = new URL('/nobody-is-here', location.href).href;
      const session = await Session.open({ context, microphone, service: micwire(), url, signal });
      return { close: () => session.close({ drainMs: 0 }) };
    },
  ],
];

/** A signal that is aborted when it has been waited for so many times, and how often that was. */
class CountedAbort {
  readonly controller = new AbortController();
  readonly reason = new Error('the user has left');
  waits = 0;

  /** @param after abort when the wait ends, not when it begins */
  constructor(at: number, after: boolean) {
    const { signal } = this.controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    let ended = 0;
    signal.addEventListener = (...args: Parameters<typeof add>): void => {
      add(...args);
      if (++this.waits === at && !after) this.controller.abort(this.reason);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
      remove(...args);
      if (++ended === at && after) this.controller.abort(this.reason);
    };
  }
}

/** A task of the page. */
function task(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (): void => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

/** Whether there is no microphone here. */
function isMissing(made: unknown): boolean {
  return (
    made instanceof MicwireError && ['device', 'permission', 'unsupported'].includes(made.code)
  );
}

async function expectNothingLeft(): Promise<void> {
  await eventually(() => {
    const { workers, ports, timers, tracks } = openResources;
    expect({ workers, ports, timers, tracks }).toEqual({
      workers: 0,
      ports: 0,
      timers: 0,
      tracks: 0,
    });
  });
}

async function inContext(
  run: (context: AudioContext, source: AudioNode) => Promise<void>,
): Promise<void> {
  const context = new AudioContext({ sampleRate: 44_100 });
  await context.resume();
  const source = new OscillatorNode(context);
  source.start();
  await run(context, source);
  await endContext(context);
}

/**
 * Firefox 153 stops answering after some hundred contexts that were closed while they loaded; WebKitGTK crashes in some closes
 * (CONTRIBUTING).
 */
const isChromium = navigator.userAgent.includes('Chrome');

describe.runIf(isChromium).each(makers)('%s', (name, make) => {
  const mayBeMissing = name.startsWith('Microphone');

  test('rejects with the reason of a signal that was already aborted, and opens nothing', () =>
    inContext(async (context, source) => {
      const reason = { why: 'it is any value' };
      const making = make(context, source, AbortSignal.abort(reason));
      await expect(making).rejects.toBe(reason);
      await expectNothingLeft();
    }));

  test.each([false, true])(
    'rejects with the reason at every wait, and leaves nothing open (at its end: %s)',
    (after) =>
      inContext(async (context, source) => {
        let waits = Infinity;
        for (let at = 1; at <= waits; at++) {
          const abort = new CountedAbort(at, after);
          const made = await make(context, source, abort.controller.signal).catch(
            (error: unknown) => error,
          );
          if (mayBeMissing && isMissing(made)) return;
          if (!abort.controller.signal.aborted || made !== abort.reason) {
            // The last one: it was made before the signal was aborted.
            expect(made, `wait ${at}`).toHaveProperty('close');
            expect(abort.waits).toBeLessThanOrEqual(at);
            waits = abort.waits;
            await (made as Made).close();
          }
          await expectNothingLeft();
        }
        expect(waits).toBeGreaterThan(0);
      }),
    60_000,
  );

  test(
    'rejects with the reason at any moment, or has already resolved',
    () =>
      inContext(async (context, source) => {
        for (const moment of [0, 1, 2, 3, 5, 8, 13, 21, 34, 55]) {
          const controller = new AbortController();
          const reason = new Error(`moment ${moment}`);
          const making = make(context, source, controller.signal);
          let settled = false;
          making.then(
            () => (settled = true),
            () => (settled = true),
          );
          for (let i = 0; i < moment; i++) await task();
          const wasSettled = settled;
          controller.abort(reason);
          const made = await making.catch((error: unknown) => error);
          if (mayBeMissing && isMissing(made)) return;
          if (made === reason) expect(wasSettled).toBe(false);
          else {
            expect(wasSettled, `moment ${moment}: ${String(made)}`).toBe(true);
            expect(made).toHaveProperty('close');
            // Aborted after it was made: no effect.
            await task();
            expect((made as { state?: string }).state).not.toBe('closed');
            await (made as Made).close();
          }
          await expectNothingLeft();
        }
      }),
    60_000,
  );

  test('refuses a value that is not a signal', () =>
    inContext(async (context, source) => {
      const making = make(context, source, {} as AbortSignal);
      await expect(making).rejects.toThrow(/signal must be an AbortSignal, got an object/);
    }));
});

test.runIf(isChromium)('opens no device later if it is aborted while the user is asked', () =>
  inContext(async (context) => {
    if (navigator.mediaDevices === undefined) return;
    let allow = (): void => {};
    const asked = vi.fn();
    const give = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    vi.spyOn(navigator.mediaDevices, 'getUserMedia').mockImplementation(async (constraints) => {
      asked();
      await new Promise<void>((resolve) => (allow = resolve));
      return give(constraints);
    });
    const controller = new AbortController();
    const opening = Microphone.open(context, { signal: controller.signal });
    opening.catch(() => {});
    await eventually(() => expect(asked).toHaveBeenCalled());
    controller.abort();
    await expect(opening).rejects.toMatchObject({ name: 'AbortError' });
    // The user allows it after all.
    allow();
    for (let i = 0; i < 20; i++) await task();
    await expectNothingLeft();
  }),
);

test('MediaChunks.create throws if the signal was already aborted', () =>
  inContext(async (context) => {
    const { stream } = new MediaStreamAudioDestinationNode(context);
    const reason = new Error('too late');
    expect(() => MediaChunks.create(stream, { signal: AbortSignal.abort(reason) })).toThrow(reason);
  }));
