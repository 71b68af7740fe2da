import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Capture } from '../src/web/index.ts';
import { TestContext, TestNode, TestTrack, openPage } from './helpers/capture-rig.ts';

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

  test('is one behind a node too; a local one is not played', async () => {
    const node = Object.assign((context as unknown as AudioContext).createGain(), {
      mediaStream: { getAudioTracks: () => [track(remotes[0]![1])] },
    });
    void (await Capture.create(context.asContext, node));
    expect(TestAudio.made).toHaveLength(1);
    void (await Capture.create(context.asContext, track(local).asTrack));
    expect(TestAudio.made).toHaveLength(1);
  });

  test('that the engine refuses is let go again', async () => {
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

test('of a node with several tracks the first by id is watched, in order of code units', async () => {
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
