import { describe, expect, it } from 'vitest';
import { encodeBase64 } from '../src/core/base64/base64.ts';
import { DoubtfulAudio } from '../src/core/session/doubtful-audio.ts';
import { Fifo } from '../src/core/session/fifo.ts';
import { GapReport } from '../src/core/session/gap-report.ts';
import { Outbox } from '../src/core/session/outbox.ts';
import type { OutboxOptions } from '../src/core/session/outbox.ts';
import { RawAudio, isWhole, silenceLike, withoutFirst } from '../src/core/session/raw-audio.ts';
import { RequestQueue } from '../src/core/session/request-queue.ts';
import { RetryDelay } from '../src/core/session/retry-delay.ts';
import { seededRandom } from './helpers/random.ts';
import { numberedAudio, samplesOf } from './helpers/session-play.ts';

const S16 = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
const OPUS = { format: 'opus', sampleRate: 16_000, channels: 1 } as const;

function box(options: Partial<OutboxOptions> = {}, stream: typeof S16 | typeof OPUS = S16): Outbox {
  return new Outbox(stream, { maxMs: 1000, maxBytes: 2 ** 20, acknowledges: true, ...options });
}

/** Sends all that waits. @returns first frames and frames */
function sendAll(outbox: Outbox, nowMs = 0, handedBytes = 0): (readonly [number, number])[] {
  const sent: (readonly [number, number])[] = [];
  for (let item = outbox.peek(); item !== null; item = outbox.peek()) {
    if (item.type === 'audio') sent.push([item.audio.frame, item.audio.frames]);
    outbox.shift(nowMs, handedBytes);
  }
  return sent;
}

describe('an outbox', () => {
  it('sends only the rest of a chunk of samples that the other side has in part', () => {
    const outbox = box();
    outbox.push(numberedAudio(1000, 320));
    sendAll(outbox);
    expect(outbox.acknowledge(1100, 0)).toBe(true);
    expect(outbox.acknowledgedFrames).toBe(100);
    outbox.rewind(0);
    const item = outbox.peek();
    expect(item).toMatchObject({ type: 'audio', replayed: true });
    if (item?.type !== 'audio') return;
    expect(item.audio.frame).toBe(1100);
    const samples = samplesOf(item.audio);
    expect(samples).toHaveLength(220);
    expect([samples[0], samples[219]]).toEqual([1100, 1319]);
    expect(item.audio.base64).toBe(encodeBase64(item.audio.bytes));
  });

  it('keeps a packet whole until the other side has acknowledged all of it', () => {
    const outbox = box({}, OPUS);
    outbox.push(new RawAudio(0, 320, new Uint8Array(40)));
    sendAll(outbox);
    expect(outbox.acknowledge(319, 0)).toBe(true);
    expect(outbox.acknowledgedFrames).toBe(0);
    expect(outbox.settle(319)).toBe(true);
    expect(outbox.inFlightFrames).toBe(320);
    outbox.acknowledge(320, 0);
    expect(outbox.acknowledgedFrames).toBe(320);
    expect(outbox.heldBytes).toBe(0);
  });

  it('ignores acknowledgements of audio that was never sent', () => {
    const outbox = box();
    outbox.push(numberedAudio(0, 320));
    for (const frame of [1, 320, Number.NaN, 0.5, Infinity]) {
      expect(outbox.acknowledge(frame, 0)).toBe(false);
      expect(outbox.settle(frame)).toBe(false);
    }
    expect(outbox.waitingFrames).toBe(320);
    expect(box({ acknowledges: false }).acknowledge(0, 0)).toBe(false);
  });

  it('keeps audio after the settled frame in flight', () => {
    const outbox = box({ overlapMs: 1000 });
    outbox.push(numberedAudio(0, 320));
    outbox.push(numberedAudio(320, 320));
    sendAll(outbox);
    expect(outbox.settle(320)).toBe(true);
    outbox.left(10_000, 5000);
    expect(outbox.acknowledgedFrames).toBe(320);
    expect(outbox.inFlightFrames).toBe(320);
  });

  it('assumes that sent audio may have arrived, unless it is told that it never left', () => {
    for (const mayArrive of [undefined, true, false]) {
      const outbox = box();
      outbox.push(numberedAudio(0, 320));
      outbox.shift(0, 640);
      outbox.left(639, 0);
      outbox.rewind(0, mayArrive);
      expect(outbox.peek()).toMatchObject({ replayed: mayArrive ?? true });
    }
  });

  it('sends the end of a turn again if that never left the socket', () => {
    for (const leftBytes of [699, 700]) {
      const outbox = box({ acknowledges: false, overlapMs: 500 });
      outbox.push(numberedAudio(0, 320));
      outbox.commit(320);
      outbox.shift(0, 640);
      outbox.shift(0, 700);
      outbox.left(leftBytes, 0);
      outbox.left(leftBytes, 2000);
      outbox.rewind(2000, false);
      expect(outbox.peek()).toEqual(leftBytes < 700 ? { type: 'commit', frame: 320 } : null);
    }
  });

  it('is bounded in bytes, even with tiny chunks', () => {
    const lost: number[] = [];
    const outbox = box({
      maxMs: 3_600_000,
      maxBytes: 65_536,
      onlost: (_, frames) => lost.push(frames),
    });
    for (let frame = 0; frame < 10_000; frame++) outbox.push(numberedAudio(frame, 1));
    expect(outbox.heldBytes).toBeLessThanOrEqual(65_536);
    expect(outbox.waitingFrames).toBeLessThan(600);
    expect(outbox.waitingFrames + outbox.droppedFrames).toBe(10_000);
    expect(lost).toHaveLength(outbox.droppedFrames);
  });

  it('drops a chunk that is larger than the outbox', () => {
    const outbox = box({ maxMs: 1000 });
    outbox.push(numberedAudio(0, 16_001));
    expect(outbox.peek()).toBe(null);
    expect(outbox.droppedFrames).toBe(16_001);
  });

  it('drops a stretch at once while audio is being sent, so that speech stays understandable', () => {
    const lost: (readonly [number, number])[] = [];
    const outbox = box({ maxMs: 4000, onlost: (frame, frames) => lost.push([frame, frames]) });
    // Two chunks of three go out, and are acknowledged late.
    for (let i = 0; i < 3000; i++) {
      outbox.push(numberedAudio(i * 320, 320));
      if (i % 3 > 0 && outbox.hasWindow) outbox.shift(0, 0);
      if (i > 150) outbox.acknowledge((i - 150) * 320, 0);
    }
    const holes: (readonly [number, number])[] = [];
    for (const [frame, frames] of lost) {
      const last = holes.at(-1);
      if (last !== undefined && last[0] + last[1] === frame)
        holes.push([holes.pop()![0], last[1] + frames]);
      else holes.push([frame, frames]);
    }
    expect(holes.length).toBeGreaterThan(5);
    // 250 ms, and the room for the chunk that came, in whole chunks.
    for (const [, frames] of holes) {
      expect(frames).toBeGreaterThanOrEqual(4000);
      expect(frames).toBeLessThanOrEqual(4000 + 2 * 320);
    }
  });

  it('drops no more than it must while nothing is sent', () => {
    const outbox = box({ maxMs: 4000 });
    outbox.push(numberedAudio(0, 320));
    outbox.shift(0, 0);
    outbox.rewind(0);
    for (let frame = 320; frame < 160_000; frame += 320) outbox.push(numberedAudio(frame, 320));
    expect(outbox.waitingFrames).toBe(64_000);
  });

  it('counts Base64 as it arrives, and does not make it', () => {
    const outbox = box({ encoding: 'base64' });
    let made = 0;
    const audio = {
      frame: 0,
      frames: 3,
      base64: 'AAAAAAAA',
      get bytes(): Uint8Array<ArrayBuffer> {
        made++;
        return new Uint8Array(6);
      },
    };
    outbox.push(audio);
    sendAll(outbox);
    expect(outbox.heldBytes).toBe(128 + 8);
    expect(made).toBe(0);
  });

  it('discards audio before a frame, sent or not, exactly up to the frame', () => {
    const outbox = box();
    for (let frame = 0; frame < 1600; frame += 320) outbox.push(numberedAudio(frame, 320));
    outbox.shift(0, 0);
    outbox.shift(0, 0);
    outbox.acknowledge(100, 0);
    expect(outbox.discard(1000)).toBe(900);
    expect(outbox.droppedFrames).toBe(900);
    expect(sendAll(outbox)).toEqual([
      [1000, 280],
      [1280, 320],
    ]);
    expect(outbox.discard(900)).toBe(0);
    expect(outbox.inFlightFrames).toBe(600);
  });

  it('reports lost audio at its end', () => {
    const lost: unknown[] = [];
    const outbox = box({ onlost: (...args) => lost.push(args) });
    for (let frame = 0; frame < 960; frame += 320) outbox.push(numberedAudio(frame, 320));
    outbox.shift(0, 0);
    outbox.acknowledge(20, 0);
    outbox.end();
    expect(lost).toEqual([
      [20, 300, 'closed'],
      [320, 320, 'closed'],
      [640, 320, 'closed'],
    ]);
    expect(outbox.droppedFrames).toBe(940);
  });
});

describe('audio that was dropped in doubt', () => {
  it('counts as arrived as far as the other side says, and as lost beyond', () => {
    const lost: unknown[] = [];
    const doubtful = new DoubtfulAudio((frame, frames) => lost.push([frame, frames]));
    doubtful.add(0, 100);
    doubtful.add(100, 100);
    doubtful.add(300, 100);
    expect(doubtful.believe(150)).toBe(150);
    expect(doubtful.believe(150)).toBe(0);
    expect(doubtful.believe(250)).toBe(50);
    doubtful.tell(0, 'overflow');
    expect(lost).toEqual([[300, 100]]);
  });

  it('stays in doubt as far as it has reached the other side, in any order of dropping', () => {
    const lost: unknown[] = [];
    const doubtful = new DoubtfulAudio((...gap) => lost.push(gap));
    doubtful.add(300, 100);
    doubtful.add(0, 100);
    doubtful.tell(350, 'overflow');
    expect(lost).toEqual([[350, 50, 'overflow']]);
    expect(doubtful.believe(320)).toBe(120);
    doubtful.tell(0, 'closed');
    expect(lost.slice(1)).toEqual([[320, 30, 'closed']]);
  });

  it('is bounded: the oldest is lost', () => {
    const lost: number[] = [];
    const doubtful = new DoubtfulAudio((frame) => lost.push(frame));
    for (let i = 0; i < 100; i++) doubtful.add(i * 2, 1);
    expect(lost).toHaveLength(36);
    expect(lost[35]).toBe(70);
  });
});

describe('a first-in-first-out queue', () => {
  it('behaves like an array', () => {
    const random = seededRandom(1);
    let fifo = new Fifo<number>();
    let array: number[] = [];
    for (let i = 0; i < 20_000; i++) {
      const dice = random();
      if (dice < 0.5) {
        fifo.push(i);
        array.push(i);
      } else if (dice < 0.95) {
        expect(fifo.shift()).toBe(array.shift());
      } else if (dice < 0.951) {
        const other = new Fifo<number>();
        for (const item of [-1, -2, -3]) other.push(item);
        fifo.prepend(other);
        array = [-1, -2, -3, ...array];
        expect(other.length).toBe(0);
      } else if (dice < 0.9512) {
        fifo = new Fifo();
        array = [];
      }
      expect(fifo.length).toBe(array.length);
      const at = Math.floor(random() * 5);
      expect(fifo.at(at)).toBe(array[at]);
    }
    expect([...fifo]).toEqual(array);
  });
});

describe('the delay of retries', () => {
  it('stays a number after any number of failures', () => {
    const delay = new RetryDelay(() => 0, 250, Infinity);
    for (let i = 0; i < 5000; i++) expect(delay.nextMs()).toBe(0);
    const long = new RetryDelay(() => 1, 250, 10_000);
    for (let i = 0; i < 5000; i++) long.nextMs();
    expect(long.nextMs()).toBe(10_000);
    long.reset();
    expect(long.nextMs()).toBe(250);
  });
});

describe('a report of gaps', () => {
  it('joins adjacent gaps of one cause, and waits for a tenth of a second', () => {
    const report = new GapReport();
    expect(report.dueMs).toBe(Infinity);
    report.add({ frame: 0, frames: 10, cause: 'overflow' }, 50);
    report.add({ frame: 100, frames: 10, cause: 'capture' }, 60);
    report.add({ frame: 10, frames: 10, cause: 'overflow' }, 70);
    report.add({ frame: 30, frames: 10, cause: 'overflow' }, 80);
    expect(report.dueMs).toBe(150);
    expect(report.take()).toEqual([
      { frame: 0, frames: 20, cause: 'overflow' },
      { frame: 100, frames: 10, cause: 'capture' },
      { frame: 30, frames: 10, cause: 'overflow' },
    ]);
    expect(report.take()).toEqual([]);
    expect(report.dueMs).toBe(Infinity);
  });

  it('is due at once when it has collected many gaps, and still exact', () => {
    const report = new GapReport();
    const gaps = Array.from({ length: 20 }, (_, i) => {
      return { frame: i * 10, frames: 3, cause: i % 2 === 0 ? 'capture' : 'closed' } as const;
    });
    for (const [i, gap] of gaps.entries()) {
      report.add(gap, 50);
      expect(report.dueMs).toBe(i < 7 ? 150 : 50);
    }
    expect(report.take()).toEqual(gaps);
  });
});

describe('a queue of requests', () => {
  const request = (value: number) => ({ type: 'message', value }) as const;

  it('holds the latest requests that may still be in the socket', () => {
    const queue = new RequestQueue();
    for (let i = 0; i < 10; i++) {
      queue.push(request(i), 0);
      queue.shift((i + 1) * 100, 0, i !== 8);
    }
    queue.left(650);
    expect(queue.rewind(false)).toBe(0);
    const waiting: unknown[] = [];
    for (let next = queue.peek(Infinity); next !== null; next = queue.peek(Infinity)) {
      waiting.push(next);
      queue.shift(0, 0, false);
    }
    expect(waiting).toEqual([request(6), request(7), request(9)]);
    expect(queue.isEmpty).toBe(true);
  });

  describe('that may be repeated', () => {
    const repeatable = (value: unknown): boolean => (value as { value: number }).value < 3;
    /** The first left the socket before the audio ends at 100, the second at 200; the third cannot be repeated. */
    const lostQueue = (): RequestQueue => {
      const queue = new RequestQueue(repeatable);
      for (const value of [1, 2, 3]) {
        queue.push(request(value), 0);
        queue.shift(value * 10, value * 100, true);
      }
      queue.left(30);
      expect(queue.rewind(false)).toBe(0);
      return queue;
    };

    it('wait again until the audio after them has arrived', () => {
      const queue = lostQueue();
      queue.confirm(100);
      expect(queue.peek(Infinity)).toEqual(request(1));
      queue.confirm(101);
      expect(queue.peek(Infinity)).toEqual(request(2));
      queue.resume(true);
      expect(queue.peek(Infinity)).toEqual(request(2));
      queue.shift(20, 300, true);
      queue.confirm(300);
      queue.rewind(false);
      expect(queue.peek(Infinity)).toEqual(request(2));
      queue.confirm(301);
      expect(queue.isEmpty).toBe(true);
    });

    it('are forgotten if they may have arrived at a service that cannot recognize them again', () => {
      const queue = lostQueue();
      queue.push(request(4), 0);
      queue.resume(false);
      expect(queue.peek(Infinity)).toEqual(request(4));
      queue.shift(10, 0, true);
      queue.left(9);
      queue.rewind(false);
      queue.resume(false);
      expect(queue.peek(Infinity)).toEqual(request(4));
    });
  });

  it('gives out no request before the audio that precedes it was sent', () => {
    const queue = new RequestQueue();
    queue.push(request(1), 5);
    queue.push(request(2), 0);
    expect(queue.peek(5)).toBe(null);
    expect(queue.peek(6)).toEqual(request(1));
  });
});

describe('raw audio', () => {
  it('is cut, silenced and measured in the frames of its format', () => {
    const stereo = { format: 'u8', sampleRate: 8000, channels: 2 } as const;
    const audio = new RawAudio(10, 4, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect([...withoutFirst(audio, 3, stereo).bytes]).toEqual([7, 8]);
    expect([...silenceLike(audio, stereo).bytes]).toEqual(Array(8).fill(0x80));
    expect(isWhole(audio, stereo, 'binary')).toBe(true);
    expect(isWhole(audio, stereo, 'base64')).toBe(true);
    expect(isWhole(audio, S16, 'base64')).toBe(true);
    expect(isWhole(audio, { ...stereo, channels: 1 }, 'binary')).toBe(false);
    expect(isWhole(audio, { ...stereo, channels: 1 }, 'base64')).toBe(false);
    expect(isWhole(new RawAudio(0, 320, new Uint8Array(0)), OPUS, 'binary')).toBe(false);
  });
});
