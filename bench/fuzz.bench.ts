import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fuzz } from '../test/helpers/fuzz.ts';
import { fuzzTargets } from '../test/helpers/fuzz-targets.ts';
import { seededRandom } from '../test/helpers/random.ts';
import type { Row } from './measure.ts';

const MESSAGES = 10_000_000;
/** Before that, what is allocated once is not there yet. */
const WARM_UP = 1_000_000;

/**
 * Ten million mutated messages and such of noise for every parser of bytes from the network. A failure ends the run, and names the
 * message. Memory is what is left after a full collection, with the warm-up as its zero.
 */
export function run(): Row[] {
  // Most of the time would go into stacks that nobody reads.
  Error.stackTraceLimit = 0;
  return fuzzTargets().flatMap((target) => {
    const random = seededRandom(1);
    fuzz(target, WARM_UP, random);
    const before = memory();
    const start = performance.now();
    const { read, refused } = fuzz(target, MESSAGES, random);
    const seconds = (performance.now() - start) / 1000;
    const growth = memory() - before;
    const row = (metric: string, value: number, unit: string): Row => ({
      case: target.name,
      subject: 'micwire',
      metric,
      value,
      unit,
    });
    return [
      row('messages', MESSAGES + WARM_UP, ''),
      row('other errors than PacketError', 0, ''),
      row('taken', (100 * read) / MESSAGES, '%'),
      ...[...refused].map(([reason, count]) => row(reason, (100 * count) / MESSAGES, '%')),
      row('memory growth', growth / 1024, 'KiB'),
      row('time', (seconds * 1e6) / MESSAGES, 'µs'),
    ];
  });
}

let collect: (() => void) | undefined;

/** Bytes of the heap and of buffers that are in use. */
function memory(): number {
  setFlagsFromString('--expose-gc');
  collect ??= runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
