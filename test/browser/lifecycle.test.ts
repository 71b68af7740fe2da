/** What becomes of contexts, tracks and Workers while micwire uses them. */
import {
  Capture,
  Meter,
  Microphone,
  MicwireError,
  Playout,
  Receiver,
  Recorder,
  Session,
  SourceMixer,
  Speaker,
} from 'micwire';
import type { PayloadFormat } from 'micwire';
import { micwire } from 'micwire/services/micwire';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

function tone(context: BaseAudioContext): OscillatorNode {
  const source = new OscillatorNode(context);
  source.start();
  return source;
}

const counting = (frames: number): Uint8Array =>
  new Uint8Array(Int16Array.from({ length: frames }, (_, i) => i + 1).buffer);

/** What a promise came to. A promise that hangs fails the test by its name. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  let settled: { readonly value: unknown } | undefined;
  promise.then(
    (value) => (settled = { value }),
    (error: unknown) => (settled = { value: error }),
  );
  await eventually(() => expect(settled, 'the promise settles').toBeDefined());
  return settled!.value;
}

const STREAM = { format: 's16', sampleRate: 24_000, channels: 1 } as const;
/** Where a session connects in vain. */
const SILENT = {
  service: micwire({ input: STREAM, output: STREAM }),
  url: 'ws://localhost',
  createSocket: () => ({ bufferedAmount: 0, send() {}, close() {} }) as never,
};

/** Whether there is no microphone here, as in WebKitGTK. */
function isMissing(error: Error): boolean {
  return error instanceof MicwireError && ['device', 'permission'].includes(error.code);
}

/** The errors of a capture, but for what a busy machine causes: the audio thread is held up, and the capture recovers. */
function errorsOf(capture: Capture): readonly MicwireError[] {
  const errors: MicwireError[] = [];
  capture.addEventListener('error', ({ detail }) => {
    if (detail.code !== 'stalled') errors.push(detail);
  });
  return errors;
}

const OPUS = { format: 'opus', encodeIn: 'worker' } as const;

describe('a context that is closed while an object is made', () => {
  const makers: [
    string,
    (context: AudioContext) => Promise<{ state?: string; close?(): unknown }>,
  ][] = [
    ['Capture', (context) => Capture.create(context, tone(context), { sampleRate: 16_000 })],
    ['Capture of Opus', (context) => Capture.create(context, tone(context), OPUS)],
    ['Meter', (context) => Meter.create(context) as never],
    ['Playout', (context) => Playout.create(context, { sampleRate: 24_000 })],
    [
      'Playout of Opus',
      (context) => Playout.create(context, { sampleRate: 48_000, format: 'opus' }),
    ],
    ['Receiver', (context) => Receiver.create(context, { sampleRate: 48_000 })],
    [
      'Receiver of Opus',
      (context) => Receiver.create(context, { sampleRate: 48_000, format: 'opus' }),
    ],
    ['Recorder', (context) => Recorder.create(context, tone(context), { container: 'wav' })],
    ['SourceMixer', (context) => SourceMixer.create(context, [{ source: tone(context) }])],
    ['Microphone', (context) => Microphone.open(context)],
    ['Speaker', (context) => Speaker.open(context)],
    ['Session', (context) => Session.open({ context, microphone: tone(context), ...SILENT })],
  ];

  test.each(makers)('rejects %s.create with closed, at any moment', async (_, make) => {
    for (const moment of [0, 1, 2, 3, 5, 8, 13, 21, 34]) {
      const context = new AudioContext();
      const making = make(context);
      making.catch(() => {});
      for (let task = 0; task < moment; task++) {
        await new Promise<void>((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = (): void => {
            port1.close();
            resolve();
          };
          port2.postMessage(0);
        });
      }
      const closing = context.close();
      const made = await outcome(making);
      await closing;
      // It may have been made before the context was closed; then it closes with it.
      if (made instanceof Error) {
        if (made instanceof MicwireError && isMissing(made)) continue;
        expect(made).toBeInstanceOf(MicwireError);
        expect((made as MicwireError).code).toBe('closed');
      } else if (made instanceof Meter) {
        await eventually(() => expect(() => made.reset()).toThrow(MicwireError));
      } else if (made instanceof SourceMixer) {
        await eventually(() => {
          expect(() => made.add({ source: tone(context) })).toThrow(MicwireError);
        });
      } else if (!(made instanceof Recorder)) {
        await eventually(() => expect((made as Playout).state).toBe('closed'));
      }
    }
  });

  test.each(makers)('rejects %s.create in a context that was closed before', async (_, make) => {
    const context = new AudioContext();
    const source = tone(context);
    void source;
    await context.close();
    const made = await outcome((async () => make(context))());
    expect(made).toBeInstanceOf(MicwireError);
    expect((made as MicwireError).code).toBe('closed');
  });
});

describe('an interrupt', () => {
  test.each([
    ['suspended', 5, (context: AudioContext) => context.suspend()],
    ['suspended', 1000, (context: AudioContext) => context.suspend()],
    ['closed', 1000, (context: AudioContext) => context.close()],
  ] as const)('settles when the context is %s in its fade of %i ms', async (state, fade, end) => {
    const context = new AudioContext();
    await context.resume();
    const playout = await Playout.create(context, { sampleRate: 24_000, backlog: 'keep' });
    playout.connect(context.destination);
    playout.write(counting(24_000), { item: 'a' });
    await eventually(() => expect(playout.position.frames).toBeGreaterThan(1000));
    const interrupted = playout.interrupt({ fadeMs: fade });
    const ending = end(context);
    const heard = await outcome(interrupted);
    if (state === 'closed') expect((heard as MicwireError).code).toBe('closed');
    else expect(heard).toMatchObject({ item: 'a' });
    await ending;
  });
});

describe.each([
  ['with Web Locks', {}],
  ['without Web Locks', { navigator: { locks: undefined } }],
])('a Worker that is terminated while it writes to a playout, %s', (_, globals) => {
  test('is reported, and the audio it wrote is played', async () => {
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    const context = new AudioContext();
    await context.resume();
    const playout = await Playout.create(context, { sampleRate: 24_000, format: 'f32' });
    playout.connect(context.destination);
    const errors: MicwireError[] = [];
    playout.addEventListener('error', ({ detail }) => errors.push(detail));
    const worker = new Worker(new URL('./playout-worker.ts', import.meta.url), { type: 'module' });
    playout.pipeFromWorker(worker);
    await eventually(() => expect(playout.position.frames).toBeGreaterThan(2400));
    expect(errors).toEqual([]);
    worker.terminate();
    await eventually(() => expect(errors.map(({ code }) => code)).toEqual(['worker-gone']));
    expect(playout.state).not.toBe('closed');
    await eventually(() => {
      const { receivedFrames, playedFrames } = playout.stats;
      expect(playedFrames).toBe(receivedFrames);
    });
    await playout.close();
    await endContext(context);
  });
});

describe('a Worker that is terminated while it reads', () => {
  const ways: [string, { format?: PayloadFormat; encodeIn?: string }, object][] = [
    ['by shared memory, where there is any', {}, {}],
    ['by a port', {}, { crossOriginIsolated: false }],
    ['without Web Locks', {}, { navigator: { locks: undefined } }],
    ['of Opus from the audio thread', { format: 'opus', encodeIn: 'worklet' }, {}],
    ['of Opus from a Worker', OPUS, {}],
  ];
  test.each(ways)('returns the reader to the page: %s', async (_, options, globals) => {
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    const context = new AudioContext();
    const capture = (await Capture.create(
      context,
      tone(context),
      options as never,
    )) as Capture<never>;
    await capture.resume();
    const errors = errorsOf(capture as Capture);
    const start = (): { worker: Worker; told: { frames: number; ended: boolean }[] } => {
      const worker = new Worker(new URL('./lifecycle-worker.ts', import.meta.url), {
        type: 'module',
      });
      const told: { frames: number; ended: boolean }[] = [];
      worker.onmessage = ({ data }) => told.push(data);
      return { worker, told };
    };
    const first = start();
    await capture.pipeToWorker(first.worker);
    await eventually(() => expect(first.told.length).toBeGreaterThan(10));
    await capture.pause();
    // While nothing flows.
    first.worker.terminate();
    await eventually(() => expect(errors.map(({ code }) => code)).toEqual(['worker-gone']));
    expect(errors[0]!.message).toMatch(/pipeToWorker/);
    expect(capture.state).toBe('running');
    await capture.resume();

    let frames = 0;
    let dropped = 0;
    let chunks = 0;
    for await (const chunk of capture) {
      frames += chunk.frames;
      dropped += chunk.dropped;
      if (++chunks === 10) break;
    }
    const read = first.told.at(-1)!.frames;
    // What the Worker had is told up to its last answer; the rest of it counts as dropped.
    const { stats } = capture;
    expect(stats.capturedFrames).toBe(
      stats.deliveredFrames + stats.queuedFrames + stats.droppedFrames,
    );
    expect(stats.droppedFrames).toBe(dropped);
    expect(stats.deliveredFrames).toBeLessThanOrEqual(read + frames);
    expect(stats.deliveredFrames + stats.droppedFrames).toBeGreaterThanOrEqual(read + frames);

    const second = start();
    await capture.pipeToWorker(second.worker);
    await eventually(() => expect(second.told.length).toBeGreaterThan(10));
    await capture.close();
    await eventually(() => expect(second.told.at(-1)!.ended).toBe(true));
    second.worker.terminate();
    expect(errors).toHaveLength(1);
    const end = capture.stats;
    expect(end.capturedFrames).toBe(end.deliveredFrames + end.queuedFrames + end.droppedFrames);
    await endContext(context);
  });

  test('a Worker that is busy for three seconds is not mistaken for terminated', async () => {
    const context = new AudioContext();
    const capture = await Capture.create(context, tone(context));
    await capture.resume();
    const errors = errorsOf(capture);
    const worker = new Worker(new URL('./lifecycle-worker.ts', import.meta.url), {
      type: 'module',
    });
    const told: unknown[] = [];
    worker.onmessage = ({ data }) => told.push(data);
    await capture.pipeToWorker(worker);
    await eventually(() => expect(told.length).toBeGreaterThan(5));
    worker.postMessage('block');
    await eventually(() => expect(told).toContain('free'));
    expect(errors).toEqual([]);
    await capture.close();
    await eventually(() => expect(told.at(-1)).toMatchObject({ ended: true, dropped: 0 }));
    worker.terminate();
    await endContext(context);
  });

  test('a Worker’s reading ends when the context closes', async () => {
    for (const isolated of [crossOriginIsolated, false]) {
      vi.stubGlobal('crossOriginIsolated', isolated);
      const context = new AudioContext();
      const capture = await Capture.create(context, tone(context));
      await capture.resume();
      const worker = new Worker(new URL('./lifecycle-worker.ts', import.meta.url), {
        type: 'module',
      });
      const told: { ended: boolean }[] = [];
      worker.onmessage = ({ data }) => told.push(data);
      await capture.pipeToWorker(worker);
      await eventually(() => expect(told.length).toBeGreaterThan(5));
      await context.close();
      await eventually(() => expect(told.at(-1)!.ended).toBe(true));
      worker.terminate();
    }
  });
});
