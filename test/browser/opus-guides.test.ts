import { MicwireError } from 'micwire';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';

/** Every context that a guide makes, to end it. */
const contexts: AudioContext[] = [];
beforeEach(() => {
  vi.stubGlobal(
    'AudioContext',
    class extends AudioContext {
      constructor(options?: AudioContextOptions) {
        super(options);
        contexts.push(this);
      }
    },
  );
  // Not every engine has a microphone here: a tone is as good.
  vi.spyOn(navigator.mediaDevices, 'getUserMedia').mockImplementation(() => {
    const context = new AudioContext();
    const tone = new OscillatorNode(context);
    const destination = new MediaStreamAudioDestinationNode(context);
    tone.connect(destination);
    tone.start();
    return Promise.resolve(destination.stream);
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await Promise.all(contexts.splice(0).map(endContext));
});

test('docs/opus.md: the first example plays the audio that it captures', async () => {
  const failures: unknown[] = [];
  // It reads the microphone for ever, so the module never ends by itself.
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  (import('guide:docs/opus.md:0') as Promise<unknown>).catch((error: unknown) => {
    // The end of the test closes its context.
    if (contexts.length > 0) failures.push(error);
  });
  const { Playout } = await import('micwire');
  const write = vi.spyOn(Playout.prototype, 'write');
  await eventually(
    () => {
      if (failures.length > 0) throw failures[0];
      expect(write.mock.calls.length).toBeGreaterThan(20);
    },
    { timeout: 15_000 },
  );
  expect(write.mock.results.every(({ type }) => type === 'return')).toBe(true);
});

test('docs/receiving.md: the first example plays the audio that comes back', async () => {
  const failures: unknown[] = [];
  const { Receiver } = await import('micwire');
  const pipeFrom = vi.spyOn(Receiver.prototype, 'pipeFrom');
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  (import('guide:docs/receiving.md:0') as Promise<unknown>).catch((error: unknown) => {
    // The end of the test closes its context.
    if (contexts.length > 0) failures.push(error);
  });
  await eventually(
    () => {
      if (failures.length > 0) throw failures[0];
      const receiver = pipeFrom.mock.contexts[0] as import('micwire').Receiver | undefined;
      expect(receiver?.stats.packetsReceived).toBeGreaterThan(20);
    },
    { timeout: 15_000 },
  );
  const receiver = pipeFrom.mock.contexts[0] as import('micwire').Receiver;
  expect(receiver.stats.badMessages).toBe(0);
  await eventually(() => expect(receiver.stats.jitterBufferEmittedCount).toBeGreaterThan(0));
});

const BLOCKS = {
  // @ts-expect-error As below.
  'docs/receiving.md, stats': () => import('guide:docs/receiving.md:2') as Promise<unknown>,
  // @ts-expect-error The modules are blocks of the guides, made by the test's plugin.
  'docs/opus.md, decoding': () => import('guide:docs/opus.md:1') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/opus.md, Ogg': () => import('guide:docs/opus.md:2') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/recording.md, to a Blob': () => import('guide:docs/recording.md:0') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/recording.md, backup': () => import('guide:docs/recording.md:1') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/recording.md, MediaRecorder': () => import('guide:docs/recording.md:2') as Promise<unknown>,
} as const;

test.each(Object.entries(BLOCKS))('%s runs as written', async (name, run) => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  const outcome = await run().catch((error: unknown) => error);
  // WebKitGTK has a MediaRecorder only where the codecs of GStreamer are installed.
  if (name.includes('MediaRecorder') && !MediaRecorder.isTypeSupported('audio/mp4')) {
    if (outcome instanceof MicwireError) return expect(outcome.code).toBe('unsupported');
  }
  expect(outcome).not.toBeInstanceOf(Error);
});
