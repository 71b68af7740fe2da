/** Another source for a capture or a meter that lives: see also test/browser/set-source.test.ts. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Capture } from '../src/web/index.ts';
import type { Chunk } from '../src/web/index.ts';
import {
  TestContext,
  TestLivingSource,
  TestNode,
  TestTrack,
  openPage,
} from './helpers/capture-rig.ts';

let context: TestContext;
let closePage: () => void;
beforeEach(async () => {
  closePage = await openPage();
  context = new TestContext();
});
afterEach(() => {
  vi.unstubAllGlobals();
  closePage();
});

/** A node of the page's that notes what becomes of it. */
class TestSource {
  readonly context: unknown;
  readonly calls: string[] = [];
  refuses = false;
  constructor() {
    this.context = context;
  }
  connect(): void {
    if (this.refuses) throw new DOMException('another context', 'InvalidAccessError');
    this.calls.push('connect');
  }
  disconnect(): void {
    this.calls.push('disconnect');
  }
  get asNode(): AudioNode {
    return this as unknown as AudioNode;
  }
}

const QUANTUM = 128;

/** Renders, with a signal of presence at the second input; undefined: none is connected. */
async function play(quanta: number, presence: number | undefined, level: number): Promise<void> {
  const node = TestNode.made.at(-1)!;
  const signal = presence === undefined ? [] : [new Float32Array(QUANTUM).fill(presence)];
  node.processor.setInput(1, signal);
  await node.render(quanta, level);
}

/** Ends the capture and reads it: levels, by their frames, and the holes before chunks. */
async function ended(capture: Capture): Promise<{
  readonly levels: readonly number[];
  readonly holes: readonly (readonly [frame: number, dropped: number])[];
}> {
  const node = TestNode.made.at(-1)!;
  const closing = capture.close();
  await node.render(1);
  await closing;
  const levels: number[] = [];
  const holes: [number, number][] = [];
  const chunks: Chunk[] = [];
  for await (const chunk of capture) chunks.push(chunk);
  for (const chunk of chunks) {
    if (chunk.dropped > 0) holes.push([chunk.frame, chunk.dropped]);
    const samples = new Float32Array(chunk.bytes.slice().buffer);
    for (let i = 0; i < samples.length; i++) levels[chunk.frame + i] = samples[i]!;
  }
  const { capturedFrames, deliveredFrames, queuedFrames, droppedFrames } = capture.stats;
  expect(capturedFrames).toBe(deliveredFrames + queuedFrames + droppedFrames);
  return { levels, holes };
}

const OPTIONS = { format: 'f32', chunkDurationMs: 10 } as const;

describe('setSource', () => {
  test('connects the new source in place of the old one, and the frames continue', async () => {
    const first = new TestSource();
    const second = new TestSource();
    const capture = await Capture.create(context.asContext, first.asNode, OPTIONS);
    await play(20, undefined, 0.25);
    capture.setSource(second.asNode);
    expect(first.calls).toEqual(['connect', 'disconnect']);
    expect(second.calls).toEqual(['connect']);
    await play(20, undefined, 0.5);
    const { levels, holes } = await ended(capture);
    expect(holes).toEqual([]);
    expect(levels).toHaveLength(40 * QUANTUM);
    expect(levels.indexOf(0.5)).toBe(20 * QUANTUM);
    expect(second.calls).toEqual(['connect', 'disconnect']);
    expect(first.calls).toHaveLength(2);
  });

  test('follows the new track: the end of the old one no longer matters', async () => {
    const before = new TestTrack();
    const after = new TestTrack();
    const capture = await Capture.create(context.asContext, before.asTrack, OPTIONS);
    const states: string[] = [];
    capture.addEventListener('statechange', () => states.push(capture.state));
    capture.setSource(after.asTrack);
    before.end();
    expect(capture.state).toBe('running');
    after.mute(true);
    after.mute(false);
    after.end();
    expect(states).toEqual(['muted', 'running', 'ended']);
    expect([before.stops, after.stops]).toEqual([0, 0]);
  });

  test.each([
    ['before its audio is disconnected', 0],
    ['after', 3],
  ])(
    'from a microphone to a node: the audio thread is informed %s, and every frame is counted',
    async (_, quantaLost) => {
      const microphone = new TestLivingSource();
      const capture = await Capture.create(context.asContext, microphone, OPTIONS);
      await play(20, 1, 0.25);
      if (quantaLost > 0) await play(quantaLost, undefined, 0);
      capture.setSource(new TestSource().asNode);
      expect(microphone.disconnections).toHaveLength(1);
      expect(microphone.listeners).toBe(0);
      await play(20, undefined, 0.5);
      const { levels, holes } = await ended(capture);
      const lost = quantaLost * QUANTUM;
      expect(levels).toHaveLength(40 * QUANTUM + lost);
      expect(levels.indexOf(0.5)).toBe(20 * QUANTUM + lost);
      expect(holes).toEqual(lost === 0 ? [] : [[20 * QUANTUM + lost, lost]]);
    },
  );

  test('from a node to a microphone: frames before the microphone is heard count as dropped', async () => {
    const microphone = new TestLivingSource();
    const capture = await Capture.create(context.asContext, new TestSource().asNode, OPTIONS);
    const node = TestNode.made.at(-1)!;
    await play(20, undefined, 0.25);
    capture.setSource(microphone);
    expect(microphone.connections).toEqual([
      [node, 1, 0],
      [node, 2, 1],
    ]);
    await play(4, undefined, 0);
    await play(10, 1, 0.5);
    await play(6, 2, 0);
    await play(10, 1, 0.75);
    const { levels, holes } = await ended(capture);
    expect(holes).toEqual([
      [24 * QUANTUM, 4 * QUANTUM],
      [40 * QUANTUM, 6 * QUANTUM],
    ]);
    expect(levels.indexOf(0.5)).toBe(24 * QUANTUM);
    expect(levels).toHaveLength(50 * QUANTUM);
  });

  test('keeps its source if the new one is refused', async () => {
    const first = new TestSource();
    const capture = await Capture.create(context.asContext, first.asNode, OPTIONS);
    const other = new TestSource();
    other.refuses = true;
    expect(() => capture.setSource(other.asNode)).toThrow(
      expect.objectContaining({ code: 'unsupported' }),
    );
    expect(first.calls).toEqual(['connect', 'disconnect', 'connect']);
    const over = new TestTrack();
    over.end();
    expect(() => capture.setSource(over.asTrack)).toThrow(
      expect.objectContaining({ code: 'no-audio' }),
    );
    expect(() => capture.setSource({} as never)).toThrow(/source must be a MediaStreamTrack/);
    expect(first.calls).toHaveLength(3);
    await play(10, undefined, 0.5);
    expect((await ended(capture)).levels).toHaveLength(10 * QUANTUM);
  });

  test('is refused once the capture has ended, for any reason', async () => {
    const track = new TestTrack();
    const capture = await Capture.create(context.asContext, track.asTrack, OPTIONS);
    track.end();
    const closed = expect.objectContaining({ name: 'MicwireError', code: 'closed' });
    expect(() => capture.setSource(new TestTrack().asTrack)).toThrow(closed);
    await ended(capture);
    expect(() => capture.setSource(new TestTrack().asTrack)).toThrow(closed);
  });
});
