import { Capture } from 'micwire';
import { afterEach, expect, test, vi } from 'vitest';
import type { WorkerReport } from './capture-worker.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A microphone that every engine has: a tone from a stream of the context's own. */
function tone(context: AudioContext): MediaStream {
  const source = new OscillatorNode(context);
  const destination = new MediaStreamAudioDestinationNode(context);
  source.connect(destination);
  source.start();
  return destination.stream;
}

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** What a Worker says, in order. */
function listen(worker: Worker): { next(): Promise<unknown> } {
  const said: unknown[] = [];
  let wake = (): void => {};
  worker.onmessage = ({ data }) => {
    said.push(data);
    wake();
  };
  return {
    next: async () => {
      while (said.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return said.shift();
    },
  };
}

/** WebKit sends what passes between two other threads through the page's thread. */
const portsBypassThePage = !('webkitConvertPointFromNodeToPage' in globalThis);

test.each([
  ['shared memory, where the engine has it', {}],
  ['a transferred port', { crossOriginIsolated: false }],
])(
  'with the page blocked for 1.5 s no chunk is lost on the way to a Worker, by %s',
  async (_, globals) => {
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    const bypassing = crossOriginIsolated || portsBypassThePage;
    const context = new AudioContext();
    const capture = await Capture.create(context, tone(context), {
      sampleRate: 16000,
      chunkDurationMs: 20,
    });
    await capture.resume();
    await eventually(() => expect(capture.stats.capturedFrames).toBeGreaterThan(1600));

    const worker = new Worker(new URL('./capture-worker.ts', import.meta.url), { type: 'module' });
    const answers = listen(worker);
    await capture.pipeToWorker(worker);
    // The Worker loads its modules through the page's thread.
    expect(await answers.next()).toBe('reading');
    const from = performance.timeOrigin + performance.now();
    block(1500);
    const to = performance.timeOrigin + performance.now();
    await capture.close();
    const { arrivals, stats } = (await answers.next()) as WorkerReport;
    worker.terminate();
    await endContext(context);

    // From the very first chunk, that was captured before there was a Worker.
    let frame = 0;
    arrivals.forEach((arrival, i) => {
      expect(arrival.sequence).toBe(i);
      expect(arrival.dropped).toBe(0);
      expect(arrival.frame).toBe(frame);
      frame += arrival.frames;
    });
    expect(stats).toEqual({
      capturedFrames: frame,
      deliveredFrames: frame,
      queuedFrames: 0,
      droppedFrames: 0,
    });
    expect(capture.stats).toEqual(stats);
    expect(arrivals.length).toBeGreaterThan(10);
    // The two clocks agree to about a millisecond.
    const meanwhile = arrivals.filter(({ at }) => at > from + 10 && at < to - 10).length;
    // 75 where the machine gives the audio thread its time; none where the way led through the page.
    if (bypassing) expect(meanwhile).toBeGreaterThan(10);
  },
);
