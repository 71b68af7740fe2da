import { isSampleFormat } from 'micwire/core';
import { Capture, Playout } from 'micwire';
import type { ChunkEncoding, PayloadFormat } from 'micwire';
import type { LaneBuild } from './close-up-parts.ts';

/** Opens the capture of a lane. Throws what `Capture.create` throws. */
export async function openCapture(
  parts: LaneBuild,
  encoding: ChunkEncoding,
): Promise<Capture<PayloadFormat>> {
  const { context, source, sampleRate, channels, format, chunkDuration } = parts;
  const from = source.track ?? source.node;
  const common = { sampleRate, channels, encoding };
  // A capture of one format is one of any, for who only reads: what differs is what its events are declared to carry.
  if (!isSampleFormat(format)) {
    const { bitrate, complexity, application, bitrateMode, fec, dtx, encodeIn } = parts;
    const capture = await Capture.create(context, from, {
      ...common,
      format,
      bitrate,
      complexity,
      application,
      bitrateMode,
      fec,
      dtx,
      encodeIn,
      frameDuration: chunkDuration,
    });
    return capture as Capture<PayloadFormat>;
  }
  const capture = await Capture.create(context, from, { ...common, format, chunkDuration });
  return capture as Capture<PayloadFormat>;
}

/**
 * Opens the playout of a lane. Throws what `Playout.create` throws. It comes before the capture, so that nothing piles up; of Opus
 * it then plays the look-ahead of the encoder too, which the lane counts as delay.
 */
export function openPlayout(parts: LaneBuild): Promise<Playout> {
  const { context, sampleRate, channels, format, targetDelay } = parts;
  return Playout.create(context, {
    sampleRate,
    channels,
    format,
    targetDelay,
    backlog: 'catch-up',
  });
}
