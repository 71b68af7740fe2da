/** A process sleeps at any point while it completes a file, and another takes the recording over. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readRecording } from '../src/node/index.ts';
import { openAudioFile } from '../src/node/recording/audio-file.ts';
import type { WorkerFolder } from '../src/node/nats/worker-folder.ts';
import { PCM, bytesAt } from './helpers/stream-client.ts';

/** Holds up the system call with a certain number. */
const gate = vi.hoisted(() => {
  let left = Infinity;
  let wake: (() => void) | undefined;
  let fallAsleep: (() => void) | undefined;
  return {
    /** @returns settles when so many calls were made and the next one waits */
    sleepAfter(calls: number): Promise<void> {
      left = calls;
      return new Promise((resolve) => (fallAsleep = resolve));
    },
    wake(): void {
      left = Infinity;
      wake?.();
      wake = undefined;
    },
    async call(): Promise<void> {
      if (left-- > 0) return;
      left = Infinity;
      fallAsleep?.();
      await new Promise<void>((resolve) => (wake = resolve));
    },
  };
});

vi.mock('node:fs/promises', async (original) => {
  const real: Record<string, unknown> = await original();
  const held = <Args extends unknown[], Result>(
    call: (...args: Args) => Promise<Result>,
  ): ((...args: Args) => Promise<Result>) => {
    return async (...args) => {
      await gate.call();
      return call(...args);
    };
  };
  const open = real['open'] as (...args: never[]) => Promise<FileHandle>;
  const fs: Record<string, unknown> = {
    ...real,
    open: held(async (...args: never[]) => {
      const file = await open(...args);
      for (const name of ['write', 'truncate', 'datasync', 'close'] as const) {
        file[name] = held(file[name].bind(file) as never) as never;
      }
      return file;
    }),
  };
  for (const name of ['rename', 'rm', 'stat', 'writeFile', 'copyFile', 'readdir']) {
    fs[name] = held(real[name] as never);
  }
  return { ...fs, default: fs };
});

const OPUS = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
/** A packet of 20 ms (RFC 6716 §3.1: CELT, full band), another for each frame. */
const opusPacket = (frame: number) => Uint8Array.of(0xf8, frame >> 16, frame >> 8, frame, 7, 7, 7);
const AT_MS = 1_700_000_000_000;

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'micwire-takeover-'));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

/** The folder in a process of its own, as far as modules have state. */
async function processWith(sync: boolean): Promise<WorkerFolder> {
  vi.resetModules();
  const module = await import('../src/node/nats/worker-folder.ts');
  return new module.WorkerFolder(path, { sync, flushMs: 0 });
}

async function say(folder: WorkerFolder, kind: 'wav' | 'ogg', from: number, to: number) {
  const stored: Promise<unknown>[] = [];
  for (let i = from; i < to; i++) {
    const frames = kind === 'wav' ? 320 : 960;
    const frame = i * frames;
    const payload = kind === 'wav' ? bytesAt('talk', frame, frames) : opusPacket(frame);
    const format = kind === 'wav' ? PCM : OPUS;
    const packet = { ...format, sequence: 0, frame, frames, timestamp: 0, dropped: 0, payload };
    stored.push((await folder.take('talk', packet, AT_MS)).stored);
  }
  await Promise.all(stored);
}

/**
 * There is one file, it has each packet once, and nothing else is left.
 * @param isAsleep its first worker may still make files of other names
 */
async function expectFile(kind: 'wav' | 'ogg', packets: number, isAsleep = false): Promise<void> {
  const file = join(path, `talk.${kind}`);
  const names = readdirSync(path).filter((name) => !isAsleep || !name.endsWith('.tmp'));
  expect(names.toSorted()).toEqual([`talk.${kind}`, `talk.${kind}.json`]);
  const frames = packets * (kind === 'wav' ? 320 : 960);
  expect(await readRecording(file)).toMatchObject({ origin: 0, frames, gaps: [] });
  if (kind === 'wav') {
    const data = readFileSync(file);
    expect(data.readUInt32LE(data.indexOf('data') + 4)).toBe(2 * frames);
    expect(new Uint8Array(data.subarray(data.indexOf('data') + 8))).toEqual(
      bytesAt('talk', 0, frames),
    );
    return;
  }
  const audio = await openAudioFile(file);
  const found: Uint8Array[] = [];
  for await (const packet of audio.pieces()) found.push(new Uint8Array(packet));
  await audio.close();
  expect(found.slice(0, packets)).toEqual(
    Array.from({ length: packets }, (_, i) => opusPacket(i * 960)),
  );
  // Concealment for what libopus looks ahead.
  expect(found.length).toBeLessThanOrEqual(packets + 1);
}

describe.each(['wav', 'ogg'] as const)(
  'a %s file whose worker sleeps while completing it',
  (kind) => {
    it.each(['completes', 'continues', 'only completes'] as const)(
      'is whole when another worker %s it, at whichever step the first one slept',
      async (what) => {
        let points = 0;
        for (; ; points++) {
          const sleepy = await processWith(false);
          await say(sleepy, kind, 0, 10);
          const asleep = gate.sleepAfter(points);
          const ending = sleepy.end('talk').then(
            () => 'completed',
            (error: Error) => error.message,
          );
          const hasSlept = await Promise.race([asleep.then(() => true), ending.then(() => false)]);
          // What follows a complete file is a recording of its own.
          const isOpen = readdirSync(path).some((name) => name.includes('.part'));
          if (!hasSlept || !isOpen) {
            gate.wake();
            expect(await ending).toBe('completed');
            await expectFile(kind, 10);
            break;
          }
          const other = await processWith(false);
          // What the first one did not acknowledge comes again, and more follows.
          const total = what === 'only completes' ? 10 : 30;
          await say(other, kind, 5, what === 'continues' ? 20 : total);
          if (what !== 'continues') {
            await other.end('talk');
            await expectFile(kind, total, true);
          }
          gate.wake();
          expect(await ending).toMatch(/^completed$|was taken over|ENOENT/);
          if (what === 'continues') {
            await say(other, kind, 15, total);
            await other.end('talk');
          }
          await expectFile(kind, total);
          rmSync(path, { recursive: true, force: true });
          path = mkdtempSync(join(tmpdir(), 'micwire-takeover-'));
        }
        expect(points).toBeGreaterThan(8);
      },
      60_000,
    );
  },
);
