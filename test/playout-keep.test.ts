import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PlayoutOptions, PlayoutPosition, PlayoutSkip } from '../src/web/index.ts';
import { PlayoutPage, counting } from './helpers/playout-page.ts';

const RATE = 24_000;
const pages: PlayoutPage[] = [];
afterEach(() => {
  vi.unstubAllGlobals();
  for (const page of pages.splice(0)) page.close();
});

async function open(options: Partial<PlayoutOptions> = {}) {
  const page = await PlayoutPage.open({ sampleRate: RATE, ...options });
  pages.push(page);
  const skips: PlayoutSkip[] = [];
  const ended: PlayoutPosition[] = [];
  page.playout.addEventListener('skipped', ({ detail }) => skips.push(detail));
  page.playout.addEventListener('ended', ({ detail }) => ended.push(detail));
  return { page, playout: page.playout, skips, ended };
}

/** The samples that `counting` stands for, beyond the range of 16 bits too. */
function heard(frames: number, from = 1): Float32Array {
  return Float32Array.from(
    Int16Array.from({ length: frames }, (_, i) => from + i),
    (n) => n / 32768,
  );
}

/** `samples` from the first that is not silent, as many as `frames`. */
function audible(samples: Float32Array, frames: number): Float32Array {
  const first = samples.findIndex((sample) => sample !== 0);
  return samples.subarray(first, first + frames);
}

/** Whether all samples are the same; toEqual takes long for millions. */
function same(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((sample, i) => sample === b[i]);
}

describe('with the defaults', () => {
  it('a reply that arrives ten times faster than real time is heard whole', async () => {
    const { page, playout, skips, ended } = await open();
    const frames = 6 * RATE;
    const chunk = RATE / 50;
    const rendered: Float32Array[] = [];
    for (let sent = 0; sent < frames; sent += chunk) {
      expect(playout.write(counting(chunk, 1 + sent), { item: 'reply' })).toBe(chunk);
      rendered.push(page.render(chunk / 10));
    }
    playout.end('reply');
    rendered.push(page.render(frames));
    const output = Float32Array.from(rendered.flatMap((samples) => [...samples]));
    expect(same(audible(output, frames), heard(frames))).toBe(true);
    expect(ended).toMatchObject([{ item: 'reply', frames, skippedFrames: 0 }]);
    expect(skips).toEqual([]);
  });

  it('a reply of ten minutes that is written at once is heard whole, behind another', async () => {
    const sampleRate = 3000;
    const { page, playout, skips, ended } = await open({ sampleRate });
    const frames = 600 * sampleRate;
    playout.write(counting(30_000), { item: 'first' });
    page.render(1024);
    expect(playout.write(counting(frames), { item: 'long' })).toBe(frames);
    playout.end('long');
    const output = page.render(frames + 40_000);
    const from = output.length - output.toReversed().findIndex((sample) => sample !== 0) - frames;
    expect(same(output.subarray(from, from + frames), heard(frames))).toBe(true);
    expect(ended.map(({ item, skippedFrames }) => [item, skippedFrames])).toEqual([
      ['first', 0],
      ['long', 0],
    ]);
    expect(skips).toEqual([]);
  });

  it('a thousand items that arrive at once are heard one after the other', async () => {
    const { page, playout, ended } = await open();
    for (let i = 0; i < 1000; i++) {
      expect(playout.write(counting(20, 1 + 20 * i), { item: `${i}` })).toBe(20);
    }
    playout.end('999');
    const output = page.render(22_000);
    expect(same(audible(output, 20_000), heard(20_000))).toBe(true);
    expect(ended.map(({ item }) => item)).toEqual(Array.from({ length: 1000 }, (_, i) => `${i}`));
  });
});

describe('audio without room', () => {
  it('is reported by write and by an event, and the accepted audio plays', async () => {
    const { page, playout, skips } = await open({ maxBufferMs: 1000 });
    const seen: string[] = [];
    playout.addEventListener('skipped', () => seen.push('during write'));
    expect(playout.write(counting(RATE + 600), { item: 'reply' })).toBe(RATE);
    seen.push('after write');
    expect(seen).toEqual(['during write', 'after write']);
    expect(skips).toEqual([{ item: 'reply', frames: 600, ms: 25, reason: 'no-room' }]);
    playout.end('reply');
    expect(same(audible(page.render(2 * RATE), RATE), heard(RATE))).toBe(true);
    expect(playout.stats).toMatchObject({ playedFrames: RATE, droppedFrames: 600 });
    expect(playout.write(counting(600), { item: 'next' })).toBe(600);
  });

  it('for lack of memory is reported too, and the accepted audio plays', async () => {
    const { page, playout, skips } = await open();
    playout.write(counting(100));
    page.render(0);
    class Scarce extends ArrayBuffer {
      constructor(byteLength: number) {
        if (byteLength > 1e5) throw new RangeError('Array buffer allocation failed');
        super(byteLength);
      }
    }
    vi.stubGlobal('ArrayBuffer', Scarce);
    const taken = playout.write(counting(10 * RATE, 101));
    vi.unstubAllGlobals();
    expect(taken).toBe(2 * RATE - 100);
    expect(skips).toMatchObject([{ frames: 10 * RATE - taken, reason: 'no-room' }]);
    playout.end();
    expect(same(audible(page.render(3 * RATE), 2 * RATE), heard(2 * RATE))).toBe(true);
  });

  it('because too many items wait is reported, until some have ended or were interrupted', async () => {
    const { page, playout, skips } = await open();
    let taken = 0;
    while (playout.write(counting(1), { item: `${taken}` }) === 1) taken++;
    expect(taken).toBe(4095);
    expect(skips).toEqual([{ item: '4095', frames: 1, ms: 1000 / RATE, reason: 'no-room' }]);
    page.render(2000);
    expect(playout.write(counting(1), { item: 'after some' })).toBe(1);
    const interrupted = playout.interrupt();
    page.render(1000);
    await interrupted;
    expect(playout.write(counting(1), { item: 'after all' })).toBe(1);
    playout.end('after all');
    page.render(1000);
    expect(playout.stats).toMatchObject({ droppedFrames: 1, bufferedFrames: 0 });
  });
});

describe('catching up', () => {
  it('reports every frame that it skips, by item, at most 50 times a second', async () => {
    const { page, playout, skips, ended } = await open({ backlog: 'catch-up' });
    const seconds = 12;
    const chunk = RATE / 50;
    const frames = seconds * RATE;
    let written = 0;
    let item = 0;
    for (let now = 0; now < frames; now += chunk) {
      // Two stalls: the first is short enough to be worked off, the second is skipped at once.
      const stalled = (now >= RATE && now < 1.6 * RATE) || (now >= 6 * RATE && now < 8 * RATE);
      while (!stalled && written <= now) {
        if (written % (2 * RATE) === 0) item++;
        const sine = Int16Array.from({ length: chunk }, (_, i) =>
          Math.round(8000 * Math.sin((2 * Math.PI * 200 * (written + i)) / RATE)),
        );
        playout.write(sine, { item: `item-${item}` });
        written += chunk;
      }
      page.render(chunk);
    }
    playout.end(`item-${item}`);
    page.render(RATE);
    const { skippedFrames } = playout.stats;
    expect(skippedFrames).toBeGreaterThan(2 * RATE);
    expect(skips.length).toBeGreaterThan(10);
    expect(skips.length).toBeLessThan(50 * seconds);
    const byItem = new Map<string | undefined, number>();
    for (const skip of skips) {
      expect(skip.reason).toBe('catch-up');
      expect(skip.ms).toBe((skip.frames * 1000) / RATE);
      byItem.set(skip.item, (byItem.get(skip.item) ?? 0) + skip.frames);
    }
    expect([...byItem]).toEqual(
      ended
        .filter((position) => position.skippedFrames > 0)
        .map((position) => [position.item, position.skippedFrames]),
    );
    expect([...byItem.values()].reduce((sum, skipped) => sum + skipped)).toBe(skippedFrames);
  });
});
