import { checkObject } from '../../core/option-names.ts';
import type { ScopeNode } from '../scope-node.ts';
import type { FakeAudioContext } from './fake-audio-context.ts';

type Channels = readonly Float32Array[];
const SILENCE: Channels = [];

/** The part of an `AudioNode` that micwire uses. */
export abstract class FakeAudioNode extends EventTarget {
  readonly context: FakeAudioContext;
  readonly numberOfInputs: number;
  readonly numberOfOutputs: number;
  /** Connections to this node. */
  readonly #inputs: {
    readonly from: FakeAudioNode;
    readonly output: number;
    readonly input: number;
  }[] = [];

  constructor(context: FakeAudioContext, numberOfInputs: number, numberOfOutputs: number) {
    super();
    checkObject('context must be a FakeAudioContext', context, 'nodes');
    this.context = context;
    this.numberOfInputs = numberOfInputs;
    this.numberOfOutputs = numberOfOutputs;
    context.nodes.add(this);
  }

  /** The node, typed as an app's code expects it. */
  get asAudioNode(): AudioNode {
    return this as unknown as AudioNode;
  }

  /**
   * @throws DOMException InvalidAccessError for a node of another context, IndexSizeError for an output or input that does not
   * exist
   */
  connect(destination: FakeAudioNode, output = 0, input = 0): FakeAudioNode {
    if (destination.context !== this.context) {
      throw new DOMException('The nodes belong to different contexts.', 'InvalidAccessError');
    }
    if (output >= this.numberOfOutputs || input >= destination.numberOfInputs) {
      throw new DOMException('There is no such output or input.', 'IndexSizeError');
    }
    const inputs = destination.#inputs;
    const same = inputs.some(
      (one) => one.from === this && one.output === output && one.input === input,
    );
    if (!same) inputs.push({ from: this, output, input });
    return destination;
  }

  /** @throws DOMException InvalidAccessError when the node is not connected to `destination` */
  disconnect(destination?: FakeAudioNode): void {
    const left = destination === undefined ? this.context.nodes : [destination];
    let removed = 0;
    for (const node of left) {
      for (let i = node.#inputs.length - 1; i >= 0; i--) {
        if (node.#inputs[i]!.from !== this) continue;
        node.#inputs.splice(i, 1);
        removed++;
      }
    }
    if (destination !== undefined && removed === 0) {
      throw new DOMException('The nodes are not connected.', 'InvalidAccessError');
    }
  }

  /**
   * Returns the signal of an input in this quantum: the sum of its connections. Empty if there is no connection.
   * @internal
   */
  protected pull(input: number): readonly Float32Array[] {
    let sum: Channels = SILENCE;
    for (const one of this.#inputs) {
      if (one.input === input) sum = added(sum, one.from.blockOf(one.output));
    }
    return sum;
  }

  /** Returns the signal of an output in this quantum. @internal */
  abstract blockOf(output: number): readonly Float32Array[];
}

/** Passes its input on, multiplied by `gain.value`. */
export class FakeGainNode extends FakeAudioNode {
  readonly gain: { value: number };

  constructor(context: FakeAudioContext, options: { readonly gain?: number } = {}) {
    super(context, 1, 1);
    this.gain = { value: options.gain ?? 1 };
  }

  /** @internal */
  blockOf(): readonly Float32Array[] {
    const { value } = this.gain;
    return this.pull(0).map((channel) => channel.map((sample) => sample * value));
  }
}

/** The destination of a context. */
export class FakeDestination extends FakeAudioNode {
  constructor(context: FakeAudioContext) {
    super(context, 1, 0);
  }

  /** @internal */
  blockOf(): readonly Float32Array[] {
    return this.pull(0);
  }
}

/** A source that plays the audio that the test feeds it, and silence otherwise. A `Capture` accepts it as its source. */
export class FakeSource extends FakeAudioNode {
  readonly channelCount: number;
  #queue: Float32Array[];
  #block: Channels = SILENCE;

  constructor(context: FakeAudioContext, channelCount: number) {
    super(context, 0, 1);
    this.channelCount = channelCount;
    this.#queue = Array.from({ length: channelCount }, () => new Float32Array(0));
  }

  /** Number of frames that were fed and have not been played yet. */
  get waitingFrames(): number {
    return this.#queue[0]!.length;
  }

  /**
   * Queues audio at the context's rate; it plays as virtual time passes.
   *
   * @param channels one array for all channels, or one for each
   */
  feed(channels: Float32Array | readonly Float32Array[]): void {
    this.#queue = this.#queue.map((waiting, index) => {
      const more = channels instanceof Float32Array ? channels : channels[index];
      if (more === undefined) throw new TypeError(`feed needs ${this.channelCount} channels.`);
      const joined = new Float32Array(waiting.length + more.length);
      joined.set(waiting);
      joined.set(more, waiting.length);
      return joined;
    });
  }

  /** @internal */
  next(frames: number): void {
    this.#block = this.#queue.map((waiting) => {
      const block = new Float32Array(frames);
      block.set(waiting.subarray(0, frames));
      return block;
    });
    this.#queue = this.#queue.map((waiting) => waiting.subarray(frames));
  }

  /** @internal */
  blockOf(): readonly Float32Array[] {
    return this.#block;
  }
}

/** An `AudioWorkletNode` whose processor runs in the context's stand-in scope. */
export class FakeAudioWorkletNode extends FakeAudioNode {
  readonly port: MessagePort;
  onprocessorerror: ((event: Event) => void) | null = null;
  readonly #scoped: ScopeNode;

  constructor(context: FakeAudioContext, name: string, options: AudioWorkletNodeOptions = {}) {
    super(context, options.numberOfInputs ?? 1, options.numberOfOutputs ?? 1);
    this.#scoped = context.openNode(this, name, options);
    this.#scoped.onprocessorerror = (): void => this.fail();
    this.port = this.#scoped.port as unknown as MessagePort;
  }

  /** Ends the processor as if it had thrown: the node is silent, and its owner is notified. */
  fail(): void {
    this.context.dropNode(this);
    const event = new Event('processorerror');
    this.onprocessorerror?.(event);
    this.dispatchEvent(event);
  }

  /** @internal */
  takeInputs(): void {
    for (let input = 0; input < this.numberOfInputs; input++) {
      this.#scoped.setInput(input, this.pull(input));
    }
  }

  /** @internal */
  blockOf(output: number): readonly Float32Array[] {
    return this.context.hasNode(this) ? this.#scoped.outputs[output]! : SILENCE;
  }
}

/** Adds two signals; a mono signal is added to every channel of the other one. */
function added(one: Channels, other: Channels): Channels {
  if (one.length === 0) return other;
  if (other.length === 0) return one;
  return Array.from({ length: Math.max(one.length, other.length) }, (_, index) => {
    const first = one.length === 1 ? one[0] : one[index];
    const second = other.length === 1 ? other[0] : other[index];
    if (!first || !second) return (first ?? second)!;
    return first.map((sample, i) => sample + second[i]!);
  });
}
