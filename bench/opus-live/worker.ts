import { OpusDecoder } from '../../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../../src/core/codec/opus-encoder.ts';
import { OpusLibrary } from '../../src/core/codec/opus-library.ts';
import { opusSettings } from '../../src/core/codec/opus-options.ts';
import { webCodecsConfig } from '../../src/worker/web-codecs-opus.ts';
import type { Row } from '../measure.ts';

const FRAMES = 960;
/** Short, so that some rounds run undisturbed on a busy machine. */
const SECONDS = 2;
const COUNT = SECONDS * 50;
const ROUNDS = 40;

addEventListener('message', async ({ data }: MessageEvent) => {
  const { samples, module, first } = data as Task;
  if (first !== undefined) return postMessage(firstFrame(samples, module, first));
  const input = Float32Array.from(
    { length: COUNT * FRAMES },
    (_, i) => samples[(i + 24_000) % samples.length]!,
  );
  const rows: Row[] = [];
  for (const complexity of [5, 10]) rows.push(...(await measure(input, module, complexity)));
  postMessage(rows);
});

interface Task {
  readonly samples: Float32Array;
  readonly module: WebAssembly.Module;
  /** Time the first frame only. */
  readonly first?: ConstructorParameters<typeof OpusEncoder>[1];
}

/** As the audio thread does it. @returns ms */
function firstFrame(
  samples: Float32Array,
  module: WebAssembly.Module,
  options: NonNullable<Task['first']>,
): number {
  const encoder = new OpusEncoder(new OpusLibrary(module), options);
  encoder.warmUp(2);
  const target = new Uint8Array(encoder.maxBytes());
  const begun = performance.now();
  encoder.encode([samples], 24_000, FRAMES, target, 0);
  return performance.now() - begun;
}

/** The fastest of the alternating rounds. WebCodecs works in the background: only the whole can be timed. */
async function measure(
  input: Float32Array,
  module: WebAssembly.Module,
  complexity: number,
): Promise<Row[]> {
  const format = { sampleRate: 48_000, channels: 1 };
  const settings = opusSettings(format, { bitrate: 24_000, complexity, application: 'voip' });
  const library = new OpusLibrary(module);
  const encoder = new OpusEncoder(library, settings);
  const decoder = new OpusDecoder(library, format);
  const target = new Uint8Array(encoder.maxBytes());
  const output = [new Float32Array(FRAMES)];
  let packets: Uint8Array[] = [];

  const subjects: Record<string, () => Promise<void> | void> = {
    'encode micwire': () => {
      packets = [];
      for (let i = 0; i < COUNT; i++) {
        packets.push(target.slice(0, encoder.encode([input], i * FRAMES, FRAMES, target, 0)));
      }
    },
    'encode WebCodecs': async () => {
      const native = new AudioEncoder({ output: () => {}, error: console.error });
      native.configure(webCodecsConfig(settings));
      for (let i = 0; i < COUNT; i++) {
        const audio = new AudioData({
          format: 'f32',
          sampleRate: 48_000,
          numberOfChannels: 1,
          numberOfFrames: FRAMES,
          timestamp: i * 20_000,
          data: input.slice(i * FRAMES, (i + 1) * FRAMES),
        });
        native.encode(audio);
        audio.close();
      }
      await native.flush();
      native.close();
    },
    'decode micwire': () => {
      for (const packet of packets) decoder.decode(packet, 0, packet.length, output, 0);
    },
    'decode WebCodecs': async () => {
      const native = new AudioDecoder({
        output: (audio) => audio.close(),
        error: console.error,
      });
      native.configure({ codec: 'opus', sampleRate: 48_000, numberOfChannels: 1 });
      for (const [i, packet] of packets.entries()) {
        native.decode(new EncodedAudioChunk({ type: 'key', timestamp: i * 20_000, data: packet }));
      }
      await native.flush();
      native.close();
    },
  };
  const least: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, act] of Object.entries(subjects)) {
      const begun = performance.now();
      await act();
      least[name] = Math.min(least[name] ?? Infinity, performance.now() - begun);
    }
  }
  return Object.entries(least).map(([name, ms]) => {
    const [metric = '', subject = ''] = name.split(' ');
    return {
      case: `voice mono 24 kb/s c${complexity}, in a Worker of Chromium`,
      subject,
      metric,
      value: (SECONDS * 1000) / ms,
      unit: '× real time',
    };
  });
}
