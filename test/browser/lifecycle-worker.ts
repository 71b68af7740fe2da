import { receiveCapture } from 'micwire/worker';

/** Reads a capture, says how many frames it has, and when it has ended. Told to, it blocks for three seconds. */
addEventListener('message', async (event: MessageEvent) => {
  if (event.data === 'block') {
    const end = performance.now() + 3000;
    while (performance.now() < end);
    postMessage('free');
    return;
  }
  const capture = receiveCapture(event);
  if (capture === undefined) return;
  let frames = 0;
  let dropped = 0;
  for await (const chunk of capture) {
    frames += chunk.frames;
    dropped += chunk.dropped;
    postMessage({ frames, dropped, ended: false });
  }
  postMessage({ frames, dropped, ended: true, stats: capture.stats });
});
