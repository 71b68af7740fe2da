import { integerIn, numberIn, describe } from '../core/arguments.ts';
import { domException, host, nextTurn } from './platform.ts';
import { checkProcessorClass } from './registration.ts';
import type { ProcessorClass, Registration } from './registration.ts';
import {
  AudioWorkletProcessor,
  closeScope,
  enterScope,
  leaveScope,
  openScope,
} from './scope-globals.ts';
import type { RunningScope } from './scope-globals.ts';
import { ScopeNode } from './scope-node.ts';
import type { NodeOptions } from './scope-node.ts';

/** How a scope is made. */
export interface ScopeOptions {
  /** Frames per second, 3000 to 768000. @default 48000 */
  readonly sampleRate?: number;
  /** Frames per render quantum, 1 to 16384. @default 128 */
  readonly quantum?: number;
}

/**
 * A module that registers processors: a function that imports it, which is called while the scope's globals are in
 * place, or a URL, which is evaluated afresh for each scope.
 */
export type ModuleSource = (() => unknown) | { readonly href: string } | string;

/** What modules registered, by their namespace object: an ES module runs once, however many scopes use it. */
const registeredBy = new WeakMap<object, ReadonlyMap<string, Registration>>();
/** Modules load one after the other, so that each finds the globals of its own scope. */
let loading: Promise<unknown> = Promise.resolve();
/** Makes each URL new to the host's module cache. */
let freshUrls = 0;

/** A stand-in for an `AudioWorkletGlobalScope`, with the nodes that live in it. */
export class WorkletScope implements RunningScope {
  /** Frames per second. */
  readonly sampleRate: number;
  /** The base class that processors of this scope extend; also a global while the scope is open. */
  readonly AudioWorkletProcessor: typeof AudioWorkletProcessor = AudioWorkletProcessor;

  readonly #registered = new Map<string, Registration>();
  readonly #nodes: ScopeNode[] = [];
  #quantum: number;
  #currentFrame = 0;
  #closed = false;
  #deliveryDue = false;
  readonly #schedule = (): void => {
    if (this.#deliveryDue || this.#closed) return;
    this.#deliveryDue = true;
    void nextTurn().then(() => {
      this.#deliveryDue = false;
      if (!this.#closed) this.deliver();
    });
  };

  /** @internal */
  constructor(options: ScopeOptions) {
    this.sampleRate = numberIn('sampleRate', options.sampleRate ?? 48000, 3000, 768000);
    this.#quantum = integerIn('quantum', options.quantum ?? 128, 1, 16384);
    host();
    openScope(this);
  }

  /** The first frame of the quantum that is being rendered, or of the next. */
  get currentFrame(): number {
    return this.#currentFrame;
  }

  /** `currentFrame` in seconds. */
  get currentTime(): number {
    return this.#currentFrame / this.sampleRate;
  }

  /** Frames per render quantum. It may be set between quanta: every node's arrays are then made anew. */
  get quantum(): number {
    return this.#quantum;
  }
  set quantum(frames: number) {
    this.#quantum = integerIn('quantum', frames, 1, 16384);
    for (const node of this.#nodes) node.setQuantum(frames);
  }

  /**
   * Evaluates a module with the scope's globals in place, as `audioWorklet.addModule` does.
   *
   * An ES module runs once per process. When `() => import('./gain.js')` ran already for another scope, this one takes
   * over what it registered then; its top-level code saw the `sampleRate` of the first. Give a URL to run it afresh.
   *
   * @returns what the function returned: for `() => import(…)`, the module's exports.
   * @throws what the module throws.
   */
  addModule(module: ModuleSource): Promise<unknown> {
    this.#checkOpen();
    const loaded = loading.then(() => this.#evaluate(module));
    loading = loaded.catch(() => {});
    return loaded;
  }

  /** The global `registerProcessor`: see Web Audio §1.32.3.1 for what it refuses. */
  register(name: string, candidate: unknown): void {
    const key = String(name);
    if (key === '')
      throw domException('NotSupportedError', 'registerProcessor: the name is empty.');
    if (this.#registered.has(key)) {
      throw domException('NotSupportedError', `registerProcessor: '${key}' is registered already.`);
    }
    this.#registered.set(key, checkProcessorClass(key, candidate));
  }

  /**
   * Makes a processor, as `new AudioWorkletNode(context, name, options)` does.
   *
   * @param processor a registered name, or a class that extends this scope's `AudioWorkletProcessor`.
   * @throws InvalidStateError when the name is not registered; else what the processor's constructor throws.
   */
  createNode<P = object>(
    processor: string | ProcessorClass<P>,
    options: NodeOptions = {},
  ): ScopeNode<P> {
    this.#checkOpen();
    const registration = this.#find(processor);
    const before = enterScope(this);
    try {
      const node = new ScopeNode<P>(registration, options, this.#quantum, this.#schedule);
      this.#nodes.push(node as ScopeNode);
      return node;
    } finally {
      leaveScope(before);
    }
  }

  /**
   * Renders quanta: messages to the processors are delivered, then every node is processed in the order of creation,
   * then the frame counter moves on. Messages to the page wait for `deliver()`, `settle()` or the next turn of the
   * event loop, as they do for a page whose thread is busy.
   */
  render(quanta = 1): void {
    this.#checkOpen();
    const before = enterScope(this);
    try {
      for (let i = 0; i < quanta; i++) {
        for (let n = 0; n < this.#nodes.length; n++) this.#nodes[n]!.deliverToProcessor();
        for (let n = 0; n < this.#nodes.length; n++) this.#nodes[n]!.renderQuantum();
        this.#currentFrame += this.#quantum;
      }
    } finally {
      leaveScope(before);
    }
  }

  /**
   * Delivers what is waiting at the ports of all nodes, in both directions, and what the handlers post meanwhile.
   *
   * @returns how many messages were delivered.
   */
  deliver(): number {
    const before = enterScope(this);
    try {
      let total = 0;
      for (;;) {
        let delivered = 0;
        for (const node of this.#nodes)
          delivered += node.deliverToProcessor() + node.port.deliver();
        if (delivered === 0) return total;
        total += delivered;
      }
    } finally {
      leaveScope(before);
    }
  }

  /** Resolves when nothing is left to deliver: also real `MessagePort`s and promises of the handlers have had their turn. */
  async settle(): Promise<void> {
    do {
      this.deliver();
      await nextTurn();
      await nextTurn();
    } while (this.deliver() > 0);
  }

  /** Ends every processor and, with the last open scope, removes the globals. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const node of this.#nodes) node.close();
    this.#nodes.length = 0;
    closeScope(this);
  }

  async #evaluate(module: ModuleSource): Promise<unknown> {
    const load = typeof module === 'function' ? module : (): unknown => importFresh(module);
    const known = new Set(this.#registered.keys());
    const before = enterScope(this);
    try {
      const exports = await load();
      if (typeof exports !== 'object' || exports === null) return exports;
      const added = [...this.#registered].filter(([name]) => !known.has(name));
      if (added.length > 0) registeredBy.set(exports, new Map(added));
      else this.#adopt(registeredBy.get(exports));
      return exports;
    } finally {
      leaveScope(before);
    }
  }

  #adopt(registrations: ReadonlyMap<string, Registration> | undefined): void {
    for (const [name, registration] of registrations ?? []) {
      if (!this.#registered.has(name)) this.#registered.set(name, registration);
    }
  }

  #find(processor: unknown): Registration {
    if (typeof processor === 'function') {
      return checkProcessorClass(processor.name || 'anonymous', processor);
    }
    if (typeof processor !== 'string') {
      throw new TypeError(
        `processor must be a registered name or a class, got ${describe(processor)}.`,
      );
    }
    const registration = this.#registered.get(processor);
    if (registration) return registration;
    const known = [...this.#registered.keys()].map((name) => `'${name}'`).join(', ') || 'none';
    const message = `'${processor}' is not registered in this scope; registered: ${known}.`;
    throw domException('InvalidStateError', message);
  }

  #checkOpen(): void {
    if (this.#closed) throw domException('InvalidStateError', 'The worklet scope is closed.');
  }
}

function importFresh(module: { readonly href: string } | string): Promise<unknown> {
  const url = typeof module === 'string' ? module : module.href;
  const [address = '', fragment] = url.split('#');
  // A data: URL takes no query; a fragment makes it new to the module cache all the same.
  const mark = `micwire-scope=${++freshUrls}`;
  if (address.startsWith('data:')) return import(/* @vite-ignore */ `${address}#${mark}`);
  const query = address.includes('?') ? '&' : '?';
  return import(
    /* @vite-ignore */ `${address}${query}${mark}${fragment === undefined ? '' : `#${fragment}`}`
  );
}

/**
 * Opens a stand-in `AudioWorkletGlobalScope`. Until it is closed its globals (`AudioWorkletProcessor`,
 * `registerProcessor`, `sampleRate`, `currentFrame`, `currentTime`, `renderQuantumSize`) are on `globalThis`; several
 * scopes can be open, and each processor sees its own.
 *
 * @throws RangeError for a rate or a quantum out of range; TypeError where the runtime lacks `MessageChannel`.
 */
export function createWorkletScope(options: ScopeOptions = {}): WorkletScope {
  return new WorkletScope(options);
}
