import { describe, integerIn, numberIn } from '../../core/arguments.ts';

/** What gateways and workers have to agree on. */
export interface NatsOptions {
  /** Addresses of NATS servers: `nats://host:4222`, with `user:password@` where they ask for it, `tls://…` over TLS. */
  readonly servers: string | readonly string[];
  /** Name of the JetStream stream, and in lower case the first part of all subjects. @default 'MICWIRE' */
  readonly name?: string;
  /**
   * Into how many parts the streams are divided: the most workers that share the work. Fixed when the JetStream stream is made.
   * @default 8
   */
  readonly partitions?: number;
  /** How many servers of a NATS cluster store each message. Counts when the JetStream stream is made. @default 1 */
  readonly replicas?: number;
  /** How long messages are kept, ms: workers may be away for so long. Counts when the JetStream stream is made. @default 86400000 */
  readonly keepMs?: number;
  /** Further options of the client `@nats-io/transport-node`, such as `tls` and `authenticator`. */
  readonly connection?: Readonly<Record<string, unknown>>;
}

/** {@link NatsOptions} that were checked. */
export interface NatsSettings extends Required<NatsOptions> {
  readonly servers: readonly string[];
}

/** Names of the options, for those who extend them. */
export const NATS_OPTION_NAMES = {
  servers: 1,
  name: 1,
  partitions: 1,
  replicas: 1,
  keepMs: 1,
  connection: 1,
} as const;

const NAME = /^[A-Za-z0-9_-]{1,32}$/;

/** @throws TypeError or RangeError */
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

/** The part that a stream belongs to (FNV-1a). */
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

/** Workers that share the partitions among them. Each group reads all audio, however far the other is. */
export type WorkGroup = 'record' | 'text';

/** The JetStream stream with the leases of a group. @internal */
export function leaseStream(name: string, group: WorkGroup): string {
  return group === 'record' ? `${name}-LEASES` : `${name}-LEASES-${group.toUpperCase()}`;
}

/** What the names of a partition's consumers begin with. @internal */
export function consumerPrefix(group: WorkGroup, partition: number): string {
  return group === 'record' ? `p${partition}-` : `${group}-p${partition}-`;
}

/** What the names of the consumers of its paused streams begin with. @internal */
export function pausedPrefix(group: WorkGroup, partition: number): string {
  return group === 'record' ? `paused-p${partition}-` : `${group}-paused-p${partition}-`;
}

/** Whether it can be the name of a stream: no other leads into a subject, or to a file. @internal */
export function isStreamName(id: string): boolean {
  return /^[\w-]{1,64}$/.test(id);
}
