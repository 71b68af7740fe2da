import { Capture, MicwireError, loadOpusModule } from 'micwire';
import type { Chunk, OpusCaptureOptions } from 'micwire';
import { OpusDecoder, OpusLibrary, opusPacketInfo } from 'micwire/codec';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeAll } from '../helpers/codec-stream.ts';
import { segmentalSnrDb } from '../helpers/snr.ts';
import { voice } from '../helpers/voice.ts';
import type { WorkerReport } from './capture-worker.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';

const SECONDS = 1.5;

let library: OpusLibrary;
beforeAll(async () => {
  library = new OpusLibrary(await loadOpusModule());
});
afterEach(() => {
  vi.unstubAllGlobals();
});

type Packet = Chunk<'opus'>;

/** What is captured of a voice in an offline context, which ends the capture. */
async function captured(
  options: Omit<OpusCaptureOptions, 'format'>,
  contextRate = 48_000,
): Promise<{ readonly packets: Packet[]; readonly capture: Capture<'opus'> }> {
  const channels = options.channels ?? 1;
  const length = contextRate * SECONDS;
  const context = new OfflineAudioContext(1, length, contextRate);
  const buffer = new AudioBuffer({ length, numberOfChannels: channels, sampleRate: contextRate });
  for (let c = 0; c < channels; c++) {
    buffer.getChannelData(c).set(voice(length, contextRate, c));
  }
  const source = new AudioBufferSourceNode(context, { buffer });
  source.start();
  const capture = await Capture.create(context, source, { ...options, format: 'opus' });
  const packets: Packet[] = [];
  const reading = (async () => {
    for await (const packet of capture) packets.push(packet);
  })();
  await context.startRendering();
  await reading;
  return { packets, capture };
}

/** Decodes with our decoder, and compares with what went in. */
function check(packets: readonly Packet[], capture: Capture<'opus'>, leastDb: number): void {
  const { sampleRate, channels, chunkDurationMs, preSkip } = capture;
  const packetFrames = (sampleRate * chunkDurationMs) / 1000;
  let next = 0;
  for (const [i, packet] of packets.entries()) {
    expect(packet.format).toBe('opus');
    expect(packet.sequence).toBe(i);
    expect(packet.frame).toBe(next);
    expect(packet.dropped).toBe(0);
    expect(packet.timestamp).toBe(Math.round((next / sampleRate) * 1e6));
    expect(packet.contextTime).toBeCloseTo(next / sampleRate, 6);
    expect(opusPacketInfo(packet.bytes).frames).toBe(chunkDurationMs * 48);
    expect(packet.frames).toBeLessThanOrEqual(packetFrames);
    if (next + packetFrames <= sampleRate * SECONDS) expect(packet.frames).toBe(packetFrames);
    next += packet.frames;
  }
  const {
    capturedFrames: total,
    deliveredFrames: delivered,
    droppedFrames: dropped,
  } = capture.stats;
  expect([total, delivered, dropped]).toEqual([next, next, 0]);
  const decoder = new OpusDecoder(library, { sampleRate, channels, preSkip });
  const bytes = packets.map((packet) => packet.bytes);
  const output = decodeAll(decoder, bytes, packetFrames);
  decoder.close();
  const frames = sampleRate * SECONDS;
  for (let c = 0; c < channels; c++) {
    // The tail is there too: the last packet was filled up.
    expect(output[c]!.length).toBeGreaterThanOrEqual(frames);
    expect(segmentalSnrDb(voice(frames, sampleRate, c), output[c]!)).toBeGreaterThan(leastDb);
  }
}

const CASES: readonly (readonly [string, Omit<OpusCaptureOptions, 'format'>])[] = [
  ['20 ms mono', { bitrate: 32_000, complexity: 5, application: 'audio' }],
  ['10 ms stereo, Base64', { channels: 2, packetDurationMs: 10, encoding: 'base64' }],
  ['2.5 ms lowdelay', { packetDurationMs: 2.5, application: 'lowdelay', bitrate: 96_000 }],
  ['20 ms constant', { bitrate: 32_000, bitrateMode: 'constant' }],
];

describe.each(['worklet', 'worker'] as const)('libopus in a %s', (encodeIn) => {
  test.each(CASES)('%s', async (_, options) => {
    const { packets, capture } = await captured({ ...options, encodeIn });
    check(packets, capture, 2.5);
  });

  test('without shared memory, from a context of another rate', async () => {
    vi.stubGlobal('crossOriginIsolated', false);
    const { packets, capture } = await captured({ encodeIn }, 44_100);
    check(packets, capture, 2.5);
  });

  test('if modules cannot be cloned', async () => {
    const native = structuredClone;
    vi.stubGlobal('structuredClone', (value: unknown) => {
      if (value instanceof WebAssembly.Module) throw new DOMException('no', 'DataCloneError');
      return native(value);
    });
    const { packets, capture } = await captured({ encodeIn });
    check(packets, capture, 2.5);
  });

  test('16 kHz', async () => {
    const { packets, capture } = await captured({ encodeIn, sampleRate: 16_000 });
    expect([capture.sampleRate, capture.encodedIn]).toEqual([16_000, encodeIn]);
    check(packets, capture, 2);
  });
});

test('reports the encoding time in a Worker, and null on the audio thread', async () => {
  const { capture } = await captured({ encodeIn: 'worker' });
  expect(capture.encodeMs).toBeGreaterThan(0);
  const { capture: onAudioThread } = await captured({ encodeIn: 'worklet' });
  expect(onAudioThread.encodeMs).toBeNull();
});

test.each([40, 60, 120])('libopus in a Worker: %i ms', async (packetDurationMs) => {
  const { packets, capture } = await captured({ encodeIn: 'worker', packetDurationMs });
  check(packets, capture, 2.5);
});

describe('adjust', () => {
  test.each(['worklet', 'worker'] as const)(
    'changes the running encoder in a %s',
    async (encodeIn) => {
      const context = new AudioContext();
      const source = new OscillatorNode(context);
      source.start();
      const options = {
        format: 'opus',
        encodeIn,
        bitrate: 64_000,
        bitrateMode: 'constant',
      } as const;
      const capture = await Capture.create(context, source, options);
      const packets: Packet[] = [];
      capture.addEventListener('chunk', ({ detail }) => packets.push(detail));
      await capture.resume();
      await eventually(() => expect(packets.length).toBeGreaterThan(5));
      expect(() => capture.adjust({ bitrate: 24_000, expectedLossPercent: 101 })).toThrow(
        RangeError,
      );
      expect(() => capture.adjust({ dtx: 1 as never })).toThrow(TypeError);
      capture.adjust({ bitrate: 16_000, expectedLossPercent: 20, complexity: 3, dtx: false });
      await eventually(() => expect(packets.at(-1)!.bytes.length).toBe(40));
      await capture.close();
      capture.adjust({ bitrate: 64_000 });
      // Nothing between: of 20 ms, 160 bytes at 64 kbit/s and 40 at 16.
      const lengths = packets.map(({ bytes }) => bytes.length);
      const first = lengths.indexOf(40);
      expect(lengths).toEqual(lengths.map((_, i) => (i < first ? 160 : 40)));
      await endContext(context);
    },
  );

  test('is refused if the format or the encoder cannot be changed', async () => {
    const context = new OfflineAudioContext(1, 4800, 48_000);
    const source = new ConstantSourceNode(context);
    const samples = (await Capture.create(context, source)) as unknown as Capture<'opus'>;
    expect(() => samples.adjust({ expectedLossPercent: 5 })).toThrow(/opus, got one of s16/);
    const own = await Capture.create(context, source, {
      format: 'opus',
      encodeIn: 'webcodecs',
    }).catch((error: unknown) => error);
    if (own instanceof MicwireError) return expect(own.code).toBe('unsupported');
    const refused = expect(() => (own as Capture<'opus'>).adjust({ expectedLossPercent: 5 }));
    refused.toThrow(MicwireError);
    refused.toThrow(/encodeIn 'worklet' or 'worker'/);
    await (own as Capture<'opus'>).close();
  });
});

describe('WebCodecs', () => {
  test.each([
    ['20 ms mono', { bitrate: 32_000, channels: 1 }],
    ['60 ms stereo', { bitrate: 96_000, channels: 2, packetDurationMs: 60 }],
    ['120 ms', { bitrate: 64_000, packetDurationMs: 120 }],
  ] as const)('%s: as good as libopus, or refused with the reason', async (_, options) => {
    const result = await captured({ ...options, encodeIn: 'webcodecs' }).catch((e: unknown) => e);
    if (result instanceof MicwireError) {
      expect(result.code).toBe('unsupported');
      expect(result.message).toMatch(/does not honour .*: .+/);
      console.info(`${options.bitrate} bit/s: ${result.message}`);
    } else {
      const { packets, capture } = result as Awaited<ReturnType<typeof captured>>;
      check(packets, capture, 2.5);
    }
  });
});

test.each([
  ['20 ms', {}],
  ['60 ms', { packetDurationMs: 60 }],
  ['120 ms', { packetDurationMs: 120, bitrate: 64_000 }],
  ['with FEC', { fec: true, bitrate: 24_000 }],
] as const)('auto satisfies the options in every engine: %s', async (_, options) => {
  const fetched = vi.spyOn(globalThis, 'fetch');
  const { packets, capture } = await captured({ ...options, encodeIn: 'auto' });
  check(packets, capture, 2);
  // What the engine does itself costs no download; and it is the same as when it is asked for.
  const asked = captured({ ...options, encodeIn: 'webcodecs' });
  const refused = await asked.then(() => false).catch(() => true);
  expect(capture.encodedIn === 'webcodecs').toBe(!refused);
  if (!refused) expect(fetched).not.toHaveBeenCalled();
  fetched.mockRestore();
});

describe.each(['worklet', 'worker', 'auto'] as const)('to a Worker, encoded by %s', (encodeIn) => {
  test.each([true, false])('with shared memory if available: %s', async (sharing) => {
    if (!sharing) vi.stubGlobal('crossOriginIsolated', false);
    const context = new AudioContext();
    const source = new OscillatorNode(context);
    source.start();
    const capture = await Capture.create(context, source, { format: 'opus', encodeIn });
    await capture.resume();
    await eventually(() => expect(capture.stats.queuedFrames).toBeGreaterThan(4 * 960));
    const worker = new Worker(new URL('./capture-worker.ts', import.meta.url), { type: 'module' });
    const report = new Promise<WorkerReport>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<WorkerReport | 'reading'>) => {
        if (data !== 'reading') resolve(data);
      };
      worker.onerror = reject;
    });
    await capture.pipeToWorker(worker);
    const until = context.currentTime + 0.5;
    await eventually(() => expect(context.currentTime).toBeGreaterThan(until));
    await capture.close();
    const { arrivals, stats } = await report;
    let next = 0;
    for (const [i, { sequence, frame, frames }] of arrivals.entries()) {
      expect([sequence, frame]).toEqual([i, next]);
      next += frames;
    }
    // Nothing is lost: neither what waited here nor what was on its way.
    expect(arrivals.length).toBeGreaterThan(20);
    expect(stats).toMatchObject({
      capturedFrames: next,
      deliveredFrames: next,
      queuedFrames: 0,
      droppedFrames: 0,
    });
    worker.terminate();
    await endContext(context);
  });
});

test('options that the worklet does not support are refused before anything is loaded', async () => {
  const context = new OfflineAudioContext(1, 128, 48_000);
  const source = new ConstantSourceNode(context);
  const create = (options: object) =>
    Capture.create(context, source, { format: 'opus', ...options } as OpusCaptureOptions);
  await expect(create({ encodeIn: 'worklet', packetDurationMs: 40 })).rejects.toThrow(
    /up to 20 ms/,
  );
  await expect(create({ chunkDurationMs: 20 })).rejects.toThrow(/packetDurationMs/);
  await expect(create({ dither: 'tpdf' })).rejects.toThrow(/dither/);
  await expect(create({ sampleRate: 44_100 })).rejects.toThrow(RangeError);
  await expect(create({ encodeIn: 'gpu' })).rejects.toThrow(/encodeIn/);
});

test('a source that cannot be captured leaves no Worker behind', async () => {
  const terminate = vi.spyOn(Worker.prototype, 'terminate');
  const context = new AudioContext();
  const tone = new MediaStreamAudioDestinationNode(context).stream.getAudioTracks()[0]!;
  tone.stop();
  const options = { format: 'opus', encodeIn: 'worker' } as const;
  await expect(Capture.create(context, tone, options)).rejects.toMatchObject({ code: 'no-audio' });
  expect(terminate).toHaveBeenCalledTimes(1);
  terminate.mockRestore();
  await context.close();
});

test('a missing libopus is an error that names the address and the cure', async () => {
  const error: unknown = await loadOpusModule({ url: '/nowhere/libopus.wasm' }).catch((e) => e);
  expect(error).toMatchObject({ code: 'codec-load' });
  expect(String(error)).toContain('/nowhere/libopus.wasm');
  expect(String(error)).toContain('npx micwire copy');
});

describe('without a Worker that can start', () => {
  const blocked: [string, unknown][] = [
    [
      'refused by a policy',
      class {
        constructor() {
          throw new DOMException('worker-src', 'SecurityError');
        }
      },
    ],
    ['that the scope lacks', undefined],
  ];
  test.each(blocked)(
    'one %s, auto uses the audio thread for short packets only',
    async (_, worker) => {
      vi.stubGlobal('Worker', worker);
      const { packets, capture } = await captured({ packetDurationMs: 20 });
      expect(capture.encodedIn).toBe('worklet');
      expect(packets.length).toBeGreaterThan(70);
      const failure = await captured({ packetDurationMs: 60 }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ name: 'MicwireError', code: 'codec-load' });
      for (const encodeIn of ['worker', 'webcodecs'] as const) {
        await expect(captured({ encodeIn })).rejects.toMatchObject({ code: 'codec-load' });
      }
    },
  );
});
