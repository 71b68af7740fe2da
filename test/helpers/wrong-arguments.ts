import { setImmediate } from 'node:timers/promises';
import { describe } from '../../src/core/arguments.ts';

/** Messages of engines, which do not say which argument is meant. */
const ENGINE =
  /Cannot (read|set|convert|destructure)|Cannot use 'in'|is not (a function|iterable|defined)|undefined \(reading|null \(/;

type Method = (...given: unknown[]) => unknown;

/** Those of its classes, what ends it last. */
function methodsOf(object: object, isHidden: (name: string) => boolean): [string, Method][] {
  const methods: [string, Method][] = [];
  let prototype: object = Object.getPrototypeOf(object);
  while (prototype !== EventTarget.prototype && prototype !== Object.prototype) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (typeof value === 'function' && name !== 'constructor' && !isHidden(name)) {
        methods.push([name, value]);
      }
    }
    prototype = Object.getPrototypeOf(prototype);
  }
  const isEnd = (name: string): number => (name === 'close' || name === 'stop' ? 1 : 0);
  return methods.toSorted(([one], [other]) => isEnd(one) - isEnd(other));
}

/** Calls every method of an object with arguments of every wrong kind. */
export async function callWrongly(
  object: object,
  isHidden: (name: string) => boolean = () => false,
): Promise<{ readonly told: readonly string[]; readonly ofTheEngine: readonly string[] }> {
  const told: string[] = [];
  for (const [name, method] of methodsOf(object, isHidden)) {
    for (const wrong of [null, undefined, 5, 'x', {}]) {
      const fail = (error: unknown): void => {
        told.push(`${name}(${describe(wrong)}): ${String(error)}`);
      };
      try {
        const result = Reflect.apply(method, object, [wrong, wrong, wrong]);
        // Some wait for the audio thread or for a peer, which is not here.
        void Promise.resolve(result).catch(fail);
      } catch (error) {
        fail(error);
      }
      await setImmediate();
    }
  }
  return { told, ofTheEngine: told.filter((text) => ENGINE.test(text)) };
}
