import { numberIn } from '../../core/arguments.ts';
import { MicwireError } from '../../core/errors.ts';
import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { CAPTURE_WORKLET } from '../../web/capture-worklet.ts';
import { CAPTURE_OPUS_WORKLET } from '../../web/capture-opus-worklet.ts';
import { METER_WORKLET } from '../../web/meter-worklet.ts';
import { MICROPHONE_WORKLET } from '../../web/microphone-worklet.ts';
import { MIXER_WORKLET } from '../../web/mixer-worklet.ts';
import { PLAYOUT_WORKLET } from '../../web/playout-worklet.ts';
import { RECEIVE_WORKLET } from '../../web/receive-worklet.ts';
import { RECEIVE_OPUS_WORKLET } from '../../web/receive-opus-worklet.ts';
import { createWorkletScope } from '../worklet-scope.ts';
import type { ScopeOptions, WorkletScope } from '../worklet-scope.ts';
import type { NodeOptions } from '../node-options.ts';
import type { ScopeNode } from '../scope-node.ts';
import { FakeDestination, FakeGainNode, FakeSource } from './fake-nodes.ts';
import type { FakeAudioNode, FakeAudioWorkletNode } from './fake-nodes.ts';

/** Options of a {@link FakeAudioContext}. */
export type FakeContextOptions = ScopeOptions;
const NAMES = { sampleRate: 1, quantum: 1 } satisfies OptionNames<FakeContextOptions>;

const FILES = [
  CAPTURE_WORKLET,
  CAPTURE_OPUS_WORKLET,
  METER_WORKLET,
  MICROPHONE_WORKLET,
  MIXER_WORKLET,
  PLAYOUT_WORKLET,
  RECEIVE_WORKLET,
  RECEIVE_OPUS_WORKLET,
];

/**
 * A context for unit tests of apps in plain Node. Micwire's own classes run on it, with their real processors, in virtual time that
 * only `advance` and `during` move. It starts in the state `'running'`. Its graph mixes connected nodes, and supports gains,
 * worklet nodes and sources; there is a delay of one quantum between two worklet nodes.
 */
export class FakeAudioContext extends EventTarget {
  readonly sampleRate: number;
  readonly baseLatency: number = 0;
  readonly outputLatency: number = 0;
  readonly destination: FakeDestination;
  readonly audioWorklet: { readonly addModule: (url: string | URL) => Promise<void> };
  /** Every node of the context. @internal */
  readonly nodes: Set<FakeAudioNode> = new Set();
  onstatechange: ((event: Event) => void) | null = null;
  readonly #scope: WorkletScope;
  readonly #sources: FakeSource[] = [];
  readonly #processors = new Set<FakeAudioWorkletNode>();
  readonly #heard: Float32Array[] = [];
  #state: AudioContextState = 'running';

  constructor(options: FakeContextOptions = {}) {
    super();
    checkOptions('FakeAudioContext', options, NAMES);
    this.#scope = createWorkletScope(options);
    this.sampleRate = this.#scope.sampleRate;
    this.destination = new FakeDestination(this);
    this.audioWorklet = { addModule: (url) => this.#addModule(String(url)) };
  }

  /** The context, typed as an app's code expects it. */
  get asAudioContext(): AudioContext {
    return this as unknown as AudioContext;
  }

  /** `'suspended'` and `'interrupted'` stop virtual time: `advance` then has no effect. */
  get state(): AudioContextState {
    return this.#state;
  }

  /** Virtual time, in seconds. */
  get currentTime(): number {
    return this.#scope.currentTime;
  }

  /** The first channel of all audio that has reached the destination so far. */
  get heard(): Float32Array {
    const whole = new Float32Array(this.#heard.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const block of this.#heard) {
      whole.set(block, at);
      at += block.length;
    }
    return whole;
  }

  /** Creates a source that plays the audio that it is fed. */
  createSource(options: { readonly channels?: number } = {}): FakeSource {
    checkOptions('createSource', options, { channels: 1 });
    const source = new FakeSource(this, options.channels ?? 1);
    this.#sources.push(source);
    return source;
  }

  /** Creates a gain node, as `AudioContext.createGain` does. */
  createGain(): FakeGainNode {
    return new FakeGainNode(this);
  }

  /** Resumes the context, as `AudioContext.resume` does. @throws DOMException InvalidStateError when the context is closed */
  async resume(): Promise<void> {
    this.setState('running');
  }

  /** Suspends the context, as `AudioContext.suspend` does. @throws DOMException InvalidStateError when the context is closed */
  async suspend(): Promise<void> {
    this.setState('suspended');
  }

  /** Closes the context, as `AudioContext.close` does, and ends the processors. */
  async close(): Promise<void> {
    this.setState('closed');
    this.#scope.close();
  }

  /** Changes the state, as the system does: `'interrupted'` when a call comes in. */
  setState(state: AudioContextState): void {
    if (this.#state === 'closed') {
      throw new DOMException('The context is closed.', 'InvalidStateError');
    }
    if (this.#state === state) return;
    this.#state = state;
    const event = new Event('statechange');
    this.onstatechange?.(event);
    this.dispatchEvent(event);
  }

  /**
   * Lets virtual time pass, rounded up to whole quanta, and delivers every message. Resolves immediately while the context is not
   * running.
   *
   * @param milliseconds duration in ms, 0 to 3600000
   */
  async advance(milliseconds: number): Promise<void> {
    numberIn('milliseconds', milliseconds, 0, 3_600_000);
    const quanta = Math.ceil((milliseconds * this.sampleRate) / 1000 / this.#scope.quantum);
    for (let i = 0; i < quanta && this.#state === 'running'; i++) await this.#render();
    if (this.#state !== 'closed') await this.#scope.settle();
  }

  /**
   * Lets virtual time pass until a promise has settled: `await context.during(app.stop())`. Calls that wait for the audio
   * thread, such as `pause`, `interrupt` and `close`, need it.
   *
   * @param milliseconds maximum virtual time, in ms
   * @throws what the promise rejects with; MicwireError `'stalled'` when it has not settled after `milliseconds`
   */
  async during<Value>(promise: Promise<Value>, milliseconds = 10_000): Promise<Value> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    const end = this.currentTime + milliseconds / 1000;
    while (!settled && this.#state === 'running' && this.currentTime < end) await this.#render();
    if (!settled && this.#state === 'running') {
      throw new MicwireError('stalled', `Nothing came of it in ${milliseconds} ms of audio.`);
    }
    return promise;
  }

  /** @internal */
  openNode(node: FakeAudioWorkletNode, name: string, options: AudioWorkletNodeOptions): ScopeNode {
    const scoped = this.#scope.createNode(name, options as NodeOptions);
    this.#processors.add(node);
    return scoped;
  }

  /** @internal */
  dropNode(node: FakeAudioWorkletNode): void {
    this.#processors.delete(node);
  }

  /** @internal */
  hasNode(node: FakeAudioWorkletNode): boolean {
    return this.#processors.has(node);
  }

  async #render(): Promise<void> {
    const { quantum } = this.#scope;
    for (const source of this.#sources) source.next(quantum);
    for (const node of this.#processors) node.takeInputs();
    this.#scope.render();
    const [heard = new Float32Array(quantum)] = this.destination.blockOf();
    this.#heard.push(heard.slice());
    await this.#scope.settle();
  }

  /** Adds a module. Micwire's own worklets are recognized by name and bundled, because a test runner may not have them as files. */
  async #addModule(url: string): Promise<void> {
    const name = /([\w-]+)\.[jt]s(?:[?#]|$)/.exec(url)?.[1];
    const file = FILES.find((one) => one.name === name);
    if (file === undefined) return void (await this.#scope.addModule(url));
    const { default: script } = await file.inline();
    // oxlint-disable-next-line typescript/no-implied-eval -- the package's own worklet
    await this.#scope.addModule(new Function(script) as () => unknown);
  }
}
