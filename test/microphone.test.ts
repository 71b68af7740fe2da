/** A microphone's journeys across page, audio thread and capture, in Node: real worklets, a page with devices that come and go. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Capture, Meter, Microphone } from '../src/web/index.ts';
import type { Chunk, MicrophoneGap, MicrophoneOptions } from '../src/web/index.ts';
import { MicrophonePage, deviceNumber, readSignal } from './helpers/microphone-page.ts';

const code = (name: string) => expect.objectContaining({ name: 'MicwireError', code: name });

let page: MicrophonePage;
beforeEach(async () => {
  page = await MicrophonePage.open();
});
afterEach(() => {
  vi.useRealTimers();
  page.close();
});

/** A capture of 32-bit samples at the context's rate, and all that it delivers. */
async function record(microphone: Microphone) {
  const capture = await Capture.create(page.asContext, microphone, {
    format: 'f32',
    chunkDurationMs: 10,
  });
  const chunks: Chunk[] = [];
  capture.addEventListener('chunk', ({ detail }) => void chunks.push(detail));
  return { capture, chunks };
}

/** Every frame that was delivered carries the device's signal of its own time, or silence; the others are counted. */
function checkAccount(chunks: readonly Chunk[], capture: Capture) {
  let next = 0;
  let dropped = 0;
  const devices: number[] = [];
  for (const [index, chunk] of chunks.entries()) {
    expect(chunk.sequence).toBe(index);
    expect(chunk.frame).toBe(next + chunk.dropped);
    dropped += chunk.dropped;
    next = chunk.frame + chunk.frames;
    const at = Math.round(chunk.contextTime * 48_000);
    const samples = new Float32Array(chunk.bytes.buffer);
    samples.forEach((sample, i) => {
      const read = readSignal(sample);
      if (read === null) return;
      if (devices.at(-1) !== read.device) devices.push(read.device);
      // Within a fade the number is of no frame.
      if (Math.abs(read.frame - ((at + i) % 65_536)) > 1) fades++;
    });
  }
  const { capturedFrames, deliveredFrames, queuedFrames, droppedFrames } = capture.stats;
  expect(capturedFrames).toBe(deliveredFrames + queuedFrames + droppedFrames);
  return { next, dropped, devices: devices.filter((device) => device > 0) };
}
let fades = 0;
beforeEach(() => {
  fades = 0;
});

function gapsOf(microphone: Microphone): MicrophoneGap[] {
  const gaps: MicrophoneGap[] = [];
  microphone.addEventListener('gap', ({ detail }) => void gaps.push(detail));
  return gaps;
}

describe('a microphone', () => {
  test('opens the default device, and captures get every frame of it', async () => {
    const microphone = await page.microphone();
    expect(microphone).toMatchObject({
      state: 'live',
      permission: 'granted',
      muted: null,
      held: null,
    });
    expect(microphone.device).toMatchObject({ label: 'Microphone 1' });
    const { capture, chunks } = await record(microphone);
    await page.render(400);
    const { next, dropped } = checkAccount(chunks, capture);
    expect(next).toBeGreaterThan(48_000);
    expect(dropped).toBe(0);
    expect(fades).toBe(0);
    await page.during(microphone.close());
    expect(page.open).toEqual([]);
    await page.render(8);
    expect(capture.state).toBe('ended');
  });

  test('changes the device without a gap, and nothing is connected again', async () => {
    const microphone = await page.microphone();
    const { node } = microphone;
    const { capture, chunks } = await record(microphone);
    await page.render(100);
    const gap = await page.during(microphone.use('device-2'));
    expect(gap).toMatchObject({ cause: 'switched', frames: 0 });
    await page.render(100);
    expect(microphone.node).toBe(node);
    expect(microphone.device).toMatchObject({ label: 'Microphone 2' });
    expect(page.open).toHaveLength(1);
    const { dropped, devices } = checkAccount(chunks, capture);
    expect(dropped).toBe(0);
    expect(devices.at(-1)).toBe(2);
  });

  test('refuses a missing device, and the one before continues', async () => {
    const microphone = await page.microphone();
    await expect(page.during(microphone.use('device-7'))).rejects.toEqual(code('device'));
    expect(microphone).toMatchObject({ state: 'live', device: { label: 'Microphone 1' } });
    await page.during(microphone.close());
  });

  test('takes another device when the plug is pulled, and counts the missing frames in the next chunk', async () => {
    const microphone = await page.microphone({ deviceId: 'device-1' });
    const gaps = gapsOf(microphone);
    const { capture, chunks } = await record(microphone);
    await page.render(100);
    page.unplug(1);
    await page.render(200);
    await vi.waitFor(() => page.render(20).then(() => expect(gaps).toHaveLength(1)), 5000);
    expect(microphone.device).toMatchObject({ label: 'Microphone 2' });
    await page.render(100);
    const { dropped, devices } = checkAccount(chunks, capture);
    expect(gaps[0]!.frames).toBeGreaterThan(0);
    expect(dropped).toBe(gaps[0]!.frames);
    expect(devices).toEqual(expect.arrayContaining([1, 2]));
    const { presentFrames, missingFrames, pausedFrames } = microphone.stats;
    expect(microphone.stats.gaps).toBe(1);
    expect(pausedFrames).toBe(0);
    expect(presentFrames + missingFrames).toBeLessThanOrEqual(page.context.frame);
    await page.during(microphone.close());
    expect(page.open).toEqual([]);
  });

  test('returns to the chosen device when it is plugged in again', async () => {
    const microphone = await page.microphone({ deviceId: 'device-1' });
    page.unplug(1);
    await vi.waitFor(
      () => page.render(20).then(() => expect(microphone.device?.label).toBe('Microphone 2')),
      5000,
    );
    page.plugIn(deviceNumber(1));
    await vi.waitFor(
      () => page.render(20).then(() => expect(microphone.device?.label).toBe('Microphone 1')),
      10_000,
    );
    expect(page.open).toHaveLength(1);
  });

  test('mutes with continuing numbers, and the device stays open', async () => {
    const microphone = await page.microphone();
    const { capture, chunks } = await record(microphone);
    await page.render(100);
    await page.during(microphone.mute());
    expect(microphone).toMatchObject({ state: 'muted', muted: 'time' });
    expect(page.open).toHaveLength(1);
    await page.render(400);
    await page.during(microphone.unmute());
    await page.render(100);
    expect(microphone.state).toBe('live');
    const { dropped, next } = checkAccount(chunks, capture);
    expect(dropped).toBe(0);
    expect(next).toBeGreaterThan(600 * 128);
  });

  test('mutes with the light out: the track is stopped, and missing frames are counted', async () => {
    const microphone = await page.microphone();
    const { capture, chunks } = await record(microphone);
    await page.render(100);
    await page.during(microphone.mute({ keep: 'light' }));
    expect(microphone).toMatchObject({ state: 'muted', muted: 'light' });
    expect(page.open).toEqual([]);
    await page.render(400);
    await page.during(microphone.unmute());
    await page.render(100);
    expect(microphone.state).toBe('live');
    expect(page.open).toHaveLength(1);
    const { dropped } = checkAccount(chunks, capture);
    expect(dropped).toBeGreaterThanOrEqual(400 * 128);
  });

  test('captures between hold and release only, with the pre-roll before the press', async () => {
    const microphone = await page.microphone({ pushToTalk: true, preRollMs: 100 });
    expect(microphone.held).toBe(false);
    const { capture, chunks } = await record(microphone);
    await page.render(200);
    expect(chunks).toEqual([]);
    const pressed = page.context.currentTime;
    microphone.hold();
    await page.render(100);
    microphone.release();
    await page.render(100);
    const { next, dropped } = checkAccount(chunks, capture);
    expect(dropped).toBe(0);
    expect(next).toBeGreaterThanOrEqual(4800 + 95 * 128);
    expect(next).toBeLessThanOrEqual(4800 + 105 * 128);
    expect(chunks[0]!.contextTime).toBeLessThan(pressed - 0.09);
    expect(fades).toBe(0);
  });

  test('refuses hold() without push-to-talk', async () => {
    const microphone = await page.microphone();
    expect(() => microphone.hold()).toThrow(TypeError);
  });

  test('reports that the device is silent, and when it no longer is', async () => {
    const microphone = await page.microphone({ silenceMs: 200 });
    const silent: (string | null)[] = [];
    microphone.addEventListener('silent', ({ detail }) => void silent.push(detail.cause));
    await page.render(40);
    page.tracks[0]!.muted = true;
    await page.render(100);
    expect(silent).toHaveLength(1);
    expect(silent[0]).not.toBeNull();
    expect(microphone.silent).toBe(silent[0]);
    expect(microphone.advice).toBeTypeOf('string');
    page.tracks[0]!.muted = false;
    await page.render(40);
    expect(silent).toHaveLength(2);
    expect(silent[1]).toBeNull();
    expect(microphone.silent).toBeNull();
  });
});

describe('through disturbances', () => {
  /** A microphone on a fake clock, with a capture. */
  async function live(options: MicrophoneOptions = {}) {
    const microphone = await page.microphone(options);
    const { capture, chunks } = await record(microphone);
    await page.render(40);
    return { microphone, capture, chunks };
  }

  test('a minute of mute keeps every number, in both kinds', async () => {
    const { microphone, capture, chunks } = await live();
    const minute = 60 * 375;
    const aMinute = async (): Promise<void> => {
      // The page reads now and then.
      for (let at = 0; at < minute; at += 150) await page.render(150);
    };
    await page.during(microphone.mute());
    const before = capture.stats.capturedFrames;
    await aMinute();
    expect(capture.stats.capturedFrames - before).toBe(minute * 128);
    expect(page.open).toHaveLength(1);
    await page.during(microphone.unmute());
    await page.render(40);
    expect(checkAccount(chunks, capture).dropped).toBe(0);
    const from = page.context.frame;
    await page.during(microphone.mute({ keep: 'light' }));
    expect(page.open).toEqual([]);
    await aMinute();
    await page.during(microphone.unmute());
    const until = page.context.frame;
    await page.render(40);
    const { dropped } = checkAccount(chunks, capture);
    expect(dropped).toBeGreaterThanOrEqual(minute * 128);
    expect(dropped).toBeLessThanOrEqual(until - from);
    const [first] = chunks;
    const last = chunks.at(-1)!;
    expect(last.contextTime - first!.contextTime).toBeCloseTo(
      (last.frame - first!.frame) / 48_000,
      9,
    );
  }, 60_000);

  test('a page that is blocked for ten seconds loses no frame that fits its buffer', async () => {
    const microphone = await page.microphone();
    const capture = await Capture.create(page.asContext, microphone, {
      format: 'f32',
      chunkDurationMs: 10,
      bufferDurationMs: 12_000,
    });
    const chunks: Chunk[] = [];
    capture.addEventListener('chunk', ({ detail }) => void chunks.push(detail));
    await page.render(40);
    page.renderBlocked(3750);
    await page.render(40);
    const { dropped, next } = checkAccount(chunks, capture);
    expect(dropped).toBe(0);
    expect(next).toBeGreaterThan(3800 * 128);
    expect(fades).toBe(0);
    expect(microphone.state).toBe('live');
  });

  test('an interruption of the context loses no frames, and the context is resumed after it', async () => {
    const { microphone, capture, chunks } = await live();
    const at = page.context.frame;
    page.context.enter('interrupted');
    await page.render(400);
    expect(page.context.frame).toBe(at);
    // iOS leaves it suspended, for the page to resume it.
    page.context.enter('suspended');
    await vi.waitFor(() => expect(page.context.state).toBe('running'));
    await page.render(40);
    expect(checkAccount(chunks, capture).dropped).toBe(0);
    expect(fades).toBe(0);
    expect(microphone.state).toBe('live');
  });

  test('a page that was frozen while its device was unplugged finds another one', async () => {
    const { microphone, capture, chunks } = await live({ deviceId: 'device-1' });
    page.document.dispatchEvent(new Event('freeze'));
    page.devices = page.devices.filter(({ number }) => number !== 1);
    page.document.dispatchEvent(new Event('resume'));
    await vi.waitFor(
      () => page.render(20).then(() => expect(microphone.device?.label).toBe('Microphone 2')),
      10_000,
    );
    await page.render(40);
    checkAccount(chunks, capture);
    expect(page.open).toHaveLength(1);
  }, 20_000);

  test('a device that is gone without any event is noticed by polling', async () => {
    const { microphone } = await live({ deviceId: 'device-1' });
    page.devices = page.devices.filter(({ number }) => number !== 1);
    await vi.waitFor(
      () => page.render(20).then(() => expect(microphone.device?.label).toBe('Microphone 2')),
      10_000,
    );
  }, 20_000);

  test('the listeners of an app that throw do no harm', async () => {
    const { microphone } = await live();
    const errors = vi.fn();
    process.on('uncaughtException', errors);
    const throws = (): void => {
      throw new Error('of the app');
    };
    microphone.addEventListener('devicechange', throws);
    await page.during(microphone.use('device-2'));
    expect(microphone.device).toMatchObject({ label: 'Microphone 2' });
    await vi.waitFor(() => expect(errors).toHaveBeenCalled());
    microphone.removeEventListener('devicechange', throws);
    process.off('uncaughtException', errors);
  });

  test('two captures and a meter receive the same audio', async () => {
    const { microphone, capture, chunks } = await live();
    const other = await record(microphone);
    const meter = await Meter.create(page.asContext, { source: microphone, channels: 1 });
    await page.render(100);
    await page.during(microphone.use('device-2'));
    await page.render(100);
    checkAccount(chunks, capture);
    checkAccount(other.chunks, other.capture);
    const reading = meter.createReading();
    expect(meter.read(reading)).toBe(true);
    expect(reading.peakDbfs[0]).toBeGreaterThan(0);
  });
});

describe('events', () => {
  test('caused by a listener follow those that are being dispatched', async () => {
    const microphone = await page.microphone();
    await page.during(microphone.mute({ keep: 'light' }));
    const told: string[] = [];
    microphone.addEventListener('devicechange', () => {
      told.push(microphone.device?.label ?? 'no device');
      microphone.mute().catch(() => {});
    });
    microphone.addEventListener('statechange', () => void told.push(microphone.state));
    await page.during(microphone.unmute());
    expect(told).toEqual(['opening', 'Microphone 1', 'live', 'muted']);
  });

  test('end with close(), even within a listener, and the screen may turn off', async () => {
    const locks: { released: boolean }[] = [];
    const request = (): Promise<object> => {
      const lock = Object.assign(new EventTarget(), {
        released: false,
        release: async (): Promise<void> => void (lock.released = true),
      });
      locks.push(lock);
      return Promise.resolve(lock);
    };
    vi.stubGlobal('navigator', Object.assign(navigator, { wakeLock: { request } }));
    const microphone = await page.microphone({ ifBlocked: 'wait' });
    expect(locks).toHaveLength(1);
    await page.during(microphone.mute({ keep: 'light' }));
    await page.render(8);
    expect(locks.every(({ released }) => released)).toBe(true);
    const states: string[] = [];
    let gaps = 0;
    microphone.addEventListener('gap', () => void gaps++);
    microphone.addEventListener('statechange', () => void states.push(microphone.state));
    microphone.addEventListener('devicechange', () => void microphone.close());
    await page.during(microphone.unmute());
    await page.render(8);
    expect(states).toEqual(['opening', 'closed']);
    expect(gaps).toBe(0);
    expect(locks.every(({ released }) => released)).toBe(true);
    expect(page.open).toEqual([]);
  });

  test('say that the silence is over when mute() ends it', async () => {
    const microphone = await page.microphone({ silenceMs: 200 });
    const silent: object[] = [];
    microphone.addEventListener('silent', ({ detail }) => void silent.push(detail));
    page.silent.add(1);
    await page.render(100);
    await page.during(microphone.mute());
    expect(silent).toEqual([
      { cause: 'hardware-mute', kind: 'zeros', contextTime: expect.any(Number) },
      { cause: null, kind: null, contextTime: expect.closeTo(page.context.currentTime, 1) },
    ]);
  });
});

test.each([
  [64, 48_000],
  [128, 48_000],
  [128, 16_000],
  [128, 96_000],
  [512, 48_000],
  [2048, 48_000],
])('no switch and no mute clicks, in quanta of %i at %i Hz', async (quantum, sampleRate) => {
  page.close();
  page = await MicrophonePage.open(undefined, { quantum, sampleRate });
  page.signal = (device, frame) =>
    0.5 * Math.sin((2 * Math.PI * (device === 1 ? 200 : 300) * frame) / sampleRate + device);
  const microphone = await page.microphone();
  expect(microphone.stats.gaps).toBe(0);
  const { chunks } = await record(microphone);
  const pass = (): Promise<void> => page.render(Math.ceil((0.05 * sampleRate) / quantum));
  const steps: [string, () => Promise<unknown>][] = [
    ['use', () => microphone.use('device-2')],
    ['use again', () => microphone.use('device-1')],
    ['mute', () => microphone.mute()],
    ['unmute', () => microphone.unmute()],
    ['light', () => microphone.mute({ keep: 'light' })],
    ['unmute again', () => microphone.unmute()],
  ];
  await pass();
  for (const [name, act] of steps) {
    const from = chunks.length;
    await page.during(act());
    await pass();
    let largest = 0;
    // What is dropped is silence.
    const samples = chunks
      .slice(from)
      .flatMap(({ dropped, bytes }) => [
        ...(dropped > 0 ? [0] : []),
        ...new Float32Array(bytes.buffer),
      ]);
    for (let i = 1; i < samples.length; i++) {
      largest = Math.max(largest, Math.abs(samples[i]! - samples[i - 1]!));
    }
    expect(largest, name).toBeLessThan((1.1 * 0.5 * 2 * Math.PI * 300) / sampleRate);
  }
});

test('device lists that never arrive are requested only once', async () => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
  });
  let asked = 0;
  const microphone = await page.microphone();
  Object.assign(page.media, {
    enumerateDevices: () => {
      asked++;
      return new Promise(() => {});
    },
  });
  vi.advanceTimersByTime(60_000);
  await page.render(8);
  expect(asked).toBe(1);
  expect(microphone.state).toBe('live');
});

describe('permission', () => {
  test('that is refused rejects, and leaves nothing open', async () => {
    page.refusal = 'NotAllowedError';
    await expect(page.microphone()).rejects.toEqual(code('permission'));
    expect(page.open).toEqual([]);
  });

  test('that is refused and granted later makes a waiting microphone live', async () => {
    page.refusal = 'NotAllowedError';
    page.setPermission('denied');
    const microphone = await page.microphone({ ifBlocked: 'wait' });
    expect(microphone).toMatchObject({ state: 'blocked', permission: 'denied' });
    expect(microphone.advice).toMatch(/\w/);
    const gaps = gapsOf(microphone);
    await page.render(40);
    page.refusal = null;
    page.setPermission('granted');
    await vi.waitFor(() => page.render(20).then(() => expect(microphone.state).toBe('live')), 5000);
    expect(microphone.advice).toBeNull();
    expect(gaps).toMatchObject([{ cause: 'blocked' }]);
  });

  test('is asked for again by use(), after a prompt that was closed', async () => {
    page.setPermission('prompt');
    page.refusal = 'NotAllowedError';
    const microphone = await page.microphone({ ifBlocked: 'wait' });
    expect(microphone.state).toBe('blocked');
    page.refusal = null;
    await page.render(400);
    expect(page.tracks).toEqual([]);
    await page.during(microphone.use(null));
    expect(microphone.state).toBe('live');
  });

  test.each<[MicrophoneOptions, string]>([
    [{ deviceId: 'device-7' }, 'device'],
    [{}, 'device'],
  ])('is no help where there is no device: %j', async (options, expected) => {
    page.devices = [];
    await expect(page.microphone(options)).rejects.toEqual(code(expected));
  });

  test('cannot be requested in an insecure page', async () => {
    vi.stubGlobal('navigator', { userAgent: '' });
    await expect(page.microphone()).rejects.toEqual(code('unsupported'));
  });
});

describe('wrong arguments', () => {
  test.each<[MicrophoneOptions, RegExp]>([
    [{ channels: 0 }, /channels/],
    [{ preRollMs: 6000 }, /preRollMs must lie between 0 and 5000/],
    [{ silenceMs: 1 }, /silenceMs/],
    [{ echo: 'loud' as never }, /echo must be one of/],
    [{ pushToTalk: 1 as never }, /pushToTalk must be true or false/],
    [{ deviceId: 3 as never }, /deviceId must be a string or null/],
    [{ speaker: {} as never }, /speaker must be a Speaker/],
    [{ device: 'x' } as never, /has no option 'device'/],
  ])('%j are refused by name', async (options, message) => {
    await expect(Microphone.open(page.asContext, options)).rejects.toThrow(message);
    expect(page.tracks).toEqual([]);
  });

  test('use and mute refuse invalid arguments', async () => {
    const microphone = await page.microphone();
    await expect(microphone.use(3 as never)).rejects.toThrow(/deviceId/);
    await expect(microphone.mute({ keep: 'all' as never })).rejects.toThrow(/keep must be one of/);
  });
});

describe('the end', () => {
  test('follows the end of the context, and every call settles', async () => {
    const microphone = await page.microphone();
    const moved = microphone.use('device-2');
    moved.catch(() => {});
    page.context.enter('closed');
    await expect(moved).rejects.toEqual(code('closed'));
    expect(microphone.state).toBe('closed');
    expect(page.open).toEqual([]);
    await page.render(4);
    await microphone.close();
    await expect(microphone.mute()).rejects.toEqual(code('closed'));
  });

  test('during the opening stops a track that arrives too late', async () => {
    const opening = Microphone.open(page.asContext);
    opening.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 0));
    page.context.enter('closed');
    await expect(opening).rejects.toEqual(code('closed'));
    await page.render(4);
    expect(page.open).toEqual([]);
  });
});
