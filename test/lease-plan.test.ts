import { describe, expect, it } from 'vitest';
import { LeasePlan, readLeaseTable } from '../src/node/nats/lease-plan.ts';
import type { LeaseTable } from '../src/node/nats/lease-plan.ts';
import { seededRandom } from './helpers/random.ts';

const LEASE_MS = 1000;
const RENEW_MS = LEASE_MS / 5;

/** A worker as it runs: its clock runs at a pace of its own. */
class Worker {
  readonly id: string;
  readonly plan: LeasePlan;
  readonly pace: number;
  /** Partitions that it reads: what it has asked of its plan at its last step. */
  stopped = new Set<number>();
  surplus: readonly number[] = [];
  nextMs: number;
  isAlive = true;
  /** Asleep until then, as a process that the system does not run. */
  asleepUntilMs = 0;
  /** What it has read and not yet written: a write is decided on it later. */
  writing: {
    readonly version: number;
    readonly table: LeaseTable;
    readonly askedMs: number;
    readonly atMs: number;
    readonly surplus: readonly number[];
    readonly stopped: ReadonlySet<number>;
  } | null = null;

  constructor(id: string, partitions: number, nowMs: number, pace: number) {
    this.id = id;
    this.plan = new LeasePlan(id, partitions, LEASE_MS);
    this.pace = pace;
    this.nextMs = nowMs;
  }

  held(nowMs: number): readonly number[] {
    return this.plan
      .held(nowMs * this.pace)
      .filter((p) => !this.surplus.includes(p) && !this.stopped.has(p));
  }
}

/** Runs workers against one table, with deaths, sleeps, lost answers and outages, and tells what went wrong. */
function simulate(seed: number): string | null {
  const random = seededRandom(seed);
  const partitions = 1 + Math.floor(random() * 12);
  let table: LeaseTable = { workers: {}, partitions: [] };
  let version = 0;
  let count = 0;
  const workers: Worker[] = [];
  const add = (nowMs: number): void => {
    workers.push(new Worker(`w${count++}`, partitions, nowMs, 0.97 + 0.06 * random()));
  };
  for (let i = 0; i < 1 + random() * 3; i++) add(0);
  let outageUntilMs = 0;
  // The last time that something could keep partitions without an owner.
  let troubleMs = 0;
  const endMs = 30_000;
  const calmMs = 20_000;
  for (let nowMs = 0; nowMs < endMs; nowMs += 5) {
    if (nowMs < calmMs && random() < 0.004) {
      const victim = workers[Math.floor(random() * workers.length)];
      const dice = random();
      if (dice < 0.3) add(nowMs);
      else if (dice < 0.4) outageUntilMs = nowMs + random() * 3000;
      else if (victim === undefined) add(nowMs);
      else if (dice < 0.7) victim.asleepUntilMs = nowMs + random() * 3000;
      else victim.isAlive = false;
      troubleMs = Math.max(nowMs, outageUntilMs, victim?.asleepUntilMs ?? 0);
    }
    for (const worker of workers) {
      if (!worker.isAlive || nowMs < worker.asleepUntilMs) continue;
      const ownMs = nowMs * worker.pace;
      const { writing } = worker;
      if (writing !== null && nowMs >= writing.atMs) {
        worker.writing = null;
        const isLost = nowMs < outageUntilMs;
        if (!isLost && writing.version === version) {
          table = writing.table;
          version++;
          // The answer may be lost on its way.
          if (random() > 0.05 || nowMs > calmMs) {
            worker.plan.written(writing.table, writing.askedMs);
            for (const p of writing.stopped) worker.stopped.delete(p);
            worker.surplus = writing.surplus;
            for (const p of writing.surplus) worker.stopped.add(p);
          }
          worker.nextMs = nowMs + RENEW_MS;
        } else worker.nextMs = nowMs + random() * 20;
      } else if (writing === null && nowMs >= worker.nextMs && nowMs >= outageUntilMs) {
        const stopped = new Set(worker.stopped);
        const { table: wanted, surplus } = worker.plan.next(table, ownMs, { stopped });
        worker.writing = {
          version,
          table: wanted,
          askedMs: ownMs,
          atMs: nowMs + random() * 15,
          surplus,
          stopped,
        };
      }
    }
    const owners = new Map<number, string>();
    for (const worker of workers) {
      if (!worker.isAlive) continue;
      for (const p of worker.held(nowMs)) {
        if (owners.has(p)) return `${p} has ${owners.get(p)} and ${worker.id} at ${nowMs} ms`;
        owners.set(p, worker.id);
      }
    }
    const isSettled = nowMs > troubleMs + 4 * LEASE_MS && workers.some(({ isAlive }) => isAlive);
    if (isSettled && owners.size < partitions) {
      return `${partitions - owners.size} of ${partitions} have no owner at ${nowMs} ms, ${nowMs - troubleMs} ms after the last trouble`;
    }
    if (isSettled) {
      const alive = workers.filter(({ isAlive }) => isAlive);
      const most = Math.ceil(partitions / alive.length);
      const tooMany = alive.find((worker) => worker.held(nowMs).length > most);
      if (tooMany !== undefined) return `${tooMany.id} has more than ${most} at ${nowMs} ms`;
    }
  }
  return null;
}

describe('LeasePlan', () => {
  it('never gives a partition to two workers, and gives each to one soon after any trouble', () => {
    const failures: string[] = [];
    for (let seed = 0; seed < 500; seed++) {
      const failure = simulate(seed);
      if (failure !== null) failures.push(`seed ${seed}: ${failure}`);
    }
    expect(failures).toEqual([]);
  });

  it('keeps the position up to which a partition was read, for any later owner', () => {
    const first = new LeasePlan('first', 2, LEASE_MS);
    let { table } = first.next({ workers: {}, partitions: [] }, 0);
    first.written(table, 0);
    ({ table } = first.next(table, 200, {
      consumers: new Map([[1, { consumer: 'c', start: 7 }]]),
    }));
    const second = new LeasePlan('second', 2, LEASE_MS);
    second.next(table, 300);
    for (let nowMs = 500; nowMs <= 1300; nowMs += 200) {
      ({ table } = second.next(table, nowMs));
    }
    expect(table.partitions).toEqual([
      { owner: 'second', consumer: null, start: 1 },
      { owner: 'second', consumer: 'c', start: 7 },
    ]);
    expect(second.held(1300)).toEqual([]);
    second.written(table, 1300);
    expect(second.held(1300)).toEqual([0, 1]);
    expect(second.leave(table)).toEqual({
      workers: {},
      partitions: [
        { owner: null, consumer: null, start: 1 },
        { owner: null, consumer: 'c', start: 7 },
      ],
    });
    expect(second.held(1300)).toEqual([]);
  });

  it('parses only valid tables', () => {
    const table = { workers: { a: 1 }, partitions: [{ owner: null, consumer: 'c', start: 1 }] };
    expect(readLeaseTable(JSON.stringify(table))).toEqual(table);
    for (const text of [
      '',
      '[]',
      'null',
      '{"workers":{},"partitions":[null]}',
      '{"workers":{"a":"b"},"partitions":[]}',
      '{"workers":{},"partitions":[{"owner":1,"consumer":null,"start":1}]}',
      '{"workers":{},"partitions":[{"owner":null,"consumer":null,"start":0}]}',
    ]) {
      expect(readLeaseTable(text)).toBeNull();
    }
  });
});
