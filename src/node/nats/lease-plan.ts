/** Records which worker has which partition: a single document, which a worker replaces as a whole after reading the previous one. */
export interface LeaseTable {
  /** Workers, and how often each has written. A worker whose number no longer changes is dead. */
  readonly workers: Readonly<Record<string, number>>;
  readonly partitions: readonly PartitionLease[];
}

/** A partition in a {@link LeaseTable}. */
interface PartitionLease {
  readonly owner: string | null;
  /** The consumer that knows how far the partition was read; null if reading has not begun. */
  readonly consumer: string | null;
  /** Where that consumer began, in case it no longer exists. */
  readonly start: number;
}

/** How much earlier than others a worker considers its own lease expired, as a fraction of the lease: clocks may run differently. */
const MARGIN = 0.1;

/**
 * Decides which partitions a worker takes, keeps and releases. Reads no clock and sends nothing: it receives tables and times, and
 * returns the table to write. At most one worker holds a partition at a time: a worker takes over the partitions of another that has
 * not written for `leaseMs`, which by then knows that its lease has expired.
 */
export class LeasePlan {
  readonly #id: string;
  readonly #partitions: number;
  readonly #leaseMs: number;
  /** Since when each worker's number has been unchanged, as far as was observed. */
  readonly #seen = new Map<string, { readonly beat: number; readonly sinceMs: number }>();
  #lookedMs = -Infinity;
  #beat = 0;
  #heldUntilMs = -Infinity;
  #held: readonly number[] = [];

  constructor(id: string, partitions: number, leaseMs: number) {
    this.#id = id;
    this.#partitions = partitions;
    this.#leaseMs = leaseMs;
  }

  /** Returns the partitions that this worker may read at this time. */
  held(nowMs: number): readonly number[] {
    return nowMs < this.#heldUntilMs ? this.#held : [];
  }

  /**
   * Returns the table to write after `found` was read, and the partitions that exceed this worker's share.
   * @param stopped partitions that this worker has stopped reading, to release them
   * @param consumers consumers of the partitions that it has started reading
   */
  next(
    found: LeaseTable,
    nowMs: number,
    {
      stopped = new Set(),
      consumers = new Map(),
    }: {
      readonly stopped?: ReadonlySet<number>;
      readonly consumers?: ReadonlyMap<
        number,
        { readonly consumer: string; readonly start: number }
      >;
    } = {},
  ): { readonly table: LeaseTable; readonly surplus: readonly number[] } {
    const alive = this.#look(found, nowMs);
    alive.add(this.#id);
    const workers: Record<string, number> = {};
    for (const id of alive) workers[id] = found.workers[id] ?? 0;
    // Never reuses a number that others may have seen, even after they considered this worker dead and forgot it.
    workers[this.#id] = ++this.#beat;

    const most = Math.ceil(this.#partitions / alive.size);
    const partitions = Array.from({ length: this.#partitions }, (_, p): PartitionLease => {
      const { owner, consumer, start } = found.partitions[p] ?? {
        owner: null,
        consumer: null,
        start: 1,
      };
      const keeps = owner !== null && alive.has(owner) && !(owner === this.#id && stopped.has(p));
      const begun = owner === this.#id ? consumers.get(p) : undefined;
      return { owner: keeps ? owner : null, consumer, start, ...begun };
    });
    let mine = partitions.filter(({ owner }) => owner === this.#id).length;
    for (let p = 0; p < this.#partitions && mine < most; p++) {
      if (partitions[p]!.owner !== null || stopped.has(p)) continue;
      partitions[p] = { ...partitions[p]!, owner: this.#id };
      mine++;
    }
    const owned = partitions.flatMap(({ owner }, p) => (owner === this.#id ? [p] : []));
    return { table: { workers, partitions }, surplus: owned.slice(most) };
  }

  /** Registers that a table from `next` was written. @param askedMs when `next` was called: others start counting later */
  written({ partitions }: LeaseTable, askedMs: number): void {
    this.#held = partitions.flatMap(({ owner }, p) => (owner === this.#id ? [p] : []));
    this.#heldUntilMs = askedMs + this.#leaseMs * (1 - MARGIN);
  }

  /** Returns the table to write before this worker ends. */
  leave(found: LeaseTable): LeaseTable {
    this.#heldUntilMs = -Infinity;
    const { [this.#id]: _, ...workers } = found.workers;
    const partitions = found.partitions.map((lease) =>
      lease.owner === this.#id ? { ...lease, owner: null } : lease,
    );
    return { workers, partitions };
  }

  #look({ workers }: LeaseTable, nowMs: number): Set<string> {
    // A worker that has not looked for long cannot know whether the others were able to write: NATS may have been unavailable.
    const isBack = nowMs - this.#lookedMs > this.#leaseMs / 2;
    this.#lookedMs = nowMs;
    const alive = new Set<string>();
    for (const [id, beat] of Object.entries(workers)) {
      const seen = this.#seen.get(id);
      if (isBack || seen?.beat !== beat) this.#seen.set(id, { beat, sinceMs: nowMs });
      if (nowMs - this.#seen.get(id)!.sinceMs < this.#leaseMs) alive.add(id);
    }
    for (const id of this.#seen.keys()) if (!(id in workers)) this.#seen.delete(id);
    return alive;
  }
}

/** Reads a table from text that anybody may have written; null if it is something else. */
export function readLeaseTable(text: string): LeaseTable | null {
  try {
    const { workers, partitions } = JSON.parse(text) as LeaseTable;
    const isTable =
      typeof workers === 'object' &&
      workers !== null &&
      Object.values(workers).every((beat) => Number.isSafeInteger(beat)) &&
      Array.isArray(partitions) &&
      partitions.every(
        (lease: Partial<PartitionLease> | null) =>
          lease !== null &&
          (lease.owner === null || typeof lease.owner === 'string') &&
          (lease.consumer === null || typeof lease.consumer === 'string') &&
          Number.isSafeInteger(lease.start) &&
          lease.start! >= 1,
      );
    return isTable ? { workers, partitions } : null;
  } catch {
    return null;
  }
}
