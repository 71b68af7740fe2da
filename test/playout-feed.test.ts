import { expect, it } from 'vitest';
import { FrameBlocks } from '../src/core/playout/playout-feed.ts';
import { seededRandom } from './helpers/random.ts';

it('gives whole frames of what comes split anywhere, byte by byte the same, in blocks that may come back', () => {
  for (let seed = 1; seed <= 80; seed++) {
    const random = seededRandom(seed);
    const bytesPerFrame = [1, 2, 3, 4, 6, 8, 12, 128][seed % 8]!;
    const blocks = new FrameBlocks(bytesPerFrame);
    const given: number[] = [];
    const expected: number[] = [];
    let frames = 0;
    let offered = 0;
    let partial: number[] = [];
    for (let i = 0; i < 20; i++) {
      const length = Math.floor(random() * (random() < 0.05 ? 40_000 : 2.5 * bytesPerFrame));
      const bytes = Uint8Array.from({ length }, () => random() * 256);
      const whole = blocks.framesWith(length);
      // Now and then there is no room for all of them.
      const take = random() < 0.1 ? Math.floor(random() * (whole + 1)) : whole;
      const all = [...partial, ...bytes];
      expected.push(...all.slice(0, take * bytesPerFrame));
      partial = all.slice(whole * bytesPerFrame);
      blocks.push(bytes, take, (block) => {
        expect(block.length % bytesPerFrame).toBe(0);
        given.push(...block);
        if (random() < 0.5) blocks.giveBack(block.buffer);
      });
      frames += take;
      offered += whole;
      if (random() < 0.05) {
        blocks.reset();
        partial = [];
      }
    }
    expect(Buffer.from(given).equals(Buffer.from(expected))).toBe(true);
    expect(given.length).toBe(frames * bytesPerFrame);
    expect(offered).toBeGreaterThanOrEqual(frames);
  }
});

it('takes foreign buffers back without using them', () => {
  const blocks = new FrameBlocks(2);
  blocks.giveBack(new ArrayBuffer(4));
  blocks.push(new Uint8Array(100), 50, (block) => expect(block.buffer.byteLength).toBe(16_384));
});
