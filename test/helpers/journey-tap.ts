import { expect } from 'vitest';
import type { Capture, Chunk } from '../../src/web/index.ts';
import { readSignal } from './microphone-page.ts';
import type { MicrophonePage } from './microphone-page.ts';

/** A capture of a journey, and all that it has delivered. */
export interface Tap {
  readonly capture: Capture;
  readonly rate: number;
  readonly chunks: Chunk[];
  closed: boolean;
}

/** Frames of fades that one change of the audio may take. */
const FADE = 240;

/**
 * Chunks are numbered, frames are numbered and timed, and each sample is the device's at that time, or silence.
 *
 * @param fades how many times audio may have faded
 */
export function checkTap(tap: Tap, page: MicrophonePage, fades: number): void {
  const { sampleRate, quantum } = page.context;
  const { capture, chunks, rate } = tap;
  const { capturedFrames, deliveredFrames, queuedFrames, droppedFrames } = capture.stats;
  expect(capturedFrames).toBe(deliveredFrames + queuedFrames + droppedFrames);
  let next = 0;
  let dropped = 0;
  let end = -Infinity;
  for (const [index, chunk] of chunks.entries()) {
    expect(chunk.sequence, 'chunks are numbered').toBe(index);
    expect(chunk.frame, 'frames are numbered').toBe(next + chunk.dropped);
    next = chunk.frame + chunk.frames;
    dropped += chunk.dropped;
    expect(chunk.contextTime, 'time does not run backwards').toBeGreaterThan(end - 2 / rate);
    end = chunk.contextTime + chunk.frames / rate;
  }
  expect(capturedFrames, 'all that was captured is in chunks or dropped').toBeGreaterThanOrEqual(
    next,
  );
  expect(droppedFrames).toBeGreaterThanOrEqual(dropped);
  if (rate !== sampleRate) return;
  const open = new Set(page.tracks.map(({ device }) => device.number));
  let odd = 0;
  forEachFrame(tap, (sample, frame) => {
    const read = readSignal(sample);
    if (read === null) return;
    if (read.frame !== frame % 65_536 || !open.has(read.device)) odd++;
  });
  expect(odd, 'frames that are neither silence nor of their own time').toBeLessThanOrEqual(
    fades * (FADE * (sampleRate / 48_000) + 2 * quantum),
  );
}

/** Calls with the first channel of every frame that a capture has delivered, and the context's frame that it is of. */
export function forEachFrame(
  { chunks, rate }: Tap,
  call: (sample: number, frame: number) => void,
): void {
  for (const chunk of chunks) {
    const at = Math.round(chunk.contextTime * rate);
    const samples = new Float32Array(
      chunk.bytes.buffer,
      chunk.bytes.byteOffset,
      chunk.frames * chunk.channels,
    );
    for (let i = 0; i < chunk.frames; i++) call(samples[i * chunk.channels]!, at + i);
  }
}
