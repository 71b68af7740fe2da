import { describe, integerIn, numberIn } from '../../core/arguments.ts';

/** Options that must be the same for gateways and workers. */
export interface NatsOptions {
  /** Addresses of NATS servers: `nats://host:4222`, with `user:password@` if they require it, `tls://…` over TLS. */
  readonly servers: string | readonly string[];
  /** Name of the JetStream stream; in lower case it is also the first part of all subjects. @default 'MICWIRE' */
  readonly name?: string;
  /**
   * Number of partitions into which the streams are divided, which is the largest number of workers that can share the work. Fixed
   * when the JetStream stream is created.
   * @default 8
   */
  readonly partitions?: number;
  /** Number of servers of a NATS cluster that store each message. Takes effect when the JetStream stream is created. @default 1 */
  readonly replicas?: number;
  /**
   * How long messages are kept, in ms, which is how long workers may be unavailable. Takes effect when the JetStream stream is
   * created.
   * @default 86400000
   */
  readonly keepMs?: number;
  /** Further options of the client `@nats-io/transport-node`, such as `tls` and `authenticator`. */
  readonly connection?: Readonly<Record<string, unknown>>;
}

/** {@link NatsOptions} after validation. */
export interface NatsSettings extends Required<NatsOptions> {
  readonly servers: readonly string[];
}

/** Names of the options, for options that extend them. */
export const NATS_OPTION_NAMES = {
  servers: 1,
  name: 1,
  partitions: 1,
  replicas: 1,
  keepMs: 1,
  connection: 1,
} as const;

const NAME = /^[A-Za-z0-9_-]{1,32}$/;

/** Checks options, and adds defaults. @throws TypeError or RangeError */
export function checkNats(options: NatsOptions): NatsSettings {
  const { servers, name = 'MICWIRE', connection = {} } = options;
  const list: readonly unknown[] = Array.isArray(servers) ? servers : [servers];
  const isList =
    list.length > 0 && list.every((server) => typeof server === 'string' && server !== '');
  if (!isList) throw new TypeError(`servers must name a NATS server, got ${describe(servers)}.`);
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new TypeError(
      `name must have 1 to 32 characters of A–Z, a–z, 0–9, _ and -, got ${describe(name)}.`,
    );
  }
  return {
    servers: list as string[],
    name,
    connection,
    partitions: integerIn('partitions', options.partitions ?? 8, 1, 1024),
    replicas: integerIn('replicas', options.replicas ?? 1, 1, 5),
    keepMs: numberIn('keepMs', options.keepMs ?? 86_400_000, 1000, 10 ** 12),
  };
}

/** Returns the partition of a stream (FNV-1a hash). */
export function partitionOf(id: string, partitions: number): number {
  let hash = 2_166_136_261;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 16_777_619);
  return (hash >>> 0) % partitions;
}

/** Subjects of a JetStream stream's messages. */
export const subjects = {
  all: (name: string): string => `${name.toLowerCase()}.audio.>`,
  partition: (name: string, partition: number): string =>
    `${name.toLowerCase()}.audio.${partition}.>`,
  stream: (name: string, partitions: number, id: string): string =>
    `${name.toLowerCase()}.audio.${partitionOf(id, partitions)}.${id}`,
  leases: (name: string, group: WorkGroup): string =>
    group === 'record' ? `${name.toLowerCase()}.leases` : `${name.toLowerCase()}.leases.${group}`,
  text: (name: string, id: string): string => `${name.toLowerCase()}.text.${id}`,
} as const;

/** A group of workers that share the partitions. Each group reads all audio, independently of the other. */
export type WorkGroup = 'record' | 'text';

/** The JetStream stream with the leases of a group. @internal */
export function leaseStream(name: string, group: WorkGroup): string {
  return group === 'record' ? `${name}-LEASES` : `${name}-LEASES-${group.toUpperCase()}`;
}

/** Prefix of the names of a partition's consumers. @internal */
export function consumerPrefix(group: WorkGroup, partition: number): string {
  return group === 'record' ? `p${partition}-` : `${group}-p${partition}-`;
}

/** Prefix of the names of the consumers of a partition's paused streams. @internal */
export function pausedPrefix(group: WorkGroup, partition: number): string {
  return group === 'record' ? `paused-p${partition}-` : `${group}-paused-p${partition}-`;
}

/** Returns true for a valid stream name: no other name may become part of a subject or a path. @internal */
export function isStreamName(id: string): boolean {
  return /^[\w-]{1,64}$/.test(id);
}
