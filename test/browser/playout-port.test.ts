import { Playout } from 'micwire';
import type { PlayoutInterruption } from 'micwire';
import { afterEach, expect, test } from 'vitest';
import { leavesAt, runsOf } from '../helpers/barge-in.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import { recordNode } from '../helpers/node-recording.ts';

const RATE = 24_000;
const QUANTUM = 128;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Mark {
  readonly frames: number;
  readonly contextFrame: number;
}

/** WebKit sends what passes between two other threads through the page's thread: a busy page holds it up there. */
const portsBypassThePage = !('webkitConvertPointFromNodeToPage' in globalThis);

type News =
  | { readonly type: 'mark'; readonly mark: Mark }
  | { readonly type: 'interrupted'; readonly interruption: PlayoutInterruption }
  | { readonly type: 'closed' };

test('a Worker is heard while the page is busy, and an interrupt of the page is reported to both to the frame', async () => {
  const context = new AudioContext();
  cleanups.push(() => endContext(context));
  await context.resume();
  const playout = await Playout.create(context, { sampleRate: RATE, format: 'f32' });
  cleanups.push(() => playout.close());
  const worker = new Worker(new URL('playout-worker.ts', import.meta.url), { type: 'module' });
  cleanups.push(() => worker.terminate());
  const news: News[] = [];
  worker.onmessage = ({ data }: MessageEvent<News>) => void news.push(data);
  const marks: Mark[] = [];
  playout.addEventListener('mark', ({ detail }) => marks.push(detail));
  const recording = await recordNode(playout.node);
  cleanups.push(recording.close);

  playout.pipeFromWorker(worker);
  await eventually(() => expect(playout.position.frames).toBeGreaterThan(RATE / 2));
  const from = performance.now();
  while (portsBypassThePage && performance.now() - from < 700);
  await eventually(() => expect(playout.position.frames).toBeGreaterThan(1.5 * RATE));
  const heard = await playout.interrupt();
  await eventually(() => expect(news.some(({ type }) => type === 'interrupted')).toBe(true));
  expect(heard.item).toBe('reply');
  expect(playout.stats.underruns).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, 200));

  const runs = runsOf(await recording.stop(), context.sampleRate, RATE, QUANTUM);
  expect(runs).toHaveLength(1);
  const run = runs[0]!;
  expect([run.first, run.heard]).toEqual([0, heard.frames]);
  const origin = heard.contextFrame - run.to;
  expect(marks.length).toBe(Math.floor(heard.frames / (RATE / 10)));
  for (const { frames, contextFrame } of marks) {
    expect(contextFrame - origin).toBe(leavesAt(run, frames, context.sampleRate, RATE));
  }
  // The Worker was told the same, past the page.
  expect(news.flatMap((one) => (one.type === 'mark' ? [one.mark] : []))).toEqual(marks);
  expect(news.flatMap((one) => (one.type === 'interrupted' ? [one.interruption] : []))).toEqual([
    heard,
  ]);
  await playout.close();
  await eventually(() => expect(news.at(-1)).toEqual({ type: 'closed' }));
}, 30_000);
