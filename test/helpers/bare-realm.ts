import { createContext, runInContext } from 'node:vm';
import type { WorkletScope } from '../../src/testing/index.ts';

/**
 * What an AudioWorkletGlobalScope has in every engine, beside ECMAScript. Measured in Chromium 156, Firefox 153 and
 * WebKitGTK 2.50; absent in at least one of them: TextEncoder, TextDecoder, atob, btoa, URL, setTimeout, queueMicrotask,
 * structuredClone, performance, MessageChannel, DOMException, AudioEncoder, self.
 */
const WORKLET_GLOBALS: readonly string[] = [
  'AudioWorkletGlobalScope',
  'AudioWorkletProcessor',
  'registerProcessor',
  'currentFrame',
  'currentTime',
  'sampleRate',
  'console',
  'WebAssembly',
];

/** In some engines only: code has to ask with `typeof`. */
const OPTIONAL_GLOBALS: readonly string[] = ['renderQuantumSize', 'SharedArrayBuffer'];

/** The name under which the realm's scripts find what watches them. */
const WATCH = '__watched';

/** A JavaScript realm with the globals of a real AudioWorkletGlobalScope and no others. */
export class BareRealm {
  /** Names that scripts looked up as globals, there or not, also by `typeof` and on `globalThis`. */
  readonly touched: ReadonlySet<string>;
  readonly #context: object;
  readonly #builtIn: ReadonlySet<string>;

  /**
   * @param scope what the worklet globals speak for.
   * @param optional whether the globals of some engines are there.
   */
  constructor(scope: WorkletScope, optional: boolean) {
    const register = scope.register.bind(scope);
    this.#context = createContext({
      AudioWorkletProcessor: scope.AudioWorkletProcessor,
      registerProcessor: register,
      get currentFrame(): number {
        return scope.currentFrame;
      },
      get currentTime(): number {
        return scope.currentTime;
      },
      sampleRate: scope.sampleRate,
      ...(optional && { renderQuantumSize: scope.quantum }),
    });
    if (!optional) this.runUnwatched('delete globalThis.SharedArrayBuffer');
    this.#builtIn = new Set(
      runInContext('Object.getOwnPropertyNames(globalThis)', createContext({})) as string[],
    );
    const touched = new Set<string>();
    this.touched = touched;
    const global = this.runUnwatched('globalThis') as object;
    const watchedGlobal = new Proxy(global, {
      has: (target, name) => (touched.add(String(name)), Reflect.has(target, name)),
      get: (target, name) => (touched.add(String(name)), Reflect.get(target, name) as unknown),
    });
    // Free names are looked up here first: noted, and then left to the realm, but for globalThis itself.
    const names = new Proxy(
      { globalThis: watchedGlobal },
      { has: (target, name) => (touched.add(String(name)), name in target) },
    );
    Object.defineProperty(global, WATCH, { value: names });
  }

  /** Evaluates a classic script, and notes what globals it and its functions touch from then on. */
  run(code: string): unknown {
    return this.runUnwatched(`with (${WATCH}) {\n${code}\n}`);
  }

  /** Evaluates a classic script as it is. */
  runUnwatched(code: string): unknown {
    return runInContext(code, this.#context);
  }

  /** Names touched that a real scope may lack. */
  foreign(): string[] {
    const allowed = new Set([...WORKLET_GLOBALS, ...OPTIONAL_GLOBALS]);
    return [...this.touched].filter((name) => !allowed.has(name) && !this.#builtIn.has(name));
  }
}
