import { describe, expect, it } from 'vitest';
import { ReorderWindow } from '../src/node/reorder-window.ts';
import { seededRandom } from './helpers/random.ts';
import { PCMU } from './helpers/rtp-socket-rig.ts';

describe('ReorderWindow', () => {
  const packet = (sequence: number, redundant = false) =>
    ({
      ...PCMU,
      sequence,
      frame: sequence * 160,
      frames: 160,
      timestamp: 0,
      dropped: 0,
      payload: new Uint8Array(160),
      ...(redundant ? { redundant: true as const } : {}),
    }) as const;

  it('gives each packet in order: at once if none is missing, else when the time is over', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed);
      const windowMs = Math.floor(random() * 200);
      const window = new ReorderWindow(windowMs, 1e6);
      const arrivals = Array.from({ length: 120 }, (_, sequence) => ({
        sequence,
        atMs: sequence * 20 + random() * 150,
        isLost: random() < 0.1,
      }))
        .filter(({ isLost }) => !isLost)
        .sort((a, b) => a.atMs - b.atMs);
      const atMs = new Map(arrivals.map((one) => [one.sequence, one.atMs]));
      const given: number[] = [];
      const drain = (nowMs: number): void => {
        for (let one = window.next(nowMs); one !== null; one = window.next(nowMs)) {
          given.push(one.sequence);
          const waited = nowMs - atMs.get(one.sequence)!;
          expect(waited).toBeLessThanOrEqual(windowMs + 1e-6);
          const hasGap = given.length === 1 || given.at(-2) !== one.sequence - 1;
          // Something behind it was waiting for as long as it may.
          if (hasGap) expect(nowMs).toBeGreaterThanOrEqual(Math.min(...oldest()) + windowMs - 1e-6);
        }
      };
      let taken: number[] = [];
      const oldest = (): number[] => taken.filter((s) => !before.has(s)).map((s) => atMs.get(s)!);
      const before = new Set<number>();
      for (const arrival of arrivals) {
        for (let due = window.dueMs; due !== null && due <= arrival.atMs; due = window.dueMs) {
          given.forEach((s) => before.add(s));
          drain(due);
        }
        taken = [...taken, arrival.sequence];
        given.forEach((s) => before.add(s));
        window.take(packet(arrival.sequence), arrival.atMs);
        drain(arrival.atMs);
      }
      for (let one = window.flush(); one !== null; one = window.flush()) given.push(one.sequence);
      expect(given).toEqual([...given].sort((a, b) => a - b));
      const { late, lost, duplicates } = window.counts;
      expect(given.length + late).toBe(arrivals.length);
      expect(duplicates).toBe(0);
      expect(given.length + lost).toBe(given.at(-1)! - given[0]! + 1);
      expect(window.dueMs).toBeNull();
      expect(window.waitingFrames).toBe(0);
    }
  });

  it('does not count a copy as a duplicate, nor a packet after its copy as lost', () => {
    const window = new ReorderWindow(100, 1e6);
    window.take(packet(0), 0);
    expect(window.next(100)?.sequence).toBe(0);
    expect(window.take(packet(1, true), 110)).toBe(true);
    expect(window.take(packet(0, true), 110)).toBe(false);
    expect(window.counts).toMatchObject({ recovered: 1, duplicates: 0 });
    window.take(packet(1), 111);
    expect(window.counts).toMatchObject({ recovered: 0, duplicates: 0 });
    expect(window.next(111)?.redundant).toBeUndefined();
    window.take(packet(1), 112);
    expect(window.counts).toMatchObject({ recovered: 0, duplicates: 1, lost: 0 });
  });

  it('is bounded', () => {
    const window = new ReorderWindow(1e9, 160 * 10);
    const given: number[] = [];
    for (let sequence = 0; sequence < 1000; sequence++) {
      window.take(packet(2 * sequence), sequence);
      for (let one = window.next(sequence); one !== null; one = window.next(sequence)) {
        given.push(one.sequence);
      }
      expect(window.waitingFrames).toBeLessThanOrEqual(160 * 10);
    }
    expect(given.length).toBe(990);
  });
});
