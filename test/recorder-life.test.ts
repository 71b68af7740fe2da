import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Recorder } from '../src/web/recorder.ts';
import type { RecorderOptions } from '../src/web/recorder-options.ts';
import { TestContext, TestNode, TestTrack, openPage } from './helpers/capture-rig.ts';

let closePage: () => void;
let context: TestContext;
const unhandled = vi.fn();
beforeEach(async () => {
  closePage = await openPage();
  context = new TestContext();
  unhandled.mockClear();
  process.on('unhandledRejection', unhandled);
});
afterEach(() => {
  process.off('unhandledRejection', unhandled);
  vi.useRealTimers();
  vi.unstubAllGlobals();
  closePage();
});

/** Renders in every node, and lets what it posted arrive. */
async function turn(quanta = 1): Promise<void> {
  for (const node of TestNode.made) await node.render(quanta);
  // Modules that are imported meanwhile need more than microtasks.
  await setImmediate();
}

/** Waits for it, while the audio thread renders. */
async function whileRendering<Result>(promise: Promise<Result>): Promise<Result> {
  let settled = false;
  const end = (): void => void (settled = true);
  promise.then(end, end);
  while (!settled) await turn();
  return promise;
}

function create(options: Partial<RecorderOptions> = {}): Promise<Recorder> {
  const track = new TestTrack().asTrack;
  return whileRendering(
    Recorder.create(context.asContext, track, { container: 'wav', ...options }),
  );
}

describe('recorder.pause', () => {
  it('settles for every caller, even if it is called again before the stream has taken the first part', async () => {
    let take: (() => void) | undefined;
    const stream = new WritableStream(
      { write: () => new Promise<void>((resolve) => (take = resolve)) },
      { highWaterMark: 1 },
    );
    const recorder = await create({ stream });
    await turn(60);
    const settled: string[] = [];
    const pause = (name: string): Promise<number> =>
      recorder.pause().then(() => settled.push(name));
    const pauses = [pause('first'), pause('at once')];
    await turn(2);
    await recorder.resume();
    await turn(60);
    pauses.push(pause('second'));
    await turn(2);
    pauses.push(pause('again'));
    await turn(4);
    expect(recorder.state).toBe('paused');
    // The first write is still under way.
    expect(settled).toEqual([]);
    const all = Promise.all(pauses);
    let done = false;
    void all.then(() => (done = true));
    for (let i = 0; i < 200 && !done; i++) {
      take?.();
      await turn();
    }
    expect(settled.toSorted()).toEqual(['again', 'at once', 'first', 'second']);
    const { capturedFrames } = recorder.capture.stats;
    expect(Math.round(recorder.durationSeconds * 48_000)).toBe(capturedFrames);
    const closing = recorder.close();
    for (let i = 0; i < 20; i++) {
      take?.();
      await turn();
    }
    await closing;
  });
});

/** A backup's Worker, as far as a test lets it answer. */
class FakeWorker extends EventTarget {
  static answers: readonly string[] = [];
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  constructor() {
    super();
    this.#tell('loaded', 'load');
  }
  postMessage({ type }: { readonly type: string }): void {
    this.#tell(type === 'open' ? 'opened' : 'ended', type);
  }
  terminate(): void {}
  #tell(type: string, question: string): void {
    if (!FakeWorker.answers.includes(question)) return;
    queueMicrotask(() => {
      const event = new MessageEvent('message', { data: { type } });
      this.dispatchEvent(event);
      this.onmessage?.(event);
    });
  }
}

describe('a recording whose backup', () => {
  beforeEach(() => vi.stubGlobal('Worker', FakeWorker));

  it('cannot be paused, because the audio thread is gone, rejects once and keeps its backup', async () => {
    FakeWorker.answers = ['load', 'open', 'end'];
    const recorder = await create({ backup: 'interview' });
    expect(recorder.backup).toBe('worker');
    await turn(10);
    for (const { port } of TestNode.made) port.postMessage = () => {};
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const pauses = [recorder.pause(), recorder.pause()].map((pause) =>
      expect(pause).rejects.toMatchObject({ code: 'stalled' }),
    );
    await vi.advanceTimersByTimeAsync(6000);
    await Promise.all(pauses);
    // An unhandled rejection is told after the microtasks.
    for (let i = 0; i < 3; i++) await setImmediate();
    expect(unhandled).not.toHaveBeenCalled();
    expect([recorder.state, recorder.backup]).toEqual(['paused', 'worker']);
  });

  // Without IndexedDB there is no second way here.
  it.each([
    ['loads and never answers', ['load']],
    ['never loads', []],
  ])('has a Worker that %s captures after a second', async (_, answers) => {
    FakeWorker.answers = answers;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let recorder: Recorder | undefined;
    const track = new TestTrack().asTrack;
    const making = Recorder.create(context.asContext, track, {
      container: 'wav',
      backup: 'interview',
      backupWorkerUrl: 'https://lab.test/backup.js',
    }).then((made) => (recorder = made));
    const pass = async (ms: number): Promise<void> => {
      await vi.advanceTimersByTimeAsync(ms);
      await turn();
    };
    const untilMade = async (nodes: number): Promise<void> => {
      for (let i = 0; i < 3000 && TestNode.made.length < nodes; i++) await pass(1);
      expect(TestNode.made).toHaveLength(nodes);
    };
    const before = answers.length;
    await untilMade(before);
    await pass(1000);
    // The recording's own.
    await untilMade(before + 1);
    const own = TestNode.made.at(-1)!;
    await own.render(500);
    expect(recorder).toBeUndefined();
    await pass(5100);
    await making;
    expect(recorder!.backup).toBe('failed');
    const stopping = recorder!.stop();
    for (let i = 0; i < 10; i++) await pass(1000);
    expect((await stopping)!.size).toBeGreaterThan(500 * 128 * 2);
    expect(unhandled).not.toHaveBeenCalled();
  });
});
