import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import { WorkerFolder } from '../src/node/nats/worker-folder.ts';
import { readRecording } from '../src/node/index.ts';
import { seededRandom } from './helpers/random.ts';
import { PCM, bytesAt } from './helpers/stream-client.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const AT_MS = 1_700_000_000_000;

function folderFor(): WorkerFolder {
  const path = mkdtempSync(join(tmpdir(), 'micwire-worker-'));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return another(path);
}

function another(path: string): WorkerFolder {
  const folder = new WorkerFolder(path, { sync: false, flushMs: 20 });
  cleanups.push(() => folder.suspend());
  return folder;
}

const packet = (frame: number, frames: number, format: Partial<typeof PCM> = {}) => ({
  ...PCM,
  ...format,
  sequence: 0,
  frame,
  frames,
  timestamp: 0,
  dropped: 0,
  payload: bytesAt('talk', frame, frames),
});

function dataOf(path: string): Uint8Array {
  const file = readFileSync(path);
  return new Uint8Array(file.subarray(file.indexOf('data') + 8));
}

describe('the folder of a worker', () => {
  it('reports a packet as stored only when it is written', async () => {
    const folder = folderFor();
    const order: string[] = [];
    const first = await folder.take('talk', packet(0, 320), AT_MS);
    const again = await folder.take('talk', packet(0, 320), AT_MS);
    const told = [
      first.stored.then((what) => order.push(`first ${what}`)),
      again.stored.then((what) => order.push(`again ${what}`)),
    ];
    await Promise.resolve();
    expect(order).toEqual([]);
    await Promise.all(told);
    expect(order).toEqual(['first stored', 'again there']);
    expect(folder.repeated).toBe(1);
  });

  it('has each frame once when others continue and packets are repeated', async () => {
    const random = seededRandom(4);
    let folder = folderFor();
    const { path } = folder;
    for (let i = 0; i < 200; i++) {
      for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
        await folder.take('talk', packet(Math.max(0, i - n + 1) * 160, 160), AT_MS);
        await (
          await folder.take('talk', packet(i * 160, 160), AT_MS)
        ).stored;
      }
      if (random() < 0.1) {
        await folder.suspend();
        folder = another(path);
      }
    }
    const recording = await folder.end('talk');
    expect(recording).toMatchObject({ origin: 0, frames: 32_000, gaps: [] });
    expect(dataOf(join(path, 'talk.wav'))).toEqual(bytesAt('talk', 0, 32_000));
    // Late ones, here and elsewhere.
    for (const late of [folder, another(path)]) {
      expect(await (await late.take('talk', packet(160, 160), AT_MS)).stored).toBe('there');
      expect(await late.end('talk')).toBeNull();
    }
    expect(readdirSync(path).toSorted()).toEqual(['talk.wav', 'talk.wav.json']);
  }, 30_000);

  it('records audio after the end to a file of its own, which begins there', async () => {
    const folder = folderFor();
    await folder.take('talk', packet(0, 320), AT_MS);
    await folder.end('talk');
    await folder.take('talk', packet(480, 320), AT_MS);
    await folder.take('talk', packet(0, 320), AT_MS);
    const second = await folder.end('talk');
    expect(second).toMatchObject({
      path: join(folder.path, 'talk~2.wav'),
      origin: 320,
      frames: 480,
      gaps: [{ frame: 320, frames: 160 }],
      startedAt: AT_MS - 30,
    });
    expect(await readRecording(join(folder.path, 'talk.wav'))).toMatchObject({
      origin: 0,
      frames: 320,
      startedAt: AT_MS - 20,
    });
  });

  it('refuses a packet of another stream, each time', async () => {
    const folder = folderFor();
    await (
      await folder.take('talk', packet(0, 320), AT_MS)
    ).stored;
    const other = { ...packet(320, 320), sampleRate: 8000 as never };
    await expect(folder.take('talk', other, AT_MS)).rejects.toThrow(PacketError);
    await folder.suspend();
    await expect(folder.take('talk', other, AT_MS)).rejects.toThrow(PacketError);
    await folder.take('talk', packet(320, 320), AT_MS);
    expect(await folder.end('talk')).toMatchObject({ frames: 640, gaps: [] });
  });

  it('does not touch foreign files, nor files damaged by a power cut', async () => {
    const folder = folderFor();
    writeFileSync(join(folder.path, 'talk.wav'), 'mine');
    writeFileSync(join(folder.path, 'talk~2.wav'), 'RIFF');
    writeFileSync(join(folder.path, 'talk~2.wav.part'), '');
    await folder.take('talk', packet(0, 320), AT_MS);
    expect(await folder.end('talk')).toMatchObject({
      path: join(folder.path, 'talk~3.wav'),
      frames: 320,
    });
    expect(readFileSync(join(folder.path, 'talk.wav'), 'utf8')).toBe('mine');
  });

  it('continues if a power cut has damaged a file that was being completed', async () => {
    const folder = folderFor();
    writeFileSync(join(folder.path, 'talk.wav'), '');
    writeFileSync(join(folder.path, 'talk.wav.part.closing'), '');
    await folder.take('talk', packet(0, 320), AT_MS);
    expect(await folder.end('talk')).toMatchObject({
      path: join(folder.path, 'talk~2.wav'),
      frames: 320,
    });
  });

  it('lists the streams without new packets', async () => {
    const folder = folderFor();
    await folder.take('open', packet(0, 320), AT_MS);
    await folder.take('left', packet(0, 320), AT_MS);
    await folder.suspend((id) => id === 'left');
    const isAny = (): boolean => true;
    expect(await folder.idle(60_000, isAny)).toEqual([]);
    expect((await folder.idle(-60_000, isAny)).toSorted()).toEqual(['left', 'open']);
    expect(await folder.idle(-60_000, (id) => id === 'left')).toEqual(['left']);
    expect(await folder.end('left')).toMatchObject({ frames: 320 });
  });
});
