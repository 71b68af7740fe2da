import { isSampleFormat } from 'micwire/codec';
import { Capture } from 'micwire';
import type { CaptureSource, ChunkEncoding, OpusCaptureOptions, PayloadFormat } from 'micwire';
import type { CodingSettings } from './lane-settings.ts';

/** What the capture of a lane is told. */
export interface LaneCaptureSettings
  extends
    CodingSettings,
    Pick<
      OpusCaptureOptions,
      'application' | 'bitrateMode' | 'fec' | 'expectedLossPercent' | 'dtx' | 'encodeIn'
    > {
  readonly format: PayloadFormat;
  readonly sampleRate: number;
  readonly channels: number;
  readonly encoding?: ChunkEncoding;
}

/** Opens the capture of a lane, of samples or of Opus. Throws what `Capture.create` throws. */
export async function openCapture(
  context: AudioContext,
  source: CaptureSource,
  settings: LaneCaptureSettings,
): Promise<Capture<PayloadFormat>> {
  const { format, sampleRate, channels, encoding = 'binary', chunkDurationMs } = settings;
  const common = { sampleRate, channels, encoding };
  // A capture of one format is one of any, for who only reads: what differs is what its events are declared to carry.
  if (isSampleFormat(format)) {
    const options = { ...common, format, chunkDurationMs };
    return (await Capture.create(context, source, options)) as Capture<PayloadFormat>;
  }
  const {
    bitrate,
    complexity,
    application = 'voip',
    bitrateMode = 'variable',
    fec = false,
    dtx = false,
    encodeIn = 'auto',
    expectedLossPercent,
  } = settings;
  const capture = await Capture.create(context, source, {
    ...common,
    format,
    bitrate,
    complexity,
    application,
    bitrateMode,
    fec,
    dtx,
    encodeIn,
    packetDurationMs: chunkDurationMs,
    // The engine’s own encoder may not take it: it is asked for only where it counts.
    ...(expectedLossPercent !== undefined && { expectedLossPercent }),
  });
  return capture as Capture<PayloadFormat>;
}
