import { expect } from 'vitest';
import type { ServiceEvent, ServiceRequest } from '../../src/core/services/service.ts';
import type { SessionHost } from '../../src/core/session/server/session-host.ts';
import type { SessionServer } from '../../src/core/session/server/session-server.ts';
import { SessionLink } from './session-link.ts';

export const PCM = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
export const OPUS = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;

/** A host that remembers what it is told. */
export class Recorder implements Required<SessionHost> {
  /** The first frame of each audio, with how many, and how many were missing before. */
  readonly audios: (readonly [frame: number, frames: number, missing: number])[] = [];
  readonly bytes: number[] = [];
  /** Everything else. */
  readonly told: unknown[] = [];
  readonly failures: unknown[] = [];
  open: SessionHost['open'] = () => ({});
  onaudio: () => void = () => {};

  audio: Required<SessionHost>['audio'] = (_, { frame, frames, missing, bytes }) => {
    this.onaudio();
    this.audios.push([frame, frames, missing]);
    this.bytes.push(...bytes);
  };
  failed: Required<SessionHost>['failed'] = (error) => this.failures.push(error);
  connected: Required<SessionHost>['connected'] = (_, known) =>
    this.told.push(['connected', known]);
  disconnected: Required<SessionHost>['disconnected'] = () => this.told.push(['disconnected']);
  ended: Required<SessionHost>['ended'] = (_, ending) => this.told.push(['ended', ending]);
  commit: Required<SessionHost>['commit'] = (_, frame) => this.told.push(['commit', frame]);
  interrupted: Required<SessionHost>['interrupted'] = (_, heard) =>
    this.told.push(['interrupted', heard]);
  played: Required<SessionHost>['played'] = (_, { item, name, frames }) => {
    this.told.push(['played', item, name, frames]);
  };
  muted: Required<SessionHost>['muted'] = (_, muted) => this.told.push(['muted', muted]);
  mark: Required<SessionHost>['mark'] = (_, mark) => this.told.push(['mark', mark]);
  clear: Required<SessionHost>['clear'] = (_, frame) => this.told.push(['clear', frame]);
  message: Required<SessionHost>['message'] = (_, value) => this.told.push(['message', value]);

  /** What it was told of one kind. */
  of(kind: string): unknown[] {
    return this.told.filter((entry) => (entry as unknown[])[0] === kind);
  }
}

/** A chunk of the user's: each sample has the number of its frame, in the lowest 15 bits. */
export function chunk(frame: number, frames = 320): ServiceRequest {
  const samples = Int16Array.from({ length: frames }, (_, i) => (frame + i) & 0x7fff);
  const bytes = new Uint8Array(samples.buffer);
  return { type: 'audio', replayed: false, audio: { frame, frames, bytes, base64: '' } };
}

export const acknowledged = (frame: number, received?: number): ServiceEvent => ({
  type: 'acknowledged',
  frame,
  ...(received === undefined ? undefined : { received }),
});
export const READY: ServiceEvent = { type: 'ready' };
export const RESUMED: ServiceEvent = { type: 'ready', resumed: true };

/** A link with a connection that is ready. */
export function begin(
  options: ConstructorParameters<typeof SessionServer>[1] = {},
  client: ConstructorParameters<typeof SessionLink>[2] = { input: PCM, output: PCM },
) {
  const host = new Recorder();
  const link = new SessionLink(host, options, client);
  const connection = link.connect();
  expect(connection.receive()).toEqual([acknowledged(0), READY]);
  const session = link.server.sessions[0]!;
  return { host, link, connection, session };
}

/** Audio of the events, by item. */
export function heard(events: readonly ServiceEvent[]): Record<string, number[]> {
  const items: Record<string, number[]> = {};
  for (const event of events) {
    if (event.type === 'audio') (items[event.item] ??= []).push(...event.bytes);
  }
  return items;
}

export const types = (events: readonly ServiceEvent[]): string[] => events.map(({ type }) => type);
/** So many samples with this value in each byte. */
export const sound = (frames: number, value = 1) => new Uint8Array(2 * frames).fill(value);
