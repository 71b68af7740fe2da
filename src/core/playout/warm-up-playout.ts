import type { PlayoutProcessorOptions } from '../messages.ts';
import type { StreamResampler } from '../resampler/resampler-stream.ts';
import { bytesPerSample } from '../format/formats.ts';
import { warmUpBytes } from '../dsp/warm-up-block.ts';
import { PlayoutEngine } from './playout-engine.ts';

/** Stands in for the port. */
const NO_PORT = { postMessage: (): void => {} };
const QUANTUM = 128;
/** Hz, of the wire. */
const WARM_UP_RATE = 8000;
/** Seconds that are written, and seconds that are rendered then, at most. */
type Step = readonly [write: number, render: number];
/** Live audio; an underrun; more than real time, until some is left out bit by bit, then at once. */
const STEPS: readonly Step[] = [
  ...Array<Step>(3).fill([0.02, 0.02]),
  [0, 0.06],
  ...Array<Step>(9).fill([0.06, 0.04]),
  [1.2, 0.02],
  ...Array<Step>(4).fill([0.04, 0.04]),
];
const CAPACITY_SECONDS = 1.6;

/**
 * Plays a made-up stream on an engine of its own, so that the first quantum of another one finds compiled code. For
 * constructors. Allocates.
 * @param resampler that of the other engine, which resets it when playing starts
 */
export function warmUpPlayout(
  options: PlayoutProcessorOptions,
  contextRate: number,
  resampler: StreamResampler | null,
): void {
  const { format, channels } = options;
  // What takes seconds takes fewer frames at a low rate; to the resampler the ratio counts.
  const sampleRate = Math.min(WARM_UP_RATE, options.sampleRate);
  const scratchContextRate = (contextRate * sampleRate) / options.sampleRate;
  const frameBytes = channels * bytesPerSample(format);
  const scratch: PlayoutProcessorOptions = {
    ...options,
    sampleRate,
    backlog: 'catch-up',
    targetFrames: Math.round(0.02 * sampleRate),
    capacityFrames: Math.round(CAPACITY_SECONDS * sampleRate),
  };
  const engine = new PlayoutEngine(scratch, scratchContextRate, NO_PORT, resampler);
  const output = Array.from({ length: options.outputChannels }, () => new Float32Array(QUANTUM));
  let frame = 0;
  const render = (seconds: number): void => {
    for (const end = frame + seconds * scratchContextRate; frame < end; frame += QUANTUM) {
      engine.render(output, frame);
    }
  };
  let item = 0;
  const write = (seconds: number): void => {
    const bytes = warmUpBytes(format, Math.round(seconds * sampleRate) * frameBytes);
    engine.obey({ type: 'write', item, bytes, afterGap: item % 2 === 1 }, frame);
  };
  for (const [written, rendered] of STEPS) {
    if (written > 0) write(written);
    render(rendered);
  }
  engine.obey({ type: 'end', item }, frame);
  item++;
  write(0.05);
  render(0.1);
  const storage = new ArrayBuffer(scratch.capacityFrames * frameBytes);
  engine.obey({ type: 'grow', storage }, frame);
  engine.obey({ type: 'target', frames: scratch.targetFrames }, frame);
  engine.obey({ type: 'interrupt', fadeFrames: 2 * QUANTUM }, frame);
  render(0.05);
  engine.obey({ type: 'undo' }, frame);
  render(0.05);
  engine.obey({ type: 'interrupt', fadeFrames: 0 }, frame);
  render(0.02);
}
