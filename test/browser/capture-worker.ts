import { receiveCapture } from 'micwire/worker';

/** What the Worker tells about each chunk. */
export interface Arrival {
  readonly sequence: number;
  readonly frame: number;
  readonly frames: number;
  readonly dropped: number;
  /** Sum of the bytes, modulo 2³². */
  readonly checksum: number;
  /** Milliseconds of the clock that all threads share. */
  readonly at: number;
}

/** The Worker's last word. */
export interface WorkerReport {
  readonly arrivals: readonly Arrival[];
  readonly stats: {
    readonly capturedFrames: number;
    readonly deliveredFrames: number;
    readonly queuedFrames: number;
    readonly droppedFrames: number;
  };
}

/** Takes a capture: says 'reading' at its first chunk, and reports when it has ended. */
addEventListener('message', async (event: MessageEvent) => {
  const capture = receiveCapture(event);
  if (capture === undefined) return;
  const arrivals: Arrival[] = [];
  for await (const { sequence, frame, frames, dropped, bytes } of capture) {
    if (arrivals.length === 0) postMessage('reading');
    let checksum = 0;
    for (const byte of bytes) checksum = (checksum * 31 + byte) >>> 0;
    arrivals.push({
      sequence,
      frame,
      frames,
      dropped,
      checksum,
      at: performance.timeOrigin + performance.now(),
    });
  }
  postMessage({ arrivals, stats: capture.stats } satisfies WorkerReport);
});
