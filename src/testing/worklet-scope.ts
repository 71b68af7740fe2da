import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { integerIn, numberIn, describe } from '../core/arguments.ts';
import type { NodeOptions } from './node-options.ts';
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
import { toDomString } from './web-idl.ts';

/** Options of a scope. */
export interface ScopeOptions {
  /** Sample rate in Hz, 3000 to 768000. @default 48000 */
  readonly sampleRate?: number;
  /** Frames per render quantum, 1 to 16384. @default 128 */
  readonly quantum?: number;
}
const NAMES = { sampleRate: 1, quantum: 1 } satisfies OptionNames<ScopeOptions>;

/**
 * A module that registers processors: a function that imports it, which is called while the scope's globals are in place, or a URL,
 * which is evaluated again for each scope.
 */
export type ModuleSource = (() => unknown) | { readonly href: string } | string;

/** Processors that modules registered, by namespace object: an ES module runs once, however many scopes use it. */
const registeredBy = new WeakMap<object, ReadonlyMap<string, Registration>>();
/** Modules load one after the other, so that each finds the globals of its own scope. */
let loading: Promise<unknown> = Promise.resolve();
/** Counter that makes each URL new to the host's module cache. */
let freshUrls = 0;

/** A stand-in for an `AudioWorkletGlobalScope`, with the nodes that live in it. */
export class WorkletScope implements RunningScope {
  /** Sample rate in Hz. */
  readonly sampleRate: number;
  /** The base class that processors of this scope extend; also a global while the scope is open. */
  readonly AudioWorkletProcessor: typeof AudioWorkletProcessor = AudioWorkletProcessor;

  readonly #registered = new Map<string, Registration>();
  readonly #nodes: ScopeNode[] = [];
  /** Modules that are loaded or loading, by URL: a scope evaluates a URL once. */
  readonly #modules = new Map<string, Promise<unknown>>();
  /** Errors of processors and handlers, collected while the scope continues. */
  readonly #errors: unknown[] = [];
  readonly #report = (error: unknown): void => void this.#errors.push(error);
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

  /** The first frame of the current quantum, or of the next one between quanta. */
  get currentFrame(): number {
    return this.#currentFrame;
  }

  /** `currentFrame` in seconds. */
  get currentTime(): number {
    return this.#currentFrame / this.sampleRate;
  }

  /** Frames per render quantum. May be set between quanta: every node's arrays are then replaced. */
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
   * An ES module runs once per process. If `() => import('./gain.js')` has already run for another scope, this scope adopts the
   * processors that it registered then; its top-level code saw the `sampleRate` of the first scope. Pass a URL to run it again.
   *
   * A URL that this scope has already loaded is not evaluated again.
   *
   * @returns the result of the function: for `() => import(…)`, the module's exports.
   * @throws errors of the module; AbortError for a URL that cannot be loaded.
   */
  addModule(module: ModuleSource): Promise<unknown> {
    this.#checkOpen();
    const url = typeof module === 'function' ? undefined : urlOf(module);
    const known = url === undefined ? undefined : this.#modules.get(url);
    if (known) return known;
    const load = typeof module === 'function' ? module : (): unknown => importFresh(url!);
    const loaded = loading.then(() => this.#evaluate(load));
    if (url !== undefined) this.#modules.set(url, loaded);
    loading = loaded.catch(() => {});
    return loaded;
  }

  /** The global `registerProcessor`: see Web Audio §1.32.3.1 for the classes that it refuses. */
  register(name: string, candidate: unknown): void {
    const key = toDomString(name);
    if (typeof candidate !== 'function') {
      throw new TypeError(`registerProcessor('${key}'): the second argument must be a class.`);
    }
    if (key === '') {
      throw domException('NotSupportedError', 'registerProcessor: the name is empty.');
    }
    if (this.#registered.has(key)) {
      throw domException('NotSupportedError', `registerProcessor: '${key}' is registered already.`);
    }
    this.#registered.set(key, checkProcessorClass(key, candidate));
  }

  /**
   * Creates a processor, as `new AudioWorkletNode(context, name, options)` does.
   *
   * @param processor a registered name, or a class that extends this scope's `AudioWorkletProcessor`.
   * @throws InvalidStateError when the name is not registered; TypeError, RangeError or DOMException for invalid options, as in
   * browsers; otherwise errors of the processor's constructor. (A browser creates the node and dispatches `processorerror`.)
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
   * Renders quanta: messages to the processors are delivered, then every node is processed in the order of creation, then the frame
   * counter advances. Messages to the page wait for `deliver()`, `settle()` or the next turn of the event loop, as they do for a
   * page whose thread is busy.
   *
   * @throws after the quantum is complete, the error of a processor without an `onprocessorerror`, or of a message handler; an
   * AggregateError for several errors; TypeError or RangeError for an invalid number of quanta
   */
  render(quanta = 1): void {
    this.#checkOpen();
    integerIn('quanta', quanta, 0, Number.MAX_SAFE_INTEGER);
    const before = enterScope(this);
    try {
      for (let i = 0; i < quanta; i++) {
        for (let n = 0; n < this.#nodes.length; n++) {
          this.#nodes[n]!.deliverToProcessor(this.#report);
        }
        for (let n = 0; n < this.#nodes.length; n++) this.#nodes[n]!.renderQuantum(this.#report);
        this.#currentFrame += this.#quantum;
        if (this.#errors.length > 0) this.#throwErrors();
      }
    } finally {
      leaveScope(before);
    }
  }

  /**
   * Renders one quantum whose nodes are processed in the order in which `pull` asks for them: for a graph.
   * @internal
   */
  renderBy(pull: (process: (node: ScopeNode) => void) => void): void {
    this.#checkOpen();
    const before = enterScope(this);
    try {
      for (const node of this.#nodes) node.deliverToProcessor(this.#report);
      pull((node) => node.renderQuantum(this.#report));
      this.#currentFrame += this.#quantum;
      if (this.#errors.length > 0) this.#throwErrors();
    } finally {
      leaveScope(before);
    }
  }

  /**
   * Delivers the messages that wait at the ports of all nodes, in both directions, including messages that handlers post during the
   * delivery.
   *
   * @returns the number of delivered messages.
   * @throws after all messages are delivered, the error of a handler; an AggregateError for several errors.
   */
  deliver(): number {
    const before = enterScope(this);
    try {
      let total = 0;
      for (;;) {
        let delivered = 0;
        for (const node of this.#nodes) {
          delivered += node.deliverToProcessor(this.#report) + node.port.deliver(this.#report);
        }
        if (delivered === 0) break;
        total += delivered;
      }
      if (this.#errors.length > 0) this.#throwErrors();
      return total;
    } finally {
      leaveScope(before);
    }
  }

  /** Resolves when no message is left to deliver, and real `MessagePort`s and promises of the handlers have had their turn. */
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

  #throwErrors(): never {
    const errors = this.#errors.splice(0);
    if (errors.length === 1) throw errors[0];
    throw new AggregateError(errors, `${errors.length} handlers or processors threw.`);
  }

  async #evaluate(load: () => unknown): Promise<unknown> {
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

function urlOf(module: { readonly href: string } | string): string {
  if (typeof module === 'string') return module;
  if (typeof (module as Partial<typeof module> | null)?.href === 'string') return module.href;
  throw new TypeError(`module must be a function or a URL, got ${describe(module)}.`);
}

async function importFresh(url: string): Promise<unknown> {
  const [address = '', fragment] = url.split('#');
  // A data: URL has no query; a fragment also makes it new to the module cache.
  const mark = `micwire-scope=${++freshUrls}`;
  const query = address.includes('?') ? '&' : '?';
  const fresh = address.startsWith('data:')
    ? `${address}#${mark}`
    : `${address}${query}${mark}${fragment === undefined ? '' : `#${fragment}`}`;
  try {
    return await import(/* @vite-ignore */ fresh);
  } catch (error) {
    if (!NOT_LOADED.has(String((error as { code?: unknown } | null)?.code))) throw error;
    const message = `The module ${url.slice(0, 200)} cannot be loaded: ${(error as Error).message}`;
    throw domException('AbortError', message);
  }
}

/** Error codes of hosts for a module that was not found, as opposed to a module that failed. */
const NOT_LOADED: ReadonlySet<string> = new Set([
  'ERR_MODULE_NOT_FOUND',
  'ERR_LOAD_URL',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_UNSUPPORTED_ESM_URL_SCHEME',
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_INVALID_MODULE_SPECIFIER',
  'ERR_INVALID_URL',
  'ENOENT',
]);

/**
 * Opens a stand-in `AudioWorkletGlobalScope`. Until it is closed its globals (`AudioWorkletProcessor`,
 * `registerProcessor`, `sampleRate`, `currentFrame`, `currentTime`, `renderQuantumSize`) are on `globalThis`; several
 * scopes can be open, and each processor sees its own.
 *
 * @throws RangeError for a sample rate or a quantum out of range; TypeError if the runtime lacks `MessageChannel`.
 */
export function createWorkletScope(options: ScopeOptions = {}): WorkletScope {
  checkOptions('createWorkletScope', options, NAMES);
  return new WorkletScope(options);
}
