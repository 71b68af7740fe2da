/**
 * Entry `micwire/testing/fakes`: unit tests of apps without a browser. Micwire's own classes run in Node, on a stand-in context in
 * virtual time; `FakeSession` stands in for a conversation with a service.
 */
export { FakeAudioContext } from './fake-audio-context.ts';
export type { FakeContextOptions } from './fake-audio-context.ts';
export {
  FakeAudioNode,
  FakeAudioWorkletNode,
  FakeDestination,
  FakeGainNode,
  FakeSource,
} from './fake-nodes.ts';
export { installFakeAudio } from './install.ts';
export { FakeSession } from './fake-session.ts';
export type { FakeSessionEvent } from './fake-session.ts';
export type { SessionEventDetail } from '../../web/session/session-options.ts';
