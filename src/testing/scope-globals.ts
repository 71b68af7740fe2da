import type { ScopePort } from './scope-port.ts';

/** The values that the globals of the stand-in have while a scope is running. */
export interface RunningScope {
  readonly sampleRate: number;
  readonly quantum: number;
  readonly currentFrame: number;
  register(name: string, candidate: unknown): void;
}

/** Open scopes; the globals are in place while there is at least one. */
const open = new Set<RunningScope>();
/** The scope whose code is running, or ran last: late callbacks of its processors still find their `currentFrame`. */
let running: RunningScope | undefined;
/** The port for the processor that is being constructed. */
let constructionPort: ScopePort | undefined;
/** The previous globals of these names; restored when the last scope closes. */
const replaced = new Map<string, PropertyDescriptor | undefined>();

/**
 * The base class of processors. All scopes share one class, so that a module that is evaluated once can be used in several scopes.
 */
export class AudioWorkletProcessor {
  readonly #port: ScopePort;

  constructor() {
    const port = constructionPort;
    if (!port) {
      throw new TypeError(
        'Illegal constructor: a processor is created by scope.createNode(), and super() may be called once.',
      );
    }
    constructionPort = undefined;
    this.#port = port;
  }

  /** The processor's end of the channel to the page. */
  get port(): ScopePort {
    return this.#port;
  }

  get [Symbol.toStringTag](): string {
    return 'AudioWorkletProcessor';
  }

  /** @internal Returns whether `value` was created by this constructor. */
  static made(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #port in value;
  }
}

/** The interface objects of the scope itself: code checks them to find out where it runs. */
class WorkletGlobalScope {
  constructor() {
    throw new TypeError('Illegal constructor.');
  }
  static [Symbol.hasInstance](value: unknown): boolean {
    return value === globalThis;
  }
}
class AudioWorkletGlobalScope extends WorkletGlobalScope {}

function current(name: string): RunningScope {
  if (!running) throw new ReferenceError(`${name} is not defined: no worklet scope is open.`);
  return running;
}

const accessor = (get: () => unknown): PropertyDescriptor => ({
  configurable: true,
  enumerable: true,
  get,
});
const data = (value: unknown, enumerable: boolean): PropertyDescriptor => ({
  configurable: true,
  enumerable,
  writable: true,
  value,
});

/** As in browsers: interface objects and the operation may be replaced, and attributes are read-only. */
const GLOBALS: Readonly<Record<string, PropertyDescriptor>> = {
  WorkletGlobalScope: data(WorkletGlobalScope, false),
  AudioWorkletGlobalScope: data(AudioWorkletGlobalScope, false),
  AudioWorkletProcessor: data(AudioWorkletProcessor, false),
  registerProcessor: data(registerProcessor, true),
  sampleRate: accessor(() => current('sampleRate').sampleRate),
  currentFrame: accessor(() => current('currentFrame').currentFrame),
  currentTime: accessor(
    () => current('currentTime').currentFrame / current('currentTime').sampleRate,
  ),
  renderQuantumSize: accessor(() => current('renderQuantumSize').quantum),
};

function registerProcessor(name: string, candidate: unknown): void {
  // Not rest parameters: `registerProcessor.length` is 2 in browsers.
  const { length } = arguments;
  if (length < 2) {
    throw new TypeError(`registerProcessor: 2 arguments required, but only ${length} present.`);
  }
  current('registerProcessor').register(name, candidate);
}

/** Installs the globals of a scope. */
export function openScope(scope: RunningScope): void {
  if (open.size === 0) {
    for (const [name, descriptor] of Object.entries(GLOBALS)) {
      replaced.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
      Object.defineProperty(globalThis, name, descriptor);
    }
  }
  open.add(scope);
  running ??= scope;
}

/** Forgets a scope, and removes the globals with the last one. */
export function closeScope(scope: RunningScope): void {
  if (!open.delete(scope)) return;
  if (running === scope) running = [...open].at(-1);
  if (open.size > 0) return;
  for (const [name, descriptor] of replaced) {
    if (descriptor) Object.defineProperty(globalThis, name, descriptor);
    else Reflect.deleteProperty(globalThis, name);
  }
  replaced.clear();
}

/** Makes `scope` the running scope, which the globals describe. @returns the previous one, for `leaveScope`. */
export function enterScope(scope: RunningScope | undefined): RunningScope | undefined {
  const before = running;
  running = scope;
  return before;
}

/** Restores the scope that `enterScope` returned, unless it was closed in between. */
export function leaveScope(before: RunningScope | undefined): void {
  if (before && open.has(before)) running = before;
}

/**
 * Constructs a processor with `port` as its port.
 * @throws errors of the constructor; TypeError if it creates anything other than an `AudioWorkletProcessor`
 */
export function construct<P>(make: () => P, port: ScopePort): P {
  const outer = constructionPort;
  constructionPort = port;
  try {
    const processor = make();
    if (AudioWorkletProcessor.made(processor)) return processor;
  } finally {
    constructionPort = outer;
  }
  throw new TypeError("The processor's class must extend AudioWorkletProcessor.");
}
