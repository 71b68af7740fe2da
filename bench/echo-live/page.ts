import { Capture, Speaker } from '../../src/web/index.ts';
import type { SpeakerRoute } from '../../src/web/index.ts';
import { measureEcho } from '../../src/web/microphone/echo-measure.ts';

/** One way to play, and what the microphone is asked for. */
export interface EchoCase {
  readonly route: SpeakerRoute;
  /** Part of the label of the output; null: the default. */
  readonly output: string | null;
  readonly echoCancellation: boolean | 'all' | 'remote-only';
  /** Of the context; undefined: the device's. */
  readonly sampleRate?: number | undefined;
}

/** What the microphone heard of the speaker. */
export interface EchoResult {
  readonly granted: unknown;
  readonly capabilities: unknown;
  readonly route: string;
  readonly device: string | null;
  /** RMS after the canceller had its time, dBFS. */
  readonly rmsDbfs: number;
  /** What `measureEcho` says, with the canceller off. */
  readonly measured: unknown;
}

/** For the canceller to learn the room, s. */
const LEARN_SECONDS = 4;
const MEASURE_SECONDS = 3;

async function run(options: EchoCase): Promise<EchoResult> {
  const { sampleRate, echoCancellation } = options;
  const context = new AudioContext(sampleRate === undefined ? {} : { sampleRate });
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: {
      echoCancellation: { exact: echoCancellation } as ConstrainBoolean,
      noiseSuppression: false,
      autoGainControl: false,
    },
  });
  const track = stream.getAudioTracks()[0]!;
  const { output } = options;
  const devices = await Speaker.devices();
  const device = output === null ? undefined : devices.find(({ label }) => label.includes(output));
  if (output !== null && device === undefined) {
    throw new Error(`No output ${output}: ${devices.map(({ label }) => label).join(', ')}`);
  }
  const speaker = await Speaker.open(context, {
    route: options.route,
    deviceId: device?.deviceId ?? null,
  });
  const capture = await Capture.create(context, track, { format: 'f32' });
  const measured =
    echoCancellation === false ? await measureEcho(context, track, speaker.node, {}) : null;
  const file = await (await fetch('/test/fixtures/speech.wav')).arrayBuffer();
  const buffer = await context.decodeAudioData(file);
  const player = new AudioBufferSourceNode(context, { buffer, loop: true });
  player.connect(speaker.node);
  player.start();
  const begin = context.currentTime;
  let energy = 0;
  let frames = 0;
  for await (const chunk of capture) {
    const seconds = chunk.contextTime - begin;
    if (seconds > LEARN_SECONDS + MEASURE_SECONDS) break;
    if (seconds < LEARN_SECONDS) continue;
    const { bytes } = chunk;
    for (const sample of new Float32Array(bytes.buffer, bytes.byteOffset, chunk.frames)) {
      energy += sample * sample;
    }
    frames += chunk.frames;
  }
  const result = {
    granted: track.getSettings().echoCancellation ?? null,
    capabilities: track.getCapabilities?.().echoCancellation ?? null,
    route: speaker.route,
    device: speaker.device?.label ?? null,
    rmsDbfs: 10 * Math.log10(Math.max(1e-12, energy / frames)),
    measured,
  };
  await capture.close();
  await speaker.close();
  track.stop();
  await context.close();
  return result;
}

Object.assign(globalThis, { runEchoCase: run });
