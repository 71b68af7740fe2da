import { expect, it } from 'vitest';
import type { PlayoutCommand, PlayoutFigures } from '../src/core/messages.ts';
import { FrameBlocks, PlayoutFeed } from '../src/core/playout/playout-feed.ts';
import { seededRandom } from './helpers/random.ts';

it('gives whole frames of bytes that are split anywhere, byte for byte, in reusable blocks', () => {
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

it('accepts foreign buffers without using them', () => {
  const blocks = new FrameBlocks(2);
  blocks.giveBack(new ArrayBuffer(4));
  blocks.push(new Uint8Array(100), 50, (block) => expect(block.buffer.byteLength).toBe(16_384));
});

/** A feed of 2 bytes a frame at 1 kHz, for at most 10 s, and what it has sent. */
function feedOf() {
  const sent: PlayoutCommand[] = [];
  const moved: ArrayBuffer[] = [];
  const feed = new PlayoutFeed({
    bytesPerFrame: 2,
    sampleRate: 1000,
    maxBufferMs: 10_000,
    send: (command, transfer) => {
      sent.push(command);
      moved.push(...transfer);
    },
  });
  const report = (heard: number, floor: number, dropped = 0) =>
    feed.report({ heard, floor, dropped, skipped: 0, interrupted: 0 } as PlayoutFigures);
  const taken = () => {
    const commands = sent.splice(0).map((command) => {
      if (command.type === 'write') return [command.bytes.length / 2, command.afterGap];
      return command.type === 'grow' ? ['memory', command.storage.byteLength / 2] : [command.type];
    });
    return commands;
  };
  return { feed, report, taken, moved };
}

const frames = (count: number): Uint8Array => new Uint8Array(2 * count);

it('sends only as much as there is room for, and provides memory for the frames that the processor holds', () => {
  const { feed, report, taken, moved } = feedOf();
  expect(feed.capacityFrames).toBe(2000);
  expect(feed.write(0, frames(2000))).toBe(2000);
  expect(taken()).toEqual([[2000, false]]);
  expect(feed.write(0, frames(1))).toBe(1);
  expect(taken()).toEqual([
    ['memory', 4000],
    [1, false],
  ]);
  expect(moved.length).toBe(3);
  expect(feed.write(0, frames(7000))).toBe(7000);
  // Blocks of 16 KiB.
  expect(taken()).toEqual([
    ['memory', 9001],
    [7000, false],
  ]);
  expect(feed.write(0, frames(1000))).toBe(999);
  expect(taken()).toEqual([
    ['memory', 10_000],
    [999, false],
  ]);
  expect([feed.write(0, frames(5)), feed.droppedFrames]).toEqual([0, 6]);
  // Heard, but still held in case that it is brought back.
  report(100, 0);
  expect(feed.write(0, frames(5))).toBe(5);
  report(5005, 5005);
  expect(feed.write(0, frames(3))).toBe(3);
  feed.reserve(5000);
  expect(feed.write(0, frames(10))).toBe(0);
  feed.reserve(0);
  expect(feed.write(0, frames(9000))).toBe(4997);
  expect(feed.droppedFrames).toBe(6 + 10 + 4003);
});

it('marks each gap once: after lost frames, after frames without room, or after returned ones', () => {
  const { feed, report, taken } = feedOf();
  feed.lose(0);
  feed.write(0, frames(10));
  feed.lose(480);
  feed.write(0, frames(10));
  feed.write(0, frames(10));
  expect(feed.lostFrames).toBe(480);
  expect(taken()).toEqual([
    [10, false],
    [10, true],
    [10, false],
  ]);
  feed.write(0, frames(20_000));
  taken();
  report(10_000, 10_000);
  feed.write(1, frames(10));
  expect(taken()).toEqual([[10, true]]);
  feed.takeBack(frames(10), false);
  feed.write(1, frames(4));
  feed.takeBack(frames(4), true);
  feed.write(2, frames(4));
  expect(taken()).toEqual([
    [4, false],
    [4, true],
  ]);
});

it('counts returned frames as dropped until they are sent again', () => {
  const { feed } = feedOf();
  feed.write(0, Uint8Array.of(1, 2, 3));
  feed.write(0, frames(9999));
  feed.takeBack(frames(600), false);
  expect(feed.droppedFrames).toBe(600);
  // Half a frame waits for its rest; what comes back was before it.
  expect(feed.resend(0, frames(600))).toBe(600);
  expect(feed.droppedFrames).toBe(0);
  expect(feed.framesWith(Uint8Array.of(4))).toBe(1);
  feed.reset();
  expect(feed.framesWith(Uint8Array.of(4))).toBe(0);
  feed.drop(Uint8Array.of(1, 2, 3));
  expect(feed.droppedFrames).toBe(1);
  expect([feed.retry(1, frames(1)), feed.droppedFrames]).toEqual([0, 1]);
  feed.giveBack(new ArrayBuffer(4), 77);
  expect(feed.receivedFrames).toBe(77);
});
