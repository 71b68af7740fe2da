import type { Chunk } from '../core/capture/chunk.ts';
import type { PayloadFormat, SampleFormat } from '../core/format/formats.ts';
import type { MicwireError } from '../core/errors.ts';

/** What a `Capture` dispatches. */
export interface CaptureEventMap<Format extends PayloadFormat = SampleFormat> {
  /** A chunk, in `detail`. The first listener makes these events the capture's one reader, for good. */
  readonly chunk: CustomEvent<Chunk<Format>>;
  /** `capture.state` has changed. */
  readonly statechange: Event;
  /**
   * A failure, in `detail`: `'stalled'` may pass; after `'worker-gone'` of a Worker that read, the page is the reader again;
   * after `'processor-error'` the capture is closed.
   */
  readonly error: CustomEvent<MicwireError>;
}

/** A stream that takes from an iterator only what its reader asks for. */
export function streamOf<T>(chunks: AsyncIterator<T>): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
