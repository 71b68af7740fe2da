import { describe, expect, it } from 'vitest';
import { ChunkQueue } from '../src/core/capture/chunk-queue.ts';
import { silentChunk } from './helpers/chunks.ts';
import { seededRandom } from './helpers/random.ts';

const chunk = (sequence: number): ReturnType<typeof silentChunk> =>
  silentChunk({ sequence, frame: 10 * sequence, frames: 10 });

describe('ChunkQueue', () => {
  it('gives queued chunks, then later ones, then ends', async () => {
    const queue = new ChunkQueue(5);
    queue.push(chunk(0));
    const iterator = queue[Symbol.asyncIterator]();
    expect((await iterator.next()).value?.sequence).toBe(0);
    const later = iterator.next();
    queue.push(chunk(1));
    expect((await later).value?.sequence).toBe(1);
    const last = iterator.next();
    queue.end();
    expect(await last).toEqual({ done: true, value: undefined });
    expect((await iterator.next()).done).toBe(true);
  });

  it('drops the oldest and reports it with the next chunk, so that the frame count has no gap', async () => {
    const queue = new ChunkQueue(2);
    for (let i = 0; i < 5; i++) queue.push(chunk(i));
    expect(queue.stats).toEqual({
      capturedFrames: 50,
      deliveredFrames: 0,
      queuedFrames: 20,
      droppedFrames: 30,
    });
    const { value } = await queue[Symbol.asyncIterator]().next();
    // A dropped chunk takes no number: what is sent has none missing.
    expect([value?.sequence, value?.frame, value?.dropped]).toEqual([0, 30, 30]);
  });

  it('counts frames lost after the last chunk when it ends', () => {
    const queue = new ChunkQueue(2);
    queue.push(chunk(0));
    queue.end(25);
    expect(queue.stats).toEqual({
      capturedFrames: 25,
      deliveredFrames: 0,
      queuedFrames: 10,
      droppedFrames: 15,
    });
  });

  it('starts counting at the given frame, and counts a gap before the first chunk as dropped', async () => {
    const queue = new ChunkQueue(5, 30);
    queue.push(chunk(3));
    expect(queue.stats).toEqual({
      capturedFrames: 10,
      deliveredFrames: 0,
      queuedFrames: 10,
      droppedFrames: 0,
    });
    const late = new ChunkQueue(5, 30);
    late.push(chunk(5));
    expect(late.stats).toEqual({
      capturedFrames: 30,
      deliveredFrames: 0,
      queuedFrames: 10,
      droppedFrames: 20,
    });
    expect((await late[Symbol.asyncIterator]().next()).value?.dropped).toBe(20);
  });

  it('resumes after another reader, and counts frames that never reached that reader as dropped', async () => {
    const here = new ChunkQueue(5);
    for (let i = 0; i < 3; i++) here.push(chunk(i));
    const iterator = here[Symbol.asyncIterator]();
    await iterator.next();
    // Chunks 1 and 2 are handed over; the other reader then has 3 as well, of which 10 frames were dropped.
    expect(here.drain().map(({ sequence }) => sequence)).toEqual([1, 2]);
    here.reclaim({ deliveredFrames: 30, droppedFrames: 10 });
    expect(here.stats).toEqual({
      capturedFrames: 50,
      deliveredFrames: 40,
      queuedFrames: 0,
      droppedFrames: 10,
    });
    // Chunk 5 was on its way to it.
    here.push(chunk(6));
    expect(here.stats).toEqual({
      capturedFrames: 70,
      deliveredFrames: 40,
      queuedFrames: 10,
      droppedFrames: 20,
    });
    expect((await iterator.next()).value?.dropped).toBe(10);
  });

  it('counts frames that were dropped before a handover once, when it takes the stream back', () => {
    const here = new ChunkQueue(2);
    for (let i = 0; i < 4; i++) here.push(chunk(i));
    expect(here.drain().map(({ dropped }) => dropped)).toEqual([20, 0]);
    here.reclaim({ deliveredFrames: 20, droppedFrames: 20 });
    expect(here.stats).toEqual({
      capturedFrames: 40,
      deliveredFrames: 20,
      queuedFrames: 0,
      droppedFrames: 20,
    });
  });

  it('hands queued chunks to another reader, which starts its counts there', async () => {
    const here = new ChunkQueue(2);
    for (let i = 0; i < 4; i++) here.push(chunk(i));
    const there = new ChunkQueue(5, here.handoverFrame);
    expect(here.handoverFrame).toBe(0);
    for (const waiting of here.drain()) there.push(waiting);
    expect(there.stats).toEqual({
      capturedFrames: 40,
      deliveredFrames: 0,
      queuedFrames: 20,
      droppedFrames: 20,
    });
    expect(here.stats.queuedFrames).toBe(0);
    expect(here.handoverFrame).toBe(40);
    expect(here.droppedChunks).toBe(2);
  });

  it('numbers continue with another reader, whatever was dropped before', async () => {
    const here = new ChunkQueue(2);
    const reader = here[Symbol.asyncIterator]();
    for (let i = 0; i < 6; i++) here.push(chunk(i));
    expect((await reader.next()).value?.sequence).toBe(0);
    const there = new ChunkQueue(5, here.handoverFrame, here.droppedChunks);
    for (const waiting of here.drain()) there.push(waiting);
    there.push(chunk(6));
    const numbers: unknown[] = [];
    there.end();
    for await (const { sequence, frame } of there) numbers.push([sequence, frame]);
    expect(numbers).toEqual([
      [1, 50],
      [2, 60],
    ]);
  });

  it('numbers continue after another reader is gone', async () => {
    const here = new ChunkQueue(5);
    const there = new ChunkQueue(2, here.handoverFrame, here.droppedChunks);
    here.drain();
    for (let i = 0; i < 5; i++) there.push(chunk(i));
    const reader = there[Symbol.asyncIterator]();
    expect((await reader.next()).value).toMatchObject({ sequence: 0, frame: 30, dropped: 30 });
    // Chunk 4 is lost with the reader; its frames are those between what was read and what comes next.
    here.reclaim(there.account);
    here.push(silentChunk({ sequence: 5, frame: 50, frames: 10 }));
    const { value } = await here[Symbol.asyncIterator]().next();
    expect(value).toMatchObject({ sequence: 1, frame: 50 });
  });

  it('accounts for every frame in any sequence of operations', async () => {
    const random = seededRandom(21);
    for (let run = 0; run < 100; run++) {
      const queue = new ChunkQueue(1 + Math.floor(random() * 5));
      const iterator = queue[Symbol.asyncIterator]();
      let frame = 0;
      let seen = 0;
      let given = 0;
      let next: ReturnType<typeof iterator.next> | undefined;
      for (let sequence = 0; sequence < 60; sequence++) {
        const dropped = random() < 0.2 ? Math.floor(random() * 30) : 0;
        const frames = 1 + Math.floor(random() * 20);
        queue.push(silentChunk({ sequence, frame: frame + dropped, frames, dropped }));
        frame += dropped + frames;
        if (random() < 0.5) {
          next ??= iterator.next();
          const waits = queue.stats.queuedFrames === 0 && random() < 0.5;
          if (!waits) {
            const { value } = await next;
            next = undefined;
            // What this chunk says was lost is just what was not seen.
            expect(value!.frame).toBe(seen + value!.dropped);
            seen = value!.frame + value!.frames;
            expect(value!.sequence).toBe(given++);
          }
        }
        const {
          capturedFrames: captured,
          deliveredFrames: delivered,
          queuedFrames: queued,
          droppedFrames: lost,
        } = queue.stats;
        expect(captured).toBe(frame);
        expect(captured).toBe(delivered + queued + lost);
      }
    }
  });

  it('has one reader at a time', async () => {
    const queue = new ChunkQueue(2);
    const first = queue[Symbol.asyncIterator]();
    expect(() => queue[Symbol.asyncIterator]()).toThrow(TypeError);
    const pending = first.next();
    await first.return!();
    expect((await pending).done).toBe(true);
    queue.push(chunk(0));
    expect((await first.next()).done).toBe(true);
    const second = queue[Symbol.asyncIterator]();
    expect((await second.next()).value?.sequence).toBe(0);
    // The first has nothing left to give free.
    await first.return!();
    expect(() => queue[Symbol.asyncIterator]()).toThrow(TypeError);
  });

  it('gives its reader the error that ended it, after the queued chunks, once', async () => {
    const queue = new ChunkQueue(2);
    queue.push(chunk(0));
    queue.fail(new Error('gone'));
    queue.push(chunk(1));
    const iterator = queue[Symbol.asyncIterator]();
    expect((await iterator.next()).value?.sequence).toBe(0);
    await expect(iterator.next()).rejects.toThrow('gone');
    expect((await iterator.next()).done).toBe(true);
  });

  it('rejects the reader that waits when it fails', async () => {
    const queue = new ChunkQueue(2);
    const iterator = queue[Symbol.asyncIterator]();
    const waiting = [iterator.next(), iterator.next()];
    queue.fail(new Error('gone'));
    await expect(waiting[0]).rejects.toThrow('gone');
    expect((await waiting[1])?.done).toBe(true);
    // Once: who asks again is told that it is over.
    expect((await iterator.next()).done).toBe(true);
  });
});
