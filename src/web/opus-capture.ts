import { crossingBytes } from '../core/capture/chunk.ts';
import { OpusEncoder } from '../core/codec/opus-encoder.ts';
import { OpusLibrary } from '../core/codec/opus-library.ts';
import type { OpusModule } from '../core/codec/opus-library.ts';
import { checkOpusAdjustment } from '../core/codec/opus-options.ts';
import type { OpusAdjustment, OpusOptions, OpusSettings } from '../core/codec/opus-options.ts';
import { MicwireError } from '../core/errors.ts';
import { longestPacketBytes } from '../core/format/packet-codecs.ts';
import { checkSignal } from './abort.ts';
import { whileOpen } from './context-life.ts';
import type { Opening } from './context-life.ts';
import { startWorker } from './worker-loader.ts';
import type { WorkerFile, WorkerUrl } from './worker-loader.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import type { OpusCaptureCommand } from '../core/messages.ts';
import { CAPTURE_OPUS_WORKLET } from './capture-opus-worklet.ts';
import type { CaptureBackend, OpenCapture } from './capture-backend.ts';
import { CaptureNode } from './capture-node.ts';
import { CAPTURE_WORKLET } from './capture-worklet.ts';
import { MAX_WORKLET_FRAME_MS, opusCaptureSettings } from './opus-capture-options.ts';
import type { OpusCaptureOptions, OpusCaptureSettings } from './opus-capture-options.ts';
import { opusCopies } from './opus-copies.ts';
import { loadOpusModule, passableOpusModule } from './opus-module.ts';
import { OpusWorkerBackend, openWorkerSession, probeWebCodecs } from './opus-worker-backend.ts';
import { sleep } from './patience.ts';
import { loadResamplerDesign } from './resampler-design.ts';
import { loadWorklet } from './worklet-loader.ts';

/**
 * The Worker that encodes Opus. Bundlers recognize the file only when it is written in this form, without a comment that makes them
 * ignore it.
 */
const OPUS_WORKER: WorkerFile = {
  name: 'micwire-opus',
  url: () => new URL('../../worker/opus.js', import.meta.url),
  inline: async () => opusCopies().worker(),
};

/**
 * Starts the Worker that encodes Opus: from the given URL; otherwise from the package's file, then from the JavaScript copy in
 * `micwire/opus-inline`, as a `blob:`.
 * @throws MicwireError 'codec-load' when every way failed
 */
async function startOpusWorker(url?: WorkerUrl): Promise<Worker> {
  try {
    return await startWorker(OPUS_WORKER, url);
  } catch (cause) {
    throw new MicwireError(
      'codec-load',
      `The Worker that encodes Opus could not be started. Tried ${(cause as Error).message}. ` +
        "Write `import 'micwire/opus-inline'` in your app; or serve a copy of worker/opus.js " +
        "(`npx micwire copy <dir>`) from the page's own origin, allow it by worker-src, and give its address as workerUrl.",
      { cause },
    );
  }
}

/** The options that a route must honour when they are given. */
const ENCODER_OPTIONS: readonly (keyof OpusOptions)[] = [
  'bitrate',
  'complexity',
  'application',
  'packetDurationMs',
  'fec',
  'expectedLossPercent',
  'dtx',
  'bitrateMode',
  'signalType',
];

/** Length of the audio for the encoder's warm-up: engines need some time before they compile code well. */
const WARM_UP_SECONDS = 0.6;
/** How much of it is encoded at a time. */
const WARM_UP_STEP_MS = 40;

/**
 * Loads what an Opus capture needs, for the requested route or the best available one.
 * @throws TypeError or RangeError for an invalid option; MicwireError 'codec-load' or 'worklet-load' when a file cannot be
 *   loaded, 'unsupported' when the route cannot honour an option: the message says which
 */
export async function openOpusCapture(
  context: BaseAudioContext,
  options: OpusCaptureOptions,
): Promise<OpenCapture<'opus'>> {
  const settings = opusCaptureSettings(options);
  const { route, opus } = settings;
  const opening = { context, signal: options.signal };
  const startOwnWorker = (): Promise<Worker> =>
    whileOpen(opening, startOpusWorker(options.workerUrl), (late) => late.terminate());
  const inWorklet = (): Promise<OpenCapture<'opus'>> => openWorklet(context, settings, options);
  if (route === 'worklet') return inWorklet();
  if (route === 'worker') {
    const worker = await startOwnWorker();
    return openWorker(context, settings, options, worker, false);
  }
  // The audio thread may replace it where packets are short.
  const replaceable = route === 'auto' && opus.packetDurationMs <= MAX_WORKLET_FRAME_MS;
  try {
    const worker = await startOwnWorker();
    const asked = ENCODER_OPTIONS.filter((name) => options[name] !== undefined);
    const faults = await probeOrEnd(worker, opus, asked, opening);
    if (faults.length === 0) return await openWorker(context, settings, options, worker, true);
    if (route === 'auto' && !replaceable) {
      return await openWorker(context, settings, options, worker, false);
    }
    worker.terminate();
    if (route === 'webcodecs') throw notHonoured(faults);
  } catch (error) {
    checkSignal(options.signal);
    if (!replaceable) throw error;
  }
  return inWorklet();
}

async function probeOrEnd(
  worker: Worker,
  settings: OpusSettings,
  asked: readonly (keyof OpusOptions)[],
  opening: Opening,
): Promise<readonly string[]> {
  try {
    return await whileOpen(opening, probeWebCodecs(worker, settings, asked));
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

function notHonoured(faults: readonly string[]): MicwireError {
  return new MicwireError(
    'unsupported',
    `WebCodecs does not honour the options in this engine: ${faults.join('; ')}. Take encodeIn 'auto', 'worklet' or 'worker'.`,
  );
}

async function openWorklet(
  context: BaseAudioContext,
  settings: OpusCaptureSettings,
  options: OpusCaptureOptions,
): Promise<OpenCapture<'opus'>> {
  const { capture, opus } = settings;
  const [module] = await Promise.all([
    loadOpusModule({ url: options.opusUrl }),
    loadWorklet(context, CAPTURE_OPUS_WORKLET, { url: options.workletUrl }),
    loadResamplerDesign(context.sampleRate, capture.stream.sampleRate, capture.quality),
  ]);
  const [preSkip, passed] = await Promise.all([
    warmUp(module, opus),
    passableOpusModule(module, { url: options.opusUrl }),
  ]);
  return {
    stream: opusStream(settings),
    encoding: capture.encoding,
    chunkDurationMs: opus.packetDurationMs,
    preSkip,
    encodedIn: 'worklet',
    createBackend: (listener, feed) =>
      new OpusWorkletBackend(
        context,
        { ...capture, stream: opusStream(settings), payloadBytes: packetBytes(settings) },
        listener,
        feed,
        {
          name: 'micwire-capture-opus',
          options: { opus, module: passed },
        },
      ),
  };
}

async function openWorker(
  context: BaseAudioContext,
  settings: OpusCaptureSettings,
  options: OpusCaptureOptions,
  worker: Worker,
  webCodecs: boolean,
): Promise<OpenCapture<'opus'>> {
  try {
    const [module] = await whileOpen(
      { context, signal: options.signal },
      Promise.all([
        webCodecs ? null : loadOpusModule({ url: options.opusUrl }),
        loadWorklet(context, CAPTURE_WORKLET, { url: options.workletUrl }),
        loadResamplerDesign(
          context.sampleRate,
          settings.capture.stream.sampleRate,
          settings.capture.quality,
        ),
      ]),
    );
    const session = await openWorkerSession(worker, settings, module, {
      context,
      signal: options.signal,
    });
    return {
      stream: opusStream(settings),
      encoding: settings.capture.encoding,
      chunkDurationMs: settings.opus.packetDurationMs,
      preSkip: session.preSkip,
      encodedIn: webCodecs ? 'webcodecs' : 'worker',
      createBackend: (listener, feed) =>
        new OpusWorkerBackend(context, settings, session, listener, feed),
      discard: () => {
        worker.terminate();
        session.port.close();
      },
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

/** Size of the longest packet that crosses the thread boundary. */
function packetBytes({ capture, opus }: OpusCaptureSettings): number {
  return crossingBytes(longestPacketBytes('opus', opus.packetDurationMs), capture.encoding);
}

function opusStream({ capture }: OpusCaptureSettings): StreamFormat<'opus'> {
  return { ...capture.stream, format: 'opus' };
}

/** A capture node whose processor encodes. */
class OpusWorkletBackend extends CaptureNode<'opus'> implements CaptureBackend<'opus'> {
  readonly #channels: number;

  constructor(...[context, settings, ...rest]: ConstructorParameters<typeof CaptureNode<'opus'>>) {
    super(context, settings, ...rest);
    this.#channels = settings.stream.channels;
  }

  adjust(options: OpusAdjustment): void {
    const checked = checkOpusAdjustment(options, this.#channels);
    const command: OpusCaptureCommand = { type: 'adjust', options: checked };
    this.node.port.postMessage(command);
  }
}

/**
 * Runs the encoder here until the engine has compiled it well: the audio thread shares the code. Otherwise the first packets there
 * take 7 to 20 ms each, which is audible. The work is split into steps so that the page does not stutter.
 * @returns the look-ahead, in frames at the wire rate
 */
async function warmUp(module: OpusModule, settings: OpusSettings): Promise<number> {
  const encoder = new OpusEncoder(OpusLibrary.shared(module), settings);
  const step = Math.max(1, Math.round(WARM_UP_STEP_MS / settings.packetDurationMs));
  const packets = Math.ceil((WARM_UP_SECONDS * 1000) / settings.packetDurationMs);
  for (let packet = 0; packet < packets; packet += step) {
    encoder.warmUp(step, packet);
    await sleep(0);
  }
  const { latencyFrames } = encoder;
  encoder.close();
  return latencyFrames;
}
