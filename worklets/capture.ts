import { CapturePipeline } from '../src/core/capture/capture-pipeline.ts';
import { PoolSink } from '../src/core/capture/pool-sink.ts';
import { RingSink } from '../src/core/capture/ring-sink.ts';
import type { ChunkSink } from '../src/core/capture/chunk-sink.ts';
import { longestPayload } from '../src/core/capture/chunk.ts';
import type {
  CaptureCommand,
  CaptureEvent,
  CaptureProcessorOptions,
} from '../src/core/messages.ts';

/** Sends its input away in chunks. Its output is silent: it lets engines pull the node, and tells the quantum's length. */
class CaptureProcessor extends AudioWorkletProcessor {
  readonly #sink: ChunkSink;
  /** The sink again, where buffers come back by message. */
  readonly #pool: PoolSink | null;
  readonly #pipeline: CapturePipeline;
  /** Reused for every answer. */
  readonly #pong: { readonly type: 'pong'; frame: number } = { type: 'pong', frame: 0 };
  #pinged = false;
  #paused = false;
  #closed = false;

  constructor({ processorOptions }: { readonly processorOptions: CaptureProcessorOptions }) {
    super();
    const { ring, slots, format, chunkDuration } = processorOptions;
    this.#pool = ring
      ? null
      : new PoolSink(this.port, slots, longestPayload(format, chunkDuration));
    this.#sink = this.#pool ?? new RingSink(ring!);
    this.#pipeline = new CapturePipeline({
      ...processorOptions,
      inputRate: sampleRate,
      sink: this.#sink,
    });
    this.port.onmessage = ({ data }: MessageEvent<CaptureCommand>): void => this.#obey(data);
  }

  /** True keeps the processor running, on silence too, until it is closed. */
  process(inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    if (this.#closed) return false;
    if (this.#pinged) {
      this.#pinged = false;
      this.#pong.frame = currentFrame;
      this.port.postMessage(this.#pong);
    }
    if (!this.#paused) this.#pipeline.process(inputs[0]!, outputs[0]![0]!.length, currentFrame);
    return true;
  }

  /** Between two quanta. */
  #obey(command: CaptureCommand): void {
    if (this.#closed) return;
    if (command.type === 'recycle') this.#pool?.recycle(command);
    else if (command.type === 'ping') this.#pinged = true;
    else if (command.type === 'resume') this.#paused = false;
    else if (command.type === 'pause') {
      this.#paused = true;
      this.#pipeline.flush();
      this.#tell({ type: 'paused', frame: currentFrame });
    } else if (command.type === 'pipe') {
      const { port } = command;
      port.addEventListener('message', ({ data }) => this.#obey(data as CaptureCommand));
      port.start();
      this.#pool?.redirect(port);
      this.#tell({ type: 'piped', frame: currentFrame });
    } else {
      this.#closed = true;
      this.#pipeline.flush();
      const { captured, delivered, dropped } = this.#pipeline;
      this.#sink.end(captured);
      this.#tell({ type: 'closed', frame: currentFrame, captured, delivered, dropped });
    }
  }

  #tell(event: CaptureEvent): void {
    this.port.postMessage(event);
  }
}

try {
  registerProcessor('micwire-capture', CaptureProcessor);
} catch {
  // Loaded a second time into this context: the first registration stands.
}
