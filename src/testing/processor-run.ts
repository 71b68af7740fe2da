import type { NodeOptions } from './node-options.ts';
import type { ProcessorClass } from './registration.ts';
import type { ScopeNode } from './scope-node.ts';
import { createWorkletScope } from './worklet-scope.ts';
import type { WorkletScope } from './worklet-scope.ts';

/** Passes a message to the processor's `onmessage` immediately, without a copy. */
export type Send = (message: unknown) => void;

/**
 * Additional setup of a measured processor, beyond plain options: the function `setup` of the `setup` module returns it, once for
 * each run. Its functions are part of what is measured: they must not allocate. Reuse the messages that they send.
 */
export interface RunSetup {
  /** Merged into the options of the node, for values that cannot be sent to another process, such as a SharedArrayBuffer. */
  readonly options?: NodeOptions;
  /** Called once, before the first quantum. */
  readonly start?: (send: Send) => void;
  /** Called before each quantum, counted from 0. */
  readonly beforeQuantum?: (index: number, send: Send, node: ScopeNode) => void;
  /** Called with each message that the processor posts. */
  readonly onPost?: (message: unknown) => void;
}

/** The input of the processor in each quantum. */
export interface RunPlan {
  /** Number of inputs with a signal. */
  readonly inputs: number;
  /** Number of channels of these inputs in each quantum; the list repeats. Empty if nothing is ever connected. */
  readonly inputChannels: readonly number[];
  /** Parameter values by name: a constant, or one value per frame, which repeats. */
  readonly parameters: Readonly<Record<string, number | Float32Array>>;
}

/** The part of a processor's port that a run replaces. */
interface PortStub {
  onmessage: ((event: unknown) => void) | null;
  postMessage(message: unknown, transfer?: unknown): void;
}

/** Longer than any quantum, and not a multiple of one, so that each quantum gets different samples. */
const SIGNAL_FRAMES = 1 << 16;
/** Channels of input, created when needed. */
const SIGNALS: Float32Array[] = [];

/** A processor that is run quantum by quantum. After construction, the run itself allocates nothing. */
export class ProcessorRun {
  readonly scope: WorkletScope;
  readonly node: ScopeNode;
  /** The last message that the processor posted, and its transfer list. */
  readonly posted: unknown[] = [undefined, undefined];
  /** How long the construction of the node took, in ms, if there is a clock. */
  readonly constructionMs: number;
  /** Time spent in the processor's message handler so far, in ms, if there is a clock. */
  readonly messageMs: Float64Array = new Float64Array(1);
  readonly #plan: RunPlan;
  readonly #inputs: readonly (readonly Float32Array[])[];
  readonly #curves: readonly (readonly [name: string, curve: Float32Array])[];
  readonly #before: RunSetup['beforeQuantum'];
  readonly #send: Send;
  #index = 0;
  #from = 0;

  /** @param clock returns ms, to measure a cold start: the construction, and each message for `messageMs` */
  constructor(
    scope: WorkletScope,
    processor: string | ProcessorClass,
    plan: RunPlan,
    setup: RunSetup,
    clock?: () => number,
  ) {
    const start = clock?.() ?? 0;
    const node = scope.createNode(processor, setup.options);
    this.constructionMs = (clock?.() ?? 0) - start;
    this.scope = scope;
    this.node = node;
    this.#plan = plan;
    const channels = Math.max(0, ...plan.inputChannels);
    while (SIGNALS.length < channels) SIGNALS.push(testSignal(SIGNALS.length + 1));
    this.#inputs = Array.from({ length: channels + 1 }, (_, count) => SIGNALS.slice(0, count));
    const curves: [string, Float32Array][] = [];
    for (const [name, value] of Object.entries(plan.parameters)) {
      if (typeof value === 'number') node.setParameter(name, value);
      else curves.push([name, repeated(value)]);
    }
    this.#curves = curves;
    const port = (node.processor as { readonly port: PortStub }).port;
    const event = { data: undefined as unknown };
    const hand = (message: unknown): void => {
      event.data = message;
      port.onmessage?.(event);
    };
    this.#send = clock
      ? (message): void => {
          const begin = clock();
          hand(message);
          this.messageMs[0]! += clock() - begin;
        }
      : hand;
    // Structured cloning belongs to the engine, and allocates: the measurement ends at the call of postMessage. The arguments are kept,
    // so that the compiler cannot optimize their allocation away.
    const { onPost } = setup;
    port.postMessage = (message, transfer): void => {
      this.posted[0] = message;
      this.posted[1] = transfer;
      onPost?.(message);
    };
    this.#before = setup.beforeQuantum;
    setup.start?.(this.#send);
  }

  /** Creates the same run from the start, with code that is already compiled. */
  again(setup: RunSetup): ProcessorRun {
    const { sampleRate, quantum } = this.scope;
    const scope = createWorkletScope({ sampleRate, quantum });
    const processor = this.node.processor.constructor as ProcessorClass;
    return new ProcessorRun(scope, processor, this.#plan, setup);
  }

  /** @throws Error if the processor ends meanwhile */
  run(quanta: number): void {
    for (let i = 0; i < quanta; i++) {
      this.prepare();
      this.scope.render();
    }
    if (!this.node.alive) throw new Error('The processor ended during the run.');
  }

  /** Prepares a quantum: its input and its messages. */
  prepare(): void {
    const { inputs, inputChannels } = this.#plan;
    const { quantum } = this.scope;
    if (inputChannels.length > 0) {
      const channels = inputChannels[this.#index % inputChannels.length]!;
      this.#from = (this.#from + quantum) % (SIGNAL_FRAMES - quantum);
      for (let i = 0; i < inputs; i++) this.node.setInput(i, this.#inputs[channels]!, this.#from);
    }
    for (let i = 0; i < this.#curves.length; i++) {
      const curve = this.#curves[i]!;
      this.node.setParameter(curve[0], curve[1], this.#from);
    }
    if (this.#before) this.#before(this.#index, this.#send, this.node);
    this.#index++;
  }

  close(): void {
    this.scope.close();
  }
}

/** Repeats a curve to the length of the signal. */
function repeated(values: Float32Array): Float32Array {
  const last = values.length;
  return Float32Array.from({ length: SIGNAL_FRAMES }, (_, i) => values[i % last]!);
}

/** Creates a speech-like signal: tones with a slow envelope, noise, and short clipping, so that every path of a processor is taken. */
function testSignal(seed: number): Float32Array {
  // mulberry32
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const signal = new Float32Array(SIGNAL_FRAMES);
  for (let i = 0; i < SIGNAL_FRAMES; i++) {
    const envelope = 0.6 + 0.6 * Math.sin(i / 3000);
    signal[i] = envelope * (0.7 * Math.sin(i * 0.05 * seed) + 0.3 * (random() * 2 - 1));
  }
  return signal;
}
