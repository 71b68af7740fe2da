import type { Service } from '../core/services/service.ts';

/** What a service is made with. */
interface ListenerOptions {
  readonly sampleRate?: number;
}
type Make = (options: ListenerOptions) => Service;

/** Services that only listen, and that an address and a token are enough for, by their names. Loaded when they are asked for. */
const LISTENERS: Readonly<Record<string, () => Promise<Make>>> = {
  assemblyai: async () => (await import('../core/services/assemblyai.ts')).assemblyai,
  'cartesia-stt': async () => (await import('../core/services/cartesia-stt.ts')).cartesiaStt,
  'deepgram-flux': async () => (await import('../core/services/deepgram-flux.ts')).deepgramFlux,
  'deepgram-listen': async () =>
    (await import('../core/services/deepgram-listen.ts')).deepgramListen,
  'elevenlabs-scribe': async () =>
    (await import('../core/services/elevenlabs-scribe.ts')).elevenlabsScribe,
  gladia: async () => (await import('../core/services/gladia.ts')).gladia,
  soniox: async () => (await import('../core/services/soniox.ts')).soniox,
  speechmatics: async () => (await import('../core/services/speechmatics.ts')).speechmatics,
  vosk: async () => (await import('../core/services/vosk.ts')).vosk,
};

/** Names of the services. */
export const LISTENER_NAMES: readonly string[] = Object.keys(LISTENERS);

/**
 * Loads a service.
 * @param sampleRate Hz; undefined: as the service likes it
 * @returns makes it, once for each stream
 */
export async function loadListener(
  name: string,
  sampleRate: number | undefined,
): Promise<() => Service> {
  const make = await LISTENERS[name]!();
  return () => make(sampleRate === undefined ? {} : { sampleRate });
}
