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
  /** RMS level of the probe in dBFS, −80 to −6, before the speaker's volume is applied. @default -36 */
  readonly levelDbfs?: number;
  /** Number of sweeps, 3–9; each takes about a third of a second. More sweeps can be detected through louder noise. @default 5 */
  readonly sweeps?: number;
  /** Longest delay to look for, in ms, 1–5000. Bluetooth takes about 300 ms, network loudspeakers up to 2000 ms. @default 1000 */
  readonly maxDelayMs?: number;
  /** Aborts the measurement, which then rejects with the signal's reason. */
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

/** Time from the first captured chunk to the probe, in seconds: to measure the noise, and to give the audio thread time. */
const LEAD_SECONDS = 0.25;
/** Time to keep recording after the longest delay, in seconds. */
const TAIL_SECONDS = 0.3;
/** How much longer than planned a measurement may take, in ms. */
const PATIENCE_MS = 5000;

/**
 * Plays a quiet probe through a speaker, listens for it in a source, and reports the delay and the level of the echo. Times are
 * taken from the context's clock, so the main thread may be busy. Takes about three seconds, during which nobody should talk. If
 * the echo cannot be distinguished from other audio, the result says so.
 * @param source the source to listen to: a microphone, its track, or any node
 * @param output the node to play through: `speaker.node`
 * @throws TypeError or RangeError for an invalid argument; MicwireError `'no-audio'` when the context is not running, or the source
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
 * Plays the probe once audio arrives, and records until the given number of seconds after its beginning. Frames are placed by the
 * context's clock: dropped frames become silence.
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
      // Aligned to a frame, so that the samples play unchanged.
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
