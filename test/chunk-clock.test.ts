import { describe, expect, it } from 'vitest';
import { ChunkClock } from '../src/core/capture/chunk.ts';

describe('ChunkClock', () => {
  it.each([
    [16000, 20, [320, 320, 320]],
    [11025, 20, [220, 221, 220, 221]],
    [44100, 2.5, [110, 110, 110, 111, 110, 110, 110, 111]],
    [22050, 10, [220, 221, 220, 221]],
    [3000, 1, [3, 3, 3]],
  ])('at %i Hz and %f ms chunks have %j frames', (sampleRate, chunkMs, frames) => {
    const clock = new ChunkClock(sampleRate, chunkMs);
    expect(frames.map(() => clock.next())).toEqual(frames);
  });

  it.each([
    [11025, 20],
    [44100, 2.5],
    [44100, 32],
    [768000, 10000],
    [8000, 33.3],
    [48000, 33.3],
  ])('is exact to a frame after a million chunks (%i Hz, %f ms)', (sampleRate, chunkMs) => {
    const clock = new ChunkClock(sampleRate, chunkMs);
    const perChunk = (sampleRate * chunkMs) / 1000;
    let total = 0;
    let worst = 0;
    let odd = 0;
    for (let k = 1; k <= 1_000_000; k++) {
      const frames = clock.next();
      total += frames;
      if (frames !== Math.floor(perChunk) && frames !== Math.ceil(perChunk)) odd++;
      worst = Math.max(worst, Math.abs(total - k * perChunk));
    }
    expect(odd).toBe(0);
    expect(worst).toBeLessThanOrEqual(1);
    expect(clock.maxFrames).toBe(Math.ceil(perChunk));
  });

  it('knows a whole number of frames when it meets one', () => {
    const clock = new ChunkClock(48000, 33.3);
    let total = 0;
    for (let k = 0; k < 5; k++) total += clock.next();
    expect(total).toBe(7992);
  });

  it('restarts when it is reset', () => {
    const clock = new ChunkClock(11025, 20);
    clock.next();
    clock.reset();
    expect([clock.next(), clock.next()]).toEqual([220, 221]);
  });
});
