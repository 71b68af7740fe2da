/** The script of a `StreamPool`'s threads. */
import { parentPort, workerData } from 'node:worker_threads';
import type { PoolJob } from './pool-messages.ts';
import { ThreadStreams } from './thread-streams.ts';

const { opus } = workerData as { readonly opus: object | undefined };
const streams = new ThreadStreams(opus);
const port = parentPort!;
port.on('message', (jobs: readonly PoolJob[]) => {
  const results = streams.run(jobs);
  const buffers = results.flatMap((result) =>
    'chunks' in result ? result.chunks.map(({ buffer }) => buffer) : [],
  );
  port.postMessage(results, buffers);
});
// The thread has started, and has done no jobs yet.
port.postMessage([]);
