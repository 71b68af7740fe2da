import { receiveCapture } from '../../src/worker/index.ts';
import { Recorder } from './recording.ts';
import type { RecordedCapture } from './recording.ts';

/** What the Worker posts when its capture has ended. */
export interface WorkerRecording {
  readonly recorded: RecordedCapture;
  readonly stats: Readonly<Record<string, number>>;
}

addEventListener('message', async (event: MessageEvent) => {
  const capture = receiveCapture(event);
  if (capture === undefined) return;
  const recorder = new Recorder();
  for await (const chunk of capture) recorder.push(chunk);
  const recorded = recorder.take();
  const message: WorkerRecording = { recorded, stats: { ...capture.stats } };
  postMessage(message, { transfer: [recorded.samples.buffer] });
});
