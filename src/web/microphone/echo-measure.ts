import { checkContext, checkObject, checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { numberIn } from '../../core/arguments.ts';
import { MicwireError } from '../../core/errors.ts';
import { EchoProbe } from '../../core/echo/echo-probe.ts';
import { estimateEcho } from '../../core/echo/echo-estimate.ts';
import type { EchoEstimate } from '../../core/echo/echo-estimate.ts';
import { Capture } from '../capture.ts';
import type { CaptureSource } from '../capture-source.ts';
import { makeInOpenContext } from '../context-life.ts';
import { deferred } from '../patience.ts';
import type { WorkletUrl } from '../worklet-loader.ts';

/** Options of `measureEcho`. */
export interface MeasureEchoOptions {
  /** RMS of the probe, dBFS, −80 to −6, before the speaker's volume. @default -36 */
  readonly levelDbfs?: number;
  /** Sweeps, 3–9: each takes about a third of a second. More are heard through louder noise. @default 5 */
  readonly sweeps?: number;
  /** Longest delay to look for, ms, 1–5000. Bluetooth takes some 300, loudspeakers in the network up to 2000. @default 1000 */
  readonly maxDelayMs?: number;
  /** Ends the measurement: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Your own copy of the capture's worklet file: see `loadWorklet`. */
  readonly workletUrl?: WorkletUrl;
}
const NAMES: OptionNames<MeasureEchoOptions> = {
  levelDbfs: 1,
  sweeps: 1,
  maxDelayMs: 1,
  signal: 1,
  workletUrl: 1,
};

/** From the first captured chunk to the probe, seconds: the noise before it, and time for the audio thread. */
const LEAD_SECONDS = 0.25;
/** For what follows the longest delay, seconds. */
const TAIL_SECONDS = 0.3;
/** Beyond its own time, a measurement may take this long, ms. */
const PATIENCE_MS = 5000;

/**
 * Plays a quiet probe by a speaker, listens to it in a source, and tells how late and how loud it comes back. Times are those
 * of the context's clock, so that the main thread may be busy. Takes some three seconds. Nobody should talk meanwhile; where
 * the echo cannot be told from the rest, the result says so.
 * @param source what to listen to: a microphone, its track, or any node
 * @param output where to play: `speaker.node`
 * @throws TypeError or RangeError for a wrong argument; MicwireError `'no-audio'` when the context is not running, or the source
 *   ends or delivers too little; `'closed'`, `'worklet-load'`, `'unsupported'` as `Capture.create`
 */
export async function measureEcho(
  context: AudioContext,
  source: CaptureSource,
  output: AudioNode,
  options: MeasureEchoOptions = {},
): Promise<EchoEstimate> {
  checkContext('measureEcho', context);
  checkObject('measureEcho: output must be an AudioNode', output, 'connect', 'context');
  checkOptions('measureEcho', options, NAMES);
  const maxDelayMs = numberIn('maxDelayMs', options.maxDelayMs ?? 1000, 1, 5000);
  const { levelDbfs, sweeps, signal, workletUrl } = options;
  const { sampleRate } = context;
  const probe = new EchoProbe({ sampleRate, levelDbfs, sweeps });
  if (context.state !== 'running') throw noAudio('The context is not running. Resume it first.');
  signal?.throwIfAborted();
  const player = makeInOpenContext({ context }, () => playerOf(context, probe));
  const capture = await Capture.create(context, source, {
    format: 'f32',
    ...(workletUrl === undefined ? {} : { workletUrl }),
  });
  const given = deferred<never>();
  const seconds = LEAD_SECONDS + probe.durationMs / 1000 + maxDelayMs / 1000 + TAIL_SECONDS;
  const timer = setTimeout(
    () => given.reject(noAudio('The source delivered too little audio. Is it muted?')),
    seconds * 1000 + PATIENCE_MS,
  );
  const abort = (): void => given.reject(signal?.reason);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  try {
    player.connect(output);
    const recording = record(capture, seconds, (contextTime) => player.start(contextTime));
    const { samples, playedAtFrame } = await Promise.race([recording, given.promise]);
    return estimateEcho(probe, { samples, playedAtFrame, maxDelayMs });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    player.disconnect();
    await capture.close();
  }
}

function playerOf(context: AudioContext, probe: EchoProbe): AudioBufferSourceNode {
  const buffer = context.createBuffer(1, probe.samples.length, probe.sampleRate);
  buffer.copyToChannel(probe.samples, 0);
  const player = context.createBufferSource();
  player.buffer = buffer;
  return player;
}

/**
 * Plays the probe once audio comes, and records until so many seconds after its beginning. Each frame has its place by the
 * context's clock: what was dropped is silence.
 */
async function record(
  capture: Capture,
  seconds: number,
  play: (contextTime: number) => void,
): Promise<{ readonly samples: Float32Array; readonly playedAtFrame: number }> {
  const { sampleRate } = capture;
  let samples: Float32Array | undefined;
  let beginTime = 0;
  let playedAtFrame = 0;
  for await (const chunk of capture) {
    if (samples === undefined) {
      beginTime = chunk.contextTime;
      const now = Math.max(capture.node.context.currentTime, beginTime);
      // On a frame, so that the samples play as they are.
      const playTime = Math.ceil((now + LEAD_SECONDS) * sampleRate) / sampleRate;
      play(playTime);
      playedAtFrame = (playTime - beginTime) * sampleRate;
      samples = new Float32Array(Math.ceil(playedAtFrame + seconds * sampleRate));
    }
    const at = Math.round((chunk.contextTime - beginTime) * sampleRate);
    const left = samples.length - at;
    const { bytes, frames } = chunk;
    const heard = new Float32Array(bytes.buffer, bytes.byteOffset, frames);
    if (left > 0) samples.set(heard.subarray(0, left), at);
    if (left <= frames) return { samples, playedAtFrame };
  }
  throw noAudio('The source has ended during the measurement.');
}

function noAudio(message: string): MicwireError {
  return new MicwireError('no-audio', message);
}
