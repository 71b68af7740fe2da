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

/** How to make a {@link FakeAudioContext}. */
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
 * A context for unit tests of apps, in plain Node: micwire's own classes run on it, with their real processors, in virtual
 * time that only `advance` and `during` move. It starts running. Its graph adds up what is connected, and knows gains,
 * worklet nodes and sources; a quantum passes between two worklet nodes.
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

  /** The context as what an app's code takes. */
  get asAudioContext(): AudioContext {
    return this as unknown as AudioContext;
  }

  /** `'suspended'` and `'interrupted'` stop virtual time: `advance` then moves nothing. */
  get state(): AudioContextState {
    return this.#state;
  }

  /** Virtual time, seconds. */
  get currentTime(): number {
    return this.#scope.currentTime;
  }

  /** The first channel of all that reached the destination so far. */
  get heard(): Float32Array {
    const whole = new Float32Array(this.#heard.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const block of this.#heard) {
      whole.set(block, at);
      at += block.length;
    }
    return whole;
  }

  /** A source that plays what it is fed. */
  createSource(options: { readonly channels?: number } = {}): FakeSource {
    checkOptions('createSource', options, { channels: 1 });
    const source = new FakeSource(this, options.channels ?? 1);
    this.#sources.push(source);
    return source;
  }

  /** As `AudioContext.createGain`. */
  createGain(): FakeGainNode {
    return new FakeGainNode(this);
  }

  /** As `AudioContext.resume`. @throws DOMException InvalidStateError when the context is closed */
  async resume(): Promise<void> {
    this.setState('running');
  }

  /** As `AudioContext.suspend`. @throws DOMException InvalidStateError when the context is closed */
  async suspend(): Promise<void> {
    this.setState('suspended');
  }

  /** As `AudioContext.close`; the processors end. */
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
   * Lets virtual time pass, rounded up to whole quanta, and delivers every message. Resolves at once while the context is
   * not running.
   *
   * @param milliseconds 0 to 3600000
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
   * @param milliseconds at most so much virtual time passes
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

  /** Micwire's own worklets are known by name: bundled, since a test runner may have them nowhere as files. */
  async #addModule(url: string): Promise<void> {
    const name = /([\w-]+)\.[jt]s(?:[?#]|$)/.exec(url)?.[1];
    const file = FILES.find((one) => one.name === name);
    if (file === undefined) return void (await this.#scope.addModule(url));
    const { default: script } = await file.inline();
    // oxlint-disable-next-line typescript/no-implied-eval -- the package's own worklet
    await this.#scope.addModule(new Function(script) as () => unknown);
  }
}
