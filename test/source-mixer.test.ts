import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Capture } from '../src/web/capture.ts';
import type { CaptureSource } from '../src/web/capture-source.ts';
import type { MixedSource } from '../src/web/mixer/mixed-source.ts';
import { SourceMixer } from '../src/web/mixer/source-mixer.ts';
import type { MixerGap, MixerSource } from '../src/web/mixer/source-mixer-options.ts';
import { samplesOf } from './helpers/chunks.ts';
import { MicrophonePage, PAGE_RATE, readSignal } from './helpers/microphone-page.ts';

let page: MicrophonePage;
beforeEach(async () => {
  page = await MicrophonePage.open();
  vi.stubGlobal('MediaStreamTrackProcessor', TabProcessor);
});
afterEach(() => page.close());

/** A tab's audio: blocks of 10 ms of a constant, as the engine gives them with their timestamps. */
class TabProcessor {
  static last: TabProcessor | undefined;
  readonly readable: ReadableStream<object>;
  readonly init: { readonly track: unknown };
  canceled = false;
  /** Blocks that were closed: the engine's memory is theirs until then. */
  closed = 0;
  #controller!: ReadableStreamDefaultController<object>;
  #sent = 0;

  constructor(init: { readonly track: unknown }) {
    this.init = init;
    TabProcessor.last = this;
    this.readable = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      cancel: () => void (this.canceled = true),
    });
  }

  send(value: number, sampleRate = PAGE_RATE): void {
    const samples = new Float32Array(sampleRate / 100).fill(value);
    this.#controller.enqueue({
      sampleRate,
      numberOfFrames: samples.length,
      numberOfChannels: 1,
      timestamp: this.#sent++ * 10_000,
      copyTo: (target: Float32Array) => target.set(samples),
      close: () => void this.closed++,
    });
  }

  end(): void {
    this.#controller.close();
  }
}

/** A tab's stream, as far as a source is looked at. */
function tab(): CaptureSource {
  const track = Object.assign(new EventTarget(), {
    kind: 'audio',
    readyState: 'live',
    muted: false,
    label: 'Tab audio',
    getSettings: () => ({ deviceId: 'tab' }),
  });
  return { getAudioTracks: () => [track] } as unknown as MediaStream;
}

/** Renders for so long, with the tab's blocks in time. */
async function play(seconds: number, value: number, processor = TabProcessor.last!): Promise<void> {
  for (let block = 0; block < seconds * 100; block++) {
    processor.send(value);
    // 15 quanta are 40 ms.
    await page.render(block % 4 === 3 ? 3 : 4);
  }
}

test('a microphone and a tab become the channels of one capture, and a gap of the microphone is only its own', async () => {
  const microphone = await page.microphone();
  const mixer = await page.during(
    SourceMixer.create(page.asContext, [{ source: microphone }, { source: tab() }]),
  );
  const [first, second] = mixer.sources;
  expect([first!.aligned, second!.aligned]).toEqual([false, true]);
  const gaps: MixerGap[] = [];
  mixer.addEventListener('gap', ({ detail }) => gaps.push(detail));
  const capture = await page.during(
    Capture.create(page.asContext, mixer.node, { channels: 2, format: 'f32', chunkDurationMs: 10 }),
  );
  await play(1, 0.5);
  const settledAt = page.context.currentTime;
  const told = gaps.length;
  // No other device is there: the microphone is lost, until one is plugged in.
  const devices = [...page.devices];
  for (const { number } of devices) page.unplug(number);
  await play(0.5, 0.5);
  page.plugIn(devices[0]!);
  // Devices are opened in real time, which a busy machine needs more of; audio is rendered in virtual time.
  for (let turn = 0; microphone.state !== 'live' && turn < 100; turn++) {
    await play(0.1, 0.5);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await play(1, 0.5);
  await page.during(capture.close());
  let before = -1;
  let missing = 0;
  let next = 0;
  for await (const chunk of capture) {
    expect([chunk.frame, chunk.dropped]).toEqual([next, 0]);
    next += chunk.frames;
    const [voice, audio] = samplesOf(chunk);
    if (chunk.contextTime > settledAt)
      expect(audio!.every((sample) => Math.abs(sample - 0.5) < 0.01)).toBe(true);
    for (const sample of voice!) {
      const heard = readSignal(sample);
      if (heard === null || sample < 1) missing++;
      else before = heard.device;
    }
  }
  expect(before).toBe(1);
  const { stats } = first!;
  expect(stats.missingFrames).toBeGreaterThan(0.4 * PAGE_RATE);
  expect(missing).toBeGreaterThanOrEqual(stats.missingFrames);
  const mine = gaps.slice(told).filter(({ source }) => source === first);
  expect(mine).toHaveLength(1);
  expect(mine[0]!.missingFrames).toBe(stats.missingFrames);
  expect(mine[0]!.durationMs).toBeCloseTo((stats.missingFrames / PAGE_RATE) * 1000);
  expect(second!.stats.missingFrames).toBeLessThan(0.2 * PAGE_RATE);
  await page.during(mixer.close());
});

describe('a stream', () => {
  async function open(): Promise<{ mixer: SourceMixer; mixed: MixedSource }> {
    const sources = [{ source: tab() }];
    const mixer = await page.during(SourceMixer.create(page.asContext, sources));
    return { mixer, mixed: mixer.sources[0]! };
  }

  test('has its blocks closed, and has statistics', async () => {
    const { mixer, mixed } = await open();
    expect(mixed.state).toBe('waiting');
    expect(mixed.stats.presentFrames).toBe(0);
    await play(3, 0.5);
    const processor = TabProcessor.last!;
    expect(processor.init.track).toHaveProperty('label', 'Tab audio');
    expect(processor.closed).toBe(300);
    expect(mixed.state).toBe('playing');
    const { stats } = mixed;
    expect(stats.presentFrames).toBeGreaterThan(2.8 * PAGE_RATE);
    expect(stats.delayMs).toBeGreaterThan(0);
    expect(Math.abs(stats.offsetMs)).toBeLessThan(1);
    await page.during(mixer.close());
    await page.render(4);
    expect(processor.canceled).toBe(true);
    expect(mixed.state).toBe('removed');
    expect(mixed.stats.presentFrames).toBeGreaterThan(2.8 * PAGE_RATE);
  });

  test('that ends is reported once, and stays until it is removed', async () => {
    const { mixer, mixed } = await open();
    const ended: MixedSource[] = [];
    mixer.addEventListener('sourceend', ({ detail }) => ended.push(detail));
    await play(1, 0.5);
    TabProcessor.last!.end();
    await page.render(100);
    expect(ended).toEqual([mixed]);
    expect(mixed.state).toBe('ended');
    expect(mixer.sources).toEqual([mixed]);
    const stats = await page.during(mixer.remove(mixed));
    expect(stats.missingFrames).toBeGreaterThan(0);
    expect(mixer.sources).toEqual([]);
    expect(await page.during(mixer.remove(mixed))).toEqual(stats);
    await page.during(mixer.close());
  });

  test('may change its sample rate', async () => {
    const { mixer, mixed } = await open();
    await play(1, 0.5);
    for (let block = 0; block < 100; block++) {
      TabProcessor.last!.send(0.25, 44_100);
      await page.render(block % 4 === 3 ? 3 : 4);
    }
    expect(mixed.state).toBe('playing');
    expect(mixed.stats.presentFrames).toBeGreaterThan(1.7 * PAGE_RATE);
    await page.during(mixer.close());
  });

  test('without timestamps of the engine is heard through a node', async () => {
    vi.stubGlobal('MediaStreamTrackProcessor', undefined);
    const stream = await navigator.mediaDevices.getUserMedia({ audio: {} });
    const mixer = await page.during(
      SourceMixer.create(page.asContext, [{ source: stream }], { layout: 'mixed', channels: 1 }),
    );
    const [mixed] = mixer.sources;
    expect(mixed!.aligned).toBe(false);
    await page.render(500);
    expect(mixed!.state).toBe('playing');
    expect(mixed!.stats.presentFrames).toBeGreaterThan(0.8 * 500 * 128);
    expect(mixed!.stats.driftPpm).toBe(0);
    await page.during(mixer.close());
  });
});

describe('wrong arguments', () => {
  const create = (sources: unknown, options?: object): Promise<SourceMixer> =>
    page.during(SourceMixer.create(page.asContext, sources as MixerSource[], options));

  test.each([
    ['no list', undefined, {}, 'sources must be an array'],
    ['no source', [{}], {}, 'source must be a MediaStreamTrack'],
    ['a wrong gain', [{ source: {}, gain: -1 }], {}, 'gain must lie between 0 and 100, got -1'],
    ['a wrong name', [{ node: 1 }], {}, "no option 'node'"],
    ['too many sources', [{ source: {} }, { source: {} }], { maxSources: 1 }, 'maxSources'],
    ['channels without a mix', [], { channels: 2 }, "channels is for layout 'mixed'"],
    ['a wrong delay', [], { maxDelayMs: 5 }, 'maxDelayMs must lie between 20 and 1000, got 5'],
    ['a wrong layout', [], { layout: 'stereo' }, "layout must be one of 'separate', 'mixed'"],
  ])('%s', async (_, sources, options, message) => {
    await expect(create(sources, options)).rejects.toThrow(message);
  });

  test('more sources than there is room for, and sources of other mixers', async () => {
    const mixer = await create([{ source: tab() }, { source: tab() }]);
    expect(() => mixer.add({ source: tab() })).toThrow('has its 2 sources');
    const other = await create([{ source: tab() }]);
    await expect(mixer.remove(other.sources[0]!)).rejects.toThrow('remove takes a source of this');
    const [first, second] = mixer.sources;
    await page.during(mixer.remove(first!));
    // It takes the channel that is free.
    const third = mixer.add({ source: tab(), gain: 0.5 });
    expect(mixer.sources).toEqual([third, second]);
    expect(() => (third.gain = 101)).toThrow('gain must lie between 0 and 100, got 101');
    expect(third.gain).toBe(0.5);
    await page.during(Promise.all([mixer.close(), other.close()]));
    expect(() => mixer.add({ source: tab() })).toThrow('The mixer is closed');
  });
});
