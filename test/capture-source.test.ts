import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
// Node fetches no files: Opus comes as in a bundle of one file.
import '../src/web/opus-inline.ts';
import { Capture, Meter, Recorder } from '../src/web/index.ts';
import {
  TestContext,
  TestLivingSource,
  TestNode,
  TestTrack,
  openPage,
} from './helpers/capture-rig.ts';

/** Stands for the page's `Audio`. */
class TestAudio {
  static made: TestAudio[] = [];
  muted = false;
  srcObject: { readonly tracks: readonly unknown[] } | null = null;
  playing = false;
  constructor() {
    TestAudio.made.push(this);
  }
  play(): Promise<void> {
    this.playing = true;
    return Promise.reject(new DOMException('no gesture', 'NotAllowedError'));
  }
  pause(): void {
    this.playing = false;
  }
}

let context: TestContext;
let closePage: () => void;
beforeEach(async () => {
  closePage = await openPage();
  context = new TestContext();
  TestAudio.made = [];
  vi.stubGlobal('Audio', TestAudio);
});
afterEach(() => {
  vi.unstubAllGlobals();
  closePage();
});

function track(fields: object): TestTrack {
  return Object.assign(new TestTrack(), fields);
}

const local = { id: 'a', label: 'Microphone', getSettings: () => ({ deviceId: 'default' }) };
const remotes: [string, object][] = [
  ['Chromium', { id: 'x', label: 'remote audio', getSettings: () => ({ deviceId: 'x' }) }],
  ['Chromium, cloned', { id: 'y', label: 'remote audio', getSettings: () => ({ deviceId: 'x' }) }],
  ['Firefox', { id: 'x', label: 'remote audio', getSettings: () => ({}) }],
  ['an engine with labels of its own', { id: 'x', label: 'x', getSettings: () => ({}) }],
];

describe('a remote track', () => {
  test.each(remotes)(
    'of %s is played by a muted element until the capture is closed',
    async (_, fields) => {
      const source = track(fields);
      const capture = await Capture.create(context.asContext, source.asTrack);
      expect(TestAudio.made).toHaveLength(1);
      const [element] = TestAudio.made;
      expect(element).toMatchObject({ muted: true, playing: true });
      expect(element!.srcObject!.tracks).toEqual([source]);
      const closing = capture.close();
      await TestNode.made.at(-1)!.render(1);
      await closing;
      expect(element).toMatchObject({ playing: false, srcObject: null });
      expect(source.stops).toBe(0);
    },
  );

  test('may also be behind a node; a local track is not played', async () => {
    const node = Object.assign((context as unknown as AudioContext).createGain(), {
      mediaStream: { getAudioTracks: () => [track(remotes[0]![1])] },
    });
    void (await Capture.create(context.asContext, node));
    expect(TestAudio.made).toHaveLength(1);
    void (await Capture.create(context.asContext, track(local).asTrack));
    expect(TestAudio.made).toHaveLength(1);
  });

  test('that the engine refuses is released again', async () => {
    Object.assign(context, {
      createMediaStreamSource: () => {
        throw new DOMException('no', 'NotSupportedError');
      },
    });
    await expect(
      Capture.create(context.asContext, track(remotes[0]![1]).asTrack),
    ).rejects.toThrow();
    expect(TestAudio.made[0]).toMatchObject({ playing: false, srcObject: null });
  });
});

test('of a node with several tracks is the first by id, in order of code units', async () => {
  const tracks = ['b', 'a', 'B', 'ä'].map((id) => track({ ...local, id }));
  const node = Object.assign((context as unknown as AudioContext).createGain(), {
    mediaStream: { getAudioTracks: () => tracks },
  });
  const capture = await Capture.create(context.asContext, node);
  tracks[0]!.end();
  tracks[1]!.end();
  tracks[3]!.end();
  expect(capture.state).toBe('running');
  tracks[2]!.mute(true);
  expect(capture.state).toBe('muted');
  tracks[2]!.end();
  expect(capture.state).toBe('ended');
});

describe('a microphone', () => {
  test('connects audio and presence to the two inputs of a capture, with its pre-roll', async () => {
    const source = new TestLivingSource();
    const capture = await Capture.create(context.asContext, source, { sampleRate: 16_000 });
    const node = TestNode.made.at(-1)!;
    expect(source.connections).toEqual([
      [node, 1, 0],
      [node, 2, 1],
    ]);
    expect(node.options.numberOfInputs).toBe(2);
    // At the context's rate.
    expect(node.options.processorOptions.preRollFrames).toBe(12_000);
    expect(node.options.processorOptions.holdPauses).toBe(false);
    const closing = capture.close();
    await node.render(1);
    await closing;
    expect(source.disconnections).toEqual([node]);
    expect(source.listeners).toBe(0);
  });

  test('mutes its captures while it has no device, and ends them when it closes', async () => {
    const source = new TestLivingSource();
    source.state = 'opening';
    const capture = await Capture.create(context.asContext, source);
    const states = [capture.state];
    capture.addEventListener('statechange', () => states.push(capture.state));
    for (const state of ['live', 'lost', 'blocked', 'live', 'muted', 'live']) source.enter(state);
    expect(states).toEqual(['muted', 'running', 'muted', 'running', 'muted', 'running']);
    source.enter('lost');
    context.enter('suspended');
    expect(capture.state).toBe('suspended');
    source.enter('closed');
    expect(capture.state).toBe('ended');
  });

  test('that is closed has no audio', async () => {
    const source = new TestLivingSource();
    source.state = 'closed';
    await expect(Capture.create(context.asContext, source)).rejects.toMatchObject({
      code: 'no-audio',
    });
  });

  test('counts missing audio, and keeps the pre-roll before a press, by its second input', async () => {
    const source = new TestLivingSource();
    const capture = await Capture.create(context.asContext, source, {
      format: 'f32',
      chunkDurationMs: 10,
    });
    const node = TestNode.made.at(-1)!;
    const play = async (quanta: number, presence: number): Promise<void> => {
      node.processor.setInput(1, [new Float32Array(128).fill(presence)]);
      await node.render(quanta, presence === 2 ? 0 : 0.5);
    };
    await play(15, 1);
    await play(15, 2);
    await play(100, 3);
    await play(60, 1);
    const closing = capture.close();
    await node.render(1);
    await closing;
    // 12000 frames of the 100 quanta are the pre-roll.
    const captured = (15 + 15 + 60) * 128 + 12_000;
    expect(capture.stats).toEqual({
      capturedFrames: captured,
      deliveredFrames: 0,
      queuedFrames: captured - 15 * 128,
      droppedFrames: 15 * 128,
    });
    const starts: number[] = [];
    for await (const { frame, dropped, contextTime } of capture) {
      if (dropped > 0) starts.push(frame, dropped, Math.round(contextTime * 48_000));
    }
    expect(starts).toEqual([30 * 128, 15 * 128, 130 * 128 - 12_000]);
  });

  test('is captured from the quantum in which it is connected', async () => {
    const capture = await Capture.create(context.asContext, new TestLivingSource(), {
      chunkDurationMs: 10,
    });
    const node = TestNode.made.at(-1)!;
    await node.render(5, 0.5);
    node.processor.setInput(1, [new Float32Array(128).fill(1)]);
    await node.render(15, 0.5);
    const closing = capture.close();
    await node.render(1);
    await closing;
    expect(capture.stats.capturedFrames).toBe(15 * 128);
    for await (const { frame, contextTime } of capture) {
      if (frame === 0) expect(contextTime).toBe((5 * 128) / 48_000);
    }
  });

  test('is metered by its first output', async () => {
    await TestNode.scope.addModule(() => import('../worklets/meter.ts'));
    const source = new TestLivingSource();
    const meter = await Meter.create(context.asContext, { source });
    expect(source.connections).toEqual([[meter.node]]);
    void meter.close();
    expect(source.disconnections).toEqual([meter.node]);
  });

  test.each([
    ['wav', false],
    ['ogg', true],
  ] as const)(
    'is recorded as %s and metered; the unfinished packet is kept while push-to-talk is released: %s',
    async (container, holdPauses) => {
      await TestNode.scope.addModule(() => import('../worklets/meter.ts'));
      await TestNode.scope.addModule(() => import('../worklets/capture-opus.ts'));
      const source = new TestLivingSource();
      const recorder = await Recorder.create(context.asContext, source, {
        container,
        ...(container === 'ogg' && { encodeIn: 'worklet' }),
      });
      const [meter, capture] = TestNode.made as [TestNode, TestNode];
      expect([meter.name, meter.numberOfInputs]).toEqual(['micwire-meter', 1]);
      expect(capture.options.processorOptions).toMatchObject({ holdPauses, preRollFrames: 12_000 });
      expect(source.connections).toEqual([[capture, 1, 0], [capture, 2, 1], [meter]]);
      source.enter('lost');
      expect(recorder.capture.state).toBe('muted');
      const closing = recorder.close();
      await capture.render(1);
      await closing;
      expect(source.disconnections.length).toBe(2);
      expect(source.listeners).toBe(0);
    },
  );
});
