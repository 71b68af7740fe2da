import { FakeAudioContext } from './fake-audio-context.ts';
import { FakeAudioWorkletNode, FakeGainNode } from './fake-nodes.ts';

const GLOBALS = {
  AudioContext: FakeAudioContext,
  AudioWorkletNode: FakeAudioWorkletNode,
  GainNode: FakeGainNode,
} as const;

/**
 * Installs stand-ins for `AudioContext`, `AudioWorkletNode` and `GainNode` on `globalThis`, which run micwire's real classes and
 * processors in Node. Call it before each test, and the returned function after it.
 *
 * @returns a function that restores the previous globals
 */
export function installFakeAudio(): () => void {
  const before = Object.keys(GLOBALS).map(
    (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
  );
  for (const [name, value] of Object.entries(GLOBALS)) {
    Object.defineProperty(globalThis, name, { configurable: true, writable: true, value });
  }
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else Reflect.deleteProperty(globalThis, name);
    }
  };
}
