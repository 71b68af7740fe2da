import type { Service, ServiceEvent, ServiceRequest } from '../../src/core/services/service.ts';

/** A message of a fixture: an object stands for its JSON text. */
export type FixtureMessage = string | Uint8Array | Readonly<Record<string, unknown>>;

/** One step of a connection: a request of the session's, and the messages that carry it out; or a message, and what it says. */
export type FixtureStep =
  | { readonly request: ServiceRequest; readonly messages: readonly FixtureMessage[] }
  /** `events`: all but `'message'` events, which the contract suite checks itself. */
  | { readonly message: FixtureMessage; readonly events: readonly ServiceEvent[] };

/** A row of the table of services. */
export interface ServiceCase {
  /** Name of the file in `src/core/services`. */
  readonly id: string;
  /** Makes the service as most apps do. The fixtures are of this one. */
  readonly create: () => Service;
  /** The service with other options: one for each format and each option that changes messages. */
  readonly variants: readonly (() => Service)[];
  /** What the service takes and sends, as its documents have it: `'s16 24000'`, with `'s16 any'` for any rate. Channels: ` x2`. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Address for the app's `url`, and what becomes of it with the token `'T'`. */
  readonly address: {
    readonly url: string;
    readonly connects: string;
    readonly protocols?: readonly string[];
    /** The address after the fixtures, where it continues the conversation. @default `connects` */
    readonly resumes?: string;
  };
  /** Connections of one session, one after the other, each from its first message on. Written by us from the documents. */
  readonly fixtures: readonly (readonly FixtureStep[])[];
}

/** The request that begins each connection. */
export const OPEN: Extract<ServiceRequest, { readonly type: 'open' }> = {
  type: 'open',
  session: 'session-1',
  handle: null,
  frame: 0,
  connections: 0,
};

/** The four bytes that every fixture's audio has, two samples of 16 bits, and their Base64. */
export const BYTES: Uint8Array<ArrayBuffer> = Uint8Array.of(0, 0, 0xff, 0xff);
export const BASE64 = 'AAD//w==';

/** A request to send audio. */
export function audio(
  bytes: Uint8Array<ArrayBuffer> = BYTES,
  { frame = 0, frames = 2, base64 = Buffer.from(bytes).toString('base64'), replayed = false } = {},
): ServiceRequest {
  return { type: 'audio', audio: { frame, frames, bytes, base64 }, replayed };
}

/** The request after an interruption. */
export function interrupted(item: string | undefined, ms = 0, sampleRate = 24_000): ServiceRequest {
  const frames = Math.ceil((ms * sampleRate) / 1000);
  return { type: 'interrupted', heard: { item, frames, ms, unheard: [] } };
}
