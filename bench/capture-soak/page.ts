import { Capture } from '../../src/web/index.ts';
import { audit } from './account.ts';
import type { Account } from './account.ts';

/** What the soak tells. */
export interface Soak {
  readonly contextRate: number;
  readonly seconds: number;
  /** Seconds by the context's own clock meanwhile: less, where the machine starves the engine's audio thread. */
  readonly contextSeconds: number;
  /** How much of the time the page's thread was kept busy. */
  readonly load: number;
  readonly longestBlockMs: number;
  /** Reader → what it saw. */
  readonly accounts: Readonly<Record<string, Account>>;
}

const OPTIONS = { sampleRate: 16000, format: 's16', chunkDurationMs: 20 } as const;

/** Keeps the thread busy: 30 of every 50 ms, and every ten seconds for 1.5 s on end. Returns a function that stops it. */
function load(): { stop(): void; busyMs: number; longestMs: number } {
  const state = { stop: () => clearInterval(timer), busyMs: 0, longestMs: 0 };
  let turns = 0;
  const timer = setInterval(() => {
    const from = performance.now();
    const until = from + (++turns % 200 === 0 ? 1500 : 30);
    // Rubbish for the collector, as a page under load makes it.
    let rubbish: unknown[] = [];
    while (performance.now() < until) rubbish = [...rubbish.slice(-50), { at: performance.now() }];
    const took = performance.now() - from;
    state.busyMs += took;
    state.longestMs = Math.max(state.longestMs, took);
  }, 50);
  return state;
}

async function withoutSharing<Result>(make: () => Promise<Result>): Promise<Result> {
  Object.defineProperty(globalThis, 'crossOriginIsolated', { value: false, configurable: true });
  try {
    return await make();
  } finally {
    Reflect.deleteProperty(globalThis, 'crossOriginIsolated');
  }
}

async function inWorker(capture: Capture): Promise<Account> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const account = new Promise<Account>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Account>) => resolve(data);
    worker.onerror = reject;
  });
  await capture.pipeToWorker(worker);
  return account.finally(() => worker.terminate());
}

/** Captures the microphone four ways at once while the page's thread is under load. */
export async function soak(seconds: number): Promise<Soak> {
  const context = new AudioContext({ sampleRate: 44100 });
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const own = await Capture.create(context, stream, OPTIONS);
  const captures = {
    'page, shared memory': own,
    'page, transferred buffers': await withoutSharing(() =>
      Capture.create(context, stream, OPTIONS),
    ),
    'Worker, shared memory': await Capture.create(context, stream, OPTIONS),
    'Worker, transferred port': await withoutSharing(() =>
      Capture.create(context, stream, OPTIONS),
    ),
  };
  await own.resume();
  const accounts: [string, Promise<Account>][] = Object.entries(captures).map(([name, capture]) => [
    name,
    name.startsWith('Worker') ? inWorker(capture) : audit(capture),
  ]);
  const from = performance.now();
  const contextFrom = context.currentTime;
  const busy = load();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  busy.stop();
  const took = performance.now() - from;
  const contextSeconds = context.currentTime - contextFrom;
  await Promise.all(Object.values(captures).map((capture) => capture.close()));
  const done = await Promise.all(accounts.map(async ([name, account]) => [name, await account]));
  await context.close();
  return {
    contextRate: context.sampleRate,
    seconds: took / 1000,
    contextSeconds,
    load: busy.busyMs / took,
    longestBlockMs: busy.longestMs,
    accounts: Object.fromEntries(done) as Record<string, Account>,
  };
}

Object.assign(globalThis, { soak });
