import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StreamSink } from '../src/web/recording-file.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What a promise has come to, once its timers have run for so many seconds. */
async function after(seconds: number, promise: Promise<unknown>): Promise<unknown> {
  let outcome: unknown = 'nothing yet';
  promise.then(
    (value) => (outcome = value ?? 'done'),
    (error: unknown) => (outcome = error),
  );
  await vi.advanceTimersByTimeAsync(seconds * 1000);
  return outcome;
}

const BYTES = new Uint8Array(8);
const never = () => new Promise<never>(() => {});

describe('a stream that never settles', () => {
  test('a write is given up after 10 s, with a cure', async () => {
    const sink = new StreamSink(new WritableStream({ write: never }));
    const writing = sink.write(BYTES);
    expect(await after(9, writing)).toBe('nothing yet');
    expect(await after(2, writing)).toMatchObject({
      code: 'recording',
      message: expect.stringMatching(
        /taken no bytes for 10 s.*stop\(\) then gives the file/,
      ) as string,
    });
  });

  test('a write that waits for another one is given up too: the stream is full', async () => {
    const sink = new StreamSink(new WritableStream({ write: never }, { highWaterMark: 1 }));
    const outcomes = await after(11, Promise.allSettled([sink.write(BYTES), sink.write(BYTES)]));
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'recording' } },
      { status: 'rejected', reason: { code: 'recording' } },
    ]);
  });

  test('closing is given up after 30 s', async () => {
    const sink = new StreamSink(new WritableStream({ close: never }));
    const closing = sink.close(undefined);
    expect(await after(29, closing)).toBe('nothing yet');
    expect(await after(2, closing)).toMatchObject({
      code: 'recording',
      message: expect.stringContaining('not closed for 30 s') as string,
    });
  });

  test('a slow write that settles is not a failure, and leaves no timer', async () => {
    const slow = new WritableStream({
      write: () => new Promise<void>((resolve) => setTimeout(resolve, 9500)),
    });
    const sink = new StreamSink(slow);
    for (let write = 0; write < 3; write++) {
      expect(await after(9.5, sink.write(BYTES) as Promise<void>)).toBe('done');
    }
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('a stream that fails rejects the write with its reason, and nothing is left unhandled', async () => {
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  const failing = new WritableStream({ write: () => Promise.reject(new Error('disk full')) });
  const sink = new StreamSink(failing);
  await expect(sink.write(BYTES)).rejects.toThrow('disk full');
  sink.abort(new Error('over'));
  await vi.advanceTimersByTimeAsync(100);
  process.off('unhandledRejection', unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});

test('only a stream that can seek gets a new head in place of the first', async () => {
  const written: unknown[] = [];
  const stream = () => new WritableStream({ write: (chunk) => void written.push(chunk) });
  const plain = new StreamSink(stream());
  expect(plain.mendable).toBe(false);
  await plain.close(BYTES);
  expect(written).toEqual([]);
  const file = new StreamSink(Object.assign(stream(), { seek: () => {} }));
  expect(file.mendable).toBe(true);
  await file.close(BYTES);
  expect(written).toEqual([{ type: 'write', position: 0, data: BYTES }]);
});
