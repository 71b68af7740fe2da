import { isSampleFormat } from 'micwire/codec';
import { Capture } from 'micwire';
import type { CaptureSource, ChunkEncoding, OpusCaptureOptions, PayloadFormat } from 'micwire';
import type { CodingSettings } from './lane-settings.ts';

/** The options of a lane's capture. */
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
  // For code that only reads, a capture of one format is one of any format: only the declared types of its events differ.
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
    // The engine’s own encoder may not accept it: it is set only where it matters.
    ...(expectedLossPercent !== undefined && { expectedLossPercent }),
  });
  return capture as Capture<PayloadFormat>;
}
