import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MicwireError } from '../src/core/errors.ts';
import { Speaker } from '../src/web/speaker/speaker.ts';
import type { SpeakerDeviceChange, SpeakerOptions } from '../src/web/speaker/speaker-options.ts';
import { FakeAudio, FakeAudioContext, stubSpeakerPage } from './helpers/speaker-page.ts';
import type { SpeakerPage } from './helpers/speaker-page.ts';
import { eventually } from './helpers/eventually.ts';

let page: SpeakerPage;
beforeEach(() => {
  page = stubSpeakerPage();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function open(context: FakeAudioContext, options: SpeakerOptions = {}): Promise<Speaker> {
  return Speaker.open(context as unknown as AudioContext, options);
}

/** States and device changes of a speaker, in order. */
function follow(speaker: Speaker): (string | SpeakerDeviceChange)[] {
  const seen: (string | SpeakerDeviceChange)[] = [];
  speaker.addEventListener('statechange', () => seen.push(speaker.state));
  speaker.addEventListener('devicechange', ({ detail }) => seen.push(detail));
  speaker.addEventListener('error', ({ detail }) => seen.push(detail.code));
  return seen;
}

describe('the node', () => {
  test('is connected to the destination, and keeps its identity when the route changes', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    expect(context.log).toEqual(['gain → destination']);
    const { node } = speaker;
    await speaker.setRoutePlanner(() => 'element');
    expect(speaker.route).toBe('element');
    expect(speaker.node).toBe(node);
    expect(context.log).toEqual(['gain → destination', 'gain ✕ destination', 'gain → stream']);
    expect(FakeAudio.made[0]!.paused).toBe(false);
    await speaker.setRoutePlanner(null);
    expect(speaker.route).toBe('context');
    expect(context.log.slice(3)).toEqual(['gain ✕ stream', 'gain → destination', 'track stopped']);
    expect(FakeAudio.made[0]!.srcObject).toBe(null);
  });

  test('switches to another route only once that one plays', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    vi.spyOn(FakeAudio.prototype, 'play').mockImplementation(async function (this: FakeAudio) {
      context.log.push('plays');
      this.paused = false;
    });
    await speaker.setRoutePlanner(() => 'element');
    expect(context.log).toEqual([
      'gain → destination',
      'plays',
      'gain ✕ destination',
      'gain → stream',
    ]);
    vi.restoreAllMocks();
  });
});

describe('the volume', () => {
  test('is a linear gain that changes smoothly', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context, { volume: 0.5 });
    expect(context.gain!.gain.value).toBe(0.5);
    speaker.volume = 2;
    expect(speaker.volume).toBe(2);
    expect(context.gain!.targets).toEqual([[2, 3, 0.005]]);
    expect(() => (speaker.volume = -1)).toThrow('volume must lie between 0 and 16, got -1.');
    expect(() => (speaker.volume = NaN)).toThrow(RangeError);
    expect(speaker.volume).toBe(2);
  });
});

describe('the state', () => {
  test('is running when the context runs, suspended while the app suspends it', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    const seen = follow(speaker);
    expect(speaker.state).toBe('running');
    context.changeState('suspended');
    context.changeState('running');
    expect(seen).toEqual(['suspended', 'running']);
    expect(page.listening()).toBe(0);
  });

  test('is running if the engine starts the context on request', async () => {
    const context = new FakeAudioContext({ state: 'suspended' });
    const speaker = await open(context);
    expect(speaker.state).toBe('running');
    expect(context.log).toContain('resume');
  });

  test('is locked if autoplay is refused, and the first gesture that counts unlocks it', async () => {
    const context = new FakeAudioContext({ state: 'suspended', allowed: false });
    const speaker = await open(context);
    const seen = follow(speaker);
    expect(speaker.state).toBe('locked');
    expect(page.listening()).toBeGreaterThan(0);
    // A touch that goes down, or a swipe, activates nothing.
    page.activation.isActive = false;
    context.log.length = 0;
    page.gesture('pointerdown');
    expect(context.log).toEqual([]);
    page.activation.isActive = true;
    context.allowed = true;
    page.gesture('touchend');
    // Within the gesture: before anything is awaited.
    expect(context.log).toEqual(['primer → destination', 'primed', 'resume']);
    await eventually(() => expect(speaker.state).toBe('running'));
    expect(seen).toEqual(['running']);
    expect(page.listening()).toBe(0);
  });

  test('stays locked through gestures that the browser does not accept', async () => {
    const context = new FakeAudioContext({ state: 'suspended', allowed: false });
    const speaker = await open(context);
    page.gesture('keydown');
    expect(await speaker.unlock()).toBe(false);
    expect(speaker.state).toBe('locked');
    expect(page.listening()).toBeGreaterThan(0);
    context.allowed = true;
    expect(await speaker.unlock()).toBe(true);
    expect(speaker.state).toBe('running');
  });

  test("listens for no gesture with unlock: 'manual'", async () => {
    const context = new FakeAudioContext({ state: 'suspended', allowed: false });
    const speaker = await open(context, { unlock: 'manual' });
    expect(speaker.state).toBe('locked');
    expect(page.listening()).toBe(0);
    context.allowed = true;
    expect(await speaker.unlock()).toBe(true);
  });

  test('is locked while an element may not play, even if the context runs', async () => {
    FakeAudio.allowed = false;
    const context = new FakeAudioContext();
    const speaker = await open(context, { route: 'element' });
    expect(speaker.state).toBe('locked');
    FakeAudio.allowed = true;
    page.gesture('click');
    await eventually(() => expect(speaker.state).toBe('running'));
    expect(page.listening()).toBe(0);
  });

  test('recovers from a media key that pauses the element', async () => {
    const speaker = await open(new FakeAudioContext(), { route: 'element' });
    FakeAudio.made[0]!.pause();
    await eventually(() => expect(FakeAudio.made[0]!.paused).toBe(false));
    await eventually(() => expect(speaker.state).toBe('running'));
  });

  test('after an interruption by the system the context is resumed once it is suspended', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    const seen = follow(speaker);
    context.changeState('interrupted');
    expect(context.log).not.toContain('resume');
    context.changeState('suspended');
    await eventually(() => expect(speaker.state).toBe('running'));
    expect(seen).toEqual(['suspended', 'running']);
  });

  test('after an interruption that needs a gesture the speaker is locked', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    context.allowed = false;
    context.changeState('interrupted');
    context.changeState('suspended');
    await eventually(() => expect(speaker.state).toBe('locked'));
    context.allowed = true;
    page.gesture('pointerup');
    await eventually(() => expect(speaker.state).toBe('running'));
  });
});

describe('the device', () => {
  test('is listed with the engine’s labels, and without entries that have an empty id', async () => {
    page.devices.outputs.push({ deviceId: '', label: '' });
    expect(await Speaker.devices()).toEqual([
      { deviceId: 'default', groupId: 'g', label: 'Default' },
      { deviceId: 'desk', groupId: 'g', label: 'Desk speaker' },
      { deviceId: 'head', groupId: 'g', label: 'Headphones' },
    ]);
    vi.stubGlobal('navigator', {});
    expect(await Speaker.devices()).toEqual([]);
  });

  test('is chosen in the dialog of the browser, if it has one', async () => {
    await expect(Speaker.choose()).rejects.toMatchObject({ code: 'unsupported' });
    const asked: object[] = [];
    page.devices.selectAudioOutput = async (options) => {
      asked.push(options);
      return { deviceId: 'x', groupId: 'y', label: 'z', kind: 'audiooutput' };
    };
    expect(await Speaker.choose('x')).toEqual({ deviceId: 'x', groupId: 'y', label: 'z' });
    expect(asked).toEqual([{ deviceId: 'x' }]);
    page.devices.selectAudioOutput = () => Promise.reject(new DOMException('', 'NotAllowedError'));
    await expect(Speaker.choose()).rejects.toMatchObject({ code: 'permission' });
  });

  test('changes through the context if possible, without a change of state', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    const seen = follow(speaker);
    await speaker.use('head');
    expect(context.sinkId).toBe('head');
    expect(speaker.route).toBe('context');
    const device = { deviceId: 'head', groupId: 'g', label: 'Headphones' };
    expect(speaker.device).toEqual(device);
    expect(seen).toEqual([{ device, previous: null, cause: 'chosen' }]);
    await speaker.use(null);
    expect(context.sinkId).toBe('');
    expect(speaker.device).toBe(null);
  });

  test("treats Chromium's id 'default' as the default, so that its echo canceller stays on", async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context, { deviceId: 'default' });
    expect(context.log).toEqual(['gain → destination']);
    expect(speaker.device).toBe(null);
  });

  test('changes through an element if the context cannot', async () => {
    const context = new FakeAudioContext();
    Object.assign(context, { setSinkId: undefined });
    const speaker = await open(context);
    expect(speaker.route).toBe('context');
    await speaker.use('desk');
    expect(speaker.route).toBe('element');
    expect(FakeAudio.made[0]!.sinkId).toBe('desk');
    await speaker.use(null);
    expect(speaker.route).toBe('context');
    const other = await open(context, { route: 'context' });
    await expect(other.use('desk')).rejects.toMatchObject({ code: 'unsupported' });
    expect(other.device).toBe(null);
  });

  test('follows the plan for echo, which may differ between the default and other devices', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    await speaker.setRoutePlanner((defaultOutput) => (defaultOutput ? 'context' : 'element'));
    expect(speaker.route).toBe('context');
    await speaker.use('head');
    expect(speaker.route).toBe('element');
    expect(FakeAudio.made[0]!.sinkId).toBe('head');
    // The context itself stays on its default: Chromium's echo canceller depends on it.
    expect(context.sinkId).toBe('');
    await speaker.use(null);
    expect(speaker.route).toBe('context');
  });

  test("keeps the route of the app's choice, with any plan", async () => {
    const speaker = await open(new FakeAudioContext(), { route: 'element' });
    await speaker.setRoutePlanner(() => 'context');
    expect(speaker.route).toBe('element');
  });

  test('uses a simpler route if the planned one is not available, and reports it', async () => {
    const speaker = await open(new FakeAudioContext());
    const seen = follow(speaker);
    await speaker.setRoutePlanner(() => 'call');
    expect(speaker.route).toBe('element');
    expect(seen).toEqual(['unsupported']);
    await expect(open(new FakeAudioContext(), { route: 'call' })).rejects.toMatchObject({
      code: 'unsupported',
      message: 'This browser has no RTCPeerConnection.',
    });
  });

  test.each([
    ['NotFoundError', 'device', 'The output device is not there.'],
    ['NotAllowedError', 'permission', 'The page may not use this output device.'],
    ['AbortError', 'device', 'The output device cannot be used.'],
  ])('does not change when the engine refuses another one with %s', async (name, code, message) => {
    const context = new FakeAudioContext();
    const speaker = await open(context, { deviceId: 'desk' });
    const seen = follow(speaker);
    context.failure = new DOMException('', name);
    const refused = await speaker.use('head').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(MicwireError);
    expect(refused).toMatchObject({ code, message: expect.stringContaining(message) });
    expect((refused as Error).cause).toBeInstanceOf(DOMException);
    expect(speaker.device?.deviceId).toBe('desk');
    expect(context.sinkId).toBe('desk');
    expect(seen).toEqual([]);
    expect(speaker.state).toBe('running');
  });

  test('that fails at the start closes the speaker, and leaves nothing behind', async () => {
    const context = new FakeAudioContext({ state: 'suspended', allowed: false });
    FakeAudio.sinkFailure = new DOMException('', 'NotFoundError');
    await expect(open(context, { deviceId: 'gone', route: 'element' })).rejects.toMatchObject({
      code: 'device',
    });
    expect(context.log).toContain('gain ✕ all');
    expect(context.log).toContain('track stopped');
    expect(page.listening()).toBe(0);
  });

  test('changes in order: the last one wins', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    await Promise.all([speaker.use('desk'), speaker.use('head'), speaker.use('desk')]);
    expect(speaker.device?.deviceId).toBe('desk');
    expect(context.log.filter((each) => each.startsWith('context sink'))).toEqual([
      'context sink "desk"',
      'context sink "head"',
      'context sink "desk"',
    ]);
  });

  test('that is unplugged is replaced by the default, and the speaker reports it', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context, { deviceId: 'head' });
    const seen = follow(speaker);
    page.devices.changeTo('default', 'desk', 'head');
    page.devices.changeTo('default', 'desk');
    await eventually(() => expect(speaker.device).toBe(null));
    expect(context.sinkId).toBe('');
    const previous = { deviceId: 'head', groupId: 'g', label: 'Headphones' };
    expect(seen).toEqual([{ device: null, previous, cause: 'gone' }]);
  });

  test('is not treated as gone when the list is empty', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context, { deviceId: 'head' });
    page.devices.changeTo();
    await speaker.use('head');
    expect(speaker.device?.deviceId).toBe('head');
  });

  test('is replaced if its loss has suspended the context, and the context is resumed', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context, { deviceId: 'head' });
    const seen = follow(speaker);
    context.changeState('suspended');
    context.dispatchEvent(new Event('error'));
    await eventually(() => expect(speaker.state).toBe('running'));
    expect(context.sinkId).toBe('');
    expect(seen).toMatchObject(['suspended', { cause: 'gone' }, 'running']);
  });

  test('that is unplugged does not resume a context that the app has suspended', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context, { deviceId: 'head' });
    context.changeState('suspended');
    context.log.length = 0;
    page.devices.changeTo('default');
    await eventually(() => expect(speaker.device).toBe(null));
    await speaker.use(null);
    expect(context.log).toEqual(['context sink ""']);
    expect(speaker.state).toBe('suspended');
  });

  test('reports an error when not even the default can be used', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context, { deviceId: 'head' });
    const seen = follow(speaker);
    context.failure = new DOMException('', 'AbortError');
    page.devices.changeTo('default');
    await eventually(() => expect(seen).toEqual(['device']));
    expect(speaker.device?.deviceId).toBe('head');
  });

  test("of a context that the app gave one becomes the speaker's, until another is chosen", async () => {
    const context = new FakeAudioContext();
    context.sinkId = 'desk';
    const speaker = await open(context);
    expect(speaker.device?.deviceId).toBe('desk');
    expect(context.log).toEqual(['gain → destination']);
    await speaker.use('head');
    await speaker.close();
    expect(context.sinkId).toBe('desk');
  });

  test('does not change a context without an output, and restores it when closed', async () => {
    const context = new FakeAudioContext();
    context.sinkId = { type: 'none' };
    const speaker = await open(context);
    expect(context.sinkId).toEqual({ type: 'none' });
    await speaker.use('head');
    expect(context.sinkId).toBe('head');
    await speaker.close();
    expect(context.sinkId).toEqual({ type: 'none' });
  });
});

describe('the figures', () => {
  test('are the latency of the context, if the engine reports it and the route is the context', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    expect(speaker.outputLatencyMs).toBeCloseTo(25, 9);
    await speaker.setRoutePlanner(() => 'element');
    expect(speaker.outputLatencyMs).toBe(null);
    const silent = new FakeAudioContext();
    Object.assign(silent, { outputLatency: undefined });
    expect((await open(silent)).outputLatencyMs).toBe(null);
  });

  test('do not read the latency of Firefox: the page may stop for good', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    const read = vi.fn(() => 0.02);
    Object.defineProperty(context, 'outputLatency', { get: read });
    expect(speaker.outputLatencyMs).toBeCloseTo(25, 9);
    vi.stubGlobal('mozInnerScreenX', 0);
    read.mockClear();
    expect(speaker.outputLatencyMs).toBe(null);
    expect(read).not.toHaveBeenCalled();
  });

  test('are those of playbackStats, under their own names, if it exists', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    expect(speaker.stats).toBe(null);
    const figures = {
      underrunDuration: 0.1,
      underrunEvents: 2,
      totalDuration: 9,
      averageLatency: 0.03,
      minimumLatency: 0.02,
      maximumLatency: 0.05,
    };
    context.playbackStats = Object.create(figures) as object;
    expect(speaker.stats).toEqual(figures);
  });
});

describe('close', () => {
  test('releases everything, once', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context, { deviceId: 'head' });
    const seen = follow(speaker);
    const closing = speaker.close();
    expect(speaker.close()).toBe(closing);
    await closing;
    expect(seen).toEqual(['closed']);
    expect(context.log).toContain('gain ✕ all');
    expect(context.sinkId).toBe('');
    context.changeState('suspended');
    page.devices.changeTo('default');
    expect(seen).toEqual(['closed']);
    await expect(speaker.use(null)).rejects.toMatchObject({ code: 'closed' });
    await expect(speaker.unlock()).rejects.toMatchObject({ code: 'closed' });
  });

  test('removes the listeners for gestures', async () => {
    const speaker = await open(new FakeAudioContext({ state: 'suspended', allowed: false }));
    expect(page.listening()).toBeGreaterThan(0);
    await speaker.close();
    expect(page.listening()).toBe(0);
  });

  test('happens by itself when the context is closed', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    await context.close();
    expect(speaker.state).toBe('closed');
    await expect(open(context)).rejects.toMatchObject({ code: 'closed' });
  });

  test('during a change of the route ends the new route', async () => {
    const context = new FakeAudioContext();
    const speaker = await open(context);
    const changing = speaker.setRoutePlanner(() => 'element');
    await Promise.resolve();
    await speaker.close();
    await expect(changing).rejects.toMatchObject({ code: 'closed' });
    expect(FakeAudio.made.every(({ srcObject, paused }) => srcObject === null && paused)).toBe(
      true,
    );
  });
});

describe('arguments', () => {
  test.each([
    [{ volum: 1 }, "Speaker has no option 'volum'. Did you mean 'volume'?"],
    [{ volume: 17 }, 'volume must lie between 0 and 16, got 17.'],
    [{ route: 'radio' }, "route must be one of 'auto', 'context', 'element', 'call', got 'radio'."],
    [{ unlock: 'never' }, "unlock must be one of 'gesture', 'manual', got 'never'."],
    [{ deviceId: 3 }, 'deviceId must be a string or null, got 3.'],
  ])('%j', async (options, message) => {
    await expect(open(new FakeAudioContext(), options as SpeakerOptions)).rejects.toThrow(message);
  });

  test('the first argument is a context, and a live one', async () => {
    await expect(open({} as FakeAudioContext)).rejects.toThrow(
      'Speaker.open: the first argument must be an AudioContext',
    );
    const offline = Object.assign(new FakeAudioContext(), { startRendering: () => {} });
    await expect(open(offline)).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('use accepts an id or null', async () => {
    const speaker = await open(new FakeAudioContext());
    await expect(speaker.use(undefined as never)).rejects.toThrow(
      'deviceId must be a string or null, got undefined.',
    );
  });
});

describe('a system that fails', () => {
  test('to list its outputs does not prevent a device from being used', async () => {
    const { mediaDevices } = navigator;
    vi.spyOn(mediaDevices, 'enumerateDevices').mockImplementation(async () => {
      throw new DOMException('', 'InvalidStateError');
    });
    const speaker = await open(new FakeAudioContext(), { deviceId: 'desk' });
    const seen = follow(speaker);
    expect(speaker.device).toEqual({ deviceId: 'desk', groupId: '', label: '' });
    mediaDevices.dispatchEvent(new Event('devicechange'));
    await speaker.use(null);
    expect(await Speaker.devices()).toEqual([]);
    expect(seen).toHaveLength(1);
    await speaker.close();
  });

  test.each(['closes the speaker', 'closes the context'])(
    'to answer leaves no call pending when the app %s',
    async (way) => {
      const context = new FakeAudioContext();
      const speaker = await open(context);
      vi.spyOn(context, 'setSinkId').mockImplementation(() => new Promise(() => {}));
      const calls = [speaker.use('desk'), speaker.use('hall'), speaker.setRoutePlanner(null)];
      if (way === 'closes the context') context.changeState('closed');
      const ended = speaker.close();
      for (const call of calls) {
        await expect(call).rejects.toEqual(expect.objectContaining({ code: 'closed' }));
      }
      await ended;
      expect(speaker.state).toBe('closed');
    },
  );

  test('to answer does not keep open() pending once the context is closed', async () => {
    const context = new FakeAudioContext();
    vi.spyOn(context, 'setSinkId').mockImplementation(() => new Promise(() => {}));
    const opening = open(context, { deviceId: 'desk' });
    await Promise.resolve();
    context.changeState('closed');
    await expect(opening).rejects.toEqual(expect.objectContaining({ code: 'closed' }));
  });
});
