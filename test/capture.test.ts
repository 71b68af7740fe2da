import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { MicwireError } from '../src/core/errors.ts';
import { Capture } from '../src/web/index.ts';
import type { CaptureOptions, Chunk, PayloadFormat } from '../src/web/index.ts';
import { loadResamplerDesign } from '../src/web/resampler-design.ts';
import { receiveCapture } from '../src/worker/index.ts';
import { TestContext, TestNode, TestTrack, openPage, testStream } from './helpers/capture-rig.ts';
import { eventually } from './helpers/eventually.ts';

// What `create` does first.
beforeAll(() => loadResamplerDesign(48000, 16000, 'hq'));

let context: TestContext;
let closePage: () => void;
beforeEach(async () => {
  closePage = await openPage();
  context = new TestContext();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  closePage();
});

interface Rig {
  readonly capture: Capture;
  readonly track: TestTrack;
  readonly node: TestNode;
  readonly states: string[];
  readonly errors: MicwireError[];
}

async function open(options: CaptureOptions = {}): Promise<Rig> {
  const track = new TestTrack();
  const capture = await Capture.create(context.asContext, track.asTrack, options);
  const states: string[] = [];
  const errors: MicwireError[] = [];
  capture.addEventListener('statechange', () => states.push(capture.state));
  capture.addEventListener('error', ({ detail }) => errors.push(detail));
  return { capture, track, node: TestNode.made.at(-1)!, states, errors };
}

async function collect<Format extends PayloadFormat>(
  chunks: AsyncIterable<Chunk<Format>>,
): Promise<Chunk<Format>[]> {
  const all: Chunk<Format>[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

describe('the graph', () => {
  test('is source → capture → destination, and gone after close; the track continues', async () => {
    const { capture, track, node } = await open();
    expect(node.context).toBe(context);
    expect(node.name).toBe('micwire-capture');
    expect(node.options).toMatchObject({ numberOfInputs: 2, numberOfOutputs: 1 });
    expect(node.connected).toEqual([context.destination]);
    await node.render(2);
    await capture.close();
    expect([node.disconnects, node.portClosed, node.processor.alive]).toEqual([1, true, true]);
    await node.render(1);
    expect(node.processor.alive).toBe(false);
    expect(track.stops).toBe(0);
    expect(capture.state).toBe('closed');
  });

  test('uses a node as it is, and removes only its own connection', async () => {
    const source = (context as unknown as AudioContext).createGain();
    const connect = vi.spyOn(source, 'connect');
    const disconnect = vi.spyOn(source, 'disconnect');
    const capture = await Capture.create(context.asContext, source);
    expect(connect.mock.calls).toEqual([[capture.node]]);
    await capture.close();
    expect(disconnect.mock.calls).toEqual([[capture.node]]);
  });

  test('a source that the user has already disconnected does no harm', async () => {
    const source = (context as unknown as AudioContext).createGain();
    const capture = await Capture.create(context.asContext, source);
    source.disconnect = () => {
      throw new DOMException('not connected', 'InvalidAccessError');
    };
    await capture.close();
  });

  test('uses the live audio track of a stream', async () => {
    const dead = new TestTrack();
    dead.readyState = 'ended';
    const stream = testStream(new TestTrack('video'), dead, new TestTrack());
    expect((await Capture.create(context.asContext, stream)).state).toBe('running');
  });

  test.each([
    ['a video track', () => new TestTrack('video').asTrack],
    ['a stream without audio', () => testStream(new TestTrack('video'))],
    [
      'a track that has ended',
      () => {
        const track = new TestTrack();
        track.end();
        return track.asTrack;
      },
    ],
  ])('refuses %s with no-audio', async (_, source) => {
    await expect(Capture.create(context.asContext, source())).rejects.toThrow(
      expect.objectContaining({ name: 'MicwireError', code: 'no-audio' }),
    );
    expect(TestNode.made).toHaveLength(0);
  });

  test.each([undefined, null, 'mic', {}])('refuses %j as a source', async (source) => {
    await expect(Capture.create(context.asContext, source as never)).rejects.toThrow(TypeError);
  });

  test('names the cure when the engine refuses a track: https://github.com/openai/openai-realtime-console/issues/5', async () => {
    const cause = new DOMException('different sample-rate', 'NotSupportedError');
    Object.assign(context, {
      createMediaStreamSource: () => {
        throw cause;
      },
    });
    await expect(Capture.create(context.asContext, new TestTrack().asTrack)).rejects.toThrow(
      expect.objectContaining({
        code: 'unsupported',
        cause,
        message: expect.stringContaining('without a sampleRate'),
      }),
    );
  });

  test.each([
    [{ sampleRate: 2999 }, RangeError],
    [{ sampleRate: 16000.5 }, RangeError],
    [{ channels: 0 }, RangeError],
    [{ channels: 33 }, RangeError],
    [{ format: 'u16' }, TypeError],
    [{ encoding: 'hex' }, TypeError],
    [{ dither: 'blue' }, TypeError],
    [{ quality: 'best' }, TypeError],
    [{ chunkDurationMs: 0.5 }, RangeError],
    [{ chunkDurationMs: NaN }, RangeError],
    [{ bufferDurationMs: 50 }, RangeError],
    [{ sampleRate: '16000' }, TypeError],
  ])('refuses %j before anything is loaded', async (options, type) => {
    const created = Capture.create(context.asContext, new TestTrack().asTrack, options as never);
    await expect(created).rejects.toThrow(type);
    expect(TestNode.made).toHaveLength(0);
  });

  test('create loads the worklet from the URL given', async () => {
    const addModule = vi.fn(() => Promise.resolve());
    Object.defineProperty(context, 'audioWorklet', { value: { addModule } });
    const workletUrl = 'https://example.org/capture.js';
    await Capture.create(context.asContext, new TestTrack().asTrack, { workletUrl });
    expect(addModule.mock.calls).toEqual([[workletUrl]]);
  });
});

describe('reading', () => {
  test('by for await: from the first chunk to the short last one', async () => {
    const { capture, node } = await open({ sampleRate: 16000 });
    await node.render(10);
    const reading = collect(capture);
    await node.render(10);
    await capture.close();
    const chunks = await reading;
    expect(chunks.map(({ frame, frames }) => [frame, frames])).toEqual([
      [0, 320],
      [320, 320],
      [640, 213],
    ]);
    expect(capture.stats).toEqual({
      capturedFrames: 853,
      deliveredFrames: 853,
      queuedFrames: 0,
      droppedFrames: 0,
    });
  });

  test('by a stream, which takes only the chunks that are requested', async () => {
    const { capture, node } = await open({ bufferDurationMs: 100 });
    await node.render(150);
    const reader = capture.readable.getReader();
    const { value } = await reader.read();
    expect(value!.dropped).toBeGreaterThan(0);
    expect(value!.frame).toBe(value!.dropped);
    expect(capture.stats.deliveredFrames).toBe(value!.frames);
    await reader.cancel();
    expect((await capture[Symbol.asyncIterator]().next()).done).toBe(false);
  });

  test('by events', async () => {
    const { capture, node } = await open();
    await node.render(8);
    const frames: number[] = [];
    capture.addEventListener('chunk', ({ detail }) => frames.push(detail.frame));
    capture.addEventListener('chunk', ({ detail }) => frames.push(-detail.frame));
    await node.render(8);
    expect(frames).toEqual([0, -0, 960, -960]);
    expect(capture.stats).toMatchObject({ deliveredFrames: 1920, queuedFrames: 0 });
  });

  test('only in one way at a time', async () => {
    const { capture } = await open();
    const iterator = capture[Symbol.asyncIterator]();
    expect(() => capture.readable).toThrow(TypeError);
    expect(() => capture.addEventListener('chunk', () => {})).toThrow(TypeError);
    await expect(capture.pipeToWorker({} as Worker)).rejects.toThrow(TypeError);
    await iterator.return!();
    expect(capture.readable).toBe(capture.readable);
    expect(() => capture[Symbol.asyncIterator]()).toThrow(TypeError);
  });

  test('by a Worker: queued chunks and later ones, without a gap', async () => {
    const { capture, node } = await open();
    await node.render(20);
    const posted: unknown[] = [];
    const worker = {
      postMessage: (message: unknown, transfer: Transferable[]) =>
        posted.push(structuredClone(message, { transfer })),
    };
    const piped = capture.pipeToWorker(worker as unknown as Worker);
    await node.render(20);
    await piped;
    const received = receiveCapture({ data: posted[0] })!;
    expect(receiveCapture({ data: 'something else' })).toBeUndefined();
    const reading = collect(received);
    await node.render(20);
    await capture.close();
    const chunks = await reading;
    expect(chunks.map(({ sequence }) => sequence)).toEqual(chunks.map((_, i) => i));
    const total = 60 * 128;
    expect(chunks.reduce((sum, { frames }) => sum + frames, 0)).toBe(total);
    const stats = {
      capturedFrames: total,
      deliveredFrames: total,
      queuedFrames: 0,
      droppedFrames: 0,
    };
    expect(received.stats).toEqual(stats);
    expect(capture.stats).toEqual(stats);
    await expect(capture.pipeToWorker(worker as unknown as Worker)).rejects.toThrow(
      expect.objectContaining({ code: 'closed' }),
    );
  });
});

describe.each([false, true])('a pipeToWorker that cannot post (shared memory: %s)', (shared) => {
  test.each<[string, unknown, object]>([
    [
      'null',
      null,
      {
        name: 'TypeError',
        message: expect.stringContaining(
          'capture.pipeToWorker: the first argument must be a Worker or a MessagePort, got null',
        ),
      },
    ],
    ['an object', {}, { name: 'TypeError' }],
    [
      'a Worker that refuses',
      {
        postMessage: () => {
          throw new DOMException('not cloned', 'DataCloneError');
        },
      },
      { code: 'worker-gone', message: expect.stringContaining('not cloned') },
    ],
  ])('leaves every frame to the page: %s', async (_, wrong, error) => {
    vi.stubGlobal('crossOriginIsolated', shared);
    const { capture, node } = await open();
    await node.render(20, 0.5);
    const piped = expect(capture.pipeToWorker(wrong as Worker)).rejects.toMatchObject(error);
    await node.render(8, 0.5);
    await piped;
    const reading = collect(capture);
    for (let i = 0; i < 4; i++) await node.render(15, 0.5);
    await capture.close();
    const chunks = await reading;
    const total = 88 * 128;
    expect(chunks.reduce((sum, { frames }) => sum + frames, 0)).toBe(total);
    expect(chunks.map(({ sequence }) => sequence)).toEqual(chunks.map((_, i) => i));
    expect(chunks.every(({ dropped }) => dropped === 0)).toBe(true);
    expect(capture.stats).toEqual({
      capturedFrames: total,
      deliveredFrames: total,
      queuedFrames: 0,
      droppedFrames: 0,
    });
  });
});

describe('states', () => {
  test('follow the track and the context', async () => {
    const { capture, track, states } = await open();
    expect(capture.state).toBe('running');
    track.mute(true);
    context.enter('suspended');
    track.mute(false);
    context.enter('running');
    context.enter('interrupted');
    expect(states).toEqual(['muted', 'suspended', 'running', 'suspended']);
  });

  test('a track that ends also ends the reading, and the state after close is closed', async () => {
    const { capture, track, node, states } = await open();
    await node.render(10);
    const reading = collect(capture);
    track.end();
    await node.render(1);
    expect((await reading).map(({ frames }) => frames)).toEqual([960, 320]);
    expect(states).toEqual(['ended']);
    expect(node.disconnects).toBe(1);
    await capture.close();
    expect(states).toEqual(['ended', 'closed']);
    expect(node.disconnects).toBe(1);
  });

  test('a context that closes closes the capture', async () => {
    const { capture, states } = await open();
    const reading = collect(capture);
    context.enter('closed');
    expect(states).toEqual(['closed']);
    await reading;
  });

  test('a track that the page itself stops is detected within about a second', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { capture, track, node, states } = await open();
    await node.render(1);
    track.readyState = 'ended';
    await vi.advanceTimersByTimeAsync(1200);
    expect(states).toEqual(['ended']);
    await node.render(1);
    expect((await collect(capture)).map(({ frames }) => frames)).toEqual([128]);
  });

  test('pause queues the unfinished chunk; resume continues', async () => {
    const { capture, node } = await open();
    await node.render(10);
    const paused = capture.pause();
    expect(capture.paused).toBe(true);
    await node.render(10);
    await paused;
    expect(capture.stats).toMatchObject({ capturedFrames: 1280, queuedFrames: 1280 });
    await capture.resume();
    expect(capture.paused).toBe(false);
    await node.render(10);
    await capture.close();
    expect(capture.stats).toMatchObject({ capturedFrames: 2560, droppedFrames: 0 });
  });

  test('all captured audio has arrived when pause or close report it, also by shared memory', async () => {
    vi.stubGlobal('crossOriginIsolated', true);
    const { capture } = await open();
    const { scope } = TestNode;
    // Without a turn of the event loop, in which the ring's reader would wake by itself.
    scope.render(10);
    void capture.pause();
    scope.deliver();
    expect(capture.stats).toEqual({
      capturedFrames: 1280,
      deliveredFrames: 0,
      queuedFrames: 1280,
      droppedFrames: 0,
    });
    void capture.resume();
    scope.deliver();
    scope.render(10);
    void capture.close();
    scope.deliver();
    expect(capture.stats).toEqual({
      capturedFrames: 2560,
      deliveredFrames: 0,
      queuedFrames: 2560,
      droppedFrames: 0,
    });
    expect((await collect(capture)).map(({ frames }) => frames)).toEqual([960, 320, 960, 320]);
  });

  test('resume wakes a suspended context, but not an interrupted one: https://github.com/GetStream/stream-video-js/pull/2249', async () => {
    const { capture } = await open();
    context.enter('interrupted');
    await capture.resume();
    expect(context.resumes).toBe(0);
    context.enter('suspended');
    // It was running before the interruption: it is resumed without being asked.
    expect(context.resumes).toBe(1);
    context.enter('suspended');
    expect(context.resumes).toBe(1);
    await capture.resume();
    expect(context.resumes).toBe(2);
    expect(capture.state).toBe('running');
  });

  test('close does not wait for a context that does not run', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { capture, node } = await open();
    context.enter('suspended');
    node.port.postMessage = () => {};
    const closed = capture.close();
    const reading = collect(capture);
    await vi.advanceTimersByTimeAsync(1000);
    await closed;
    expect(await reading).toEqual([]);
    expect([node.disconnects, node.portClosed]).toEqual([1, true]);
  });

  test('after close nothing has any effect', async () => {
    const { capture, track, node, states } = await open();
    const closing = [capture.close(), capture.close()];
    await node.render(1);
    await Promise.all(closing);
    const { length } = node.commands;
    await capture.pause();
    await capture.resume();
    track.mute(true);
    context.enter('suspended');
    expect(states).toEqual(['closed']);
    expect(node.commands).toHaveLength(length);
  });
});

test.each([
  ['transferred buffers', false],
  ['shared memory', true],
])(
  'after close neither the track nor the context keeps the capture alive, by %s',
  async (_, shared) => {
    vi.stubGlobal('crossOriginIsolated', shared);
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const track = new TestTrack();
    const captured = await (async () => {
      const capture = await Capture.create(context.asContext, track.asTrack);
      const node = TestNode.made.pop()!;
      await node.render(20);
      await capture.close();
      await node.render(1);
      return new WeakRef(capture);
    })();
    await eventually(() => {
      collectGarbage();
      // Not the object itself: the failed assertion would hold on to it.
      expect(captured.deref() === undefined).toBe(true);
    });
    expect([track.readyState, context.state]).toEqual(['live', 'running']);
  },
);

describe('failures', () => {
  test('a processor that throws ends the capture, with an error for the reader and the listeners', async () => {
    const { capture, node, states, errors } = await open();
    const reading = collect(capture);
    const failed = expect(reading).rejects.toThrow(
      expect.objectContaining({ code: 'processor-error' }),
    );
    node.onprocessorerror!(new Event('processorerror'));
    await failed;
    expect(errors.map(({ code }) => code)).toEqual(['processor-error']);
    expect(states).toEqual(['closed']);
    await capture.close();
  });

  test('a context that runs without a quantum is reported once per stall', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { capture, node, errors } = await open();
    const codes = (): string[] => errors.map(({ code }) => code);
    await vi.advanceTimersByTimeAsync(1050);
    expect(codes()).toEqual([]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(codes()).toEqual(['stalled']);
    await node.render(1);
    await vi.advanceTimersByTimeAsync(1500);
    await node.render(1);
    expect(codes()).toEqual(['stalled']);
    await vi.advanceTimersByTimeAsync(3500);
    expect(codes()).toEqual(['stalled', 'stalled']);
    expect(capture.state).toBe('running');
  });

  test('a suspended context is not reported as stalled, and a closed capture is not watched', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { capture, errors } = await open();
    context.enter('suspended');
    await vi.advanceTimersByTimeAsync(5000);
    context.enter('running');
    void capture.close();
    await vi.advanceTimersByTimeAsync(5000);
    expect(errors).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
