import { performance } from 'node:perf_hooks';
import type { NatsLink } from './nats-connection.ts';
import { LeasePlan, readLeaseTable } from './lease-plan.ts';
import type { LeaseTable } from './lease-plan.ts';
import { leaseStream, subjects } from './nats-options.ts';
import type { NatsSettings, WorkGroup } from './nats-options.ts';

/** JetStream error: the subject's last message is another one, because another worker has written. */
const OTHER_SEQUENCE = 10_071;
const TRIES = 10;
const TIMEOUT_MS = 2000;
const NOBODY: LeaseTable = { workers: {}, partitions: [] };

/** The partitions that one worker holds, stored in a JetStream subject with a single message. */
export class NatsLeases {
  readonly #subject: string;
  readonly #stream: string;
  readonly #link: NatsLink;
  readonly #plan: LeasePlan;
  #table: LeaseTable = NOBODY;

  constructor(
    link: NatsLink,
    { name, partitions }: NatsSettings,
    group: WorkGroup,
    id: string,
    leaseMs: number,
  ) {
    this.#link = link;
    this.#subject = subjects.leases(name, group);
    this.#stream = leaseStream(name, group);
    this.#plan = new LeasePlan(id, partitions, leaseMs);
  }

  /** The last table that was read or written. */
  get table(): LeaseTable {
    return this.#table;
  }

  get held(): readonly number[] {
    return this.#plan.held(performance.now());
  }

  holds(partition: number): boolean {
    return this.held.includes(partition);
  }

  /**
   * Reports that this worker is alive, and takes its share of the partitions.
   * @returns the partitions that exceed its share
   * @throws when NATS does not answer
   */
  async renew(change: Parameters<LeasePlan['next']>[2]): Promise<readonly number[]> {
    let surplus: readonly number[] = [];
    await this.#write((found) => {
      const askedMs = performance.now();
      const next = this.#plan.next(found, askedMs, change);
      ({ surplus } = next);
      return { table: next.table, done: () => this.#plan.written(next.table, askedMs) };
    });
    return surplus;
  }

  /** Releases all partitions. @throws when NATS does not answer: others then wait until the leases expire */
  async leave(): Promise<void> {
    await this.#write((found) => ({ table: this.#plan.leave(found), done() {} }));
  }

  async #write(
    change: (found: LeaseTable) => { readonly table: LeaseTable; readonly done: () => void },
  ): Promise<void> {
    const { manager, streams, jetstream } = this.#link;
    const subject = this.#subject;
    for (let i = 1; ; i++) {
      const last = await manager.streams.getMessage(this.#stream, {
        last_by_subj: subject,
      });
      const found = (last === null ? null : readLeaseTable(last.string())) ?? NOBODY;
      const { table, done } = change(found);
      try {
        await streams.publish(subject, JSON.stringify(table), {
          expect: { lastSubjectSequence: last?.seq ?? 0 },
          timeout: TIMEOUT_MS,
          retries: 0,
        });
        this.#table = table;
        done();
        return;
      } catch (error) {
        const isOther =
          error instanceof jetstream.JetStreamApiError && error.code === OTHER_SEQUENCE;
        if (!isOther || i === TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * i));
      }
    }
  }
}
