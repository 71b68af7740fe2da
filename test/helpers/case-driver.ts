import { createWorkletScope } from '../../src/testing/index.ts';
import type { ScopeNode, WorkletScope } from '../../src/testing/index.ts';
import type { OpenCase, ProcessorCase, Send } from './processor-cases.ts';
import { seededRandom } from './random.ts';

/** The part of a processor's port that the driver stands in for. */
interface PortStub {
  onmessage: ((event: unknown) => void) | null;
  postMessage(message: unknown, transfer?: unknown): void;
}

/** Longer than any quantum, and no multiple of one: each quantum sees other samples. */
const SIGNAL_FRAMES = 1 << 16;
const MAX_INPUT_CHANNELS = 8;

/** Runs one case quantum by quantum. After construction the driver itself allocates nothing. */
export class CaseDriver {
  readonly scope: WorkletScope;
  readonly node: ScopeNode;
  /** What the processor posted last: message and transfer list. */
  readonly posted: unknown[] = [undefined, undefined];
  readonly #inputs: readonly (readonly Float32Array[])[];
  readonly #pattern: readonly number[];
  readonly #before: OpenCase['beforeQuantum'];
  readonly #send: Send;
  #index = 0;
  #from = 0;

  private constructor(
    scope: WorkletScope,
    node: ScopeNode,
    opened: OpenCase,
    pattern: readonly number[],
  ) {
    this.scope = scope;
    this.node = node;
    this.#pattern = pattern;
    const signal = Array.from({ length: MAX_INPUT_CHANNELS }, (_, i) => testSignal(i + 1));
    this.#inputs = Array.from({ length: MAX_INPUT_CHANNELS + 1 }, (_, n) => signal.slice(0, n));
    const port = (node.processor as { readonly port: PortStub }).port;
    const event = { data: undefined as unknown };
    this.#send = (command): void => {
      event.data = command;
      port.onmessage!(event);
    };
    // Structured cloning belongs to the engine, and allocates: what is measured ends at the call of postMessage. The
    // arguments are kept, lest the compiler find that nobody needs them and leave out their allocation.
    const { onPost } = opened;
    port.postMessage = (message, transfer): void => {
      this.posted[0] = message;
      this.posted[1] = transfer;
      onPost?.(message);
    };
    this.#before = opened.beforeQuantum;
    opened.start?.(this.#send);
  }

  /** @param evaluate runs the worklet's script, as it ships, in the scope that was opened for it. */
  static async create(
    kase: ProcessorCase,
    evaluate: (scope: WorkletScope) => unknown,
  ): Promise<CaseDriver> {
    const { sampleRate = 48000, quantum = 128 } = kase;
    const scope = createWorkletScope({ sampleRate, quantum });
    await scope.addModule(() => evaluate(scope));
    const opened = kase.open();
    const node = scope.createNode(kase.processor, opened.options);
    return new CaseDriver(scope, node, opened, kase.inputChannels ?? [1]);
  }

  run(quanta: number): void {
    const pattern = this.#pattern;
    for (let i = 0; i < quanta; i++) {
      if (pattern.length > 0) {
        const channels = pattern[this.#index % pattern.length]!;
        this.#from = (this.#from + this.scope.quantum) % (SIGNAL_FRAMES - this.scope.quantum);
        this.node.setInput(0, this.#inputs[channels]!, this.#from);
      }
      if (this.#before) this.#before(this.#index, this.#send);
      this.scope.render();
      this.#index++;
    }
    if (!this.node.alive) throw new Error('The processor ended during the run.');
  }

  close(): void {
    this.scope.close();
  }
}

/** Speech-like: tones under a slow envelope, noise, and short clips, so that every path of a kernel is taken. */
function testSignal(seed: number): Float32Array {
  const random = seededRandom(seed);
  const signal = new Float32Array(SIGNAL_FRAMES);
  for (let i = 0; i < SIGNAL_FRAMES; i++) {
    const envelope = 0.6 + 0.6 * Math.sin(i / 3000);
    signal[i] = envelope * (0.7 * Math.sin(i * 0.05 * seed) + 0.3 * (random() * 2 - 1));
  }
  return signal;
}
