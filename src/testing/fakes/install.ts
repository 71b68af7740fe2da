import { FakeAudioContext } from './fake-audio-context.ts';
import { FakeAudioWorkletNode, FakeGainNode } from './fake-nodes.ts';

const GLOBALS = {
  AudioContext: FakeAudioContext,
  AudioWorkletNode: FakeAudioWorkletNode,
  GainNode: FakeGainNode,
} as const;

/**
 * Puts `AudioContext`, `AudioWorkletNode` and `GainNode` on `globalThis`, as stand-ins that run micwire's real classes and
 * processors in Node. Call it before each test, and what it returns after it.
 *
 * @returns puts back what was there before
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
