import { isSampleFormat } from '../../core/format/formats.ts';
import type { PayloadFormat } from '../../core/format/formats.ts';
import type { ServedStreams } from '../../core/session/worker-messages.ts';
import { Capture } from '../capture.ts';
import type { CaptureSource } from '../capture-source.ts';
import type { OpusCaptureOptions } from '../opus-capture-options.ts';
import type { SessionOptions, WorkerSessionOptions } from './session-options.ts';

/** Captures a source in the format that a service accepts. @throws as `Capture.create` */
export async function openCapture(
  context: AudioContext,
  source: CaptureSource,
  { input, chunkDurationMs, encoding }: ServedStreams,
  { workletUrl, opusUrl, workerUrl, signal }: SessionOptions | WorkerSessionOptions,
): Promise<Capture<PayloadFormat>> {
  const { format, sampleRate, channels } = input;
  const common = {
    sampleRate,
    channels,
    encoding,
    signal,
    ...(workletUrl === undefined ? {} : { workletUrl }),
  };
  if (isSampleFormat(format)) {
    return (await Capture.create(context, source, {
      ...common,
      format,
      chunkDurationMs,
    })) as Capture<PayloadFormat>;
  }
  const options: OpusCaptureOptions = {
    ...common,
    format,
    packetDurationMs: chunkDurationMs as NonNullable<OpusCaptureOptions['packetDurationMs']>,
    opusUrl,
    workerUrl,
  };
  return (await Capture.create(context, source, options)) as Capture<PayloadFormat>;
}
