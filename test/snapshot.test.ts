import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { transformWithOxc } from 'vite';
import { expect, test } from 'vitest';
import { SnapshotReader, SnapshotWriter, allocateSnapshot } from '../src/core/snapshot.ts';

test('a reader sees nothing before the first snapshot, then the latest', () => {
  const memory = allocateSnapshot(3);
  const writer = new SnapshotWriter(memory);
  const reader = new SnapshotReader(memory);
  const target = Float64Array.of(7, 7, 7);
  expect(reader.read(target)).toBe(false);
  expect([...target]).toEqual([7, 7, 7]);
  writer.publish(Float64Array.of(1, -Infinity, 3));
  writer.publish(Float64Array.of(4, -Infinity, 6));
  expect(reader.read(target)).toBe(true);
  expect([...target]).toEqual([4, -Infinity, 6]);
});

test('the sequence number may overflow', () => {
  const memory = allocateSnapshot(1);
  new Int32Array(memory)[0] = 0x7ffffffe;
  const writer = new SnapshotWriter(memory);
  const reader = new SnapshotReader(memory);
  const target = new Float64Array(1);
  for (let i = 1; i <= 3; i++) {
    writer.publish(Float64Array.of(i));
    expect(reader.read(target)).toBe(true);
    expect(target[0]).toBe(i);
  }
});

test('a snapshot that is being written is never read, torn or not', () => {
  const memory = allocateSnapshot(1);
  new SnapshotWriter(memory).publish(Float64Array.of(5));
  new Int32Array(memory)[0]!++;
  const target = Float64Array.of(-1);
  expect(new SnapshotReader(memory).read(target)).toBe(false);
  expect(target[0]).toBe(-1);
});

test('values read while another thread writes are never torn', { timeout: 20_000 }, async () => {
  const count = 100;
  const memory = allocateSnapshot(count);
  const path = fileURLToPath(new URL('../src/core/snapshot.ts', import.meta.url));
  const { code } = await transformWithOxc(readFileSync(path, 'utf8'), path, { sourcemap: false });
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(
    `${code.replaceAll('export ', '')}
     const { parentPort, workerData } = require('node:worker_threads');
     const writer = new SnapshotWriter(workerData.memory);
     const values = new Float64Array(${count});
     let n = 0;
     while (Atomics.load(workerData.stop, 0) === 0) writer.publish(values.fill(++n));
     parentPort.postMessage(n);`,
    { eval: true, workerData: { memory, stop } },
  );
  const failed = new Promise<never>((_, reject) => worker.once('error', reject));
  const ended = new Promise<number>((resolve) => worker.once('message', resolve));
  const reader = new SnapshotReader(memory);
  const target = new Float64Array(count);
  let latest = 0;
  let changes = 0;
  // However the machine shares out its time: until enough readings were made while it wrote.
  while (changes < 200) {
    for (let i = 0; i < 1000; i++) {
      if (!reader.read(target)) continue;
      const first = target[0]!;
      for (const value of target) if (value !== first) throw new Error(`torn: ${first}, ${value}`);
      expect(first).toBeGreaterThanOrEqual(latest);
      if (first !== latest) changes++;
      latest = first;
    }
    await Promise.race([failed, new Promise((resolve) => setImmediate(resolve))]);
  }
  Atomics.store(stop, 0, 1);
  const last = await ended;
  reader.read(target);
  expect(target[0]).toBe(last);
  await worker.terminate();
});
