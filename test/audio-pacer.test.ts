import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AudioPacer } from '../src/node/audio-pacer.ts';
import { seededRandom } from './helpers/random.ts';
import { bytesAt } from './helpers/stream-client.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const SECOND = 8000;

/** A pacer of 8 kHz, and what it sent and when. */
function paced(maxBytes = 1e6) {
  const sent: { readonly atMs: number; readonly frames: number }[] = [];
  const bytes: number[] = [];
  const line = { isReady: true };
  const startMs = Date.now();
  const pacer = new AudioPacer({
    sampleRate: SECOND,
    frameBytes: 2,
    packetFrames: 160,
    maxBytes,
    now: () => Date.now(),
    send: (packet, frames) => {
      if (!line.isReady) return false;
      sent.push({ atMs: Date.now() - startMs, frames });
      bytes.push(...packet);
      return true;
    },
  });
  return { pacer, sent, bytes, line };
}

describe('AudioPacer', () => {
  it('sends a packet every 20 ms, the first at once', async () => {
    const { pacer, sent } = paced();
    const written = pacer.write(new Uint8Array(2 * SECOND));
    expect(sent).toEqual([{ atMs: 0, frames: 160 }]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent.map(({ atMs }) => atMs)).toEqual(Array.from({ length: 50 }, (_, i) => 20 * i));
    expect(await written).toBe(SECOND);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sends all bytes in order and never faster than real time, whenever they are written', async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed);
      const { pacer, sent, bytes, line } = paced();
      const all = bytesAt(`pacer ${seed}`, 0, 6000);
      const results: Promise<number>[] = [];
      const sizes: number[] = [];
      for (let at = 0; at < 6000;) {
        const frames = Math.min(6000 - at, 1 + Math.floor(random() ** 3 * 1500));
        sizes.push(frames);
        results.push(pacer.write(all.subarray(2 * at, 2 * (at + frames))));
        at += frames;
        line.isReady = random() > 0.1;
        if (random() < 0.5) await vi.advanceTimersByTimeAsync(random() * 300);
      }
      line.isReady = true;
      await vi.advanceTimersByTimeAsync(3000);
      expect(await Promise.all(results)).toEqual(sizes);
      expect(bytes).toEqual(Array.from(all));
      expect(pacer.queuedFrames).toBe(0);
      expect(vi.getTimerCount()).toBe(0);
      // Of any stretch: no more than was heard, the packet that is being heard, and what may be caught up.
      for (let from = 0; from < sent.length; from++) {
        let frames = 0;
        for (let to = from; to < sent.length; to++) {
          frames += sent[to]!.frames;
          const heard = ((sent[to]!.atMs - sent[from]!.atMs) / 1000) * SECOND;
          expect(frames).toBeLessThanOrEqual(heard + 160 + 0.2 * SECOND + 160);
        }
      }
    }
  });

  it('takes no more bytes than its queue allows, and reports how many frames were cleared', async () => {
    const { pacer } = paced(3200);
    const first = pacer.write(new Uint8Array(3200));
    expect(await pacer.write(new Uint8Array(322))).toBe(0);
    await vi.advanceTimersByTimeAsync(50);
    expect(pacer.queuedFrames).toBe(1600 - 3 * 160);
    expect(pacer.clear()).toBe(1600 - 3 * 160);
    expect(await first).toBe(3 * 160);
    pacer.close();
    expect(await pacer.write(new Uint8Array(2))).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(() => pacer.write(new Uint8Array(1))).toThrow(RangeError);
  });
});
