/** Every promise settles, whatever the context, the audio thread or the Worker does meanwhile. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Capture, Meter, Playout, Receiver } from '../src/web/index.ts';
import type { Chunk, PayloadFormat } from '../src/web/index.ts';
import { receiveCapture } from '../src/worker/index.ts';
import { TestContext, TestNode, TestTrack, openPage } from './helpers/capture-rig.ts';
import { PlayoutPage, counting } from './helpers/playout-page.ts';

const code = (name: string) => expect.objectContaining({ name: 'MicwireError', code: name });

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('an interrupt', () => {
  let page: PlayoutPage;
  beforeEach(async () => {
    page = await PlayoutPage.open({ sampleRate: 48_000, backlog: 'keep' });
    page.playout.write(counting(9600), { item: 'a' });
    page.render(4800);
  });
  afterEach(() => page.close());

  test.each(['suspended', 'interrupted'])(
    'ends with the frames heard when the context becomes %s in its fade, and can be undone',
    async (state) => {
      const interrupted = page.playout.interrupt({ fadeMs: 1000 });
      page.scope.deliver();
      page.render(480);
      page.context.changeState(state);
      // No quantum is rendered any more.
      page.scope.deliver();
      await expect(interrupted).resolves.toMatchObject({ item: 'a', frames: 5376 });
      // The next one is not the one before.
      page.context.changeState('running');
      const undone = page.playout.undo();
      await vi.waitFor(async () => {
        page.scope.deliver();
        await expect(Promise.race([undone, Promise.reject(new Error('pending'))])).resolves.toBe(
          true,
        );
      });
      const second = page.playout.interrupt({ fadeMs: 0 });
      page.scope.deliver();
      expect((await second).frames).toBe(5376);
    },
  );

  test('a late cut after the answer does not remove audio written since', async () => {
    const interrupted = page.playout.interrupt({ fadeMs: 0 });
    page.scope.deliver();
    await interrupted;
    page.playout.write(counting(4800), { item: 'b' });
    page.context.changeState('suspended');
    page.node.port.postMessage({ type: 'cut' });
    page.scope.deliver();
    page.context.changeState('running');
    page.render(9600);
    expect(page.playout.stats).toMatchObject({ interruptedFrames: 4736, playedFrames: 9664 });
  });

  test('rejects with stalled when the audio thread is gone, and so do its undo and the next', async () => {
    vi.useFakeTimers();
    page.node.port.postMessage = () => {};
    const first = page.playout.interrupt();
    const joined = page.playout.interrupt();
    const settled = vi.fn();
    first.catch(settled);
    joined.catch(settled);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(settled.mock.calls).toEqual([[code('stalled')], [code('stalled')]]);
    await expect(page.playout.undo()).resolves.toBe(false);
    const second = page.playout.interrupt();
    void page.playout.close();
    await expect(second).rejects.toEqual(code('closed'));
  });

  test('an undo rejects with stalled when the audio thread is gone, and with closed on close', async () => {
    const interrupted = page.playout.interrupt({ fadeMs: 0 });
    page.scope.deliver();
    await interrupted;
    vi.useFakeTimers();
    page.node.port.postMessage = () => {};
    const undone = page.playout.undo();
    const settled = vi.fn();
    undone.catch(settled);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(settled).toHaveBeenCalledWith(code('stalled'));
    const again = page.playout.undo();
    page.context.changeState('closed');
    await expect(again).rejects.toEqual(code('closed'));
  });
});

test.each([
  ['waits for a processor that answers late while its context renders', true, 2000],
  ['does not wait for a processor whose context renders no more', false, 900],
])('close() %s', async (_, renders, settlesMs) => {
  const page = await PlayoutPage.open({ sampleRate: 48_000 });
  Object.defineProperty(page.context, 'currentTime', { get: () => page.scope.currentTime });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { port } = page.node;
  const post = port.postMessage.bind(port) as (...all: unknown[]) => void;
  const held: unknown[][] = [];
  port.postMessage = (...all: unknown[]): void => void held.push(all);
  let settledMs = -1;
  let ms = 0;
  void page.playout.close().then(() => (settledMs = ms));
  for (; ms < 3000; ms += 100) {
    if (renders) page.scope.render();
    if (ms === 2000) for (const message of held) post(...message);
    page.scope.deliver();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(settledMs).toBe(settlesMs);
  page.close();
});

describe('a capture', () => {
  let context: TestContext;
  let closePage: () => void;
  beforeEach(async () => {
    closePage = await openPage();
    context = new TestContext();
  });
  afterEach(() => closePage());

  const open = async (): Promise<{ capture: Capture; node: TestNode }> => {
    const capture = await Capture.create(context.asContext, new TestTrack().asTrack);
    return { capture, node: TestNode.made.at(-1)! };
  };
  const outcome = async (promise: Promise<unknown>): Promise<unknown> => {
    const settled = vi.fn();
    promise.then(
      () => settled('resolved'),
      (error: unknown) => settled(error),
    );
    await vi.advanceTimersByTimeAsync(10_000);
    expect(settled).toHaveBeenCalledTimes(1);
    return settled.mock.calls[0]![0];
  };
  const worker = (posted: unknown[] = []): Worker =>
    ({
      postMessage: (message: unknown, transfer: Transferable[]) =>
        posted.push(structuredClone(message, { transfer })),
    }) as unknown as Worker;

  test('settles pause, pipeToWorker and close when the audio thread is gone', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const { capture, node } = await open();
    node.port.postMessage = () => {};
    expect(await outcome(capture.pause())).toEqual(code('stalled'));
    expect(await outcome(capture.pipeToWorker(worker()))).toEqual(code('stalled'));
    const reading = capture[Symbol.asyncIterator]().next();
    expect(await outcome(capture.close())).toBe('resolved');
    expect(await reading).toEqual({ done: true, value: undefined });
  });

  test('stays readable by the page if its chunks could not go to a Worker', async () => {
    const { capture, node } = await open();
    const { port } = node;
    const post = port.postMessage.bind(port);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const held: unknown[][] = [];
    node.port.postMessage = (...all: unknown[]) => void held.push(all);
    expect(await outcome(capture.pipeToWorker(worker()))).toEqual(code('stalled'));
    vi.useRealTimers();
    // It was only late.
    node.port.postMessage = post;
    for (const message of held) (post as (...all: unknown[]) => void)(...message);
    await node.render(30);
    const chunks: Chunk[] = [];
    const reading = (async () => {
      for await (const chunk of capture) chunks.push(chunk);
    })();
    await node.render(1);
    await capture.close();
    await reading;
    expect(chunks.reduce((sum, { frames }) => sum + frames, 0)).toBe(31 * 128);
    expect(capture.stats).toEqual({
      capturedFrames: 31 * 128,
      deliveredFrames: 31 * 128,
      queuedFrames: 0,
      droppedFrames: 0,
    });
  });

  test('settles pause and pipeToWorker when its context closes meanwhile', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const { capture, node } = await open();
    node.port.postMessage = () => {};
    const pausing = outcome(capture.pause());
    const piping = outcome(capture.pipeToWorker(worker()));
    context.enter('closed');
    expect(await pausing).toBe('resolved');
    expect(await piping).toEqual(code('closed'));
  });

  test('resume settles even if the browser waits for a gesture that never happens', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const { capture } = await open();
    context.enter('suspended');
    context.resume = () => new Promise(() => {});
    expect(await outcome(capture.resume())).toBe('resolved');
    expect(capture.state).toBe('suspended');
  });

  test('a track that the page stops while the context is suspended ends the reading', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const track = new TestTrack();
    const capture = await Capture.create(context.asContext, track.asTrack);
    context.enter('suspended');
    const reading = capture[Symbol.asyncIterator]().next();
    track.readyState = 'ended';
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await reading).toEqual({ done: true, value: undefined });
    expect(capture.state).toBe('ended');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a Worker’s reading ends when the context closes, even if the audio thread is silent', async () => {
    const { capture, node } = await open();
    const posted: unknown[] = [];
    const piped = capture.pipeToWorker(worker(posted));
    await node.render(20);
    await piped;
    const received = receiveCapture({ data: posted[0] })!;
    const chunks: Chunk<PayloadFormat>[] = [];
    const reading = (async () => {
      for await (const chunk of received) chunks.push(chunk);
    })();
    await node.render(20);
    node.port.postMessage = () => {};
    context.enter('closed');
    await reading;
    const frames = chunks.reduce((sum, chunk) => sum + chunk.frames, 0);
    expect(frames).toBe(4800);
    const stats = {
      capturedFrames: 5120,
      deliveredFrames: 4800,
      queuedFrames: 0,
      droppedFrames: 320,
    };
    expect(received.stats).toEqual(stats);
    expect(capture.stats).toMatchObject({ capturedFrames: 5120, queuedFrames: 0 });
  });

  describe.each([
    ['posted', false],
    ['shared', true],
  ])('with chunks that are %s', (_, shared) => {
    beforeEach(() => {
      vi.stubGlobal('crossOriginIsolated', shared);
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    });

    /** Captures 61 quanta to 16 kHz, closes, and has the audio thread hear of it after so many ms. */
    const closedLate = async (
      answerMs: number,
      renders: boolean,
    ): Promise<{
      readonly settledMs: number;
      readonly frames: number;
      readonly capture: Capture;
    }> => {
      const track = new TestTrack().asTrack;
      const capture = await Capture.create(context.asContext, track, { sampleRate: 16_000 });
      const node = TestNode.made.at(-1)!;
      let frames = 0;
      const reading = (async () => {
        for await (const chunk of capture) frames += chunk.frames;
      })();
      for (let quantum = 0; quantum < 61; quantum++) await node.render(1);
      const { port } = node;
      const post = port.postMessage.bind(port) as (...all: unknown[]) => void;
      const held: unknown[][] = [];
      port.postMessage = (...all: unknown[]): void => void held.push(all);
      let settledMs = -1;
      let ms = 0;
      void capture.close().then(() => (settledMs = ms));
      for (; ms < 8000; ms += 100) {
        if (renders) await node.render(1);
        if (ms === answerMs) {
          port.postMessage = post as never;
          for (const message of held) post(...message);
          TestNode.scope.deliver();
        }
        await vi.advanceTimersByTimeAsync(100);
      }
      await reading;
      expect(vi.getTimerCount()).toBe(0);
      return { settledMs, frames, capture };
    };

    test.each([
      [500, true],
      [500, false],
      [2000, true],
      [4000, true],
    ])(
      'delivers its tail when it is closed %i ms late (renders meanwhile: %s)',
      async (answerMs, renders) => {
        const { settledMs, frames, capture } = await closedLate(answerMs, renders);
        expect(settledMs).toBe(answerMs);
        const quanta = 61 + (renders ? answerMs / 100 + 1 : 0);
        const all = Math.round((quanta * 128) / 3);
        expect(frames).toBe(all);
        expect(capture.stats).toEqual({
          capturedFrames: all,
          deliveredFrames: all,
          queuedFrames: 0,
          droppedFrames: 0,
        });
      },
    );

    test.each([
      [2000, false, 900],
      [Infinity, false, 900],
      [Infinity, true, 5900],
    ])(
      'settles and counts its tail as dropped when it is closed %d ms late (renders meanwhile: %s)',
      async (answerMs, renders, settlesMs) => {
        const { settledMs, frames, capture } = await closedLate(answerMs, renders);
        expect(settledMs).toBe(settlesMs);
        const quanta = 61 + (renders ? settlesMs / 100 + 1 : 0);
        const all = Math.round((quanta * 128) / 3);
        expect(frames).toBeGreaterThan(0);
        expect(frames).toBeLessThan(all);
        expect(capture.stats).toEqual({
          capturedFrames: all,
          deliveredFrames: frames,
          queuedFrames: 0,
          droppedFrames: all - frames,
        });
      },
    );
  });

  test('that is paused does not count the pause if its close is not answered', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { capture, node } = await open();
    await node.render(10);
    const paused = capture.pause();
    await node.render(10);
    await paused;
    node.port.postMessage = () => {};
    await node.render(10);
    expect(await outcome(capture.close())).toBe('resolved');
    expect(capture.stats).toMatchObject({ capturedFrames: 1280, droppedFrames: 0 });
  });

  test('counts from where it was resumed if its close is not answered', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { capture, node } = await open();
    await node.render(10);
    const paused = capture.pause();
    await node.render(10);
    await paused;
    await capture.resume();
    await node.render(10);
    node.port.postMessage = () => {};
    expect(await outcome(capture.close())).toBe('resolved');
    expect(capture.stats).toMatchObject({ capturedFrames: 2560, droppedFrames: 320 });
  });

  test('a source that cannot be connected leaves no processor behind', async () => {
    const source = (context as unknown as AudioContext).createGain();
    source.connect = () => {
      throw new DOMException('another context', 'InvalidAccessError');
    };
    await expect(Capture.create(context.asContext, source)).rejects.toThrow(code('unsupported'));
    const node = TestNode.made.at(-1)!;
    await node.render(1);
    await vi.waitFor(() => expect([node.disconnects, node.portClosed]).toEqual([1, true]));
    expect(node.processor.alive).toBe(false);
  });
});

describe('create() in a context that closes during the call', () => {
  /** As of an engine that never settles `addModule` then. */
  class LoadingContext extends TestContext {
    override readonly audioWorklet = { addModule: (): Promise<void> => new Promise(() => {}) };
  }
  const makers: [string, (context: BaseAudioContext) => Promise<unknown>][] = [
    ['Capture', (context) => Capture.create(context, new TestTrack().asTrack)],
    ['Meter', (context) => Meter.create(context)],
    ['Playout', (context) => Playout.create(context, { sampleRate: 48_000 })],
    ['Receiver', (context) => Receiver.create(context, { sampleRate: 48_000 })],
  ];
  test.each(makers)('%s rejects with closed', async (_, make) => {
    const context = new LoadingContext();
    const making = make(context.asContext);
    context.enter('closed');
    await expect(making).rejects.toEqual(code('closed'));
    await expect(make(context.asContext)).rejects.toEqual(code('closed'));
  });

  test('rejects with closed when addModule fails because of it', async () => {
    const context = new LoadingContext();
    context.audioWorklet.addModule = () => {
      context.enter('closed');
      return Promise.reject(new DOMException('gone', 'InvalidStateError'));
    };
    await expect(Meter.create(context.asContext)).rejects.toEqual(code('closed'));
  });
});
