import type { BlockMeter } from '../../src/core/metering/meter-reading.ts';

/** Feeds whole channels to a meter in blocks of random sizes 1..`largest`, or of one size where no random is given. */
export function feed(
  meter: BlockMeter,
  channels: readonly Float32Array[],
  largest = 128,
  random: (() => number) | null = null,
): void {
  const frames = channels[0]?.length ?? 0;
  for (let at = 0; at < frames;) {
    const size = random ? 1 + Math.floor(random() * largest) : largest;
    const count = Math.min(size, frames - at);
    meter.process(channels, at, count);
    at += count;
  }
}
