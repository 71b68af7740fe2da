import { createWorkletScope } from '../../src/testing/index.ts';
import type { ProcessorClass, ScopeNode, WorkletScope } from '../../src/testing/index.ts';
import type { OpenCase, ProcessorCase, Send } from './processor-cases.ts';
import { seededRandom } from './random.ts';

/** The part of a processor's port that the driver stands in for. */
interface PortStub {
  onmessage: ((event: unknown) => void) | null;
  postMessage(message: unknown, transfer?: unknown): void;
}

/** Longer than any quantum, and no multiple of one: each quantum sees other samples. */
const SIGNAL_FRAMES = 1 << 16;
/** Channels of input, made as they are needed. */
const SIGNALS: Float32Array[] = [];

/** A presence signal of each value; the rest of a quantum is not read. */
const PRESENCE_BLOCKS = Array.from({ length: 5 }, (_, value) => [Float32Array.of(value)]);

/** Runs one case quantum by quantum. After construction the driver itself allocates nothing. */
export class CaseDriver {
  readonly scope: WorkletScope;
  readonly node: ScopeNode;
  /** What the processor posted last: message and transfer list. */
  readonly posted: unknown[] = [undefined, undefined];
  /** How long the node's construction took, ms, where there is a clock. */
  readonly constructionMs: number;
  /** Time spent in the processor's message handler so far, ms, where there is a clock. */
  readonly messageMs: Float64Array = new Float64Array(1);
  readonly #kase: ProcessorCase;
  readonly #inputs: readonly (readonly Float32Array[])[];
  readonly #pattern: readonly number[];
  readonly #inputCount: number;
  readonly #presence: readonly number[];
  readonly #before: OpenCase['beforeQuantum'];
  readonly #send: Send;
  #index = 0;
  #from = 0;

  private constructor(scope: WorkletScope, opened: OpenCase, kase: ProcessorCase, made: Made) {
    const { node } = made;
    this.scope = scope;
    this.node = node;
    this.constructionMs = made.milliseconds;
    this.#kase = kase;
    this.#pattern = kase.inputChannels ?? [1];
    this.#inputCount = kase.inputs ?? 1;
    this.#presence = kase.presence ?? [];
    const channels = Math.max(0, ...this.#pattern);
    while (SIGNALS.length < channels) SIGNALS.push(testSignal(SIGNALS.length + 1));
    this.#inputs = Array.from({ length: channels + 1 }, (_, count) => SIGNALS.slice(0, count));
    const port = (node.processor as { readonly port: PortStub }).port;
    const event = { data: undefined as unknown };
    this.#send = made.timesMessages
      ? (command): void => {
          event.data = command;
          const start = performance.now();
          port.onmessage!(event);
          this.messageMs[0]! += performance.now() - start;
        }
      : (command): void => {
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

  /**
   * @param evaluate runs the worklet's script, as it ships, in the scope that was opened for it.
   * @param clock ms, for a cold start: times the construction, and each message for `messageMs`
   */
  static async create(
    kase: ProcessorCase,
    evaluate: (scope: WorkletScope) => unknown,
    clock?: () => number,
  ): Promise<CaseDriver> {
    const { sampleRate = 48000, quantum = 128 } = kase;
    const scope = createWorkletScope({ sampleRate, quantum });
    await scope.addModule(() => evaluate(scope));
    const opened = kase.open();
    return new CaseDriver(scope, opened, kase, make(scope, kase.processor, opened, clock));
  }

  /** The same case from its beginning, with code that has been compiled already. */
  again(): CaseDriver {
    const { sampleRate, quantum } = this.scope;
    const scope = createWorkletScope({ sampleRate, quantum });
    const opened = this.#kase.open();
    const processor = this.node.processor.constructor as ProcessorClass;
    return new CaseDriver(scope, opened, this.#kase, make(scope, processor, opened, undefined));
  }

  run(quanta: number): void {
    for (let i = 0; i < quanta; i++) {
      this.prepare();
      this.scope.render();
    }
    if (!this.node.alive) throw new Error('The processor ended during the run.');
  }

  /** All that goes before a quantum: its input, and messages. */
  prepare(): void {
    const pattern = this.#pattern;
    if (pattern.length > 0) {
      const channels = pattern[this.#index % pattern.length]!;
      this.#from = (this.#from + this.scope.quantum) % (SIGNAL_FRAMES - this.scope.quantum);
      for (let i = 0; i < this.#inputCount; i++) {
        this.node.setInput(i, this.#inputs[channels]!, this.#from);
      }
    }
    const presence = this.#presence;
    if (presence.length > 0) {
      this.node.setInput(1, PRESENCE_BLOCKS[presence[this.#index % presence.length]!]!);
    }
    if (this.#before) this.#before(this.#index, this.#send);
    this.#index++;
  }

  close(): void {
    this.scope.close();
  }
}

/** A node, and what it is to be measured by. */
interface Made {
  readonly node: ScopeNode;
  readonly milliseconds: number;
  readonly timesMessages: boolean;
}

function make(
  scope: WorkletScope,
  processor: string | ProcessorClass,
  { options }: OpenCase,
  clock: (() => number) | undefined,
): Made {
  const start = clock?.() ?? 0;
  const node = scope.createNode(processor, options);
  return { node, milliseconds: (clock?.() ?? 0) - start, timesMessages: clock !== undefined };
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
