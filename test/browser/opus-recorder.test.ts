import { MediaChunks, MicwireError, Recorder, unfinishedRecordings } from 'micwire';
import type { RecorderOptions } from 'micwire';
import { decodeBase64 } from 'micwire/codec';
import { afterEach, describe, expect, test } from 'vitest';
import { ffmpegFrames, opusdecFrames, opusinfoSeconds } from '../helpers/ask-program.ts';
import { segmentalSnrDb } from '../helpers/snr.ts';
import { voice } from '../helpers/voice.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';

const FRAMES = 96_000;

/** Two seconds of voice, of which the recorder gets all. */
async function recorded(
  options: RecorderOptions,
): Promise<{ readonly recorder: Recorder; readonly file: Blob | undefined }> {
  const channels = options.channels ?? 1;
  const context = new OfflineAudioContext(1, FRAMES, 48_000);
  const buffer = new AudioBuffer({
    length: FRAMES,
    numberOfChannels: channels,
    sampleRate: 48_000,
  });
  for (let c = 0; c < channels; c++) buffer.getChannelData(c).set(voice(FRAMES, 48_000, c));
  const source = new AudioBufferSourceNode(context, { buffer });
  source.start();
  const recorder = await Recorder.create(context, source, options);
  await context.startRendering();
  return { recorder, file: await recorder.stop() };
}

async function decoded(file: Blob): Promise<AudioBuffer> {
  const context = new OfflineAudioContext(1, 1, 48_000);
  return context.decodeAudioData(await file.arrayBuffer());
}

const OPUS_CASES: readonly (readonly [string, RecorderOptions])[] = [
  ['Ogg, worklet', { container: 'ogg', encodeIn: 'worklet', application: 'audio' }],
  [
    'Ogg, worker, stereo 60 ms',
    { container: 'ogg', encodeIn: 'worker', channels: 2, packetDurationMs: 60 },
  ],
  ['Ogg, WebCodecs', { container: 'ogg', encodeIn: 'webcodecs', bitrate: 48_000 }],
  ['Ogg, auto', { container: 'ogg', bitrate: 48_000 }],
  [
    'Ogg, 2.5 ms',
    { container: 'ogg', encodeIn: 'worklet', packetDurationMs: 2.5, bitrate: 96_000 },
  ],
  ['WebM, worklet', { container: 'webm', encodeIn: 'worklet', application: 'audio' }],
  ['WebM, auto, stereo', { container: 'webm', channels: 2 }],
];

describe.each(OPUS_CASES)('%s', (_, options) => {
  test('opusinfo and ffmpeg have no complaint, and every frame is there', async () => {
    const channels = options.channels ?? 1;
    const result = await recorded(options).catch((error: unknown) => error);
    if (options.encodeIn === 'webcodecs' && result instanceof MicwireError) {
      expect(result.message).toMatch(/does not honour/);
      return;
    }
    expect(result).not.toBeInstanceOf(Error);
    const { recorder, file } = result as Awaited<ReturnType<typeof recorded>>;
    expect(recorder.state).toBe('stopped');
    expect(recorder.durationSeconds).toBe(2);
    expect(file!.type).toBe(recorder.type);
    expect(file!.size).toBe(recorder.size);
    const frames = (await ffmpegFrames(file!, channels)) ?? FRAMES;
    expect(frames).toBe(FRAMES);
    if (options.container === 'ogg') {
      expect((await opusinfoSeconds(file!)) ?? 2).toBe(2);
      expect((await opusdecFrames(file!, channels)) ?? FRAMES).toBe(FRAMES);
    }
  });
});

test.each(['s16', 'f32', 'mulaw'] as const)('WAV of %s holds every sample', async (format) => {
  const { recorder, file } = await recorded({ container: 'wav', format, channels: 2 });
  expect(recorder.durationSeconds).toBe(2);
  expect((await ffmpegFrames(file!, 2)) ?? FRAMES).toBe(FRAMES);
  if (format === 'mulaw') return;
  const sound = await decoded(file!);
  expect(sound.length).toBe(FRAMES);
  for (const c of [0, 1]) {
    expect(segmentalSnrDb(voice(FRAMES, 48_000, c), sound.getChannelData(c))).toBeGreaterThan(44);
  }
});

test('a stream gets the file as it grows; one that can seek gets its head rewritten at the end', async () => {
  const written: unknown[] = [];
  let closed = false;
  const stream = new WritableStream({
    write: (piece) => void written.push(piece),
    close: () => void (closed = true),
  });
  Object.assign(stream, { seek: () => {} });
  const { file, recorder } = await recorded({ container: 'wav', stream });
  expect(file).toBeUndefined();
  expect(closed).toBe(true);
  const mended = written.pop() as { readonly position: number; readonly data: Uint8Array };
  expect(mended.position).toBe(0);
  const [head, ...data] = written as Uint8Array[];
  expect(mended.data.length).toBe(head!.length);
  expect(new DataView(mended.data.buffer).getUint32(4, true)).toBe(recorder.size - 8);
  expect(data.reduce((sum, piece) => sum + piece.length, head!.length)).toBe(recorder.size);
});

test('a stream that fails ends the recording with the reason', async () => {
  const stream = new WritableStream({
    write: () => Promise.reject(new Error('disk full')),
  });
  await expect(recorded({ container: 'wav', stream })).rejects.toMatchObject({
    code: 'recording',
    message: expect.stringContaining('disk full') as string,
  });
});

describe('live', () => {
  let context: AudioContext;
  afterEach(async () => {
    await endContext(context);
  });

  /** A tone as a track, with what feeds it. */
  function tone(): MediaStream {
    context = new AudioContext();
    const source = new OscillatorNode(context);
    const destination = new MediaStreamAudioDestinationNode(context);
    source.connect(destination);
    source.start();
    return destination.stream;
  }

  test('pause leaves its time out, the level is reported, a track that ends completes the file', async () => {
    const stream = tone();
    const recorder = await Recorder.create(context, stream, { container: 'wav' });
    await recorder.capture.resume();
    let loudest = -Infinity;
    await eventually(() => {
      loudest = Math.max(loudest, recorder.levelDbfs);
      expect(recorder.durationSeconds).toBeGreaterThan(0.3);
      expect(loudest).toBeGreaterThan(-Infinity);
    });
    await recorder.pause();
    expect(recorder.state).toBe('paused');
    const { durationSeconds: duration, size } = recorder;
    const until = context.currentTime + 0.2;
    await eventually(() => expect(context.currentTime).toBeGreaterThan(until));
    expect(recorder.durationSeconds).toBe(duration);
    expect(recorder.size).toBe(size);
    await recorder.resume();
    await eventually(() => expect(recorder.durationSeconds).toBeGreaterThan(duration + 0.1));
    stream.getTracks()[0]!.stop();
    const file = await recorder.stop();
    expect(recorder.state).toBe('stopped');
    const sound = await decoded(file!);
    expect(sound.duration).toBeCloseTo(recorder.durationSeconds, 2);
    // What an engine makes of the tone depends on how busy it is; the level has to tell what the file holds. Of its last moment
    // before the pause the level may not have told yet.
    const told = Math.floor((duration - 0.15) * sound.sampleRate);
    const peak = sound
      .getChannelData(0)
      .subarray(0, told)
      .reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    // Samples of 16 bits end at full scale; decoding to another rate swings beyond it.
    expect(loudest).toBeGreaterThan(20 * Math.log10(Math.min(1, peak)) - 1);
    expect(loudest).toBeLessThan(1);
  });

  test.each(['ogg', 'wav'] as const)(
    'a backup of %s exists while the recording grows, and is deleted when it is complete',
    async (container) => {
      const stream = tone();
      const name = `test ${container}`;
      const recorder = await Recorder.create(context, stream, { container, backup: name });
      expect(recorder.backup).toBe('worker');
      await recorder.capture.resume();
      const found = async () => (await unfinishedRecordings()).find((one) => one.name === name);
      await eventually(() => expect(recorder.durationSeconds).toBeGreaterThan(1.5));
      expect(await found()).toBeUndefined();
      const file = await recorder.stop();
      expect(file!.size).toBe(recorder.size);
      expect(recorder.backup).toBe('worker');
      expect(await found()).toBeUndefined();
    },
  );

  test("the browser's own recorder: its chunks in sequence form its file", async () => {
    const stream = tone();
    await context.resume();
    let chunks: MediaChunks;
    try {
      chunks = MediaChunks.create(stream, { chunkDurationMs: 100 });
    } catch (error) {
      // WebKitGTK has a recorder only where the codecs of GStreamer are installed.
      expect(error).toMatchObject({ code: 'unsupported' });
      expect(MediaRecorder.isTypeSupported('audio/mp4')).toBe(false);
      return;
    }
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for await (const chunk of chunks) {
      expect(chunk.sequence).toBe(parts.length);
      expect(decodeBase64(chunk.base64)).toEqual(chunk.bytes);
      parts.push(chunk.bytes);
      if (parts.length === 3) void chunks.close();
    }
    const sound = await decoded(new Blob(parts, { type: chunks.type }));
    expect(sound.duration).toBeGreaterThan(0.2);
  });
});

test('options that do not fit the container are refused', async () => {
  const context = new OfflineAudioContext(1, 128, 48_000);
  const source = new ConstantSourceNode(context);
  const create = (options: object) => Recorder.create(context, source, options as RecorderOptions);
  await expect(create({ container: 'mp3' })).rejects.toThrow(/container/);
  await expect(create({ container: 'webm', backup: 7 })).rejects.toThrow(/backup must be a name/);
  await expect(create({ container: 'webm', tags: { A: 'b' } })).rejects.toThrow(/tags are for Ogg/);
  await expect(create({ container: 'ogg', tags: { A: 'b'.repeat(2 ** 21) } })).rejects.toThrow(
    /tags must take at most/,
  );
  await expect(create({ container: 'ogg', format: 's16' })).rejects.toThrow(/format is for WAV/);
  await expect(create({ container: 'wav', stream: {} })).rejects.toThrow(/WritableStream/);
});
