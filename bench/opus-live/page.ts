import { OpusEncoder } from '../../src/core/codec/opus-encoder.ts';
import { OpusLibrary } from '../../src/core/codec/opus-library.ts';
import { Capture } from '../../src/web/index.ts';
import type { Row } from '../measure.ts';

/** Chromium's own account of what its audio device missed; the name has changed once. */
interface PlaybackStats {
  readonly underrunDuration?: number;
  readonly underrunEvents?: number;
  readonly fallbackFramesDuration?: number;
  readonly fallbackFramesEvents?: number;
}

async function speech(): Promise<AudioBuffer> {
  const response = await fetch('/test/fixtures/speech.wav');
  return new OfflineAudioContext(1, 1, 48_000).decodeAudioData(await response.arrayBuffer());
}

/**
 * Encodes speech on the audio thread in real time.
 * @param complexity 0: nothing is encoded, to know what the machine misses by itself
 */
async function live(seconds: number, complexity: number): Promise<Row[]> {
  const context = new AudioContext({ sampleRate: 48_000 });
  const source = new AudioBufferSourceNode(context, { buffer: await speech(), loop: true });
  const options = { bitrate: 24_000, complexity, encodeIn: 'worklet', format: 'opus' } as const;
  const capture =
    complexity === 0
      ? await Capture.create(context, source)
      : await Capture.create(context, source, options);
  await context.resume();
  source.start();
  let chunks = 0;
  let bytes = 0;
  let holes = 0;
  let next = 0;
  let latestMs = 0;
  let begun = 0;
  const reading = (async () => {
    for await (const chunk of capture) {
      if (chunk.frame !== next + chunk.dropped || chunk.sequence !== chunks) holes++;
      next = chunk.frame + chunk.frames;
      chunks++;
      bytes += chunk.bytes.length;
      const now = performance.now();
      // How late a chunk is against the first: what a listener would need to wait for.
      const due = (chunk.frame / capture.sampleRate) * 1000;
      begun ||= now - due;
      latestMs = Math.max(latestMs, now - due - begun);
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const stats = (context as AudioContext & { readonly playbackStats?: PlaybackStats })
    .playbackStats;
  await capture.close();
  await reading;
  const captured = capture.stats;
  await context.close();
  const row = (metric: string, value: number, unit: string): Row => ({
    case: `${seconds} s of speech in real time on the audio thread, 20 ms`,
    subject: complexity === 0 ? 's16, no Opus' : `Opus 24 kb/s c${complexity}`,
    metric,
    value,
    unit,
  });
  return [
    row('underruns', stats?.underrunEvents ?? stats?.fallbackFramesEvents ?? NaN, 'events'),
    row(
      'underrun time',
      (stats?.underrunDuration ?? stats?.fallbackFramesDuration ?? NaN) * 1000,
      'ms',
    ),
    row('captured', captured.capturedFrames, 'frames'),
    row('dropped', captured.droppedFrames, 'frames'),
    row('chunks out of place', holes, 'chunks'),
    row('latest chunk', latestMs, 'ms'),
    row('bit rate', (bytes * 8) / (captured.capturedFrames / capture.sampleRate) / 1000, 'kb/s'),
  ];
}

/** WebCodecs and libopus in one Worker, on the same speech. */
async function codecs(): Promise<Row[]> {
  const buffer = await speech();
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const response = await fetch('/wasm/libopus.wasm');
  const module = await WebAssembly.compile(await response.arrayBuffer());
  const rows = new Promise<Row[]>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Row[]>) => resolve(data);
    worker.onerror = reject;
  });
  worker.postMessage({ samples: buffer.getChannelData(0), module });
  return rows.finally(() => worker.terminate());
}

/** The module is warmed up here and passed on, as a capture does: what the first packet takes on a thread that is new to it. */
async function firstFrames(complexity: number): Promise<Row[]> {
  const buffer = await speech();
  const response = await fetch('/wasm/libopus.wasm');
  const module = await WebAssembly.compile(await response.arrayBuffer());
  const options = { sampleRate: 48_000, channels: 1, bitrate: 24_000, complexity };
  const encoder = new OpusEncoder(new OpusLibrary(module), options);
  for (let packet = 0; packet < 30; packet += 2) {
    encoder.warmUp(2, packet);
    await new Promise((resolve) => setTimeout(resolve));
  }
  const times: number[] = [];
  for (let round = 0; round < 15; round++) {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    times.push(
      await new Promise<number>((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<number>) => resolve(data);
        worker.onerror = reject;
        worker.postMessage({ first: options, samples: buffer.getChannelData(0), module });
      }),
    );
    worker.terminate();
  }
  times.sort((a, b) => a - b);
  return [
    ['best of 15', times[0]!],
    ['median of 15', times[7]!],
  ].map(([metric, value]) => ({
    case: `first live frame c${complexity}, on a new thread of Chromium`,
    subject: 'micwire',
    metric: metric as string,
    value: value as number,
    unit: 'ms',
  }));
}

Object.assign(globalThis, { live, codecs, firstFrames });
