import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MicwireError } from '../src/core/errors.ts';
import type { MessagePortLike } from '../src/core/messages.ts';
import { READER_WORDS, WRITER_WORDS, WorkerWatch } from '../src/web/worker-watch.ts';
import { showLife } from '../src/worker/show-life.ts';

/** Within which a Worker that is gone is told of, ms, and one that never takes what it was sent. */
const NOTICED_MS = 2000;
const TAKEN_MS = 10_000;
const ACCOUNT = { deliveredFrames: 960, droppedFrames: 480 };

/** Locks of one origin, as far as they are used: a Worker that ends lets go. */
class FakeLocks {
  #free = Promise.resolve();
  readonly #letGo: (() => void)[] = [];
  request(...given: unknown[]): Promise<unknown> {
    const run = given.at(-1) as () => unknown;
    const before = this.#free;
    this.#free = new Promise((resolve) => this.#letGo.push(resolve));
    return before.then(run);
  }
  terminate(): void {
    this.#letGo.shift()!();
  }
}

let lost: { readonly error: MicwireError; readonly read: object }[];
let target: EventTarget & { postMessage?: unknown };
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  lost = [];
  target = new EventTarget();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function watch(words = READER_WORDS): WorkerWatch {
  const made = new WorkerWatch(target as Worker, words, (read, error) =>
    lost.push({ read, error }),
  );
  made.watch();
  return made;
}

/** Lets time pass, and messages arrive. */
async function pass(ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 100) {
    await vi.advanceTimersByTimeAsync(100);
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe.each([
  ['reads a capture', READER_WORDS],
  ['writes to a playout', WRITER_WORDS],
])('a Worker that %s', (_, words) => {
  it('and holds no lock is reported within two seconds when it stops answering', async () => {
    vi.stubGlobal('navigator', {});
    const made = watch(words);
    const worker = made.control;
    showLife(worker as MessagePortLike, made.lock, { read: () => ACCOUNT, end: () => {} });
    await pass(30_000);
    expect(lost).toEqual([]);
    worker.close();
    await pass(NOTICED_MS);
    expect(lost).toMatchObject([{ read: ACCOUNT, error: { code: 'worker-gone' } }]);
    expect(lost[0]!.error.message).toBe(`${words.gone} ${words.cure}`);
  });

  it('and holds a lock is reported as soon as it releases it', async () => {
    const locks = new FakeLocks();
    vi.stubGlobal('navigator', { locks });
    const made = watch(words);
    showLife(made.control as MessagePortLike, made.lock, { read: () => ACCOUNT, end: () => {} });
    await pass(30_000);
    expect(lost).toEqual([]);
    locks.terminate();
    await pass(100);
    expect(lost).toMatchObject([{ read: ACCOUNT, error: { code: 'worker-gone' } }]);
  });

  it('and releases its lock itself is not reported', async () => {
    vi.stubGlobal('navigator', {});
    const made = watch(words);
    const end = vi.fn();
    const release = showLife(made.control as MessagePortLike, made.lock, {
      read: () => ACCOUNT,
      end,
    });
    await pass(1000);
    release();
    await pass(30_000);
    expect(lost).toEqual([]);
    expect(end).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('and never takes it is given up after ten seconds, and not before, if it is to read', async () => {
    watch(words);
    await pass(TAKEN_MS - 100);
    expect(lost).toEqual([]);
    await pass(200);
    // What is to be written is not lost meanwhile; what is to be read is.
    if (words === WRITER_WORDS) expect(lost).toEqual([]);
    else {
      expect(lost).toMatchObject([{ error: { code: 'worker-gone' } }]);
      expect(lost[0]!.error.message).toBe(`${words.notTaken} ${words.cure}`);
    }
    expect(vi.getTimerCount()).toBe(0);
  });

  it('and has a script that cannot be loaded is reported at once', () => {
    watch(words);
    target.dispatchEvent(new Event('error'));
    expect(lost[0]!.error.message).toBe(`${words.notLoaded} ${words.cure}`);
    expect(vi.getTimerCount()).toBe(0);
  });
});
