import { Capture, Meter, Microphone, Recorder } from 'micwire';
import type { Chunk, MicrophoneGap } from 'micwire';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { samplesOf } from '../helpers/chunks.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';

let context: AudioContext;
/** Where the devices' audio comes from: another clock than the microphone's, as with real ones. */
let system: AudioContext;
beforeEach(() => {
  context = new AudioContext();
  system = new AudioContext();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await Promise.all([endContext(context), endContext(system)]);
});

/** A device that every engine has: a constant level, which tells which device it is. */
class Device {
  readonly deviceId: string;
  readonly level: number;
  readonly tracks: MediaStreamTrack[] = [];
  constructor(deviceId: string, level: number) {
    this.deviceId = deviceId;
    this.level = level;
  }
  open(): MediaStream {
    const source = new ConstantSourceNode(system, { offset: this.level });
    const destination = new MediaStreamAudioDestinationNode(system, { channelCount: 1 });
    source.connect(destination);
    source.start();
    const [track] = destination.stream.getAudioTracks();
    const settings = { deviceId: this.deviceId, groupId: `group of ${this.deviceId}` };
    Object.defineProperty(track, 'getSettings', { value: () => settings });
    this.tracks.push(track!);
    return destination.stream;
  }
  unplug(): void {
    plugged = plugged.filter((device) => device !== this);
    for (const track of this.tracks) {
      track.stop();
      // A track that the page itself stops fires no event.
      track.dispatchEvent(new Event('ended'));
    }
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
  }
  get openTracks(): number {
    return this.tracks.filter(({ readyState }) => readyState === 'live').length;
  }
}
let plugged: Device[] = [];

/** Puts two devices in place of the system's. */
function plugIn(): readonly [Device, Device] {
  const devices = [new Device('one', 0.25), new Device('two', 0.5)] as const;
  plugged = [...devices];
  const { mediaDevices } = navigator;
  vi.spyOn(mediaDevices, 'getUserMedia').mockImplementation(async (constraints) => {
    // As long as a quick device takes: what is missing meanwhile is more than a render quantum.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { deviceId } = constraints!.audio as { deviceId?: { exact: string } };
    const device = deviceId ? plugged.find((each) => each.deviceId === deviceId.exact) : plugged[0];
    if (device === undefined) throw new DOMException('', 'NotFoundError');
    return device.open();
  });
  vi.spyOn(mediaDevices, 'enumerateDevices').mockImplementation(async () =>
    plugged.map(
      ({ deviceId }) =>
        ({
          kind: 'audioinput',
          deviceId,
          groupId: `group of ${deviceId}`,
          label: deviceId,
        }) as never,
    ),
  );
  return devices;
}

function levelOf(chunk: Chunk): number {
  const samples = samplesOf(chunk)[0]!;
  return Math.round(samples[samples.length - 1]! * 100) / 100;
}

test('the system’s microphone opens, is captured and metered, and is released', async () => {
  const { mediaDevices } = navigator as { readonly mediaDevices?: MediaDevices };
  const microphone = await Microphone.open(context, { echo: 'none' }).catch((error: unknown) => {
    // WebKitGTK has no fake device unless its launcher is told so.
    if ('webkitConvertPointFromNodeToPage' in globalThis) return null;
    throw error;
  });
  if (microphone === null) return;
  expect(mediaDevices).toBeDefined();
  expect(microphone.permission).toBe('granted');
  const capture = await Capture.create(context, microphone, { sampleRate: 16_000 });
  const meter = await Meter.create(context, { source: microphone });
  await capture.resume();
  await eventually(() => expect(microphone.state).toBe('live'));
  await eventually(() => expect(capture.stats.capturedFrames).toBeGreaterThan(16_000));
  const devices = await Microphone.devices();
  expect(devices.map(({ label }) => label)).not.toContain('');
  expect(microphone.device).not.toBeNull();
  expect(microphone.settings).not.toBeNull();
  await eventually(() => expect(microphone.stats.presentFrames).toBeGreaterThan(0));
  // Chromium tells what the system lost before the page.
  const tells = 'stats' in MediaStreamTrack.prototype;
  await eventually(() => {
    const { lostFrames, track } = microphone.stats;
    expect(lostFrames === null).toBe(!tells);
    if (tells) expect(track!.totalFrames).toBeGreaterThan(0);
    else expect(track).toBeNull();
  });
  await Promise.all([capture.close(), meter.close(), microphone.close()]);
  expect(microphone.state).toBe('closed');
});

describe('with devices that come and go', () => {
  test('every frame is delivered or counted across a switch, an unplugged device and both kinds of mute', async () => {
    const [one, two] = plugIn();
    const microphone = await Microphone.open(context);
    const gaps: MicrophoneGap[] = [];
    microphone.addEventListener('gap', ({ detail }) => void gaps.push(detail));
    const capture = await Capture.create(context, microphone, { format: 'f32' });
    const chunks: Chunk[] = [];
    capture.addEventListener('chunk', ({ detail }) => void chunks.push(detail));
    await capture.resume();
    await system.resume();
    const hears = (level: number): Promise<void> =>
      eventually(() => expect(levelOf(chunks.at(-1)!)).toBeCloseTo(level, 1));
    await eventually(() => expect(chunks.length).toBeGreaterThan(0));
    await hears(one.level);
    await microphone.use('two');
    await hears(two.level);
    expect(one.openTracks).toBe(0);
    two.unplug();
    await hears(one.level);
    await microphone.mute();
    await hears(0);
    await microphone.unmute();
    await hears(one.level);
    await microphone.mute({ keep: 'light' });
    expect(one.openTracks).toBe(0);
    const missed = microphone.stats.gaps;
    await microphone.unmute();
    await hears(one.level);
    await eventually(() => expect(microphone.stats.gaps).toBeGreaterThan(missed));
    await capture.close();
    let next = 0;
    let dropped = 0;
    for (const [index, chunk] of chunks.entries()) {
      expect(chunk.sequence).toBe(index);
      expect(chunk.frame).toBe(next + chunk.dropped);
      next = chunk.frame + chunk.frames;
      dropped += chunk.dropped;
    }
    const { capturedFrames, deliveredFrames, queuedFrames, droppedFrames } = capture.stats;
    expect(capturedFrames).toBe(deliveredFrames + queuedFrames + droppedFrames);
    expect(droppedFrames).toBe(dropped);
    expect(dropped).toBe(gaps.reduce((sum, { frames }) => sum + frames, 0));
    // The frames' times and numbers agree from the first chunk to the last.
    const first = chunks[0]!;
    const last = chunks.at(-1)!;
    const seconds = (last.frame - first.frame) / context.sampleRate;
    expect(last.contextTime - first.contextTime).toBeCloseTo(seconds, 2);
    await microphone.close();
    expect(one.openTracks + two.openTracks).toBe(0);
  });

  test('a recording is one file, with silence as long as the gap', async () => {
    const [one] = plugIn();
    const microphone = await Microphone.open(context);
    await Promise.all([context.resume(), system.resume()]);
    const recorder = await Recorder.create(context, microphone, { container: 'wav' });
    await eventually(() => expect(recorder.capture.stats.capturedFrames).toBeGreaterThan(4000));
    one.unplug();
    await eventually(() => expect(microphone.device?.deviceId).toBe('two'));
    await eventually(() => expect(recorder.capture.stats.droppedFrames).toBeGreaterThan(0));
    const file = await recorder.stop();
    const audio = await context.decodeAudioData(await file!.arrayBuffer());
    expect(audio.length).toBe(recorder.capture.stats.capturedFrames);
    await microphone.close();
  });
});
