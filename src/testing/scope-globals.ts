import type { ScopePort } from './scope-port.ts';

/** What the globals of the stand-in answer with while a scope is the one that runs. */
export interface RunningScope {
  readonly sampleRate: number;
  readonly quantum: number;
  readonly currentFrame: number;
  register(name: string, candidate: unknown): void;
}

/** Open scopes; while there is one, the globals are in place. */
const open = new Set<RunningScope>();
/** The scope whose code runs, or ran last: late callbacks of its processors still find their `currentFrame`. */
let running: RunningScope | undefined;
/** The port for the processor that is being constructed. */
let constructionPort: ScopePort | undefined;
/** What the globals' names meant before; put back when the last scope closes. */
const replaced = new Map<string, PropertyDescriptor | undefined>();

/**
 * The base class of processors. One class serves every scope, so that a module that is evaluated once can be used in
 * several.
 */
export class AudioWorkletProcessor {
  /** The processor's end of the channel to the page. */
  readonly port: ScopePort;

  constructor() {
    const port = constructionPort;
    if (!port) {
      throw new TypeError(
        'Illegal constructor: a processor is created by scope.createNode(), and super() may be called once.',
      );
    }
    constructionPort = undefined;
    this.port = port;
  }
}

function current(name: string): RunningScope {
  if (!running) throw new ReferenceError(`${name} is not defined: no worklet scope is open.`);
  return running;
}

const GETTERS: Readonly<Record<string, () => unknown>> = {
  AudioWorkletProcessor: () => AudioWorkletProcessor,
  registerProcessor: () => registerProcessor,
  sampleRate: () => current('sampleRate').sampleRate,
  currentFrame: () => current('currentFrame').currentFrame,
  currentTime: () => current('currentTime').currentFrame / current('currentTime').sampleRate,
  renderQuantumSize: () => current('renderQuantumSize').quantum,
};

function registerProcessor(name: string, candidate: unknown): void {
  current('registerProcessor').register(name, candidate);
}

/** Puts the scope's globals in place. */
export function openScope(scope: RunningScope): void {
  if (open.size === 0) {
    for (const [name, get] of Object.entries(GETTERS)) {
      replaced.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
      Object.defineProperty(globalThis, name, { configurable: true, enumerable: true, get });
    }
  }
  open.add(scope);
  running ??= scope;
}

/** Forgets the scope; with the last one the globals go. */
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

/** Makes `scope` the one that the globals speak for. @returns the one before, to be put back. */
export function enterScope(scope: RunningScope | undefined): RunningScope | undefined {
  const before = running;
  running = scope;
  return before;
}

/** Puts back what `enterScope` returned, unless that scope was closed in between. */
export function leaveScope(before: RunningScope | undefined): void {
  if (before && open.has(before)) running = before;
}

/** Constructs a processor with `port` as its port. */
export function construct<P>(make: () => P, port: ScopePort): P {
  const outer = constructionPort;
  constructionPort = port;
  try {
    return make();
  } finally {
    constructionPort = outer;
  }
}
